"""The child processes of a pool, and programs that misbehave in their place."""

from __future__ import annotations

import psutil

from dreambooth_widget.images import child
from dreambooth_widget.images.pool import WorkerPool


def processes(pool: WorkerPool) -> list[psutil.Process]:
    """Return the running children of a pool."""
    return [psutil.Process(each.process.pid) for each in list(pool._children) if psutil.pid_exists(each.process.pid)]


def in_worker(code: str, *, when: str = "inspect") -> str:
    """Return a child's program that runs `code` in place of one of the worker's functions."""
    body = "\n    ".join(code.splitlines())
    patch = f"from dreambooth_widget.images import worker\ndef replaced(*args, **named):\n    {body}\n"
    return child._PROGRAM.replace(
        "from dreambooth_widget.images.worker import main\nmain()", f"{patch}worker.{when} = replaced\nworker.main()"
    )
