"""Waits that an interrupt ends soon."""

from __future__ import annotations

import asyncio
import gc

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, PollSchedule
from dreambooth_widget.client.interrupts import wait_for_event

from ..benchmarks import virtual_time
from ..endpoint import CANARY, PROCESSING, Endpoint


class Selects:
    """How long a loop would sleep, by the time-out of its selector."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.timeouts: list[float | None] = []
        selector = loop._selector  # type: ignore[attr-defined]  # every loop of these tests has one
        select = selector.select

        def noted(timeout: float | None = None) -> object:
            self.timeouts.append(timeout)
            return select(timeout)

        selector.select = noted


def test_loop_wakes_while_anything_waits() -> None:
    """Five times a second, with one timer for any number of waits, and never again afterwards."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        event = asyncio.Event()
        waits = [asyncio.ensure_future(wait_for_event(event)) for _ in range(100)]
        loop.call_later(10, event.set)
        selects = Selects(loop)
        await asyncio.gather(*waits)
        assert max(timeout or 0 for timeout in selects.timeouts) <= 0.2 + 1e-6
        assert 45 <= len([timeout for timeout in selects.timeouts if timeout]) <= 60
        selects.timeouts.clear()
        await asyncio.sleep(100)
        assert max(timeout or 0 for timeout in selects.timeouts) > 90

    virtual_time.run(work)


def test_set_event_needs_no_wait() -> None:
    """Nothing is started for it."""

    async def work() -> None:
        event = asyncio.Event()
        event.set()
        await wait_for_event(event)

    virtual_time.run(work)


@pytest.mark.parametrize("await_what", ["job", "fetch"])
async def test_awaited_job_wakes_loop(endpoint: Endpoint, await_what: str) -> None:
    """While a job waits for half an hour, its await can be interrupted within half a second."""
    endpoint.answers = [PROCESSING]
    slow = PollSchedule(shortest=1800, longest=1800, longest_silence=1800)
    async with Client(CANARY, endpoint=endpoint.url, schedule=slow) as client:
        job = client.fetch(1)
        await endpoint.saw(1)
        async for state in job:
            if state.next_poll_at is not None:
                break
        waiting = asyncio.ensure_future(_outcome(job) if await_what == "job" else dw.fetch(CANARY, 2, client=client))
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        selects = Selects(loop)
        await asyncio.sleep(0.9)
        assert max(timeout or 0 for timeout in selects.timeouts) <= 0.2 + 1e-3
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await job.finish()
    gc.collect()


async def test_job_belongs_to_one_loop(endpoint: Endpoint) -> None:
    """A second loop that awaits it gets advice, and not the repr of a lock."""
    endpoint.answers = [PROCESSING]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        job = client.fetch(1)
        waiting = asyncio.ensure_future(_outcome(job))
        await endpoint.saw(1)
        with pytest.raises(RuntimeError, match=r"another event loop already.*fetch_sync"):
            await asyncio.to_thread(asyncio.run, _outcome(job))
        await job.finish()
        with pytest.raises(dw.StoppedError):
            await waiting


async def _outcome(job: dw.FetchJob) -> dw.FetchResult:
    return await job
