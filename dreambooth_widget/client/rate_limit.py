"""How fast one client may poll: a token bucket that slows down when the service limits the rate."""

from __future__ import annotations

from collections.abc import Callable

from .arguments import check_number, check_range

__all__ = ["RateLimiter", "check_limits"]

_SLOWEST = 0.1
"""Requests per second below which a refusal no longer lowers the rate."""

_RECOVERY = 1 / 20
"""Each accepted request raises the rate by this fraction of the configured one: ten undo one halving."""

_BURST_SECONDS = 1.0
"""Refusals of calls that were sent less than this after the rate was halved belong to the same event."""


def check_limits(rate: float, burst: float) -> tuple[float, float]:
    """Return the arguments of a rate limiter as plain numbers.

    Raises:
        TypeError: A limit is not a number.
        ValueError: A limit would let nothing through; the message names it.
    """
    rate, burst = check_number("rate", rate), check_number("burst", burst)
    check_range(rate > 0, "rate", "more than 0 requests a second", rate)
    check_range(burst >= 1, "burst", "at least 1 request", burst)
    return rate, burst


class RateLimiter:
    """A token bucket of `burst` requests that refills at `rate` requests per second (see `check_limits`).

    The generic cell rate algorithm: its only state is the time at which the bucket is full again.
    """

    def __init__(self, rate: float, burst: float, *, clock: Callable[[], float]) -> None:
        self.rate = self._full_rate = rate
        self._burst = burst
        self._clock = clock
        self._full_at = clock()
        self._halved_at = float("-inf")

    def wait(self, ahead: int = 0) -> float:
        """Return the seconds until a token is free for a request that has `ahead` others before it."""
        return max(0.0, round(self._full_at + (ahead + 1 - self._burst) / self.rate - self._clock(), 6))

    def take(self) -> None:
        """Use one token."""
        self._full_at = max(self._clock(), self._full_at) + 1 / self.rate

    def put_back(self) -> None:
        """Return a token that was not used."""
        self._full_at -= 1 / self.rate

    def refused(self, sent_at: float) -> None:
        """Halve the rate: the service answered "too many requests" to a call that was sent at `sent_at`.

        One burst of refusals is one event: calls that were in flight when the rate was halved do not halve it again.
        """
        if sent_at > self._halved_at + _BURST_SECONDS:
            self._halved_at = self._clock()
            self._change(max(min(_SLOWEST, self.rate), self.rate / 2))

    def accepted(self) -> None:
        """Raise the rate by one step towards the configured one."""
        self._change(min(self._full_rate, self.rate + self._full_rate * _RECOVERY))

    def _change(self, rate: float) -> None:
        """Set the rate. The number of tokens in the bucket stays."""
        now = self._clock()
        self._full_at = now + max(0.0, self._full_at - now) * self.rate / rate
        self.rate = rate
