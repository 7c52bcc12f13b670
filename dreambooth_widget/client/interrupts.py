"""Waits that an interrupt of the kernel ends within half a second.

On ipykernel 7 an interrupt of a cell that awaits reaches the event loop only when something else wakes it: 31 s late
while a job waited 30 s. So while anything is awaited here, a timer wakes the loop a few times per second.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

__all__ = ["wait_for_event"]

_SECONDS = 0.2
_OTHER_LOOP = "This is awaited on another event loop already: await it there. In a thread use `fetch_sync`."


class _Ticker:
    """Wakes one loop as long as anything waits; one timer for any number of waits."""

    def __init__(self) -> None:
        self.waits = 0
        self._timer: asyncio.TimerHandle | None = None

    def tick(self) -> None:
        """Start the next interval, or stop when nothing waits any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_SECONDS, self.tick) if self.waits else None


_TICKERS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Ticker] = WeakKeyDictionary()


async def wait_for_event(event: asyncio.Event) -> None:
    """Wait for `event`, and wake the loop meanwhile so that an interrupt ends this wait.

    Raises:
        RuntimeError: It is awaited on another event loop.
    """
    if event.is_set():
        return
    ticker = _TICKERS.setdefault(asyncio.get_running_loop(), _Ticker())
    ticker.waits += 1
    if ticker.waits == 1:
        ticker.tick()
    try:
        await event.wait()
    except RuntimeError:  # asyncio's words name its own lock alone
        raise RuntimeError(_OTHER_LOOP) from None
    finally:
        ticker.waits -= 1
        if not ticker.waits:
            ticker.tick()
