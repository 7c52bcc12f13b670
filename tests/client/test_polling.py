"""Polling until the answer is final: waits, outages, deadlines and clocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, PollSchedule, Retry
from dreambooth_widget.client.job import FetchJob
from dreambooth_widget.client.options import FetchOptions
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.errors import DreamboothError
from dreambooth_widget.protocol.answer_types import Answer, Busy, Processing, Refused

from ..benchmarks import virtual_time
from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, Service, png
from ..jobs import begin
from ..raw_server import HEAD, raw_server

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=3, first=0.01, longest=0.05, rate_limit_wait=0.1)
OUTAGE = Busy("service unavailable (503)")
LIMITED = Busy("too many", rate_limited=True)
READY = Refused(dw.GenerationFailedError, "ready")
"""What ends a simulated job: there are no pictures to load in virtual time."""


@pytest.fixture
async def client(endpoint: Endpoint) -> AsyncIterator[Client]:
    """A client of it that is in a hurry."""
    async with Client(CANARY, endpoint=endpoint.url, schedule=FAST, retry=QUICK, rate=1000) as client:
        yield client


class Simulated(Transport):
    """Our queue and rate limit in front of a function of the loop's time: the answer, or None for silence."""

    def __init__(self, answer: Callable[[float], Answer | None], rate: float = 5.0, burst: int = 10) -> None:
        super().__init__(ApiKey(CANARY), "https://service.example/fetch", rate=rate, burst=burst)
        self._answer = answer
        self.polls: list[float] = []

    async def _send(self, request_id: str) -> Answer:
        now = asyncio.get_running_loop().time()
        self.polls.append(now)
        answer = self._answer(now)
        await asyncio.sleep(0.1 if answer is not None else 1e6)
        assert answer is not None
        return answer


def simulate(transport_of: Callable[[], Simulated], count: int = 1, **options: Any) -> list[FetchJob]:
    """Jobs of one transport in virtual time, after their ends; each notes its end in `ended`."""

    async def work() -> list[FetchJob]:
        transport = transport_of()
        jobs = [FetchJob(transport, FetchOptions(request_id=str(n), **options)) for n in range(count)]
        loop = asyncio.get_running_loop()
        for job in jobs:
            job._task.add_done_callback(lambda _, job=job: setattr(job, "ended", loop.time()))
        await asyncio.gather(*jobs, return_exceptions=True)
        return jobs

    return virtual_time.run(work)


# -- outages ---------------------------------------------------------------------------------------------------------


def test_outage_of_a_minute_is_survived() -> None:
    """503 from second 5 to 65, after good answers: none of six jobs is lost, and all are found soon after."""

    def answer(now: float) -> Answer:
        return OUTAGE if 5 < now < 65 else Processing() if now < 65 else READY

    jobs = simulate(lambda: Simulated(answer), 6)
    assert [type(job.state.error) for job in jobs] == [dw.GenerationFailedError] * 6
    assert max(job.ended for job in jobs) < 90  # type: ignore[attr-defined]  # noted by `simulate`


def test_outage_ends_at_the_deadline() -> None:
    """An endpoint that does not come back is polled with back-off until then."""
    (job,) = simulate(lambda: Simulated(lambda now: OUTAGE if now > 5 else Processing()), deadline=100.0)
    assert job.state.status == "timed_out"
    assert job.state.polls < 20
    assert job.ended == pytest.approx(100, abs=3)  # type: ignore[attr-defined]  # noted by `simulate`


def test_one_good_answer_counts_for_all() -> None:
    """A job that begins in an outage is not given up where another had an answer from the same endpoint."""

    async def work() -> list[str]:
        transport = Simulated(lambda now: Processing() if now < 1 else OUTAGE if now < 60 else READY)
        first = FetchJob(transport, FetchOptions(request_id="1"))
        await asyncio.sleep(10)
        second = FetchJob(transport, FetchOptions(request_id="2"))
        await asyncio.gather(first, second, return_exceptions=True)
        return [type(job.state.error).__name__ for job in (first, second)]

    assert virtual_time.run(work) == ["GenerationFailedError"] * 2


def test_job_without_any_answer_is_unreachable() -> None:
    """At the deadline a job that had no usable answer itself names the fault; it has no reason to call it running."""

    async def work() -> DreamboothError | None:
        transport = Simulated(lambda now: Processing() if now < 1 else OUTAGE)
        first = FetchJob(transport, FetchOptions(request_id="1"))
        await asyncio.sleep(10)
        second = FetchJob(transport, FetchOptions(request_id="2", deadline=20.0))
        await asyncio.gather(second, return_exceptions=True)
        await first.finish()
        return second.state.error

    error = virtual_time.run(work)
    assert isinstance(error, dw.EndpointUnreachableError)
    assert error.message == "No usable answer in 0:20: service unavailable (503)."


async def test_outage_shows_reason_and_wait(endpoint: Endpoint, client: Client) -> None:
    """More faults than attempts after a good answer, then the pictures; each line has the reason and the wait."""
    fault = Reply(b"", 503)
    endpoint.answers = [PROCESSING, *[fault] * 6, endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch(1)
    lines = [str(state) async for state in job if state.activity == "retrying"]
    assert len(await job) == 1
    assert any("503" in line and " · retrying in " in line for line in lines)


async def test_printed_lines_are_not_repeated(endpoint: Endpoint, client: Client) -> None:
    """`on_update=print` prints something new with each line."""
    endpoint.answers = [*[endpoint.success()] * 3, endpoint.success(endpoint.serve("1.png", png()))]
    lines: list[str] = []
    await dw.fetch(CANARY, 1, client=client, on_update=lambda state: lines.append(str(state)))
    assert all(earlier != later for earlier, later in pairwise(lines)), lines


async def test_printed_lines_name_late_pictures(endpoint: Endpoint, client: Client) -> None:
    """While links are late, each line has the reason and the next try of each; none is printed twice."""
    late = [Reply(b"", 404)] * 2
    links = endpoint.serve("1.png", *late, png()), endpoint.serve("2.png", png())
    endpoint.answers = [endpoint.success(*links)]
    lines: list[str] = []
    await dw.fetch(CANARY, 1, client=client, on_update=lambda state: lines.append(str(state)))
    assert any("picture 1: missing (404); attempt 2 of 3" in line for line in lines)
    assert all(earlier != later for earlier, later in pairwise(lines)), lines


# -- rate limits -----------------------------------------------------------------------------------------------------


def finished_after(limited_until: float) -> tuple[float, float]:
    """Seconds until the last of 60 jobs has ended, and in the mean; 429 until `limited_until` from second 2 on."""

    def answer(now: float) -> Answer:
        return LIMITED if 2 <= now < limited_until else Processing() if now < 2 else READY

    jobs = simulate(lambda: Simulated(answer), 60)
    ends = [job.ended for job in jobs]  # type: ignore[attr-defined]  # noted by `simulate`
    return max(ends), fmean(ends)


def test_one_burst_costs_its_wait_only() -> None:
    """Half a second of 429 for 60 jobs: as long as without it, and the 30 s for those that were refused."""
    without, _ = finished_after(0)
    longest, mean = finished_after(2.5)
    assert longest < without + 35
    assert mean < 20


async def test_shown_wait_is_the_real_one(endpoint: Endpoint) -> None:
    """The service names 12 s and the policy waits 30 s: the line has 30, and the next poll is in 30."""
    limited = {"status": "error", "code": "rate_limited", "message": "slow down", "retry_after": 12}
    endpoint.answers = [limited]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        job = client.fetch(1, deadline=100)
        async for state in job:
            if state.activity == "rate_limited":
                assert state.next_poll_at is not None
                assert state.next_poll_at - time.time() == pytest.approx(30, abs=1)
                assert "checking again in 30 s" in str(state)
                break
        await job.finish()


# -- deadlines -------------------------------------------------------------------------------------------------------


async def test_deadline_ends_silent_call(endpoint: Endpoint) -> None:
    """An endpoint that accepts and never answers: the job ends at the deadline."""
    endpoint.answers = [Reply(PROCESSING, delay=60)]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        began = time.monotonic()
        with pytest.raises(dw.DeadlineExceededError):
            await client.fetch(1, deadline=1.5)
    assert 1.4 < time.monotonic() - began < 15


async def test_deadline_ends_late_links(endpoint: Endpoint) -> None:
    """A link that stays 404 is missing at the deadline, with its address and a reason; the other is delivered."""
    gone = endpoint.link("gone.png")
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), gone)]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        began = time.monotonic()
        job = client.fetch(1, deadline=1.5)
        result = await job
    assert time.monotonic() - began < 15
    assert [entry.status for entry in job.state.pictures] == ["ready", "missing"]
    assert (result.missing[0].url, "404" in result.missing[0].reason) == (gone, True)
    assert "no picture by 0:02" in result.missing[0].reason


async def test_deadline_ends_silent_pictures(endpoint: Endpoint) -> None:
    """When no picture comes by then, each is missing and the job ends in `PictureError`, in words that count right."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", Reply(png(), delay=60)))]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        began = time.monotonic()
        with pytest.raises(dw.PictureError, match="The picture could not be loaded") as caught:
            await client.fetch(1, deadline=1.5)
    assert time.monotonic() - began < 15
    assert "no picture by 0:02" in caught.value.details


async def drip(writer: asyncio.StreamWriter) -> None:
    """Answer with a body of 10 kB, one byte after the other."""
    writer.write(HEAD + b"Content-Length: 10000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def test_deadline_ends_dripping_answer() -> None:
    """An answer that comes byte by byte does not hold the job past its deadline."""
    async with raw_server(drip) as url, Client(CANARY, endpoint=url) as client:
        began = time.monotonic()
        with pytest.raises(dw.DeadlineExceededError):
            await client.fetch(1, deadline=1.5)
    assert 1.4 < time.monotonic() - began < 15


async def test_deadline_ends_dripping_picture(endpoint: Endpoint) -> None:
    """A picture that comes byte by byte is missing at the deadline; the other is delivered."""
    async with raw_server(drip) as url, Client(CANARY, endpoint=endpoint.url) as client:
        endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), url)]
        began = time.monotonic()
        job = client.fetch(1, deadline=1.5)
        await job
    assert time.monotonic() - began < 15
    assert [entry.status for entry in job.state.pictures] == ["ready", "missing"]


def test_last_poll_is_before_the_deadline() -> None:
    """A job that becomes ready in the last wait is found."""
    polls: list[Simulated] = []

    def transport() -> Simulated:
        polls.append(Simulated(lambda now: READY if now > 95 else Processing()))
        return polls[0]

    (job,) = simulate(transport, deadline=100.0, schedule=PollSchedule(shortest=80, longest=80, longest_silence=80))
    assert isinstance(job.state.error, dw.GenerationFailedError)
    assert polls[0].polls[-1] == pytest.approx(98)


def test_crowd_gets_six_turns() -> None:
    """Without a user-supplied deadline the time in the queue does not count for the first polls."""
    jobs = simulate(lambda: Simulated(lambda now: Processing() if now < 3000 else READY, rate=0.1, burst=1), 60)
    assert {type(job.state.error).__name__ for job in jobs} == {"GenerationFailedError"}


def test_user_deadline_bounds_the_queue() -> None:
    """What the user named holds for requests that never had a turn, too."""
    jobs = simulate(lambda: Simulated(lambda now: Processing(), rate=0.1, burst=1), 20, deadline=30.0)
    assert {job.state.status for job in jobs} == {"timed_out"}
    assert max(job.ended for job in jobs) <= 31  # type: ignore[attr-defined]  # noted by `simulate`


async def test_resumed_job_has_own_deadline(endpoint: Endpoint, client: Client) -> None:
    """A job that goes on after a time-out is polled again, although its clock goes on."""
    endpoint.answers = [PROCESSING]
    job = client.fetch(1, deadline=0.3)
    with pytest.raises(dw.DeadlineExceededError):
        await job
    endpoint.answers = [*[PROCESSING] * (len(endpoint.polls) + 2), endpoint.success(endpoint.serve("1.png", png()))]
    again = client.fetcher.start(job.resume_options())
    assert len(await again) == 1
    assert again.state.started_at == pytest.approx(job.state.started_at, abs=1)


# -- clocks and gaps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, -1])
async def test_set_clock_changes_nothing(
    endpoint: Endpoint, client: Client, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """The clock is set while the job runs: its duration and deadline stay, and what is shown suits the new clock."""
    clock = SimpleNamespace(time=time.time)
    monkeypatch.setattr("dreambooth_widget.client.job.time", clock)
    endpoint.answers = [PROCESSING, PROCESSING, endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch(1, deadline=30)
    await endpoint.saw(1)
    clock.time = lambda: time.time() + hours * 3600
    result = await job
    assert 0 <= result.duration < 30
    state = job.state
    assert state.started_at is not None
    assert state.finished_at is not None
    assert state.finished_at - state.started_at == pytest.approx(result.duration, abs=2)
    assert state.started_at == pytest.approx(clock.time(), abs=30)


def sleep_through(seconds: float, after: float, answer: Callable[[float], Answer]) -> FetchJob:
    """A job with a deadline of 60 s whose loop stands still for so long: a closed lid, or a blocking cell."""

    async def work() -> FetchJob:
        job = FetchJob(Simulated(answer), FetchOptions(request_id="1", deadline=60.0))
        await asyncio.sleep(after)
        loop: Any = asyncio.get_running_loop()
        loop._jumping.now += seconds
        await asyncio.gather(job, return_exceptions=True)
        return job

    return virtual_time.run(work)


def test_gap_is_followed_by_a_poll() -> None:
    """After 20 minutes asleep a job that has finished meanwhile is found, although the network wakes up slowly."""

    def answer(now: float) -> Answer:
        return Processing() if now < 100 else OUTAGE if now < 1215 else READY

    job = sleep_through(1200, 5, answer)
    assert isinstance(job.state.error, dw.GenerationFailedError)


def test_gap_does_not_wait_for_ever() -> None:
    """The first usable answer after the gap decides; without any the job ends soon."""
    job = sleep_through(1200, 5, lambda now: Processing())
    assert job.state.status == "timed_out"
    silent = sleep_through(1200, 5, lambda now: Processing() if now < 100 else OUTAGE)
    assert silent.state.status == "timed_out"


# -- many jobs ---------------------------------------------------------------------------------------------------------


async def test_stopped_state_is_true_at_once(service: Service) -> None:
    """`stop()` in the job's own loop leaves no moment in which the job still looks alive."""
    async with Client(CANARY, endpoint=service.url, schedule=FAST, retry=QUICK) as client:
        jobs = begin(client, ["a", "b"])
        await service.saw(2)
        job = client.fetch("c")
        job.stop()
        assert (job.state.status, job.state.final) == ("stopped", True)
        jobs.stop()
        assert [state.status for state in jobs.states] == ["stopped", "stopped"]
        job.check_now()
        with pytest.raises(dw.StoppedError):
            await job
