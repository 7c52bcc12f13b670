"""`Client` and `fetch`: the door for people without a notebook, and for the widgets behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any
from weakref import WeakValueDictionary

from ..credentials import KEY_VARIABLE, ApiKey, find_key
from ..images.cache import PictureCache
from ..images.originals import ROOM, Originals
from ..protocol.answers import Answer
from ..protocol.endpoint import V4, check_endpoint, check_request_id
from .job import FetchJob
from .job_group import FetchJobs, Outcome
from .options import FetchOptions, Limits, check_seconds
from .requests import Requests, RequestSpec, read_requests
from .schedule import DurationHistory, PollSchedule, Retry
from .state import FetchResult, FetchState
from .transport import Transport

__all__ = ["Client", "fetch"]

_HISTORY = DurationHistory()
"""How long this process's finished jobs took: the best guess for one without an ETA."""

_NETWORKS: WeakValueDictionary[tuple[int, str, ApiKey | None], Transport] = WeakValueDictionary()
_CLIENTS: WeakValueDictionary[tuple[int, str, ApiKey | None, PictureCache | None], Client] = WeakValueDictionary()
"""What the widgets share, by loop, endpoint, key (and cache)."""


class Client:
    """Fetches requests from one endpoint with one key. An async context manager; it may also be left open.

    `rate` and `burst` limit the polls (requests a second, and how many at once first), `connections` the open
    connections to each side, `max_bytes` and `max_pixels` one picture. `allow_private_hosts` decides whether picture
    links may lead to private addresses; None allows it only when the endpoint is on one. `cache` is a folder in which
    the original files are kept: a request that is there is not asked for again, and needs no link that still lives, and
    no key. `memory` is how many bytes of originals stay in memory; the others lie in a temporary folder that goes with
    this process. Raises `ValueError` without a key, unless there is a cache to look into.
    """

    def __init__(
        self,
        key: str | ApiKey | None = None,
        *,
        endpoint: str = V4,
        schedule: PollSchedule = PollSchedule(),
        retry: Retry = Retry(),
        rate: float = 5.0,
        burst: int = 10,
        connections: int = 8,
        allow_private_hosts: bool | None = None,
        max_bytes: int = 32 * 1024 * 1024,
        max_pixels: int = 50_000_000,
        cache: str | os.PathLike[str] | PictureCache | None = None,
        memory: int = ROOM,
    ) -> None:
        found = find_key(key)
        del key  # a traceback with local values shall not find it in this frame
        if found is None and cache is None:
            raise ValueError(f"no API key: pass it as the first argument or set {KEY_VARIABLE}")
        self._schedule = schedule
        self._retry = retry
        self._limits = Limits(max_bytes, max_pixels)
        self.cache = PictureCache.of(cache)
        self._originals = Originals(memory, self.cache.folder if self.cache is not None else None)
        self._network = Transport(
            found,
            check_endpoint(endpoint),
            rate=rate,
            burst=burst,
            connections=connections,
            allow_private_hosts=allow_private_hosts,
        )

    def __repr__(self) -> str:
        return f"<Client {self.endpoint}>"

    @classmethod
    def shared(
        cls,
        key: str | ApiKey | None = None,
        *,
        endpoint: str = V4,
        cache: str | os.PathLike[str] | PictureCache | None = None,
    ) -> Client:
        """The client that all widgets of this kernel use for one endpoint, key and cache: made when nobody has it yet.

        Whatever the cache, one key at one endpoint has one rate limit, and one set of connections. Belongs to the
        running event loop, and goes with the last of those who use it.
        """
        found = find_key(key)
        del key
        loop = asyncio.get_running_loop()
        kept = PictureCache.of(cache)
        link = (id(loop), check_endpoint(endpoint), found)
        place = (*link, kept)
        client = _CLIENTS.get(place)
        if client is None:
            client = _CLIENTS[place] = cls(found, endpoint=endpoint, cache=kept)
            client._network = _NETWORKS.setdefault(link, client._network)
        return client

    @property
    def endpoint(self) -> str:
        """The address that is asked."""
        return self._network.endpoint

    def redact(self, text: str) -> str:
        """`text` without the key, should somebody have repeated it."""
        return self._network.redact(text)

    def fetch(self, request_id: int | str, *, eta: float | None = None, deadline: float | None = None) -> FetchJob:
        """Start fetching a request at once, on the running event loop. `eta` and `deadline` are seconds from now."""
        seconds = check_seconds("eta", eta), check_seconds("deadline", deadline)
        return self.start(self.adopt(FetchOptions(check_request_id(request_id), *seconds)))

    def start(self, plan: FetchOptions) -> FetchJob:
        """Start a job for a plan as it is."""
        return FetchJob(self._network, plan, _HISTORY, self.cache, self._originals)

    def adopt(self, plan: FetchOptions) -> FetchOptions:
        """The plan with this client's policies: its schedule, its retries and its limits."""
        return replace(plan, schedule=self._schedule, retry=self._retry, limits=self._limits)

    async def check(self, request_id: int | str) -> Answer:
        """Exactly one POST: what the service says of the request now."""
        return await self._network.poll(check_request_id(request_id))

    def fetch_response(self, response: Mapping[str, Any] | str, *, deadline: float | None = None) -> FetchJob:
        """Start fetching what a generation call answered, queued (with its `eta`) or finished.

        Raises `ValueError` when it answered with an error or named no request.
        """
        plan = replace(FetchOptions.for_response(response, self.redact), deadline=check_seconds("deadline", deadline))
        return self.start(self.adopt(plan))

    async def fetch_all(
        self,
        requests: Requests,
        *,
        deadline: float | None = None,
        on_update: Callable[[FetchState], None] | None = None,
    ) -> list[Outcome]:
        """Fetch many requests at once: a list in the order asked, each a `FetchResult` or the `DreamboothError`.

        `requests` are ids, `(id, eta)` pairs or whole answers of generation calls, or a mapping from captions to such.
        `deadline` is in seconds, for each. `on_update` gets each new `FetchState` of any of them. Raises `TypeError` or
        `ValueError` for what cannot be a request, before any is fetched. Cancelling this ends all jobs.
        """

        def tell(place: int) -> None:
            if on_update is not None:
                on_update(jobs[place])

        jobs = FetchJobs(self.start, tell)
        jobs.add(self.plan_all(requests, deadline=deadline))
        jobs.start()
        try:
            return await jobs.wait()
        finally:
            await jobs.finish()

    def plan_all(self, requests: Requests, *, deadline: float | None = None) -> list[RequestSpec]:
        """What `requests` ask for, to be fetched by this client's policies. Raises as `fetch_all` does."""
        seconds = check_seconds("deadline", deadline)
        asked = list(read_requests(requests, self.redact))
        return [replace(each, plan=replace(self.adopt(each.plan), deadline=seconds)) for each in asked]

    def resume(self, token: str) -> FetchJob:
        """Continue the request of a `resume_token`. `ValueError` if it is none, or belongs to another endpoint."""
        endpoint, plan = FetchOptions.for_token(token)
        if endpoint != self.endpoint:
            raise ValueError(f"the token is for {endpoint}, this client asks {self.endpoint}")
        return self.start(self.adopt(plan))

    async def close(self) -> None:
        """Close the connections."""
        await self._network.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


async def fetch(
    key: str | ApiKey | None = None,
    request_id: int | str | None = None,
    *,
    eta: float | None = None,
    endpoint: str = V4,
    schedule: PollSchedule = PollSchedule(),
    retry: Retry = Retry(),
    deadline: float | None = None,
    cache: str | os.PathLike[str] | PictureCache | None = None,
    client: Client | None = None,
    on_update: Callable[[FetchState], None] | None = None,
) -> FetchResult:
    """The whole job without a notebook: poll until the pictures are there, load them, return them.

    `eta` and `deadline` are seconds, `cache` is a folder as in `Client`. `on_update` gets each new `FetchState`. With a
    `client`, its key, endpoint, policies and cache are used, and it stays open. Cancelling this ends the job. Raises
    the `DreamboothError` that ended it.
    """
    secret = find_key(key)
    del key
    request_id = check_request_id(request_id)
    own = client is None
    client = client or Client(secret, endpoint=endpoint, schedule=schedule, retry=retry, cache=cache)
    try:
        job = client.fetch(request_id, eta=eta, deadline=deadline)
        if on_update is not None:
            job.subscribe(on_update)
        try:
            return await job
        finally:
            await job.finish()
    finally:
        if own:
            await client.close()
