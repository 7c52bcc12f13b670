"""Many jobs together: the order given and the order of their ends, beginning again, and waiting meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, FetchResult, PollSchedule, Retry
from dreambooth_widget.client.job_group import FetchJobs, Outcome
from dreambooth_widget.client.requests import read_requests

from ..endpoint import CANARY, Service, png
from ..jobs import begin

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    """A client of it that is in a hurry."""
    async with Client(CANARY, endpoint=service.url, schedule=FAST, retry=QUICK, rate=1000) as client:
        yield client


def short(outcome: Outcome | None) -> str:
    """An outcome in a word: its picture's prompt, or its error."""
    return outcome[0].text["prompt"] if isinstance(outcome, FetchResult) else type(outcome).__name__


async def test_outcomes_keep_the_order(service: Service, client: Client) -> None:
    """Each a result or the error that ended it: one that fails hides none of the others."""
    service.ready, service.failing = {"a", "c"}, {"b"}
    jobs = begin(client, ["a", "b", "c"])
    assert [short(each) for each in await jobs.wait()] == ["a", "GenerationFailedError", "c"]
    error = jobs.outcomes[1]
    assert isinstance(error, dw.GenerationFailedError)
    assert error.request_id == "b"
    assert [state.status for state in jobs.states] == ["success", "error", "success"]


async def test_as_completed(service: Service, client: Client) -> None:
    """Each index with its outcome as it ends; a later iteration begins with what has ended before."""
    jobs = begin(client, ["a", "b", "c", {"status": "error", "message": "no"}])
    seen: list[tuple[int, str]] = []
    async for index, outcome in jobs.as_completed():
        seen.append((index, short(outcome)))
        service.ready.add("cab"[len(seen) - 1 : len(seen)])
    assert seen == [(3, "InvalidRequestError"), (2, "c"), (0, "a"), (1, "b")]
    assert [index async for index, _ in jobs.as_completed()] == [3, 2, 0, 1]


async def test_two_waits_share_nothing(service: Service, client: Client) -> None:
    """One `as_completed` and one `wait` share nothing."""
    jobs = begin(client, ["a", "b", "c"])

    async def gather() -> list[int]:
        return [index async for index, _ in jobs.as_completed()]

    waiting = asyncio.gather(gather(), jobs.wait(), gather())
    for number, request_id in enumerate("bca", 1):
        service.ready.add(request_id)
        await jobs.have("success", number)
    first, outcomes, second = await waiting
    assert sorted(first) == sorted(second) == [0, 1, 2]
    assert [short(each) for each in outcomes] == ["a", "b", "c"]


async def test_added_requests_are_awaited(service: Service, client: Client) -> None:
    """While the others run, and after they have ended."""
    service.ready = {"a", "b", "d"}
    jobs = begin(client, ["a"])
    waiting = asyncio.ensure_future(jobs.wait())
    await asyncio.sleep(0)
    assert list(jobs.add(read_requests({"second": "b", "third": "c"}))) == [1, 2]
    jobs.start()
    service.ready.add("c")
    assert [short(each) for each in await waiting] == ["a", "b", "c"]
    jobs.add(read_requests(["d"]))
    assert jobs.outcomes[3] is None
    jobs.start()
    assert [short(each) for each in await jobs.wait()] == ["a", "b", "c", "d"]
    assert [each.options.caption for each in jobs.specs] == ["", "second", "third", ""]
    assert [service.poll_count(each) for each in "ab"] == [1, 1]


async def test_nothing_is_waited_for_at_once() -> None:
    """No requests: no outcomes, and nothing hangs."""
    jobs = FetchJobs(lambda options: pytest.fail("there is nothing to start"))
    assert await jobs.wait() == []
    jobs.add(read_requests([{"status": "error", "message": "no"}]))
    jobs.start()
    jobs.again(0)
    jobs.stop()
    jobs.check_now()
    jobs.retry_picture(0, 0)
    assert [type(each) for each in await jobs.wait()] == [dw.InvalidRequestError]
    assert jobs[0].finished_at == pytest.approx(time.time(), abs=60)


async def test_again(service: Service, client: Client) -> None:
    """Only what has ended without success; its new outcome takes the old one's index."""
    service.ready, service.failing = {"a"}, {"b"}
    jobs = begin(client, ["a", "b", "c"])
    await jobs.until(lambda: jobs[0].final and jobs[1].final)
    kept = jobs.outcomes[0]
    service.failing, service.ready = set(), {"b", "c"}
    for index in range(3):
        jobs.again(index)
    assert jobs.outcomes[1] is None
    assert jobs[1].status == "processing"
    assert [short(each) for each in await jobs.wait()] == ["a", "b", "c"]
    assert jobs.outcomes[0] is kept
    assert service.poll_count("a") == 1


async def test_wait_includes_restarted_requests(service: Service, client: Client) -> None:
    """A request that failed, was yielded, and runs again is waited for like the others."""
    service.failing = {"a"}
    jobs = begin(client, ["a", "b"])
    waiting = asyncio.ensure_future(jobs.wait())
    async for index, _ in jobs.as_completed():
        assert index == 0
        break
    await asyncio.sleep(0)
    service.failing = set()
    jobs.again(0)
    service.ready = {"b"}
    await jobs.until(lambda: jobs.outcomes[1] is not None)
    await asyncio.sleep(0)  # the waiting one had its turn
    assert not waiting.done()
    service.ready = {"a", "b"}
    assert [short(each) for each in await waiting] == ["a", "b"]


async def test_restarted_request_yields_once(service: Service, client: Client) -> None:
    """An iteration that has its first outcome does not get a second one; a later one gets the last."""
    service.failing = {"a"}
    jobs = begin(client, ["a", "b"])
    yielded = []
    async for index, outcome in jobs.as_completed():
        yielded.append((index, short(outcome)))
        if index == 0:
            service.failing, service.ready = set(), {"a"}
            jobs.again(0)
            await jobs.have("success", 1)
            service.ready = {"b"}
    assert yielded == [(0, "GenerationFailedError"), (1, "b")]
    assert [short(outcome) async for _, outcome in jobs.as_completed()] == ["a", "b"]


async def test_stop_and_again_keep_the_clock(service: Service, client: Client) -> None:
    """All that runs is stopped; what goes on has its first poll's time and its count."""
    service.ready = {"a"}
    jobs = begin(client, ["a", "b", "c"])
    await jobs.have("success", 1)
    await service.saw(8)
    jobs.stop()
    assert [short(each) for each in await jobs.wait()] == ["a", "StoppedError", "StoppedError"]
    before = jobs[1]
    service.ready = {"b", "c"}
    jobs.again(1)
    jobs.again(2)
    assert [short(each) for each in await jobs.wait()] == ["a", "b", "c"]
    assert jobs[1].started_at == before.started_at
    assert jobs[1].polls == before.polls + 1


async def test_check_now_polls_all(service: Service, client: Client) -> None:
    """At once instead of at their times; not for those that have ended."""
    slow = PollSchedule(shortest=500, longest=500, longest_silence=500)
    patient = Client(CANARY, endpoint=service.url, schedule=slow, rate=1000)
    service.ready = {"a"}
    jobs = begin(patient, ["a", "b", "c"])
    await jobs.have("success", 1)
    await jobs.until(lambda: jobs[1].next_poll_at and jobs[2].next_poll_at)
    service.ready = {"b", "c"}
    jobs.check_now()
    assert [short(each) for each in await jobs.wait()] == ["a", "b", "c"]
    assert [service.poll_count(each) for each in "abc"] == [1, 2, 2]
    await patient.close()


async def test_a_missing_picture_of_one_request(service: Service, client: Client) -> None:
    """Loaded again, it makes a new result for its index."""
    service.when = None
    service.answers = [service.success(service.serve("1.png", png(prompt="a")), service.link("late.png"))]
    jobs = begin(client, ["a"])
    (result,) = await jobs.wait()
    assert isinstance(result, FetchResult)
    assert [entry.index for entry in result.missing] == [1]
    service.serve("late.png", png(prompt="late"))
    jobs.retry_picture(0, 1)
    await jobs.until(lambda: jobs.outcomes[0] is not result)
    (whole,) = await jobs.wait()
    assert isinstance(whole, FetchResult)
    assert [picture.text["prompt"] for picture in whole] == ["a", "late"]


async def test_changes_name_their_index(service: Service, client: Client) -> None:
    """From being added to the end, and nothing of a job whose index another has taken."""
    service.failing = {"a"}
    changes: list[tuple[int, str]] = []
    jobs = FetchJobs(client.fetcher.start, lambda index: changes.append((index, jobs[index].status)))
    jobs.add(read_requests(["a", "b"]))
    assert changes == [(0, "idle"), (1, "idle")]
    jobs.start()
    async for _ in jobs.as_completed():
        break
    service.ready, service.failing = {"a", "b"}, set()
    jobs.again(0)
    await jobs.wait()
    of_first = [status for index, status in changes if index == 0]
    assert of_first.index("error") < of_first.index("success")
    assert changes[-1][1] == "success"
    assert (1, "downloading") in changes


async def test_finish_leaves_nothing_running(service: Service, client: Client) -> None:
    """All are stopped, and their tasks are over."""
    jobs = begin(client, ["a", "b"])
    await service.saw(3)
    await jobs.finish()
    assert [state.status for state in jobs.states] == ["stopped", "stopped"]
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("dreambooth")]


async def test_a_thousand_begin_in_steps(service: Service, client: Client) -> None:
    """Some with each turn of the loop; stopping in between stops all, and they can go on."""
    jobs = begin(client, [f"r{n}" for n in range(1000)])
    begun = sum(state.status == "processing" for state in jobs.states)
    assert 0 < begun <= 100
    jobs.add(read_requests(["late"]))
    jobs.start()
    jobs.stop()
    assert {short(each) for each in await jobs.wait()} == {"StoppedError"}
    assert not service.seen
    service.ready = {"r0", "r999", "late"}
    for index in (0, 999, 1000):
        jobs.again(index)
    assert [short(each) for each in (await jobs.wait())[-2:]] == ["r999", "late"]


async def test_finish_begins_no_more_jobs(service: Service, client: Client) -> None:
    """`finish` in the middle of the beginning: no job starts afterwards."""
    jobs = begin(client, [f"r{n}" for n in range(300)])
    await jobs.finish()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not service.seen
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("dreambooth")]


# -- `Client.fetch_all` --------------------------------------------------------------------------------------------


async def test_fetch_all(service: Service, client: Client) -> None:
    """A list in the order given; updates of all of them, each with its request."""
    service.ready, service.failing = {"a", "c"}, {"b"}
    states: list[dw.FetchState] = []
    outcomes = await client.fetch_all({"one": "a", "two": "b", "three": ("c", 0.01)}, on_update=states.append)
    assert [short(each) for each in outcomes] == ["a", "GenerationFailedError", "c"]
    ends = {state.request_id: state.status for state in states if state.final}
    assert ends == {"a": "success", "b": "error", "c": "success"}


async def test_fetch_all_uses_client_policies(service: Service, client: Client) -> None:
    """And a deadline for each."""
    outcomes = await client.fetch_all(["a", "b"], deadline=0.2)
    assert [short(each) for each in outcomes] == ["DeadlineExceededError"] * 2
    assert service.poll_count("a") > 2  # not the usual schedule's one poll in that time


async def test_fetch_all_refuses_before_polling(service: Service, client: Client) -> None:
    """A wrong request among the others: nothing is fetched."""
    with pytest.raises(TypeError, match="request 1"):
        await client.fetch_all(["a", None])  # type: ignore[list-item]  # wrong on purpose
    with pytest.raises(ValueError, match="deadline"):
        await client.fetch_all(["a"], deadline=-1)
    assert not service.seen


async def test_cancelled_fetch_all_ends_jobs(service: Service, client: Client) -> None:
    """Nothing is polled any more."""
    fetching = asyncio.ensure_future(client.fetch_all(["a", "b"]))
    await service.saw(3)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("dreambooth")]


async def test_failing_listener_is_logged(service: Service, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the requests are fetched."""
    service.ready = {"a"}

    def fail(state: dw.FetchState) -> None:
        raise LookupError("mine")

    assert [short(each) for each in await client.fetch_all(["a"], on_update=fail)] == ["a"]
    assert "mine" in caplog.text
