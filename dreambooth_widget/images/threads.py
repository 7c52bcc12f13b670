"""Threads for what blocks, and what a forked child of the kernel must not go on with: threads, pipes, folders."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, Protocol, TypeVar
from weakref import WeakSet

__all__ = ["forget_in_child", "in_picture_thread"]

P = ParamSpec("P")
T = TypeVar("T")


class _Forgetful(Protocol):
    def forget(self) -> None:
        """Let go, in a forked child, of what belongs to the parent, and disturb nothing of it."""


class _Threads:
    """At most two: the kernel's loop needs a share of the processors."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Make new threads: a forked child has none of its parent's, and would wait for them for ever."""
        self.executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="dreambooth-files")


_OWNERS: WeakSet[_Forgetful] = WeakSet()
_THREADS = _Threads()


def forget_in_child(owner: _Forgetful) -> None:
    """Call `owner.forget()` in each child process that is forked from this one."""
    _OWNERS.add(owner)


def _forget() -> None:
    for owner in tuple(_OWNERS):
        owner.forget()


forget_in_child(_THREADS)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


async def in_picture_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what blocks off the loop, at most two at a time in this process."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS.executor, lambda: work(*args, **kwargs))
