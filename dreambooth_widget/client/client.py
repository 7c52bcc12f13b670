"""`Client` and `fetch`: requests become jobs, with or without a notebook."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import TracebackType

from ..credentials import ApiKey, find_key, redactor, without_frames
from ..images.cache_folder import PictureCache
from ..images.store import MAX_MEMORY_BYTES, PictureStore
from ..protocol.answer_types import Answer
from ..protocol.endpoint import V4, check_endpoint
from .arguments import check_listener, check_real, check_seconds
from .fetcher import Fetcher, check_access
from .job import FetchJob
from .job_group import FetchJobs, Outcome
from .options import FetchOptions, Limits, Policies
from .requests import Requests, read_call, read_request_id, read_requests
from .schedule import PollSchedule, Retry
from .state import FetchResult, FetchState
from .transport import Transport

__all__ = ["Client", "fetch", "run_to_end"]


class Client:
    """Fetches requests from one endpoint with one key. An async context manager that may also be left open.

    Args:
        key: The API key; None takes it from the environment variable `DREAMBOOTH_API_KEY`.
        endpoint: The address that is polled.
        schedule: When to poll a job that is processing.
        retry: How to repeat a failed call.
        rate: Polls per second.
        burst: Polls that may be made at once before `rate` applies.
        connections: Maximum connections to the endpoint. Picture hosts get up to twice as many, so that each request
            loads at least one.
        allow_private_hosts: Whether picture links may lead to private addresses. None allows it only if the endpoint
            is on one.
        proxy: The address of an HTTP proxy for all requests; None takes it from the environment (`HTTPS_PROXY`, …),
            which never counts for this machine itself.
        max_bytes: The largest size of one picture, in bytes.
        max_pixels: The largest size of one picture, in pixels.
        cache: A folder that keeps the original files. A cached request is not polled and needs no key.
        memory: Bytes of originals that stay in memory. The others are in a temporary folder, removed at exit.
        watch_links: Whether links that are announced before the pictures are there may be probed, so that the
            service is polled when they are.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument is out of its range, or there is neither a key nor a cache.
    """

    @without_frames
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
        proxy: str | None = None,
        max_bytes: int = 100 * 1024 * 1024,
        max_pixels: int = 100_000_000,
        cache: str | os.PathLike[str] | PictureCache | None = None,
        memory: int = MAX_MEMORY_BYTES,
        watch_links: bool = True,
    ) -> None:
        secret = find_key(key)
        del key
        self._redact = redactor(secret)
        if isinstance(proxy, str) and self._redact(proxy) != proxy:
            raise ValueError("proxy contains the API key")
        connect = partial(
            Transport,
            secret,
            rate=rate,
            burst=burst,
            connections=connections,
            allow_private_hosts=allow_private_hosts,
            proxy=proxy,
        )
        limits = Limits(max_bytes, max_pixels)
        policies = Policies(schedule=schedule, retry=retry, limits=limits, watch_links=watch_links)
        folder = PictureCache.of(cache)
        check_access(secret, folder)
        store = PictureStore(check_real("memory", memory, "number of bytes"), folder)
        self.fetcher = Fetcher(connect, check_endpoint(endpoint, self._redact), policies, store)

    def __repr__(self) -> str:
        return f"<Client {self.endpoint if hasattr(self, 'fetcher') else '(not made)'}>"

    @property
    def endpoint(self) -> str:
        """The address that is polled."""
        return self.fetcher.endpoint

    @without_frames
    def fetch(self, request_id: int | str, *, eta: float | None = None, deadline: float | None = None) -> FetchJob:
        """Start fetching a request at once, on the running event loop.

        Args:
            request_id: The `id` in the answer of the generation call.
            eta: The expected duration in seconds from now.
            deadline: Seconds from now after which waiting ends; by default max(10 minutes, 6·eta).
        """
        options = FetchOptions(read_request_id(request_id, self._redact), check_seconds("eta", eta))
        return self.fetcher.start(options, self._policies(deadline))

    @without_frames
    def fetch_response(self, response: object, *, deadline: float | None = None) -> FetchJob:
        """Start fetching the request of a generation call's whole answer, queued (with its `eta`) or finished.

        Args:
            response: The answer as a dict, JSON text or bytes, or the response object of `requests` or `httpx`.
            deadline: As in `fetch`.

        Raises:
            TypeError: `response` is something else.
            ValueError: The answer is an error, or names no request.
        """
        return self.fetcher.start(FetchOptions.for_response(response, self._redact), self._policies(deadline))

    @without_frames
    def resume(self, token: str, *, deadline: float | None = None) -> FetchJob:
        """Continue the request of a `resume_token`, with a deadline of its own.

        Raises:
            ValueError: `token` is no resume token, or belongs to another endpoint.
        """
        return self.fetcher.start(FetchOptions.for_token(token, self.endpoint), self._policies(deadline))

    async def fetch_all(
        self,
        requests: Requests,
        *,
        deadline: float | None = None,
        on_update: Callable[[FetchState], None] | None = None,
    ) -> list[Outcome]:
        """Fetch many requests at once. Cancelling this ends all jobs.

        Args:
            requests: Ids, `(id, eta)` pairs or whole answers of generation calls, or a mapping from captions to them.
            deadline: Seconds for each of them, as in `fetch`.
            on_update: Called with each new `FetchState` of any of them.

        Returns:
            In the order of `requests`, the `FetchResult` of each or the `DreamboothError` that ended it.

        Raises:
            TypeError: One of them cannot be a request; none has been fetched.
            ValueError: As `TypeError`.
        """

        def notify(index: int) -> None:
            if on_update is not None:
                on_update(jobs[index])

        try:
            specs, policies = read_requests(requests, self._redact), self._policies(deadline)
        finally:
            del requests, deadline
        if on_update is not None:
            check_listener("on_update", on_update)
        jobs = FetchJobs(lambda options: self.fetcher.start(options, policies), notify)
        jobs.add(specs)
        jobs.start()
        try:
            return await jobs.wait()
        finally:
            await jobs.finish()

    async def check(self, request_id: int | str) -> Answer:
        """Make exactly one POST, in its turn, and return what the service answers about the request."""
        try:
            checked = read_request_id(request_id, self._redact)
        finally:
            del request_id
        transport, now = self.fetcher.transport, asyncio.get_running_loop().time()
        await transport.queue.wait_for_turn(now, now)
        return await transport.poll(checked)

    @without_frames
    def _policies(self, deadline: float | None) -> Policies:
        return replace(self.fetcher.policies, deadline=deadline)

    async def close(self) -> None:
        """Close the connections."""
        await self.fetcher.close()

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
    watch_links: bool = True,
    on_update: Callable[[FetchState], None] | None = None,
) -> FetchResult:
    """Poll until the pictures of a request are there, load them and return them. Cancelling this ends the job.

    Args:
        key: The API key; None takes it from the environment variable `DREAMBOOTH_API_KEY`.
        request_id: The `id` in the answer of the generation call.
        eta: The expected duration in seconds from now.
        endpoint: The address that is polled.
        schedule: When to poll.
        retry: How to repeat a failed call.
        deadline: Seconds from now after which waiting ends; by default max(10 minutes, 6·eta).
        cache: A folder that keeps the original files, as in `Client`.
        client: A client that brings its own key, endpoint, policies and cache, and stays open.
        watch_links: As in `Client`.
        on_update: Called with each new `FetchState`.

    Raises:
        DreamboothError: What ended the job.
        TypeError: An argument is of a wrong type.
        ValueError: An argument cannot be right.
    """
    try:
        secret, options = read_call(key, request_id, client, eta=eta)
        used = client or Client(
            secret, endpoint=endpoint, schedule=schedule, retry=retry, cache=cache, watch_links=watch_links
        )
        policies = used._policies(deadline)
    finally:
        del key, request_id, eta, endpoint, deadline
    try:
        return await run_to_end(used.fetcher.start(options, policies), on_update)
    finally:
        if client is None:
            await used.close()


async def run_to_end(job: FetchJob, on_update: Callable[[FetchState], None] | None = None) -> FetchResult:
    """Return the result of a job that ends with this call. `on_update` is called with each new state."""
    try:
        if on_update is not None:
            check_listener("on_update", on_update)
            job.subscribe(on_update)
        return await job
    finally:
        await job.finish()
