"""The benchmark of a large gallery runs, by itself, and its targets hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "benchmarks" / "gallery.py"


@pytest.mark.slow
@pytest.mark.browser
def test_targets() -> None:
    """Every target is met, with every tile drawn before the scrolling."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--json"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["tiles"] == 500
