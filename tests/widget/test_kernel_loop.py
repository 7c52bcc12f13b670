"""`kernel_loop`: work on the loop where a widget was made, from any thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from dreambooth_widget.widget.kernel_loop import KernelLoop, Tasks


@pytest.mark.timeout(20)
async def test_settling_while_a_task_ends() -> None:
    """A task that has ended in this very turn of the loop is not waited for, which would freeze the kernel."""
    tasks = Tasks("the test")

    async def nothing() -> None:
        pass

    tasks.run(nothing())
    settled = asyncio.ensure_future(tasks.settle())
    await settled


async def test_settle_includes_nested_tasks() -> None:
    """One task may begin another one."""
    tasks, done = Tasks("the test"), []

    async def second() -> None:
        await asyncio.sleep(0.01)
        done.append(2)

    async def first() -> None:
        await asyncio.sleep(0.01)
        tasks.run(second())

    tasks.run(first())
    await tasks.settle()
    assert done == [2]


async def test_failures_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the traceback, under the name of the work."""
    tasks = Tasks("the tidying up")

    async def broken() -> None:
        raise ValueError("no broom")

    tasks.run(broken())
    tasks.run(asyncio.sleep(600))
    await asyncio.sleep(0)
    tasks.cancel()
    await tasks.settle()
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == ["the tidying up failed"]
    assert "no broom" in caplog.text


async def test_work_hops_to_the_loop() -> None:
    """From a thread without a loop, and from one with another loop; here it is done at once."""
    owner, threads = KernelLoop(), []

    def work() -> None:
        threads.append(threading.get_ident())

    async def elsewhere() -> None:
        assert not owner.here
        owner.run(work)
        owner.run_anyway(work)

    assert owner.known
    assert owner.here
    await asyncio.to_thread(owner.run, work)
    await asyncio.to_thread(asyncio.run, elsewhere())
    await asyncio.sleep(0)
    assert threads == [threading.get_ident()] * 3
    owner.run(work)
    assert len(threads) == 4


def test_without_a_loop() -> None:
    """Nothing can begin, and it raises; with the first loop that comes it can, and with the next one after that."""
    owner = KernelLoop()
    assert not owner.known
    with pytest.raises(RuntimeError, match="no running event loop"):
        owner.run(lambda: None)
    done: list[str] = []

    async def begin(name: str) -> None:
        owner.run(lambda: done.append(name))
        assert owner.here

    asyncio.run(begin("first"))
    asyncio.run(begin("second"))
    assert done == ["first", "second"]
    with pytest.raises(RuntimeError, match="no running event loop"):
        owner.run(lambda: None)
    owner.run_anyway(done.append, "late")
    assert done[-1] == "late"
