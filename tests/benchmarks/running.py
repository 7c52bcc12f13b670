"""Runs a benchmark as a command, for the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def found(name: str, *arguments: str) -> Any:
    """What the benchmark prints as JSON. That it missed a target is no error yet."""
    command = [sys.executable, str(HERE / f"{name}.py"), "--json", *arguments]
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def best_of(tries: int, name: str, *arguments: str, good: Callable[[Any], bool]) -> Any:
    """The first result that is good, or the last one: a busy machine spoils some runs, and slow code all of them."""
    for _ in range(tries):
        result = found(name, *arguments)
        if good(result):
            break
    return result
