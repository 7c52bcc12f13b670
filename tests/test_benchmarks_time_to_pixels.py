"""The benchmark of the time to visible pictures runs, by itself, and its targets hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "benchmarks" / "time_to_pixels.py"


@pytest.mark.slow
@pytest.mark.browser
def test_targets() -> None:
    """Every target is met, and far less crosses than the files themselves."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--json"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert 5_000_000 < result["bytes of the files"] < 6_500_000
    assert sum(result["bytes sent"].values()) < result["bytes of the files"] / 5
