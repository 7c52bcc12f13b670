"""The wire: the key in no traceback, encodings that are undone, connections that died meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import time
import traceback
import zlib
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import V4, Client, Retry
from dreambooth_widget.client import connections, exchange
from dreambooth_widget.client.exchange import Response
from dreambooth_widget.client.link_guard import ANY, PUBLIC, AddressRefusedError
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answer_types import Busy, Processing

from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, ThreadedEndpoint, png
from ..frames import tracebacks

QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)

# -- the key and tracebacks ------------------------------------------------------------------------------------------


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
    endpoint.answers = [PROCESSING, Reply(PROCESSING, gate=asyncio.Event())]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        await client.check(0)  # imports, first connection
        error = await caught(asyncio.wait_for(client.check(1), 2))
        assert isinstance(error, asyncio.TimeoutError)
        assert len(endpoint.polls) == 2
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
        assert all(other.done() for other in others if "_strip_frames" in repr(other))


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
async def test_unforeseen_failure_hides_key(
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

    session = type("Session", (), {"request": broken, "closed": False})()
    progress = exchange.Progress()
    error = await caught(exchange._strip_frames(work(progress)))
    assert isinstance(error, kind)
    assert leaks(error, None) == []
    assert ("the bug" in caplog.text) is (kind is RuntimeError)
    assert not any(record.exc_info for record in caplog.records)


# -- bodies ---------------------------------------------------------------------------------------------------------


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
    """Gzip and deflate are inflated, an unknown encoding is ignored; for answers and for pictures."""
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


async def test_dead_connection_is_repeated_once(endpoint: Endpoint) -> None:
    """A kept connection that the other side has closed costs one repeat; two of them are a fault."""
    endpoint.answers = [PROCESSING, Reply(drop=True), PROCESSING, Reply(drop=True)]
    transport = Transport(ApiKey(CANARY), endpoint.url)
    assert isinstance(await transport.poll("1"), Processing)
    assert isinstance(await transport.poll("1"), Processing)
    assert await transport.poll("1") == Busy("the connection was closed before the answer came")
    assert len(endpoint.polls) == 5
    await transport.close()


# -- sockets ----------------------------------------------------------------------------------------------------------


def test_sockets_are_read_in_pieces() -> None:
    """What a server sends is parsed in small pieces, so that a flood of heads or chunks leaves the loop pauses."""
    here, there = socket.socketpair()
    with connections._Socket(fileno=here.detach()) as received, there:
        there.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                there.send(bytes(65_536))
        assert 0 < len(received.recv(262_144)) <= 32_768
        assert 0 < received.recv_into(bytearray(262_144)) <= 32_768
        assert received.recv_into(bytearray(100)) == 100


def test_sockets_are_guarded() -> None:
    """No socket is made for an address beyond the reach."""
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))
    with pytest.raises(AddressRefusedError):
        connections._socket_factory(PUBLIC)(info)
    connections._socket_factory(None)(info).close()
    connections._socket_factory(ANY)(info).close()


# -- time-outs ---------------------------------------------------------------------------------------------------------


async def test_blocked_loop_causes_no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that blocks past the read time-out: the answer that came meanwhile is taken, nothing is charged."""
    monkeypatch.setattr("dreambooth_widget.client.connections.READ_SECONDS", 0.3)
    with ThreadedEndpoint(Endpoint(PROCESSING)) as endpoint:
        endpoint.answers = [Reply(PROCESSING, delay=0.1), endpoint.success(endpoint.serve("1.png", png()))]
        quick = dw.PollSchedule(shortest=0.01, longest=0.02, longest_silence=0.02)
        async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, schedule=quick) as client:
            job = client.fetch(1)
            states: list[dw.FetchState] = []
            job.subscribe(states.append)
            async for state in job:
                if state.polls:
                    break
            await asyncio.sleep(0.05)  # the request is on its way
            time.sleep(2)  # noqa: ASYNC251  what a blocking cell does
            assert len(await job) == 1
    assert not any(state.activity == "retrying" for state in states)


async def test_real_timeout_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that does not answer in time is retried, with the reason in the status line."""
    monkeypatch.setattr("dreambooth_widget.client.connections.READ_SECONDS", 0.2)
    with ThreadedEndpoint(Endpoint()) as endpoint:
        endpoint.answers = [Reply(PROCESSING, delay=5), endpoint.success(endpoint.serve("1.png", png()))]
        async with Client(CANARY, endpoint=endpoint.url, retry=Retry(attempts=50, first=0.01, longest=0.05)) as client:
            job = client.fetch(1)
            messages = [state.message async for state in job]
            await job
    assert any("No answer within" in message for message in messages)
