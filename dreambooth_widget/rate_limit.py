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

    It is the generic cell rate algorithm: one number, the time at which the bucket is full again.
    """

    def __init__(self, rate: float, burst: int, *, clock: Callable[[], float]) -> None:
        check_limits(rate, burst)
        self.rate = rate
        self._full_rate = rate
        self._burst = burst
        self._clock = clock
        self._full_at = clock()

    @property
    def backlog(self) -> float:
        """Seconds that a request asking now would wait for its turn."""
        return max(0.0, round(self._full_at - (self._burst - 1) / self.rate - self._clock(), 6))

    async def turn(self) -> None:
        """Wait for the caller's turn. A cancelled wait has used up its turn: the next ones are not early."""
        wait = self.backlog
        self._full_at = max(self._clock(), self._full_at) + 1 / self.rate
        if wait > 0:
            await asyncio.sleep(wait)

    def refused(self) -> None:
        """The service said "too fast": half the rate from here on."""
        self.rate = max(_SLOWEST, self.rate / 2)

    def accepted(self) -> None:
        """The service answered: back towards the configured rate, slowly."""
        self.rate = min(self._full_rate, self.rate * _RECOVERY)
