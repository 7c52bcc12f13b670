"""What a forked child must not share with its parent: connections, pipes, locks, threads and folders.

`multiprocessing` forks by default on Linux (up to Python 3.13), and `os.fork` always copies what lies in memory. The
child has none of the parent's threads, and must close none of its sockets and end none of its processes.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

__all__ = ["disown_after_fork"]


class _Disowns(Protocol):
    def disown(self) -> None: ...


_OWNERS: WeakSet[_Disowns] = WeakSet()


def disown_after_fork(owner: _Disowns) -> None:
    """Call `owner.disown()` in each forked child. `owner` is held weakly."""
    _OWNERS.add(owner)


def _disown_all() -> None:
    for owner in tuple(_OWNERS):
        owner.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
