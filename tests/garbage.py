"""Objects that have gone, at some point: the last step of a job, in a thread, may hold its pictures a little longer."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

__all__ = ["until_gone"]


async def until_gone(is_gone: Callable[[], object]) -> None:
    """Collect garbage until something is true, half a minute at most."""
    end = time.monotonic() + 30
    gc.collect()
    while not is_gone():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
        gc.collect()
