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
    """Every target is met, but for that in milliseconds, which depends on what else this machine does."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--rounds", "15", "--json"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=170,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["tiles"] == 500
    met = {target["target"]: target["met"] for target in found["targets"]}
    assert len(met) == 4
    assert all(met[target] for target in met if " ms: " not in target), met
