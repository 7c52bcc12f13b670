"""The connections of one client: one session for the API, one without a key for pictures.

The key is opened in one function, `Connections.post`, and goes to the endpoint alone: redirects are never followed
with it, and the session that fetches pictures never gets it. aiohttp is imported with the first request
(importing it costs more than the rest of the package together).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..credentials import ApiKey, redactor
from ..errors import EndpointUnreachableError, InvalidKeyError
from ..images.fork import disown_after_fork
from ..protocol.answer_types import Answer, Busy, Finished, Processing, Refused
from ..protocol.answers import read_answer
from ..protocol.endpoint import compose_request
from ..protocol.parsing import LARGEST_BODY
from .arguments import check_int
from .exchange import Failure, Response
from .link_guard import ANY, PUBLIC, AddressRefusedError, Reach, check_address, check_link, endpoint_reach
from .loop_end import close_at_loop_end
from .name_lookups import NameLookups
from .picture_slots import PictureSlots
from .poll_queue import PollQueue
from .proxies import Proxy, ProxyUnusableError, check_proxy, find_proxy, parse_proxy
from .rate_limit import RateLimiter, check_limits
from .state import capitalized

if TYPE_CHECKING:
    from .connections import Connections, Sessions

__all__ = ["Transport"]

log = logging.getLogger(__name__)

_INLINE = 64 * 1024
"""Bytes of an answer that are parsed on the loop itself; more go to a thread."""

_REACH_LOOKUP_SECONDS = 5.0


class Transport:
    """The connections of one client. Its sessions belong to the running loop and are opened by the first request.

    Args:
        key: Goes into the body of each poll; None polls nothing.
        endpoint: The address that is polled.
        rate: Polls a second.
        burst: Polls at once before `rate` applies.
        connections: Most connections to the endpoint, and slots for pictures. See `PictureSlots`.
        allow_private_hosts: Whether pictures may come from private addresses; None allows those of the endpoint's own
            network when it is on one. See `link_guard`.
        proxy: The address of an HTTP proxy for all requests, None for the one that the environment names.

    Raises:
        ValueError: If a limit lets nothing through, or the proxy cannot be used.
    """

    def __init__(
        self,
        key: ApiKey | None,
        endpoint: str,
        *,
        rate: float = 5.0,
        burst: int = 10,
        connections: int = 8,
        allow_private_hosts: bool | None = None,
        proxy: str | None = None,
    ) -> None:
        self._limit = check_int("connections", connections, least=1)
        self._rate, self._burst = check_limits(rate, burst)
        self.endpoint = endpoint
        self.key = key
        self._allow_private_hosts = allow_private_hosts
        self._proxy = None if proxy is None else parse_proxy(proxy)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending_loop: asyncio.AbstractEventLoop | None = None
        self._reach: Reach | None = None
        self._sessions: Sessions = {}
        # Closes what is open when the client is garbage-collected, and at exit, which avoids aiohttp's warning.
        # Made here, because what is made last runs first at exit: `fetch_sync` closes its clients before.
        weakref.finalize(self, _close_now, self._sessions)
        self._queue: PollQueue | None = None
        self.has_answered = False
        """Whether the endpoint has given a usable answer: what fails afterwards is an outage."""
        disown_after_fork(self)

    def __repr__(self) -> str:
        return f"<Transport {self.endpoint}>"

    async def poll(self, request_id: str) -> Answer:
        """Send one POST to the endpoint; the caller has waited in `queue` for its turn.

        Whatever goes wrong on the way is an `Answer` too (`Busy`).
        """
        if self.key is None:
            return Refused(InvalidKeyError, "There is no API key, and the cache lacks pictures of this request.")
        await self._attach()
        async with self._slots:
            sent_at = asyncio.get_running_loop().time()
            answer = await self._send(request_id)
        if isinstance(answer, Busy) and answer.rate_limited:
            self.queue.refused(sent_at)
        elif not isinstance(answer, Busy):
            self.queue.accepted()
            self.has_answered |= isinstance(answer, (Processing, Finished))
        return answer

    @property
    def queue(self) -> PollQueue:
        """The queue in which polls wait for their turns, on the running loop."""
        loop = asyncio.get_running_loop()
        if self._queue is None or self._queue.loop is not loop:
            self._queue = PollQueue(RateLimiter(self._rate, self._burst, clock=loop.time))
        return self._queue

    async def _send(self, request_id: str) -> Answer:
        assert self.key is not None
        url, body = compose_request(self.endpoint, request_id)
        try:
            proxy = await self._find_proxy(url)
        except ProxyUnusableError as error:
            return Refused(EndpointUnreachableError, f"{capitalized(str(error))}.")
        outcome = await self._connections.post(url, self.key, body, proxy, LARGEST_BODY)
        if isinstance(outcome, Failure):
            if outcome.final:
                return Refused(EndpointUnreachableError, f"{capitalized(outcome.reason)}.")
            return Busy(outcome.reason, unexpected=outcome.unexpected)
        log.debug("request %s: HTTP %d, %d bytes", request_id, outcome.status, len(outcome.body))
        if outcome.oversize:
            return Busy("the service's answer is too large", unexpected=True)
        if len(outcome.body) <= _INLINE:
            return self._read(outcome)
        return await asyncio.to_thread(self._read, outcome)

    async def _find_proxy(self, url: str) -> Proxy | None:
        parts = urlsplit(url)
        if self._proxy is not None:
            return check_proxy(self._proxy, parts.scheme)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return await find_proxy(parts.scheme, parts.hostname or "", port)

    def _read(self, response: Response) -> Answer:
        redact = redactor(self.key)
        return read_answer(response.status, response.headers, response.body, redact=redact, endpoint=self.endpoint)

    @asynccontextmanager
    async def picture_slot(self, request_id: str) -> AsyncIterator[None]:
        """Hold a slot for one picture that is being loaded, shared fairly with the other requests."""
        await self._attach()
        async with self._picture_slots.hold(request_id):
            yield

    async def get(self, url: str, largest: int, *, beginning: bool = False) -> Response | Failure:
        """GET a picture's link without the key and without following redirects, inside a `picture_slot`.

        Args:
            url: The link as it came; it is sent byte for byte.
            largest: Most bytes of the body.
            beginning: Whether to read only as many bytes of a larger body; outside of a `picture_slot` then.

        Raises:
            AddressRefusedError: If the link must not be followed, or not through this proxy.
        """
        await self._attach()
        reach = await self.reach()
        # Whether a private address is allowed is unknown until the endpoint's own can be looked up: another try may.
        unknown = self._allow_private_hosts is None and self._reach is None
        link = check_link(url, ANY if unknown else reach)
        try:
            proxy = await self._find_proxy(str(link))
        except ProxyUnusableError as error:
            raise AddressRefusedError(str(error)) from error
        if proxy is not None:  # it connects, so no socket of ours can be checked
            check_link(url, reach)
            for address in await self._look_up(link.raw_host or ""):
                check_address(address, reach)
        outcome = await self._connections.get(link, reach, proxy, largest, beginning=beginning)
        if unknown and isinstance(outcome, Failure) and outcome.final:
            return Failure(f"{outcome.reason} (the endpoint's host name could not be resolved)")
        return outcome

    async def reach(self) -> Reach:
        """Return which addresses picture links may reach: by `allow_private_hosts`, else by the endpoint's own."""
        if self._allow_private_hosts is not None:
            return ANY if self._allow_private_hosts else PUBLIC
        if self._reach is None:
            addresses = await self._look_up(urlsplit(self.endpoint).hostname or "")
            if addresses:  # else unknown for now; the next picture looks it up again
                self._reach = endpoint_reach(addresses)
        return self._reach or PUBLIC

    async def _look_up(self, host: str) -> list[str]:
        """Return the addresses of a name, [] if it cannot be resolved here: behind a proxy that is usual."""
        try:
            return [address for _, address in await self._names.look_up(host, _REACH_LOOKUP_SECONDS)]
        except OSError:
            return []

    async def close(self) -> None:
        """Close every connection. Requests made afterwards open new ones."""
        if self._loop is not None:
            self._loop = None
            await self._connections.close()

    def disown(self) -> None:
        """Forget the connections in a forked child: they are the parent's."""
        if self._loop is not None:
            self._loop = None
            self._connections.disown()

    async def _attach(self) -> None:
        """Belong to the running loop. After a second `asyncio.run` the old sessions are of no use."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        # In a thread: aiohttp takes 100 ms and more to import.
        connections: Any = await asyncio.to_thread(import_module, f"{__package__}.connections")
        if self._loop is loop:  # another request was faster
            return
        _close_now(self._sessions)
        self._loop = loop
        self._connections: Connections = connections.Connections(self._limit, self._sessions)
        if self._ending_loop is not loop:  # after `close()` the loop still has the one of before
            self._ending, self._ending_loop = await close_at_loop_end(self), loop
        self._reach = None
        self._names = NameLookups()
        # aiohttp's time-outs count the wait for a free connection, so the wait comes before the request.
        self._slots = asyncio.Semaphore(self._limit)
        self._picture_slots = PictureSlots(self._limit)


def _close_now(sessions: Sessions) -> None:
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
                # The connections are closed before its first suspension; what follows only waits for them. aiohttp has
                # no function that closes without a running loop.
                with contextlib.suppress(StopIteration):
                    closing.send(None)
                closing.close()
            del closing
    sessions.clear()
