"""The only module that opens connections: one aiohttp session for the API, one without a key for pictures.

The key is opened in one function, `Transport._post`, and goes to the endpoint alone: redirects are never followed
with it, and the session that fetches pictures does not know it. aiohttp is imported with the first request
(importing it costs more than the rest of the package together).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import warnings
import weakref
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import InvalidKeyError
from ..protocol.answers import Answer, Busy, Finished, Processing, Refused, read_answer
from ..protocol.endpoint import compose_request
from .link_guard import Reach, guarded_resolver, is_private_host
from .poll_queue import PollQueue, Turn
from .rate_limit import RateLimiter, check_limits

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

    from ..credentials import ApiKey

__all__ = ["Transport"]

log = logging.getLogger(__name__)

_LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes of an API answer; pictures as raw base64 inside it are the only reason for more than a few kB."""

_INLINE = 64 * 1024
"""Bytes of an answer that are parsed on the loop itself; more go to a thread."""

_CONNECT_SECONDS = 15.0
_READ_SECONDS = 30.0
_LATE_SECONDS = 1.0
"""A time-out that fires this much after its time fired because the loop was frozen, not the service."""

_FREE_REPEATS = 2
"""How often one call is repeated at once after a dead kept-alive connection or a time-out that fired late."""

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_PICTURE_HEADERS = {"Accept": "image/*, */*;q=0.5", "Accept-Encoding": "identity"}


class Transport:
    """The connections of one client. Its sessions belong to the running loop and are made with the first request."""

    def __init__(
        self,
        key: ApiKey | None,
        endpoint: str,
        *,
        rate: float = 5.0,
        burst: int = 10,
        connections: int = 8,
        allow_private_hosts: bool | None = None,
    ) -> None:
        if connections < 1:
            raise ValueError(f"connections must be at least 1, not {connections!r}")
        check_limits(rate, burst)
        self.endpoint = endpoint
        self._key = key
        self._rate, self._burst = rate, burst
        self._connections = connections
        self._allow_private_hosts = allow_private_hosts
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reach: Reach | None = None
        self.has_answered = False
        """Whether the endpoint has given a usable answer: what fails afterwards is an outage."""
        self._sessions: dict[str, ClientSession] = {}
        # Closes what is open when the client is forgotten, and at exit: nobody shall read "Unclosed client session".
        self._finalizer = weakref.finalize(self, _close_now, self._sessions)
        _ALIVE.add(self)

    def __repr__(self) -> str:
        return f"<Network {self.endpoint}>"

    async def poll(self, request_id: str, turn: Turn | None = None) -> Answer:
        """Send one POST to the endpoint. Whatever goes wrong on the way is an `Answer` too (`Busy`).

        Args:
            request_id: The request to ask about.
            turn: A granted turn of `queue()`; None waits for one that is due now.
        """
        if self._key is None:
            return Refused(InvalidKeyError, "There is no API key, and the cache lacks pictures of this request.")
        queue = await self.queue()
        if turn is None:
            turn = queue.join(self._now(), self._now())
            try:
                await turn
            except asyncio.CancelledError:
                queue.leave(turn)
                raise
        async with self._slots:
            sent_at = self._now()
            answer = await self._ask(request_id)
        if isinstance(answer, Busy) and answer.rate_limited:
            queue.refused(sent_at)
        elif not isinstance(answer, Busy):
            queue.accepted()
            self.has_answered |= isinstance(answer, (Processing, Finished))
        return answer

    async def queue(self) -> PollQueue:
        """Return the queue in which polls wait for their turns, on the running loop."""
        await self._attach()
        return self._queue

    async def _ask(self, request_id: str) -> Answer:
        import aiohttp

        for repeat in range(_FREE_REPEATS + 1):
            began = self._now()
            try:
                return await self._post(request_id)
            except (aiohttp.ServerTimeoutError, asyncio.TimeoutError) as error:
                connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
                allowed = _CONNECT_SECONDS if connecting else _READ_SECONDS
                if repeat < _FREE_REPEATS and self._now() - began > allowed + _LATE_SECONDS:
                    continue
                return Busy(f"no answer within {allowed:.0f} s")
            except (aiohttp.ServerDisconnectedError, ConnectionError) as error:
                # The other side closed a kept-alive connection as we used it. aiohttp repeats only requests that
                # HTTP calls idempotent; this POST is a read, so it may be repeated as well.
                if repeat == 0 and not isinstance(error, aiohttp.ClientConnectorError):
                    continue
                return Busy(_reason(error))
            except (aiohttp.ClientError, OSError) as error:
                return Busy(_reason(error))
            except ValueError:
                return Busy("the answer was not readable HTTP", unexpected=True)
        raise AssertionError("unreachable: the last repeat returns")  # pragma: no cover

    async def _post(self, request_id: str) -> Answer:
        assert self._key is not None
        url, body = compose_request(self.endpoint, request_id)
        session = self._session("api")
        async with session.post(
            url, json={"key": self._key.get_secret_value(), **body}, allow_redirects=False
        ) as response:
            payload = await _read_answer_body(response)
            status, headers = response.status, response.headers
        log.debug("request %s: HTTP %d, %d bytes", request_id, status, len(payload))
        if len(payload) <= _INLINE:
            return self._read(status, headers, payload)
        return await asyncio.to_thread(self._read, status, headers, payload)

    def redact(self, text: str) -> str:
        """`text` without the key, should the service have repeated it."""
        return text if self._key is None else self._key.redact(text)

    def _read(self, status: int, headers: Mapping[str, str], payload: bytes) -> Answer:
        return read_answer(status, headers, payload, redact=self.redact)

    @asynccontextmanager
    async def picture_place(self) -> AsyncIterator[None]:
        """One of the places for a picture that is being loaded: as many are in memory between wire and disk."""
        await self._attach()
        async with self._picture_slots:
            yield

    @asynccontextmanager
    async def get(self, url: str) -> AsyncIterator[ClientResponse]:
        """GET `url` without the key and without following redirects. The caller has checked the link by `reach()`.

        Inside of a `picture_place`.
        Raises aiohttp's errors, time-outs, and `AddressRefusedError` for a name that leads beyond the reach.
        """
        await self._attach()
        async with self._picture_session(await self.reach()).get(url, allow_redirects=False) as response:
            yield response

    async def reach(self) -> Reach:
        """How far picture links may reach: past public addresses only if so asked, or if the endpoint is there too."""
        if self._allow_private_hosts is not None:
            return "any" if self._allow_private_hosts else "public"
        if self._reach is None:
            host = urlsplit(self.endpoint).hostname or ""
            self._reach = "private" if await is_private_host(host) else "public"
        return self._reach

    async def close(self) -> None:
        """Close every connection. Requests made afterwards open new ones."""
        sessions = list(self._sessions.values())
        self._sessions.clear()
        self._loop = None
        for session in sessions:
            await session.close()

    def disown(self) -> None:
        """In a forked child: forget the connections without a word to the other side. They are the parent's.

        Closing them would also take them out of the parent's epoll, which the child shares: the parent would never hear
        of an answer again.
        """
        self._loop = None
        for session in self._sessions.values():
            connector = session.connector
            session.detach()
            getattr(connector, "_conns", {}).clear()  # else it closes them when it is collected
        self._sessions.clear()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _attach(self) -> None:
        """Belong to the running loop. After a second `asyncio.run` the old sessions are of no use."""
        if "aiohttp" not in sys.modules:
            await asyncio.to_thread(import_module, "aiohttp")  # 100 ms and more: not on the loop
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        _close_now(self._sessions)
        self._loop = loop
        self._reach = None
        self._queue = PollQueue(RateLimiter(self._rate, self._burst, clock=loop.time))
        # aiohttp's time-outs count the wait for a free connection, so the wait comes before the request.
        self._slots = asyncio.Semaphore(self._connections)
        self._picture_slots = asyncio.Semaphore(self._connections)

    def _picture_session(self, reach: Reach) -> ClientSession:
        return self._session("pictures", reach)

    def _session(self, purpose: str, reach: Reach | None = None) -> ClientSession:
        """The session for "api" (no guard: the user named the address) or "pictures" (guarded by `reach`)."""
        if purpose not in self._sessions:
            import aiohttp

            connector = aiohttp.TCPConnector(
                limit=self._connections,
                keepalive_timeout=75.0,
                resolver=guarded_resolver(reach) if reach is not None else None,
                use_dns_cache=reach is None,
            )
            self._sessions[purpose] = aiohttp.ClientSession(
                connector=connector,
                # No total: it would count the time in which a blocking cell freezes the loop.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS),
                headers=_HEADERS if reach is None else _PICTURE_HEADERS,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._sessions[purpose]


_ALIVE: weakref.WeakSet[Transport] = weakref.WeakSet()


def _disown_all() -> None:
    for network in tuple(_ALIVE):
        network.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)


async def _read_answer_body(response: ClientResponse) -> bytes:
    """The body, inflated; what is longer than `_LARGEST_ANSWER` is cut, and is no answer any more."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            break
    if response.headers.get("Content-Encoding", "identity").lower() in {"gzip", "deflate"}:
        return await asyncio.to_thread(_inflate, bytes(body))
    return bytes(body)


def _inflate(body: bytes) -> bytes:
    """gzip or zlib, up to `_LARGEST_ANSWER` bytes. We ask for neither, but some proxies compress all the same."""
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(body, _LARGEST_ANSWER)
    except zlib.error:
        return b""


def _reason(error: BaseException) -> str:
    """What went wrong on the way, in words that hold no URL, no header and no key."""
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name could not be resolved"
    if isinstance(error, aiohttp.ClientSSLError):
        return "the secure connection could not be made"
    if isinstance(getattr(error, "os_error", error), ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection could be made"
    if isinstance(error, (aiohttp.ServerDisconnectedError, ConnectionError)):
        return "the connection was closed before the answer came"
    return "the connection broke"


def _close_now(sessions: dict[str, ClientSession]) -> None:
    """Close sessions without a loop to await on: at exit, in a garbage collection, after the loop has gone."""
    for session in sessions.values():
        connector = session.connector
        session.detach()  # marks the session as closed
        if connector is None or connector.closed:
            continue
        with warnings.catch_warnings(), contextlib.suppress(RuntimeError):  # "Event loop is closed"
            warnings.simplefilter("ignore")
            closing: Any = connector.close()
            if asyncio.iscoroutine(closing):
                # The transports are closed before its first suspension; what follows only waits for them.
                with contextlib.suppress(StopIteration):
                    closing.send(None)
                closing.close()
            del closing
    sessions.clear()
