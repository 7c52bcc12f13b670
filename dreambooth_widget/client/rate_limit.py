"""How fast one client may ask: a token bucket that slows down when the service says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["RateLimiter", "check_limits"]

_SLOWEST = 0.1
"""Requests a second below which a refusal no longer slows us down: one every ten seconds is polite enough."""

_RECOVERY = 1.05
"""Each accepted request raises the rate by this factor, up to the configured one (14 to undo one halving)."""


def check_limits(rate: float, burst: int) -> None:
    """`ValueError` names the limit that would let nothing through."""
    if rate <= 0:
        raise ValueError(f"rate must be more than 0 requests a second, not {rate!r}")
    if burst < 1:
        raise ValueError(f"burst must be at least 1 request, not {burst!r}")


class RateLimiter:
    """Lets `rate` requests a second through, after a first burst of `burst`, in the order they asked.

    It is the generic cell rate algorithm: one number, the time at which the bucket is full again. Who waits is told how
    long when it is his turn to wait, so a change of the rate counts for all who stand in line. Belongs to one loop.
    """

    def __init__(self, rate: float, burst: int, *, clock: Callable[[], float]) -> None:
        check_limits(rate, burst)
        self.rate = rate
        self._full_rate = rate
        self._burst = burst
        self._clock = clock
        self._full_at = clock()
        self._line = asyncio.Lock()  # first come, first served
        self._waiting = 0

    @property
    def backlog(self) -> float:
        """Seconds that a request asking now would wait for its turn."""
        return self._wait(self._waiting)

    async def acquire(self) -> None:
        """Wait for the caller's turn. A cancelled wait gives its place to the next one."""
        self._waiting += 1
        try:
            async with self._line:
                if wait := self._wait(0):
                    await asyncio.sleep(wait)
                self._full_at = max(self._clock(), self._full_at) + 1 / self.rate
        finally:
            self._waiting -= 1

    def _wait(self, ahead: int) -> float:
        """Seconds until the turn of one who has `ahead` others before him."""
        return max(0.0, round(self._full_at + (ahead + 1 - self._burst) / self.rate - self._clock(), 6))

    def refused(self) -> None:
        """The service said "too fast": half the rate from here on."""
        self._change(max(_SLOWEST, self.rate / 2))

    def accepted(self) -> None:
        """The service answered: back towards the configured rate, slowly."""
        self._change(min(self._full_rate, self.rate * _RECOVERY))

    def _change(self, rate: float) -> None:
        """From now on so many a second. What is used up of the burst stays so: the bucket fills at the new rate."""
        now = self._clock()
        self._full_at = now + max(0.0, self._full_at - now) * self.rate / rate
        self.rate = rate
