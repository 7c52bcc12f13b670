"""How many pictures are loaded at once, shared fairly between requests: slow pictures of a few starve no other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["PictureSlots"]


class PictureSlots:
    """The slots of one client. They bound the pictures that are in memory before they are stored.

    A free slot goes to the request that holds the fewest. If none is free, a request that holds none gets one more, as
    long as fewer than `limit` requests hold any: so there are at most `2 * limit - 1`. Belongs to the running loop.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

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
        self._waiting = [entry for entry in self._waiting if not entry[1].done()]  # else cancelled
        self._held += Counter()  # only what is more than 0 stays
        while self._waiting:
            request_id, granted = entry = min(self._waiting, key=self._held_by)  # of several, the first
            extra = not self._held[request_id] and len(self._held) < self._limit
            if self._held.total() >= self._limit and not extra:
                break
            self._waiting.remove(entry)
            self._held[request_id] += 1
            granted.set_result(None)

    def _held_by(self, entry: tuple[str, asyncio.Future[None]]) -> int:
        return self._held[entry[0]]
