"""Two threads for work that would block the loop: reading, writing and checking files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

__all__ = ["in_picture_thread"]

P = ParamSpec("P")
T = TypeVar("T")


@cache
def _executor(_process: int) -> ThreadPoolExecutor:
    """Return the threads of this process: a forked child has none of its parent's, and would wait for them for ever."""
    return ThreadPoolExecutor(2, thread_name_prefix="dreambooth-files")


async def in_picture_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what blocks off the loop. Not in the loop's own threads: there, one that waits for DNS would hold it up."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_executor(os.getpid()), partial(work, *args, **kwargs))
