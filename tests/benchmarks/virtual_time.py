"""An event loop on which nothing waits: when all tasks sleep, its clock jumps to when the next one wakes."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

T = TypeVar("T")

EPOCH = 1_700_000_000.0
"""Unix seconds at which each run begins."""


class _Jumping(selectors.DefaultSelector):
    """Takes the time-outs of the loop for time that has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; otherwise it is later."""
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("every task waits for something that never comes")
            self.now += max(0.0, timeout)
        return events


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


async def _call_here(function: Callable[..., T], *arguments: Any) -> T:
    """Take the place of `asyncio.to_thread`: virtual time would run on while a thread works."""
    return function(*arguments)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """`asyncio.run` in virtual time, for the package's own code too. Without threads and sockets."""
    loop = _Loop()
    clock = SimpleNamespace(time=lambda: EPOCH + loop.time())
    try:
        with patch("dreambooth_widget.client.job.time", clock), patch("asyncio.to_thread", _call_here):
            return loop.run_until_complete(work())
    finally:
        loop.close()
