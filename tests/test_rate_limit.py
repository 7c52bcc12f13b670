"""The rate limiter in front of the endpoint."""

from __future__ import annotations

import pytest

from dreambooth_widget.rate_limit import RateLimiter


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that the limiter asked for, none of them slept."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))

    monkeypatch.setattr("dreambooth_widget.rate_limit.asyncio.sleep", sleep)
    return waits


async def test_a_burst_passes_and_then_the_rate_holds(slept: list[float]) -> None:
    """Ten at once, then one every 0.2 s, in order."""
    limiter = RateLimiter(5, 10, clock=Clock())
    for _ in range(13):
        await limiter.turn()
    assert slept == [0.2, 0.4, 0.6]
    assert limiter.backlog == pytest.approx(0.8)


async def test_an_idle_limiter_gathers_its_burst_again(slept: list[float]) -> None:
    """After two quiet seconds ten requests pass at once again, and not more."""
    clock = Clock()
    limiter = RateLimiter(5, 10, clock=clock)
    for _ in range(10):
        await limiter.turn()
    clock.now += 100
    for _ in range(11):
        await limiter.turn()
    assert slept == [0.2]


async def test_a_refusal_halves_the_rate_and_answers_bring_it_back(slept: list[float]) -> None:
    """Halved on "too fast", back to the configured rate after some good answers, never above it."""
    limiter = RateLimiter(5, 1, clock=Clock())
    limiter.refused()
    assert limiter.rate == 2.5
    for _ in range(20):
        limiter.accepted()
    assert limiter.rate == 5


def test_the_rate_never_falls_to_nothing() -> None:
    """However often the service refuses, polling goes on."""
    limiter = RateLimiter(5, 1, clock=Clock())
    for _ in range(100):
        limiter.refused()
    assert limiter.rate >= 0.1


@pytest.mark.parametrize(("rate", "burst", "name"), [(0, 1, "rate"), (-1, 1, "rate"), (5, 0, "burst")])
def test_impossible_limits_are_refused(rate: float, burst: int, name: str) -> None:
    """The error names the argument."""
    with pytest.raises(ValueError, match=name):
        RateLimiter(rate, burst, clock=Clock())
