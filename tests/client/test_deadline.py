"""The end of a job's time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dreambooth_widget.client.deadline import Deadline, DeadlinePassed

from ..benchmarks import virtual_time


def test_work_is_cut_off() -> None:
    """What takes too long is cancelled, and its own clean-up is over when the error comes."""

    async def work() -> None:
        cleaned = []

        async def hang() -> None:
            try:
                await asyncio.sleep(1e6)
            finally:
                await asyncio.sleep(0)
                cleaned.append("hang")

        with pytest.raises(DeadlinePassed):
            await Deadline(3.0, None).bound(hang())
        assert asyncio.get_running_loop().time() == pytest.approx(3)
        assert cleaned == ["hang"]

    virtual_time.run(work)


def test_result_and_error_come_through() -> None:
    """Work that ends in time gives its result, or raises what it raised."""

    async def work() -> None:
        deadline = Deadline(3.0, None)
        assert await deadline.bound(asyncio.sleep(1, "done")) == "done"

        async def fail() -> None:
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await deadline.bound(fail())

    virtual_time.run(work)


def test_cancelled_wait_cancels_work() -> None:
    """Nothing runs on after the job was stopped."""

    async def work() -> None:
        inner = asyncio.ensure_future(asyncio.sleep(1e6))
        outer = asyncio.ensure_future(Deadline(30.0, None).bound(inner))
        await asyncio.sleep(1)
        outer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outer
        assert inner.cancelled()

    virtual_time.run(work)


def test_gap_is_forgiven_once() -> None:
    """A loop that stood still beyond the deadline gives half a minute more; after that the time is over."""

    async def work() -> None:
        deadline = Deadline(10.0, None)
        loop: Any = asyncio.get_running_loop()
        loop.call_later(1, lambda: setattr(loop._jumping, "now", 500.0))
        with pytest.raises(DeadlinePassed):
            await deadline.bound(asyncio.sleep(1e6))
        assert loop.time() == pytest.approx(530, abs=1)
        assert deadline.after_gap

    virtual_time.run(work)


def test_default_grows_and_named_stays() -> None:
    """Six times the ETA, and two minutes for the pictures; what the user named is not changed."""

    async def work() -> None:
        default, named = Deadline(None, None), Deadline(60.0, 20.0)
        for deadline in (default, named):
            deadline.allow(200.0)
        assert (str(default), str(named)) == ("20:00", "1:00")
        assert str(Deadline(0.0, None)) == "0:01"
        await asyncio.sleep(59)
        named.allow_pictures()
        assert named.left == pytest.approx(1)
        await asyncio.sleep(1140)
        default.allow_pictures()
        assert default.left == pytest.approx(120)

    virtual_time.run(work)


def test_last_poll_leaves_time_to_answer() -> None:
    """Two seconds before the end, and less before a short one."""

    async def work() -> None:
        assert Deadline(600.0, None).last_poll_at == 598
        assert Deadline(3.0, None).last_poll_at == pytest.approx(2.7)
        assert Deadline(0.0, None).left == 1

    virtual_time.run(work)
