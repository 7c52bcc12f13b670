"""The job, against a real server: polling to the end, errors, pictures, intents."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import socket
import threading
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, FetchJob, PollSchedule, Retry
from dreambooth_widget.protocol.answer_types import Finished, Processing

from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, png

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=3, first=0.01, longest=0.05, rate_limit_wait=0.1)


@pytest.fixture
async def client(endpoint: Endpoint) -> AsyncIterator[Client]:
    """A client of it that is in a hurry."""
    async with Client(CANARY, endpoint=endpoint.url, schedule=FAST, retry=QUICK, rate=1000) as client:
        yield client


async def test_a_request_becomes_pictures(endpoint: Endpoint, client: Client) -> None:
    """Polls until success, loads every link, gives the original bytes in the answer's order."""
    first, second = png("red", seed="1"), png("blue", seed="2")
    links = endpoint.serve("1.png", first), endpoint.serve("2.png", second)
    endpoint.answers = [PROCESSING, PROCESSING, endpoint.success(*links, meta={"seed": 123})]
    job = client.fetch(13443927)
    states = [state async for state in job]
    result = await job
    assert [picture.data for picture in result] == [first, second]
    assert result.meta["seed"] == 123
    assert len(endpoint.polls) == 3 == job.state.polls
    assert states[0].status in {"idle", "processing"}
    assert states[-1].status == "success"
    assert states[-1].message == "2 pictures"
    assert states[-1].finished_at is not None
    assert states[-1].next_poll_at is None


async def test_the_body_is_the_documented_one(endpoint: Endpoint, client: Client) -> None:
    """POST, JSON, exactly key and request_id; an int id goes as text."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    await client.fetch(13443927)
    poll = endpoint.polls[0]
    assert json.loads(poll.body) == {"key": CANARY, "request_id": "13443927"}
    assert poll.headers["Content-Type"] == "application/json"


async def test_key_reaches_endpoint_alone(endpoint: Endpoint, client: Client) -> None:
    """No request for a picture has it, in any part."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    await client.fetch(1)
    assert endpoint.gets
    for seen in endpoint.gets:
        assert CANARY not in seen.path + json.dumps(dict(seen.headers)) + seen.body.decode("latin-1")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": "error", "message": "Invalid Api Key", "tip": "1. Make sure …"}, dw.InvalidKeyError),
        ({"status": "failed", "id": "", "message": "Failed, Try Again", "output": ""}, dw.GenerationFailedError),
        ({"status": "error", "message": "You have exceeded your monthly limit exceeded"}, dw.AccountError),
        ({"status": "error", "message": {"prompt": ["The prompt field is required."]}}, dw.InvalidRequestError),
        ({"status": "error", "messege": "Error message"}, dw.InvalidRequestError),
        (Reply(b"", 307, {"Location": "https://elsewhere.example/fetch"}), dw.EndpointMovedError),
    ],
)
async def test_final_answer_ends_job(
    endpoint: Endpoint, client: Client, answer: Any, error: type[dw.DreamboothError]
) -> None:
    """One poll, the typed error with the request id and an advice, status `error`."""
    endpoint.answers = [answer]
    job = client.fetch("id-1")
    with pytest.raises(error) as caught:
        await job
    assert caught.value.request_id == "id-1"
    assert caught.value.advice
    assert len(endpoint.polls) == 1
    assert job.state.status == "error"
    assert job.state.error is caught.value


async def test_redirect_is_reported(endpoint: Endpoint, client: Client) -> None:
    """The error has the new location; nothing was sent there."""
    endpoint.answers = [Reply(b"", 308, {"Location": endpoint.link("moved")})]
    with pytest.raises(dw.EndpointMovedError) as caught:
        await client.fetch(1)
    assert caught.value.location == endpoint.link("moved")
    assert [seen.path for seen in endpoint.seen] == ["/api/v4/dreambooth/fetch"]


async def test_finished_jobs_correct_next_eta(endpoint: Endpoint, client: Client) -> None:
    """After three jobs that were far faster than announced, the next ETA is shorter, and a resumed job keeps it."""
    finished = endpoint.success(endpoint.serve("1.png", png()))
    for number in range(3):
        endpoint.answers = [PROCESSING] * (len(endpoint.polls) + 2) + [finished]
        await client.fetch(number, eta=100.0)
    endpoint.answers = [PROCESSING]
    job = client.fetch(4, eta=100.0)
    async for state in job:
        if state.polls:
            break
    assert state.eta is not None
    assert state.eta < 50.0
    job.stop()
    resumed = client.resume(job.resume_token())
    async for again in resumed:
        if again.polls:
            break
    assert again.eta == state.eta
    await resumed.finish()


async def test_empty_success_is_polled_again(endpoint: Endpoint, client: Client) -> None:
    """A few more polls, then "finished without pictures"."""
    endpoint.answers = [endpoint.success()]
    with pytest.raises(dw.EmptyResultError, match="without pictures"):
        await client.fetch(1)
    assert len(endpoint.polls) == 4


async def test_not_found_after_some_polls(endpoint: Endpoint, client: Client) -> None:
    """The job may just have been queued; then the error is typed."""
    endpoint.answers = [{"status": "error", "message": "Request not found"}]
    with pytest.raises(dw.RequestNotFoundError):
        await client.fetch(1)
    assert len(endpoint.polls) == 4


async def test_not_found_and_then_found(endpoint: Endpoint, client: Client) -> None:
    """A job that the service has a moment later is fetched."""
    link = endpoint.serve("1.png", png())
    endpoint.answers = [{"status": "error", "code": "not_found", "message": "?"}, PROCESSING, endpoint.success(link)]
    assert len(await client.fetch(1)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Reply(b"<html>bad gateway</html>", 502),
        Reply(b"", 200),
        Reply({"status": "error", "message": "x"}, 503),
        Reply(b"[1,2]"),
    ],
)
async def test_faults_are_retried(endpoint: Endpoint, client: Client, fault: Reply) -> None:
    """Two faults of three attempts, then success; the state has the reason and the time of the next poll."""
    endpoint.answers = [fault, fault, endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch(1)
    states = [state async for state in job]
    retrying = [state for state in states if state.activity == "retrying"]
    assert len(await job) == 1
    waits = [state for state in retrying if state.next_poll_at is not None and state.waiting_since is not None]
    assert len(waits) == 2
    assert all(state.message and " · retrying in " in str(state) for state in waits)
    assert states[-1].activity == ""


async def test_faults_without_end_are_an_error(endpoint: Endpoint, client: Client) -> None:
    """As many polls as attempts, then the typed error with the last reason."""
    endpoint.answers = [Reply(b"", 503)]
    with pytest.raises(dw.DreamboothError, match="3 attempts") as caught:
        await client.fetch(1)
    assert isinstance(caught.value, (dw.EndpointUnreachableError, dw.UnexpectedAnswerError))
    assert len(endpoint.polls) == 3


async def test_closed_port_is_unreachable() -> None:
    """A refused connection is retried, then it ends in `EndpointUnreachableError`."""
    async with Endpoint() as gone:
        url = gone.url
    async with Client(CANARY, endpoint=url, retry=QUICK) as client:
        with pytest.raises(dw.EndpointUnreachableError, match="refused"):
            await client.fetch(1)


async def test_dead_connection_is_repeated(endpoint: Endpoint, client: Client) -> None:
    """The POST that hits a closed connection is sent again, and counts as one poll."""
    endpoint.answers = [PROCESSING, Reply(drop=True), endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch(1)
    states = [state async for state in job]
    await job
    assert len(endpoint.polls) == 3
    assert job.state.polls == 2
    assert not any(state.activity for state in states)


async def test_rate_limit_is_waited_for(endpoint: Endpoint, client: Client) -> None:
    """At least the wait that the service names, with an activity of its own; no attempt is charged."""
    limited = Reply({"status": "error", "message": "Rate limit exceeded", "tips": "spam filter"}, 200)
    endpoint.answers = [*[limited] * 4, endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch(1)
    states = [state async for state in job]
    assert len(await job) == 1
    assert any(state.activity == "rate_limited" and "checking again in" in str(state) for state in states)
    times = [poll.time for poll in endpoint.polls]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.1


async def test_deadline_makes_last_poll(endpoint: Endpoint, client: Client) -> None:
    """`timed_out`, a `TimeoutError` too; the last poll is at the deadline."""
    endpoint.answers = [PROCESSING]
    begun = time.monotonic()
    job = client.fetch(1, deadline=0.3)
    with pytest.raises(dw.DeadlineExceededError) as caught:
        await job
    assert isinstance(caught.value, TimeoutError)
    assert job.state.status == "timed_out"
    assert endpoint.polls[-1].time - begun >= 0.25


async def test_rate_limit_beyond_deadline(endpoint: Endpoint, client: Client) -> None:
    """Waiting until a deadline at which polling is forbidden is useless."""
    endpoint.answers = [{"status": "error", "code": "rate_limited", "message": "slow down", "retry_after": 500}]
    with pytest.raises(dw.RateLimitedError):
        await client.fetch(1, deadline=5)


async def test_eta_counts_from_first_answer(endpoint: Endpoint, client: Client) -> None:
    """The service repeats the same number with each answer; only the first counts."""
    processing = {**PROCESSING, "eta": 20.0}
    endpoint.answers = [processing, processing, processing, endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch(1)
    etas = {state.eta async for state in job if state.eta is not None}
    await job
    assert len(etas) == 1
    assert etas.pop() == pytest.approx(20, abs=2)


async def test_unknown_status_is_polled_on(endpoint: Endpoint, client: Client) -> None:
    """The word is shown, and decides nothing."""
    endpoint.answers = [{"status": "warming up"}, endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch(1)
    messages = [state.message async for state in job]
    assert len(await job) == 1
    assert any("warming up" in message for message in messages)


async def test_missing_picture_spares_the_others(endpoint: Endpoint, client: Client) -> None:
    """Success with one missing stays success, counted in the message, with its reason."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), endpoint.link("gone.png"))]
    job = client.fetch(1)
    result = await job
    assert len(result) == 1
    assert [entry.status for entry in job.state.pictures] == ["ready", "missing"]
    assert "404" in result.missing[0].reason
    assert job.state.message == "1 of 2 pictures, 1 could not be loaded"


async def test_missing_picture_is_retried(endpoint: Endpoint, client: Client) -> None:
    """`retry_picture` loads that one again and makes a new result; the job is not polled again."""
    data = png("green")
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), endpoint.link("late.png"))]
    job = client.fetch(1)
    await job
    endpoint.serve("late.png", data)
    complete = asyncio.Event()
    job.subscribe(lambda state: complete.set() if state.message == "2 pictures" else None)
    job.retry_picture(1)
    await complete.wait()
    assert (await job)[1].data == data
    assert len(endpoint.polls) == 1


async def test_all_missing_is_an_error(endpoint: Endpoint, client: Client) -> None:
    """`PictureError` with a line for each."""
    endpoint.answers = [endpoint.success(endpoint.link("a.png"), endpoint.link("b.png"))]
    with pytest.raises(dw.PictureError) as caught:
        await client.fetch(1)
    assert "picture 2" in caught.value.details


async def test_link_is_retried(endpoint: Endpoint, client: Client) -> None:
    """403 and 503 shortly after success pass; the tile has the reason."""
    link = endpoint.serve("1.png", Reply(b"", 403), Reply(b"", 503), png())
    endpoint.answers = [endpoint.success(link)]
    job = client.fetch(1)
    reasons = {entry.reason async for state in job for entry in state.pictures}
    assert len(await job) == 1
    assert any("expired (403); attempt 2 of 3" in reason for reason in reasons)


async def test_proxy_link_comes_last(endpoint: Endpoint, client: Client) -> None:
    """When the link has failed for good, `proxy_links` gives the picture."""
    proxy = endpoint.serve("proxy.png", png("gold"))
    endpoint.answers = [endpoint.success(endpoint.link("gone.png"), proxy_links=[proxy])]
    assert (await client.fetch(1))[0].data == png("gold")


@pytest.mark.parametrize("wrap", ["raw", "uri", "text"])
async def test_inline_pictures(endpoint: Endpoint, client: Client, wrap: str) -> None:
    """Raw base64, a `data:` URI, and a link that answers base64 text give the same bytes."""
    data = png("navy")
    text = base64.b64encode(data)
    output = {
        "raw": text.decode(),
        "uri": "data:image/png;base64," + text.decode(),
        "text": endpoint.serve("1.base64", text),
    }[wrap]
    endpoint.answers = [endpoint.success(output)]
    assert (await client.fetch(1))[0].data == data


async def test_redirected_link_is_checked(endpoint: Endpoint, client: Client) -> None:
    """A redirect to a picture works, one to a forbidden address does not."""
    target = endpoint.serve("target.png", png())
    good = endpoint.serve("good.png", Reply(b"", 302, {"Location": target}))
    evil = endpoint.serve("evil.png", Reply(b"", 302, {"Location": "http://169.254.169.254/latest"}))
    circle = endpoint.serve("circle.png", Reply(b"", 301, {"Location": endpoint.link("circle.png")}))
    endpoint.answers = [endpoint.success(good, evil, circle)]
    result = await client.fetch(1)
    assert len(result) == 1
    assert "private address" in result.missing[0].reason
    assert "circles" in result.missing[1].reason


async def test_public_reach_excludes_loopback(endpoint: Endpoint) -> None:
    """`allow_private_hosts=False` refuses even the endpoint's own host for pictures."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    async with Client(CANARY, endpoint=endpoint.url, allow_private_hosts=False) as client:
        with pytest.raises(dw.PictureError) as caught:
            await client.fetch(1)
    assert "private address" in caught.value.details
    assert not endpoint.gets


async def test_private_name_is_refused(endpoint: Endpoint) -> None:
    """The link's text is harmless; what its name resolves to, when the connection is made, is not. Nothing is sent."""
    link = endpoint.serve("1.png", png()).replace("127.0.0.1", "localhost")
    endpoint.answers = [endpoint.success(link)]
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, allow_private_hosts=False) as client:
        with pytest.raises(dw.PictureError) as caught:
            await client.fetch(1)
    assert "private address" in caught.value.details
    assert not endpoint.gets


@pytest.mark.parametrize("declared", [True, False])
async def test_oversize_picture_is_cut_off(endpoint: Endpoint, declared: bool) -> None:
    """By its Content-Length, and by counting when it comes in chunks."""
    body = png() + b"\0" * 300_000
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", Reply(body, chunked=not declared)))]
    async with Client(CANARY, endpoint=endpoint.url, max_bytes=100_000) as client:
        with pytest.raises(dw.PictureError) as caught:
            await client.fetch(1)
    assert "MiB allowed" in caught.value.details


async def test_stop_ends_the_waiting_only(endpoint: Endpoint, client: Client) -> None:
    """Status `stopped`, `StoppedError` for the await, no further request."""
    endpoint.answers = [PROCESSING]
    job = client.fetch(1)
    await endpoint.saw(2)
    job.stop()
    with pytest.raises(dw.StoppedError):
        await job
    assert job.state.status == "stopped"
    assert job.state.next_poll_at is None


async def test_stop_before_the_first_step(endpoint: Endpoint, client: Client) -> None:
    """A job stopped in the moment it was made ends as well, without a request."""
    job = client.fetch(1)
    job.stop()
    with pytest.raises(dw.StoppedError):
        await job
    assert job.state.status == "stopped"
    assert not endpoint.seen


async def test_check_now_shortens_the_wait(endpoint: Endpoint) -> None:
    """The next poll comes at once instead of in ten minutes."""
    endpoint.answers = [PROCESSING, endpoint.success(endpoint.serve("1.png", png()))]
    slow = PollSchedule(shortest=600, longest=600, longest_silence=600)
    async with Client(CANARY, endpoint=endpoint.url, schedule=slow) as client:
        job = client.fetch(1)
        async for state in job:
            if state.next_poll_at is not None:
                job.check_now()
        assert len(await job) == 1


async def test_cancelled_await_spares_job(endpoint: Endpoint, client: Client) -> None:
    """Cancelling the await does not cancel the job; awaiting again gives the result."""
    gate = asyncio.Event()
    endpoint.answers = [Reply(endpoint.success(endpoint.serve("1.png", png())), gate=gate)]
    job = client.fetch(1)
    waiting = asyncio.ensure_future(_awaiting(job))
    await endpoint.saw(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    assert len(await job) == 1


async def _awaiting(job: dw.FetchJob) -> dw.FetchResult:
    return await job


async def test_intents_from_other_threads(endpoint: Endpoint) -> None:
    """`stop` called in a thread wakes the loop, which has nothing else to do for ten minutes."""
    endpoint.answers = [PROCESSING]
    slow = PollSchedule(shortest=600, longest=600, longest_silence=600)
    async with Client(CANARY, endpoint=endpoint.url, schedule=slow) as client:
        job = client.fetch(1)
        async for state in job:
            if state.next_poll_at is not None:
                break
        began = time.monotonic()
        threading.Timer(0.1, job.stop).start()
        with pytest.raises(dw.StoppedError):
            await asyncio.wait_for(_awaiting(job), 20)
    assert time.monotonic() - began < 10


async def test_failing_subscriber_spares_job(
    endpoint: Endpoint, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Its fault is logged, the pictures come."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch(1)

    def broken(_: dw.FetchState) -> None:
        raise RuntimeError("broken subscriber")

    job.subscribe(broken)
    assert len(await job) == 1
    assert "a subscriber failed" in caplog.text


async def test_fetch_without_a_client(endpoint: Endpoint) -> None:
    """`fetch` does the whole job, reports each state, and closes what it opened."""
    endpoint.answers = [PROCESSING, endpoint.success(endpoint.serve("1.png", png()))]
    statuses: list[str] = []
    result = await dw.fetch(
        CANARY,
        1,
        endpoint=endpoint.url,
        schedule=FAST,
        on_update=lambda state: statuses.append(state.status),
    )
    assert len(result) == 1
    assert statuses[-1] == "success"
    assert set(statuses) == {"processing", "downloading", "success"}


async def test_a_cancelled_fetch_ends_the_job(endpoint: Endpoint) -> None:
    """Nothing runs on after `fetch` was cancelled."""
    endpoint.answers = [PROCESSING]
    task = asyncio.ensure_future(dw.fetch(CANARY, 1, endpoint=endpoint.url, schedule=FAST))
    await endpoint.saw(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [task for task in asyncio.all_tasks() if "dreambooth" in task.get_name()]


@pytest.mark.parametrize(("limit", "value"), [("rate", 0), ("burst", 0), ("connections", 0), ("max_bytes", -1)])
def test_impossible_limits_are_refused(limit: str, value: int) -> None:
    """When the client is made, by name; not later, inside a job."""
    with pytest.raises(ValueError, match=limit):
        Client(CANARY, **{limit: value})


async def test_check_is_exactly_one_post(endpoint: Endpoint, client: Client) -> None:
    """`client.check` gives the parsed answer of one request."""
    endpoint.answers = [PROCESSING, endpoint.success("http://x.example/1.png")]
    assert isinstance(await client.check(1), Processing)
    assert isinstance(await client.check(1), Finished)
    assert len(endpoint.polls) == 2


async def test_a_resume_token_continues_the_request(endpoint: Endpoint, client: Client) -> None:
    """It names request, endpoint and times, never the key; another client goes on with it."""
    endpoint.answers = [PROCESSING]
    job = client.fetch("abc", eta=100)
    await endpoint.saw(1)
    token = job.resume_token()
    await job.finish()
    assert CANARY not in token
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    endpoint.seen.clear()
    again = client.resume(token)
    assert again.state.started_at == job.state.started_at
    assert again.state.eta == 100
    assert len(await again) == 1
    assert json.loads(endpoint.polls[0].body)["request_id"] == "abc"


@pytest.mark.parametrize("token", ["", "{}", "[]", "null", '{"request_id": "1", "endpoint": "http://other.example/"}'])
async def test_a_strange_resume_token_is_refused(client: Client, token: str) -> None:
    """`ValueError`, nothing else."""
    with pytest.raises(ValueError, match="token"):
        client.resume(token)


async def test_whole_generation_answer(endpoint: Endpoint, client: Client) -> None:
    """A finished one needs no poll; a queued one brings its eta and the number of pictures to come."""
    link = endpoint.serve("1.png", png())
    assert len(await client.fetch_response(endpoint.success(link))) == 1
    assert not endpoint.polls
    queued = {
        "status": "processing",
        "eta": 20.94,
        "id": 32798037,
        "output": [],
        "meta": {"W": 512, "H": 768},
        "future_links": [link, link],
    }
    endpoint.answers = [endpoint.success(link)]
    job = client.fetch_response(queued)
    assert job.state.eta == 20.94
    assert [(entry.width, entry.height) for entry in job.state.pictures] == [(512, 768)] * 2
    assert len(await job) == 1


# asyncio and what was open on the loop complain about it, rightly.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_closed_loop_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    """A loop that is closed without ending its tasks leaves jobs that are collected; none logs a failure of ours."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}/"

        async def begin() -> FetchJob:
            job = Client(CANARY, endpoint=endpoint).fetch(7)
            connection, _ = await asyncio.get_running_loop().sock_accept(server)
            connection.close()
            return job

        loop = asyncio.new_event_loop()
        job = loop.run_until_complete(begin())
        loop.close()
        del job
        gc.collect()
    assert "unforeseen failure" not in caplog.text
