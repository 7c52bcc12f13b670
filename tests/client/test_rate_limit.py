"""The rate limiter in front of the endpoint."""

from __future__ import annotations

import asyncio

import pytest

from dreambooth_widget.client.rate_limit import RateLimiter


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

    monkeypatch.setattr("dreambooth_widget.client.rate_limit.asyncio.sleep", sleep)
    return waits


async def test_a_burst_passes_and_then_the_rate_holds(slept: list[float]) -> None:
    """Ten at once, then one every 0.2 s, in order."""
    limiter = RateLimiter(5, 10, clock=Clock())
    for _ in range(13):
        await limiter.acquire()
    assert slept == [0.2, 0.4, 0.6]
    assert limiter.backlog == pytest.approx(0.8)


async def test_an_idle_limiter_gathers_its_burst_again(slept: list[float]) -> None:
    """After two quiet seconds ten requests pass at once again, and not more."""
    clock = Clock()
    limiter = RateLimiter(5, 10, clock=clock)
    for _ in range(10):
        await limiter.acquire()
    clock.now += 100
    for _ in range(11):
        await limiter.acquire()
    assert slept == [0.2]


async def test_a_refusal_halves_the_rate_and_answers_bring_it_back(slept: list[float]) -> None:
    """Halved on "too fast", back to the configured rate after some good answers, never above it."""
    limiter = RateLimiter(5, 1, clock=Clock())
    limiter.refused()
    assert limiter.rate == 2.5
    for _ in range(20):
        limiter.accepted()
    assert limiter.rate == 5


async def test_a_refusal_gives_no_new_burst(slept: list[float]) -> None:
    """After the burst is used up and the service says "too fast", the next ones wait twice as long, and not less."""
    limiter = RateLimiter(5, 10, clock=Clock())
    for _ in range(10):
        await limiter.acquire()
    limiter.refused()
    assert limiter.backlog == pytest.approx(0.4)
    for _ in range(3):
        await limiter.acquire()
    assert slept == [0.4, 0.8, 1.2]
    for _ in range(20):
        limiter.accepted()
    assert limiter.backlog == pytest.approx(0.8)  # four turns at the full rate again


async def test_an_idle_bucket_stays_full(slept: list[float]) -> None:
    """A change of the rate takes nothing from who has not asked for long."""
    clock = Clock()
    limiter = RateLimiter(5, 10, clock=clock)
    await limiter.acquire()
    clock.now += 100
    limiter.refused()
    limiter.accepted()
    for _ in range(10):
        await limiter.acquire()
    assert slept == []


class Line:
    """Those who wait for their turns, on a clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rate: float, burst: int = 1) -> None:
        self.clock = Clock()
        self.limiter = RateLimiter(rate, burst, clock=self.clock)
        self.passed: list[tuple[str, float]] = []
        self._alarms: list[tuple[float, asyncio.Event]] = []
        monkeypatch.setattr("dreambooth_widget.client.rate_limit.asyncio.sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        alarm = (self.clock.now + seconds, asyncio.Event())
        self._alarms.append(alarm)
        try:
            await alarm[1].wait()
        finally:
            self._alarms.remove(alarm)

    def join(self, name: str) -> asyncio.Task[None]:
        """Somebody asks for a turn."""

        async def wait() -> None:
            await self.limiter.acquire()
            self.passed.append((name, round(self.clock.now - 100, 3)))

        return asyncio.ensure_future(wait())

    async def settle(self) -> None:
        """Let everybody do what can be done now."""
        for _ in range(20):
            await real_sleep(0)

    async def pass_time(self, seconds: float) -> None:
        """Move the clock from alarm to alarm."""
        end = self.clock.now + seconds
        await self.settle()
        while (times := [time for time, _ in self._alarms]) and min(times) <= end:
            self.clock.now = min(times)
            for time, event in self._alarms:
                if time <= self.clock.now:
                    event.set()
            await self.settle()
        self.clock.now = end


real_sleep = asyncio.sleep


async def test_first_come_first_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """One every 0.2 s, in the order they asked; the backlog counts who stands in line."""
    line = Line(monkeypatch, 5)
    waits = [line.join(name) for name in "abcd"]
    await line.settle()
    assert line.passed == [("a", 0.0)]
    assert line.limiter.backlog == pytest.approx(0.8)
    await line.pass_time(1)
    assert line.passed == [("a", 0.0), ("b", 0.2), ("c", 0.4), ("d", 0.6)]
    assert line.limiter.backlog == 0
    assert all(wait.done() for wait in waits)


async def test_a_change_of_the_rate_counts_for_those_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stood in line when the service said "too fast" goes at half the speed, and faster when it recovers."""
    line = Line(monkeypatch, 5)
    waits = [line.join(name) for name in "abcde"]
    await line.pass_time(0.25)
    assert [name for name, _ in line.passed] == ["a", "b"]
    line.limiter.refused()
    await line.pass_time(0.9)
    assert line.passed[2:] == [("c", 0.4), ("d", 0.95)]  # c had been told when; d waits for both
    for _ in range(30):
        line.limiter.accepted()
    waits.append(line.join("f"))
    await line.pass_time(0.5)
    assert line.passed[4:] == [("e", 1.35), ("f", 1.55)]  # e, too, had been told when
    assert all(wait.done() for wait in waits)


async def test_who_leaves_the_line_gives_his_place_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head of the line or one in the middle: the others move up, and no turn is lost."""
    line = Line(monkeypatch, 5)
    waits = {name: line.join(name) for name in "abcde"}
    await line.settle()
    waits["b"].cancel()
    waits["d"].cancel()
    await line.settle()
    assert line.limiter.backlog == pytest.approx(0.6)
    await line.pass_time(2)
    assert line.passed == [("a", 0.0), ("c", 0.2), ("e", 0.4)]
    assert line.limiter.backlog == 0
    assert await asyncio.gather(*waits.values(), return_exceptions=True)


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
