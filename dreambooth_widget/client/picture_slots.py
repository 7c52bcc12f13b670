"""How many pictures are loaded at once, shared fairly between requests: slow pictures of some starve no other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["PictureSlots"]

_KEPT_FREE = 2
"""Slots that one request leaves to the others."""

PATIENCE = 5.0
"""Seconds within which a slot becomes free, unless all of them are held by pictures that are slow."""


class PictureSlots:
    """The slots of one client: as many pictures are in memory between wire and disk. Belongs to the running loop.

    A free slot goes to the request that holds the fewest, and no request holds all of them. If none becomes free for
    `PATIENCE` seconds, there is one more, for requests that hold none; it lasts until no picture waits any more.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._extra = 0
        self._held: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def hold(self, request_id: str) -> AsyncIterator[None]:
        """Hold a slot for one picture of a request."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((request_id, granted))
        self._grant()
        try:
            await granted
            yield
        finally:
            if granted.done() and not granted.cancelled():
                self._held[request_id] -= 1
            self._grant()

    def _grant(self) -> None:
        """Grant what is free, and set the alarm for the others."""
        self._waiting = [entry for entry in self._waiting if not entry[1].done()]  # else cancelled
        self._held += Counter()  # only what is more than 0 stays
        found = False
        while self._waiting and self._held.total() < self._limit + self._extra:
            request_id, granted = entry = min(self._waiting, key=self._held_by)  # of several, the first
            if self._held[request_id] >= self._most():
                break
            self._waiting.remove(entry)
            self._held[request_id] += 1
            granted.set_result(None)
            found = True
        if not self._waiting:
            self._extra = 0
        if self._alarm is not None and (found or not self._waiting):
            self._alarm.cancel()
            self._alarm = None
        if self._waiting and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(PATIENCE, self._add_slot)

    def _most(self) -> int:
        """Return how many slots one request may hold at most, were it given another one now."""
        return max(1, self._limit - _KEPT_FREE) if self._held.total() < self._limit else 1

    def _held_by(self, entry: tuple[str, asyncio.Future[None]]) -> int:
        return self._held[entry[0]]

    def _add_slot(self) -> None:
        self._alarm = None
        if min(map(self._held_by, self._waiting), default=1) == 0:
            self._extra += 1
        self._grant()
