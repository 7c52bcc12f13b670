"""The token bucket in front of the endpoint."""

from __future__ import annotations

import pytest

from dreambooth_widget.client.rate_limit import RateLimiter, check_limits


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def drain(limiter: RateLimiter, clock: Clock, count: int) -> list[float]:
    """Take so many tokens, each as soon as it is free; the waits for them."""
    waits = []
    for _ in range(count):
        waits.append(limiter.wait())
        clock.now += waits[-1]
        limiter.take()
    return waits


def test_rate_holds_after_burst() -> None:
    """Ten at once, then one every 0.2 s."""
    clock = Clock()
    limiter = RateLimiter(5, 10, clock=clock)
    assert drain(limiter, clock, 13) == pytest.approx([0.0] * 10 + [0.2] * 3)
    assert limiter.wait(ahead=3) == pytest.approx(0.8)


def test_idle_bucket_fills_again() -> None:
    """After some quiet seconds ten requests pass at once again, and not more."""
    clock = Clock()
    limiter = RateLimiter(5, 10, clock=clock)
    drain(limiter, clock, 10)
    clock.now += 100
    assert drain(limiter, clock, 11) == pytest.approx([0.0] * 10 + [0.2])


def test_unused_token_is_put_back() -> None:
    """The next request has it."""
    limiter = RateLimiter(5, 1, clock=Clock())
    limiter.take()
    limiter.put_back()
    assert limiter.wait() == 0


def test_refusal_halves_the_rate() -> None:
    """And gives no new burst: what is used up stays used up."""
    clock = Clock()
    limiter = RateLimiter(5, 10, clock=clock)
    drain(limiter, clock, 10)
    limiter.refused(clock.now)
    assert limiter.rate == 2.5
    assert drain(limiter, clock, 3) == pytest.approx([0.4] * 3)


def test_one_burst_is_one_event() -> None:
    """Calls in flight when the rate was halved, or sent within the same second, do not halve it again."""
    clock = Clock()
    limiter = RateLimiter(5, 10, clock=clock)
    sent_at = [clock.now + number / 20 for number in range(10)]
    clock.now += 0.5
    for time in sent_at:
        limiter.refused(time)
    limiter.refused(clock.now + 0.4)
    assert limiter.rate == 2.5
    clock.now += 2
    limiter.refused(clock.now)
    assert limiter.rate == 1.25


def test_recovery_takes_seconds() -> None:
    """Back to the full rate in 3 s after one halving, and in less than half a minute from the slowest rate."""
    clock = Clock()
    limiter = RateLimiter(5, 1, clock=clock)
    for halvings, seconds in ((1, 3.0), (100, 30.0)):
        for _ in range(halvings):
            clock.now += 10
            limiter.refused(clock.now)
        began = clock.now
        while limiter.rate < 5:
            drain(limiter, clock, 1)
            limiter.accepted()
        assert clock.now - began < seconds


def test_full_bucket_stays_full() -> None:
    """A change of the rate takes nothing from a client that has not polled for long."""
    clock = Clock()
    limiter = RateLimiter(5, 10, clock=clock)
    drain(limiter, clock, 1)
    clock.now += 100
    limiter.refused(clock.now)
    limiter.accepted()
    assert drain(limiter, clock, 10) == [0.0] * 10


@pytest.mark.parametrize(("rate", "slowest"), [(5, 0.1), (0.05, 0.05)])
def test_rate_never_falls_to_nothing(rate: float, slowest: float) -> None:
    """However often the service refuses, polling goes on; and a refusal never raises the rate."""
    clock = Clock()
    limiter = RateLimiter(rate, 1, clock=clock)
    for _ in range(100):
        clock.now += 10
        limiter.refused(clock.now)
    assert limiter.rate == slowest


@pytest.mark.parametrize(("rate", "burst", "name"), [(0, 1, "rate"), (-1, 1, "rate"), (5, 0, "burst")])
def test_impossible_limits_are_refused(rate: float, burst: int, name: str) -> None:
    """The error names the argument."""
    with pytest.raises(ValueError, match=name):
        check_limits(rate, burst)
