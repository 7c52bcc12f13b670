"""`Transport`: one poll whatever happens on the way, the key in no traceback, and slots that requests share."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import traceback
import zlib
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

import pytest

from dreambooth_widget import V4, Client
from dreambooth_widget.client import connections, exchange
from dreambooth_widget.client.exchange import Response
from dreambooth_widget.client.link_guard import ANY, PUBLIC
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answers import Busy, Processing

from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, png

# -- the key and tracebacks ------------------------------------------------------------------------------------------


def tracebacks(error: BaseException) -> Iterator[TracebackType]:
    """Yield what can be reached from an error: its traceback, its cause's and its context's."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__]
        step = each.__traceback__
        while step is not None:
            yield step
            step = step.tb_next


def values(thing: Any, depth: int = 6) -> Iterator[str]:
    """Yield the text of a local variable and of what lies inside of it."""
    yield repr(thing)
    if depth and isinstance(thing, Mapping):
        for pair in thing.items():
            yield from values(pair, depth - 1)
    elif depth and isinstance(thing, (list, tuple, set, frozenset)):
        for item in thing:
            yield from values(item, depth - 1)
    elif depth and isinstance(thing, (bytes, bytearray)):
        yield thing.decode("latin-1")
    elif (
        depth
        and hasattr(thing, "__dict__")
        and type(thing).__module__.split(".")[0] in ("aiohttp", "dreambooth_widget")
    ):
        yield from values(vars(thing), depth - 1)


def leaks(error: BaseException, own: FrameType | None) -> list[str]:
    """Return the frames, other than the test's own, in which the key can be seen."""
    return [
        f"{step.tb_frame.f_code.co_filename}:{step.tb_lineno}"
        for step in tracebacks(error)
        if step.tb_frame is not own and any(CANARY in text for text in values(step.tb_frame.f_locals))
    ]


async def caught(work: Any) -> BaseException:
    """Return what `work` raises."""
    try:
        await work
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


async def test_timed_out_check_hides_the_key(endpoint: Endpoint) -> None:
    """`asyncio.wait_for` around a poll that hangs raises with frames; none of them holds the key."""
    endpoint.answers = [Reply(PROCESSING, gate=asyncio.Event())]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        error = await caught(asyncio.wait_for(client.check(1), 0.5))
        assert isinstance(error, asyncio.TimeoutError)
        assert endpoint.polls
        assert list(tracebacks(error))
        assert leaks(error, None) == []
        assert CANARY not in "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


async def test_cancelled_check_hides_the_key(endpoint: Endpoint) -> None:
    """A cancelled poll raises without the frames of the exchange, which is over by then."""
    endpoint.answers = [Reply(PROCESSING, gate=asyncio.Event())]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        task = asyncio.ensure_future(client.check(1))
        await endpoint.saw(1)
        others = asyncio.all_tasks()
        task.cancel()
        error = await caught(task)
        assert isinstance(error, asyncio.CancelledError)
        assert leaks(error, None) == []
        assert all(other.done() for other in others if "_without_frames" in repr(other))


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
async def test_bug_on_the_way_hides_the_key(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: type[BaseException]
) -> None:
    """Whatever aiohttp raises leaves without the frames that hold the body; a bug is logged as text."""

    def broken(*args: Any, **options: Any) -> Any:
        assert CANARY.encode() in options["data"]
        try:
            raise ValueError("the cause")
        except ValueError as error:
            raise kind("the bug") from error

    async def work(progress: exchange.Progress) -> Any:
        return await connections._exchange(session, "POST", V4, None, progress, 1, data=json.dumps(CANARY).encode())

    session = type("Session", (), {"request": broken})()
    progress = exchange.Progress()
    error = await caught(exchange._without_frames(work(progress)))
    assert isinstance(error, kind)
    assert leaks(error, None) == []
    assert ("the bug" in caplog.text) is (kind is RuntimeError)
    assert not any(record.exc_info for record in caplog.records)


async def test_key_is_in_the_body_only(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    """It is sent as JSON to the endpoint; no header, address or log has it."""
    caplog.set_level(logging.DEBUG)
    endpoint.answers = [PROCESSING]
    transport = Transport(ApiKey(CANARY), endpoint.url)
    await transport.poll("7")
    await transport.get(endpoint.serve("1.png", png()), 100_000)
    await transport.close()
    assert json.loads(endpoint.polls[0].body) == {"key": CANARY, "request_id": "7"}
    assert endpoint.polls[0].headers["Content-Type"] == "application/json"
    assert CANARY not in repr([(seen.path, seen.headers) for seen in endpoint.seen])
    assert endpoint.gets[0].body == b""
    assert CANARY not in caplog.text + repr(transport)


# -- answers ---------------------------------------------------------------------------------------------------------


def raw_deflate(data: bytes) -> bytes:
    """Compress as servers do that took RFC 2616 for its word."""
    compress = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compress.compress(data) + compress.flush()


ENCODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "aws-chunked, gzip": gzip.compress,
    "gzip ": bytes,
    "": bytes,
    "identity": bytes,
    "aws-chunked": bytes,
    "binary": bytes,
    "UTF-8": bytes,
    "none": bytes,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_encodings_are_undone(endpoint: Endpoint, encoding: str) -> None:
    """Gzip and deflate are inflated, what says nothing is ignored; for answers and for pictures."""
    pack, headers = ENCODINGS[encoding], {"Content-Encoding": encoding}
    endpoint.answers = [Reply(pack(json.dumps(PROCESSING).encode()), headers=headers)]
    link = endpoint.serve("1.png", Reply(pack(png()), headers=headers))
    transport = Transport(ApiKey(CANARY), endpoint.url)
    assert isinstance(await transport.poll("1"), Processing)
    response = await transport.get(link, 100_000)
    assert isinstance(response, Response)
    assert response.body == png()
    await transport.close()


async def test_inflating_ends_at_the_cap(endpoint: Endpoint) -> None:
    """A small body that inflates beyond the cap is too large, and is not inflated further."""
    headers = {"Content-Encoding": "gzip"}
    link = endpoint.serve("1.png", Reply(gzip.compress(bytes(50_000_000)), headers=headers))
    transport = Transport(ApiKey(CANARY), endpoint.url)
    response = await transport.get(link, 1_000_000)
    assert isinstance(response, Response)
    assert response.oversize == 1_000_001
    assert response.body == b""
    await transport.close()


async def test_oversized_answer_is_no_answer(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer beyond the cap is not read to its end, and may be tried again."""
    monkeypatch.setattr("dreambooth_widget.client.transport.LARGEST_BODY", 100)
    endpoint.answers = [Reply(b'{"status": "processing", "message": "' + b"x" * 1000 + b'"}', chunked=True)]
    transport = Transport(ApiKey(CANARY), endpoint.url)
    assert await transport.poll("1") == Busy("the service's answer is too large", unexpected=True)
    await transport.close()


async def test_refused_connection_is_busy(endpoint: Endpoint) -> None:
    """Nothing listens: an answer that says so, no exception."""
    transport = Transport(ApiKey(CANARY), "http://127.0.0.1:9/fetch")
    assert await transport.poll("1") == Busy("the connection was refused")
    await transport.close()


async def test_dead_connection_is_repeated_once(endpoint: Endpoint) -> None:
    """A kept connection that the other side has closed costs one repeat; two of them are a fault."""
    endpoint.answers = [PROCESSING, Reply(drop=True), PROCESSING, Reply(drop=True)]
    transport = Transport(ApiKey(CANARY), endpoint.url)
    assert isinstance(await transport.poll("1"), Processing)
    assert isinstance(await transport.poll("1"), Processing)
    assert await transport.poll("1") == Busy("the connection was closed before the answer came")
    assert len(endpoint.polls) == 5
    await transport.close()


# -- reach -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("allowed", "expected"), [(True, ANY), (False, PUBLIC)])
async def test_reach_as_it_is_set(allowed: bool, expected: Any) -> None:
    """`allow_private_hosts` decides, whatever the endpoint."""
    assert await Transport(None, "http://127.0.0.1/", allow_private_hosts=allowed).reach() == expected


async def test_unknown_reach_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed look-up counts as public and is not remembered; a good one is."""
    answers: list[list[Any]] = [[], [(2, 1, 6, "", ("10.0.0.1", 0))]]
    loop = asyncio.get_running_loop()

    async def getaddrinfo(*args: Any, **options: Any) -> list[Any]:
        return answers.pop(0)

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    transport = Transport(None, "http://intranet.example/fetch")
    assert await transport.reach() == PUBLIC
    reach = await transport.reach()
    assert [str(network) for network in reach.networks] == ["10.0.0.0/24"]
    assert await transport.reach() is reach


# -- slots -----------------------------------------------------------------------------------------------------------


async def test_one_request_leaves_slots_to_others(endpoint: Endpoint) -> None:
    """Eight pictures that hang take six of eight slots; another request's picture comes."""
    gate = asyncio.Event()
    slow = [endpoint.serve(f"slow{n}.png", Reply(png(), gate=gate)) for n in range(8)]
    endpoint.answers = [endpoint.success(*slow), endpoint.success(endpoint.serve("quick.png", png()))]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        hanging = client.fetch(1)
        await endpoint.saw(6, "GET")
        assert len(await asyncio.wait_for(_awaiting(client.fetch(2)), 60)) == 1
        assert len(endpoint.gets) == 7
        gate.set()
        assert len(await hanging) == 8


async def _awaiting(job: Any) -> Any:
    return await job


async def test_one_connection_is_enough(endpoint: Endpoint) -> None:
    """With a single connection a request takes it."""
    links = [endpoint.serve(f"{n}.png", png()) for n in range(3)]
    endpoint.answers = [endpoint.success(*links)]
    async with Client(CANARY, endpoint=endpoint.url, connections=1) as client:
        assert len(await client.fetch(1)) == 3
