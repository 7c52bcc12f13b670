"""Many requests that share one limit: who asks when, how long they are waited for, and that few notice nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, PollSchedule, Retry

from ..endpoint import CANARY, Reply, Service, png
from ..jobs import Watched, begin

SCHEDULE = PollSchedule(shortest=0.02, longest=0.5, longest_silence=0.5, jitter=0)


def crowd(service: Service, rate: float = 20, burst: int = 1, **options: object) -> Client:
    """A client with so narrow a limit that thirty requests are a crowd: a lap of 1.5 s, and a silence of 0.5 s."""
    policies = {"schedule": SCHEDULE, "retry": Retry(attempts=1), **options}
    return Client(CANARY, endpoint=service.url, rate=rate, burst=burst, **policies)  # type: ignore[arg-type]


def waits(jobs: Watched) -> list[float]:
    """Seconds until each one's next poll."""
    return [(state.next_poll_at or 0) - time.time() for state in jobs.states]


async def test_nobody_of_a_crowd_asks_at_once(service: Service) -> None:
    """With an ETA each one is asked for at its expected time, or at its turn in the sweep if that comes first."""
    async with crowd(service, rate=4) as client:
        jobs = begin(client, [(f"r{n}", 1.0 if n == 29 else 100.0) for n in range(30)])
        await jobs.until(lambda: all(state.next_poll_at for state in jobs.states))
        assert not service.polls
        seconds = waits(jobs)
        turn = (seconds[28] - seconds[0]) / 28
        assert turn == pytest.approx(1, abs=0.1)  # a quarter of four polls a second
        assert seconds[0] == pytest.approx(turn, abs=0.3)
        assert seconds[29] == pytest.approx(0.6, abs=0.3)  # its own time comes first
        await service.saw(1)
        assert service.asked("r29") == 1
        await jobs.finish()


async def test_the_first_of_a_thousand_know_of_the_others(service: Service) -> None:
    """They begin in steps, and none of the first ones takes itself for one of a few."""
    async with crowd(service, rate=1) as client:
        jobs = begin(client, [(f"r{n}", 1000.0) for n in range(1000)])
        await jobs.until(lambda: all(state.next_poll_at for state in jobs.states))
        assert not service.polls
        await jobs.finish()


async def test_a_turn_of_the_sweep_finds_what_is_ready(service: Service) -> None:
    """A request that was made long ago is not left alone until its ETA, counted from now."""
    service.ready = {"r0"}
    async with crowd(service) as client:
        jobs = begin(client, [(f"r{n}", 100.0) for n in range(30)])
        await jobs.have("success", 1)
        await jobs.finish()
    assert service.asked("r0") == 1


async def test_a_crowd_does_not_break_the_silence(service: Service) -> None:
    """After its turn in the sweep a request is asked for at its expected time, and not every half second before."""
    async with crowd(service) as client:
        jobs = begin(client, [(f"r{n}", 100.0) for n in range(30)])
        await service.saw(2)
        await jobs.until(lambda: jobs[0].polls == 1 and jobs[0].next_poll_at is not None)
        assert waits(jobs)[0] == pytest.approx(60, abs=1)
        await jobs.finish()


async def test_without_an_eta_all_stand_in_line(service: Service) -> None:
    """Nobody knows better; and who was asked for does not queue up again behind those who were not."""
    async with crowd(service) as client:
        jobs = begin(client, [f"r{n}" for n in range(30)])
        await jobs.until(lambda: jobs[0].next_poll_at is not None)
        assert waits(jobs)[0] == pytest.approx(29 / 20, abs=0.2)  # the schedule alone would say 0.02 s
        await service.saw(4)
        assert [service.asked(f"r{n}") for n in range(4)] == [1, 1, 1, 1]
        await jobs.finish()


async def test_for_a_few_nothing_changes(service: Service) -> None:
    """Ten requests are asked for at once, and their silence is broken."""
    async with crowd(service, burst=10) as client:
        jobs = begin(client, [(f"r{n}", 100.0) for n in range(9)])
        await service.saw(9)
        await jobs.until(lambda: all(state.next_poll_at for state in jobs.states))
        assert max(waits(jobs)) < 0.6
        await jobs.finish()


async def test_the_deadline_is_longer_where_turns_are_rare(service: Service) -> None:
    """At least six laps if the user named none; what the user named stays."""
    async with crowd(service, rate=0.5) as client:
        jobs = begin(client, [(f"r{n}", 100.0) for n in range(200)])
        job = jobs._entries[0].job
        assert job is not None
        assert job._deadline(100.0) == pytest.approx(6 * 200 / 0.5)
        own = client.fetch("own", deadline=7)
        assert own._deadline(100.0) == 7
        await asyncio.gather(jobs.finish(), own.finish())
        assert job._deadline(100.0) == 600


async def test_checking_now_goes_before_the_sweep(service: Service) -> None:
    """Whoever asks for it is not told to wait for a turn in the sweep, only for the limit."""
    async with crowd(service, burst=10) as client:
        jobs = begin(client, [(f"r{n}", 100.0) for n in range(30)])
        await jobs.until(lambda: all(state.next_poll_at for state in jobs.states))
        began = time.monotonic()
        jobs.check_now()
        await service.saw(30)
        assert time.monotonic() - began < 4  # one second by the limit, six by the sweep
        await jobs.finish()


async def test_who_has_ended_leaves_the_line(service: Service, tmp_path: Path) -> None:
    """With pictures, with an error, stopped before its first step, out of the cache: the others get its share."""
    service.ready, service.failing = {"a", "b"}, {"c"}
    async with crowd(service, rate=1000, burst=1000, cache=tmp_path) as client:
        network = client._transport
        jobs = begin(client, ["a", "b", "c", "d"])
        assert network.waiting == 4
        await jobs.until(lambda: sum(state.final for state in jobs.states) == 3)
        assert network.waiting == 1
        jobs.stop()
        await jobs.wait()
        stillborn = client.fetch("e")
        stillborn._task.cancel()
        with pytest.raises(dw.StoppedError):
            await stillborn
        await client.fetch("a")
        await client.fetch("b", deadline=5)
        assert network.waiting == 0
        assert network.lap == 0


async def test_who_loads_pictures_asks_no_more(service: Service) -> None:
    """The limit is about polls: while a picture is on its way the others have this one's share already."""
    gate = asyncio.Event()
    service.when = None
    service.answers = [service.success(service.serve("1.png", Reply(png(), gate=gate)))]
    async with crowd(service) as client:
        job = client.fetch("a")
        await service.saw(1, "GET")
        assert job.state.status == "downloading"
        assert client._transport.waiting == 0
        gate.set()
        assert len(await job) == 1
        assert client._transport.waiting == 0
