"""One exchange under supervision: a floor on speed, an end on overhead, and time that a frozen loop does not count."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from dreambooth_widget.client import exchange
from dreambooth_widget.client.exchange import Failure, Progress, Response, supervise
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answer_types import Busy

from ..endpoint import CANARY
from ..raw_server import HEAD, raw_server


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count twenty seconds in one."""
    monkeypatch.setattr(exchange, "TICK", 0.05)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """A transport that may reach this machine."""
    transport = Transport(ApiKey(CANARY), "http://127.0.0.1/", allow_private_hosts=True)
    yield transport
    await transport.close()


def test_progress_has_a_floor() -> None:
    """A body stalls after 20 s with less than 20 kB, counted anew every 20 s; the head may take 60 s."""
    progress = Progress()
    assert [progress.tick() for _ in range(59)] == [None] * 59
    assert progress.tick() == Failure("no answer within 60 s")
    progress.begin_body()
    progress.receive(20_000)
    assert [progress.tick() for _ in range(39)] == [None] * 39
    assert progress.tick() == Failure("the transfer stalled: less than 1 kB/s for 20 s")


@pytest.mark.usefixtures("hasty")
async def test_dripping_bodies_end(transport: Transport) -> None:
    """A picture and an answer that come byte by byte end with the reason; the connection is closed."""
    gone = asyncio.Semaphore(0)

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            gone.release()
            raise

    async with raw_server(drip) as url:
        assert await transport.get(url, 10_000_000) == Failure("the transfer stalled: less than 1 kB/s for 20 s")
        transport.endpoint = url
        assert await transport.poll("1") == Busy("the transfer stalled: less than 1 kB/s for 20 s")
        await gone.acquire()
        await gone.acquire()


@pytest.mark.usefixtures("hasty")
async def test_slow_transfer_goes_on(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is above the floor may take its time."""
    monkeypatch.setattr(exchange, "STALL_BYTES", 10)

    async def slow(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 24000\r\n\r\n")
        for _ in range(24):
            writer.write(b"x" * 1000)
            await writer.drain()
            await asyncio.sleep(0.1)

    async with raw_server(slow) as url:
        response = await transport.get(url, 10_000_000)
    assert isinstance(response, Response)
    assert len(response.body) == 24_000


FLOODS = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n",
    "blank lines": b"\r\n" * 100,
    "line feeds": b"\n" * 100,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_endless_heads_end(transport: Transport, flood: bytes) -> None:
    """Interim responses and blank lines without an end are no answer: a flood of them ends within seconds."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(flood)
            await writer.drain()
            await asyncio.sleep(0)

    async with raw_server(answer) as url:
        assert await transport.get(url, 1000) == Failure("the answer does not begin")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_flood_on_kept_connection_ends(
    transport: Transport, secure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has answered before floods the same connection, after more bytes than a head may have."""
    body = b"x" * 1_000_000
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            for _ in range(2):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n" + body)
            await reader.readuntil(b"\r\n\r\n")
            while True:
                writer.write(b"\r\n" * 1000)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context if secure else None)
    url = f"{'https' if secure else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/1.png"
    for _ in range(2):
        response = await transport.get(url, 10_000_000)
        assert isinstance(response, Response)
        assert response.body == body
    assert await transport.get(url, 10_000_000) == Failure("the answer does not begin")
    assert connections == 1
    server.close()


async def test_interim_answers_pass(transport: Transport) -> None:
    """A service may say that it still works before it answers."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for _ in range(60):
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.write(HEAD + b"Content-Length: 1\r\n\r\nx")
        await writer.drain()

    async with raw_server(answer) as url:
        response = await transport.get(url, 1000)
    assert isinstance(response, Response)
    assert response.body == b"x"


@pytest.mark.parametrize("chunk", [b"1\r\nx\r\n", b"1;" + b"e" * 1000 + b"\r\nx\r\n"])
async def test_tiny_chunks_end(transport: Transport, chunk: bytes) -> None:
    """A flood of chunks of one byte is fast, and is overhead nevertheless."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(chunk * 1000)
            await writer.drain()

    async with raw_server(answer) as url:
        assert await transport.get(url, 10_000_000) == Failure("the transfer came in too many small pieces")


async def test_ordinary_chunks_pass(transport: Transport) -> None:
    """Many chunks of a usual size are a picture."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(110):
            writer.write(b"50\r\n" + b"x" * 80 + b"\r\n" + b"1\r\nx\r\n")
            writer.write((b"50\r\n" + b"x" * 80 + b"\r\n") * 100)
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with raw_server(answer) as url:
        response = await transport.get(url, 10_000_000)
    assert isinstance(response, Response)
    assert len(response.body) == 110 * (101 * 80 + 1)


async def test_frozen_loop_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds in which a blocking cell holds the loop are not those of the service."""
    monkeypatch.setattr(exchange, "TICK", 0.02)
    monkeypatch.setattr(exchange, "HEAD_SECONDS", 40)
    progress = Progress()

    async def work() -> str:
        for _ in range(5):
            await asyncio.sleep(0.03)
            time.sleep(0.4)  # noqa: ASYNC251  what a blocking cell does
        return "done"

    assert await supervise(work(), progress) == "done"
