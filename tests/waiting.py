"""Waiting for what becomes true without an event that says so."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

__all__ = ["until", "until_gone"]


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is true, a minute at most."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def until_gone(is_gone: Callable[[], object]) -> None:
    """The same after collecting garbage: the last step of a job may hold its pictures a little longer."""

    def collected() -> object:
        gc.collect()
        return is_gone()

    await until(collected)
