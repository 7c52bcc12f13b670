"""The queue of polls: which goes first when many share one rate limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine

from dreambooth_widget import Client, PollSchedule, Retry
from dreambooth_widget.client.poll_queue import PollQueue, Turn
from dreambooth_widget.client.rate_limit import RateLimiter

from ..benchmarks import virtual_time
from ..endpoint import CANARY, Reply, Service, png
from ..jobs import Watched, begin

SCHEDULE = PollSchedule(shortest=0.02, longest=0.5, longest_silence=0.5, jitter=0)


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()


class Line:
    """A queue with one token at once and five a second, and the order in which it grants turns, with the times."""

    def __init__(self, rate: float = 5, burst: int = 1) -> None:
        self.limiter = RateLimiter(rate, burst, clock=asyncio.get_running_loop().time)
        self.queue = PollQueue(self.limiter)
        self.granted: list[tuple[str, float]] = []

    def join(self, name: str, earliest: float = 0.0, due: float | None = None) -> Turn:
        """A turn that is noted when it is granted."""
        turn = self.queue.join(earliest, earliest if due is None else due)
        turn.granted.add_done_callback(
            lambda future: None if future.cancelled() else self.granted.append((name, round(now(), 3)))
        )
        return turn

    @property
    def order(self) -> str:
        """The names, in the order of their turns."""
        return "".join(name for name, _ in self.granted)


def in_virtual_time(work: Callable[[], Coroutine[object, object, None]]) -> Callable[[], None]:
    """A test that runs on the loop on which nothing waits."""

    def test() -> None:
        virtual_time.run(work)

    test.__doc__ = work.__doc__
    return test


@in_virtual_time
async def test_equal_turns_keep_order() -> None:
    """What is due at the same time goes in the order of joining, as the tokens come."""
    line = Line()
    for name in "abcd":
        line.join(name)
    await asyncio.sleep(1)
    assert line.granted == [("a", 0.0), ("b", 0.2), ("c", 0.4), ("d", 0.6)]
    assert line.queue._line == []


@in_virtual_time
async def test_earliest_due_goes_first() -> None:
    """Of the polls that may be sent, the one that is due first gets the token."""
    line = Line()
    line.join("x")
    line.join("b", due=20)
    line.join("a", due=10)
    line.join("c", due=30)
    await asyncio.sleep(1)
    assert line.order == "xabc"


@in_virtual_time
async def test_spare_tokens_break_silences() -> None:
    """A poll that is not due yet is sent where no other needs the token, but never before its earliest time."""
    line = Line()
    line.join("early", earliest=0.5, due=100)
    line.join("due", earliest=0.0, due=0.0)
    await asyncio.sleep(2)
    assert line.granted == [("due", 0.0), ("early", 0.5)]


@in_virtual_time
async def test_due_polls_pass_early_ones() -> None:
    """A poll that becomes due while others only break their silence is sent before them."""
    line = Line()
    for number in range(8):
        line.join("e", due=100 + number)
    line.join("D", earliest=0.5, due=0.5)
    await asyncio.sleep(5)
    assert line.granted[3] == ("D", 0.6)


@in_virtual_time
async def test_hurried_turn_is_next() -> None:
    """A poll by hand goes before everything that waits, also before its own earliest time."""
    line = Line()
    for name in "abc":
        line.join(name)
    last = line.join("z", earliest=1000.0)
    line.queue.hurry(last)
    line.queue.hurry(last)
    await asyncio.sleep(2)
    assert line.granted == [("a", 0.0), ("z", 0.2), ("b", 0.4), ("c", 0.6)]


@in_virtual_time
async def test_left_turn_costs_nothing() -> None:
    """Whether it waited or was granted and not used: the others move up, and no token is lost."""
    line = Line()
    turns = {name: line.join(name) for name in "abcde"}
    line.queue.leave(turns["a"])
    line.queue.leave(turns["c"])
    turns["d"].granted.cancel()
    line.queue.leave(turns["d"])
    await asyncio.sleep(2)
    assert line.granted == [("a", 0.0), ("b", 0.0), ("e", 0.2)]


@in_virtual_time
async def test_granted_from_is_true() -> None:
    """Before it is granted, each turn has an expected time by those before it."""
    line = Line()
    turns = {name: line.join(name, due=due) for name, due in zip("abcd", (0, 3, 2, 1), strict=True)}
    later = line.join("e", earliest=50.0)
    assert [round(line.queue.granted_from(turns[name]), 3) for name in "adcb"] == [0.0, 0.2, 0.4, 0.6]
    assert line.queue.granted_from(later) == 50
    await asyncio.sleep(1)
    assert line.granted == [("a", 0.0), ("d", 0.2), ("c", 0.4), ("b", 0.6)]


@in_virtual_time
async def test_rate_changes_reach_the_queue() -> None:
    """A refusal slows down those that wait already, recovery brings them forward."""
    line = Line()
    for name in "abcde":
        line.join(name)
    await asyncio.sleep(0.3)
    line.queue.refused(now())
    await asyncio.sleep(0.65)
    assert line.granted[2:] == [("c", 0.5), ("d", 0.9)]
    for _ in range(20):
        line.queue.accepted()
    await asyncio.sleep(0.3)
    assert line.granted[4:] == [("e", 1.125)]


# -- the jobs of one client --------------------------------------------------------------------------------


def crowd(service: Service, rate: float = 20, burst: int = 1, **options: object) -> Client:
    """A client with so narrow a limit that thirty requests are a crowd."""
    policies = {"schedule": SCHEDULE, "retry": Retry(attempts=1), **options}
    return Client(CANARY, endpoint=service.url, rate=rate, burst=burst, **policies)  # type: ignore[arg-type]


def waits(jobs: Watched) -> list[float]:
    """Seconds until each one's next poll."""
    return [(state.next_poll_at or 0) - time.time() for state in jobs.states]


async def test_shortest_eta_is_polled_first(service: Service) -> None:
    """With ETAs the first polls come in the order in which the jobs are likely to be ready."""
    async with crowd(service, rate=1) as client:
        jobs = begin(client, [("first", 100.0), *((f"r{n}", 100.0 + n) for n in range(20)), ("soon", 1.0)])
        await service.saw(2)
        await jobs.finish()
    assert service.poll_count("first") == 1
    assert service.poll_count("soon") == 1


async def test_old_request_is_found_early(service: Service) -> None:
    """A request that was made long ago is not left alone until its ETA, counted from now."""
    service.ready = {"r0"}
    async with crowd(service) as client:
        jobs = begin(client, [(f"r{n}", 100.0) for n in range(30)])
        await jobs.have("success", 1)
        await jobs.finish()
    assert service.poll_count("r0") == 1


async def test_crowd_without_etas_goes_round(service: Service) -> None:
    """The requests do not differ; a polled one goes behind those that were not, and shows when its turn is."""
    async with crowd(service) as client:
        jobs = begin(client, [f"r{n}" for n in range(30)])
        await jobs.until(lambda: jobs[0].next_poll_at is not None)
        assert jobs[0].next_poll_at is not None
        assert jobs[0].started_at is not None
        assert jobs[0].next_poll_at - jobs[0].started_at > 1.3  # 29 others at 20 a second; the schedule has 0.02 s
        await service.saw(15)
        assert max(service.poll_count(f"r{n}") for n in range(30)) == 1
        await jobs.finish()


async def test_few_requests_notice_nothing(service: Service) -> None:
    """Ten requests are polled at once, and their silence is broken."""
    async with crowd(service, burst=10) as client:
        jobs = begin(client, [(f"r{n}", 100.0) for n in range(9)])
        await service.saw(9)
        await jobs.until(lambda: all(state.next_poll_at for state in jobs.states))
        assert max(waits(jobs)) < 0.6
        await jobs.finish()


async def test_checking_now_passes_the_crowd(service: Service) -> None:
    """One request of many that is checked by hand is polled next."""
    async with crowd(service, rate=2) as client:
        jobs = begin(client, [(f"r{n}", 100.0 + n) for n in range(30)])
        await service.saw(1)
        await jobs.until(lambda: jobs[29].next_poll_at is not None)
        job = jobs._entries[29].job
        assert job is not None
        job.check_now()
        await service.saw(2)
        assert service.poll_count("r29") == 1
        await jobs.finish()


async def test_ended_jobs_leave_the_queue(service: Service) -> None:
    """Stopped jobs hold no turns, and those that load pictures want none."""
    gate = asyncio.Event()
    service.when = None
    service.answers = [service.success(service.serve("1.png", Reply(png(), gate=gate)))]
    async with crowd(service, rate=1) as client:
        loading = client.fetch("a")
        await service.saw(1, "GET")
        queue = client.fetcher.transport.queue
        jobs = begin(client, [f"r{n}" for n in range(30)])
        await jobs.until(lambda: jobs[29].next_poll_at is not None)
        assert len(queue._line) == 30
        await jobs.finish()
        assert queue._line == []
        gate.set()
        assert len(await loading) == 1
