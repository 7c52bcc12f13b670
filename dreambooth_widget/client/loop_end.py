"""What is open on an event loop is closed before the loop is, by `asyncio.run` itself.

No code calls `close()` on a widget or a client that is left open. `asyncio.run` ends every asynchronous
generator of its loop while the loop still runs, so one of them stands for each set of connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Protocol
from weakref import ref

__all__ = ["close_at_loop_end"]


class _Closes(Protocol):
    def close(self) -> Coroutine[Any, Any, None]: ...


async def close_at_loop_end(owner: _Closes) -> AsyncGenerator[None, None]:
    """Await `owner.close()` when the running loop ends. `owner` is held weakly and keeps what this returns."""
    ending = _wait(ref(owner))
    await anext(ending)  # from here on the loop ends it
    return ending


async def _wait(owner: ref[_Closes]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        held = owner()
        if held is not None:
            await held.close()
            # A closed connection releases its socket in a later step of the loop.
            for _ in range(3):
                await asyncio.sleep(0)
