"""The open connections of one client on one loop. The only module with aiohttp: the first request imports it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
import zlib
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ..credentials import ApiKey
from .exchange import Failure, Progress, Response, supervise
from .link_guard import AddressRefusedError, Reach, check_address
from .name_lookups import NameLookups
from .proxies import Proxy
from .tls import certificate_problem, tls_context

__all__ = ["Connections", "Sessions"]

Sessions = dict[tuple[str, Reach | None], aiohttp.ClientSession]
"""By purpose ("api", "pictures", "probes") and the reach of their sockets."""

CONNECT_SECONDS = 15.0
READ_SECONDS = 30.0
_CONNECT_LOOKUP_SECONDS = 15.0
LATE_SECONDS = 1.0
"""A time-out that fires this much after its time fired because the loop was frozen, not the service."""

_MANY_CHUNKS, _SMALL_CHUNK = 10_000, 64
"""More chunks than the first, of fewer bytes than the second on average, are a flood that only keeps the loop busy."""

_PROGRESS: ContextVar[Progress] = ContextVar("dreambooth exchange")
"""The progress of the exchange in whose context a socket sends."""

_PIECE = 32 * 1024
"""Bytes that are parsed at once, without a pause for the other tasks of the loop."""

_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_PICTURE_HEADERS = {"Accept": "image/*, */*;q=0.5", "Accept-Encoding": "identity"}


class Connections:
    """One session for the API, and one without a key for pictures by each reach. Belongs to the running loop."""

    def __init__(self, limit: int, sessions: Sessions) -> None:
        """Open no connection yet. `sessions` belongs to the transport, which closes them when it is forgotten."""
        self._limit = limit
        self._sessions = sessions

    async def post(
        self, url: str, key: ApiKey, body: Mapping[str, str], proxy: Proxy | None, largest: int
    ) -> Response | Failure:
        """POST `body` as JSON, with the key in it."""
        session = self._session("api", None, _HEADERS)

        async def work(progress: Progress) -> Response | Failure:
            # The one place that opens the key: `supervise` runs it, and no traceback reaches its frames. As bytes,
            # because aiohttp's frames would hold `json=` as an object with names.
            data = json.dumps({"key": key.get_secret_value(), **body}).encode()
            headers = {"Content-Type": "application/json"}
            return await _exchange(session, "POST", url, proxy, progress, largest, data=data, headers=headers)

        return await _repeat(work)

    async def get(
        self, link: URL, reach: Reach, proxy: Proxy | None, largest: int, *, beginning: bool = False
    ) -> Response | Failure:
        """GET `link` within `reach`. Only a 200 has its body read; a 206 too if just the `beginning` is wanted."""
        # Probes have a session of their own: a host that does not answer them must not keep pictures waiting.
        purpose = "probes" if beginning else "pictures"
        headers = {"Range": f"bytes=0-{largest - 1}"} if beginning else {}
        # The guard of the sockets would check the address of the proxy.
        session = self._session(purpose, None if proxy else reach, _PICTURE_HEADERS)
        return await _repeat(
            lambda progress: _exchange(
                session, "GET", link, proxy, progress, largest, beginning=beginning, headers=headers
            )
        )

    def _session(self, purpose: str, reach: Reach | None, headers: Mapping[str, str]) -> aiohttp.ClientSession:
        """Return the session for a purpose that connects within `reach`; None for any address."""
        if (purpose, reach) not in self._sessions:
            connector = aiohttp.TCPConnector(
                limit=0 if purpose == "pictures" else self._limit,  # pictures have slots, which may be a few more
                keepalive_timeout=75.0,
                resolver=_Resolver(),
                socket_factory=_socket_factory(reach),
            )
            self._sessions[purpose, reach] = aiohttp.ClientSession(
                connector=connector,
                # No total: it would count the time in which a blocking cell freezes the loop.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS),
                headers=headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._sessions[purpose, reach]

    async def close(self) -> None:
        """Close every connection. Requests made afterwards open new ones."""
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()

    def disown(self) -> None:
        """Forget the connections in a forked child, and send nothing. They are the parent's.

        Closing them would also take them out of the parent's epoll, which the child shares: the parent would never
        receive an answer again.
        """
        for session in self._sessions.values():
            connector = session.connector
            session.detach()
            getattr(connector, "_conns", {}).clear()  # else it closes them when it is collected
        self._sessions.clear()


class _Resolver(AbstractResolver):
    """Resolves the names of one session."""

    def __init__(self) -> None:
        self._names = NameLookups()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for family, address in await self._names.look_up(host, _CONNECT_LOOKUP_SECONDS)
        ]

    async def close(self) -> None:
        pass


class _Socket(socket.socket):
    """A socket that is read in small pieces: aiohttp parses each in one go, on the loop.

    In 256 KiB, what asyncio reads at once, a hostile server can send ten thousand heads or forty thousand chunks. What
    it receives is counted for the exchange that sent last: a kept-alive connection serves many.
    """

    _progress = Progress()

    def send(self, data: Any, flags: int = 0) -> int:
        self._progress = _PROGRESS.get(self._progress)
        return super().send(data, flags)

    def sendmsg(self, buffers: Any, *more: Any) -> int:
        self._progress = _PROGRESS.get(self._progress)
        return super().sendmsg(buffers, *more)

    def recv(self, size: int, flags: int = 0) -> bytes:
        data = super().recv(min(size, _PIECE), flags)
        self._progress.receive_raw(len(data))
        return data

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:  # for TLS
        count = super().recv_into(buffer, min(size or len(buffer), _PIECE), flags)
        self._progress.receive_raw(count)
        return count


def _socket_factory(reach: Reach | None) -> Callable[[tuple[int, int, int, str, tuple[Any, ...]]], socket.socket]:
    """Return a function that makes the sockets of a session, none for an address beyond its `reach`."""

    def make(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, (address, *_) = info
        if reach is not None:
            check_address(str(address), reach)
        return _Socket(family, kind, protocol)

    return make


async def _repeat(work: Callable[[Progress], Coroutine[Any, Any, Response | Failure]]) -> Response | Failure:
    """Run an exchange, again where its failure says that it may be repeated at once."""
    repeat = 0
    while True:
        progress = Progress()
        outcome = await supervise(work(progress), progress)
        if isinstance(outcome, Response) or repeat >= outcome.repeats:
            return outcome
        repeat += 1


async def _exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str | URL,
    proxy: Proxy | None,
    progress: Progress,
    largest: int,
    *,
    beginning: bool = False,
    **options: Any,
) -> Response | Failure:
    loop = asyncio.get_running_loop()
    began = loop.time()
    _PROGRESS.set(progress)  # an exchange is a task, with a context of its own
    if proxy is not None:
        options["proxy"] = proxy.url
        if proxy.authorization:
            # A tunnel's credentials go into CONNECT, those of a forwarded request into its own headers.
            where = "proxy_headers" if URL(url).scheme == "https" else "headers"
            options[where] = {**options.get(where, {}), "Proxy-Authorization": proxy.authorization}
    try:
        context = await tls_context()
        if session.closed:  # meanwhile
            return Failure("the client was closed")
        async with session.request(method, url, allow_redirects=False, ssl=context, **options) as response:
            progress.begin_body()
            if method == "GET" and response.status != 200 and not (beginning and response.status == 206):
                return Response(response.status, response.headers)
            return await (_read_beginning if beginning else _read)(response, progress, largest)
    except (aiohttp.ClientError, OSError, ValueError, asyncio.TimeoutError) as error:
        return _failure(error, proxy, loop.time() - began)


async def _read(response: aiohttp.ClientResponse, progress: Progress, largest: int) -> Response | Failure:
    declared = response.content_length or 0
    if declared > largest:
        return Response(response.status, response.headers, oversize=declared)
    body, size, chunks = io.BytesIO(), 0, 0  # its getvalue() hands over the buffer; bytes(bytearray) would copy it
    async for data, ends in response.content.iter_chunks():
        progress.receive(len(data))
        size += body.write(data)
        chunks += ends
        if size > largest:
            return Response(response.status, response.headers, oversize=size)
        if chunks > _MANY_CHUNKS and size < chunks * _SMALL_CHUNK:
            return Failure("the transfer came in too many small pieces")
    data = await _inflated(response, body.getvalue(), largest + 1)
    if len(data) > largest:
        return Response(response.status, response.headers, oversize=len(data))
    return Response(response.status, response.headers, data)


async def _read_beginning(response: aiohttp.ClientResponse, progress: Progress, largest: int) -> Response:
    data = b""
    while len(data) < largest and (more := await response.content.read(largest - len(data))):
        progress.receive(len(more))
        data += more
    return Response(response.status, response.headers, await _inflated(response, data, largest))


async def _inflated(response: aiohttp.ClientResponse, data: bytes, most: int) -> bytes:
    """Return `data` as it was before the transfer, up to `most` bytes of it where it was compressed."""
    encodings = response.headers.get("Content-Encoding", "").lower().replace(" ", "").split(",")
    if not _COMPRESSED.isdisjoint(encodings):
        return await asyncio.to_thread(_inflate, data, most)
    return data


def _inflate(data: bytes, most: int) -> bytes:
    """Inflate gzip, zlib or raw deflate, up to `most` bytes. What is none of them was not compressed after all."""
    for wbits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(wbits=wbits).decompress(data, most)
    return data


def _failure(error: Exception, proxy: Proxy | None, elapsed: float) -> Failure:
    """Describe what went wrong on the way."""
    inner = getattr(error, "os_error", error)
    through = f"the proxy {proxy.url}" if proxy else ""
    way = f" through {through}" if proxy else ""
    if isinstance(inner, AddressRefusedError):
        return Failure(str(inner), final=True)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Failure(certificate_problem(error.certificate_error, error.host), final=True)
    if isinstance(error, (aiohttp.ServerTimeoutError, asyncio.TimeoutError)):
        limit = CONNECT_SECONDS if isinstance(error, aiohttp.ConnectionTimeoutError) else READ_SECONDS
        return Failure(f"no answer within {limit:.0f} s{way}", repeats=2 if elapsed > limit + LATE_SECONDS else 0)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        wants = " (it asks for credentials)" if error.status == 407 else ""
        return Failure(f"{through} refused the connection with {error.status}{wants}")
    if proxy and isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        return Failure(f"{through} could not be reached")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure("the host name could not be resolved")
    if isinstance(error, aiohttp.ClientSSLError):
        return Failure("the secure connection could not be made")
    if isinstance(inner, ConnectionRefusedError):
        return Failure("the connection was refused")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Failure("no connection could be made")
    if isinstance(error, (aiohttp.ServerDisconnectedError, ConnectionError)):
        # The other side closed a kept-alive connection as it was used. aiohttp repeats only requests that HTTP calls
        # idempotent; the POST of a poll is a read, so it may be repeated as well.
        return Failure(f"the connection{way} was closed before the answer came", repeats=1)
    if isinstance(error, aiohttp.InvalidURL):
        return Failure("the address is malformed", final=True)
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return Failure(f"the connection{way} broke")
    return Failure("the answer was not readable HTTP", unexpected=True)
