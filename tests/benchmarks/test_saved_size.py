"""The benchmark of what pictures cost in a notebook runs, by itself, and its targets hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("saved_size.py")


@pytest.mark.slow
def test_targets() -> None:
    """Every target is met, and ours costs a fraction of the pictures themselves."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--size", "512", "--json"],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["way"]: row["outputs"] + row["state"] for row in json.loads(done.stdout)["rows"]}
    assert rows["DreamboothWidget(save_copy=False)"] < rows["DreamboothWidget"] < rows["display(PIL image)"] / 4
