"""`fetch_sync`: the whole job as a plain function call, for scripts, threads and the workers of a cluster.

All calls of a process share one event loop, in a thread of its own, and with it the connections and the rate limit of
each endpoint and key. It works inside a notebook too, where the kernel's own loop is busy running the cell.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import replace

from ..credentials import ApiKey, find_key
from ..images.store import PictureCache
from ..protocol.endpoint import V4, check_endpoint, check_request_id
from .client import Client
from .options import FetchOptions, check_seconds
from .schedule import PollSchedule, Retry
from .state import FetchResult, FetchState

__all__ = ["fetch_sync"]


_NAME = "dreambooth fetch_sync"


class _LoopThread:
    """One event loop in a daemon thread, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop. `RuntimeError` in its own thread, which cannot wait for itself."""
        if threading.current_thread().name == _NAME:
            raise RuntimeError("fetch_sync cannot be called from its own on_update")
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name=_NAME, daemon=True).start()
            return self._loop


_THREAD = _LoopThread()
_CLIENTS: set[Client] = set()
"""What this process has used: kept, so that one call after the other finds its connections open."""


def _forget() -> None:
    """After a fork: the child has not got the thread, and with it goes the loop that the clients belong to."""
    global _THREAD, _CLIENTS
    _THREAD, _CLIENTS = _LoopThread(), set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def fetch_sync(
    key: str | ApiKey | None = None,
    request_id: int | str | None = None,
    *,
    eta: float | None = None,
    endpoint: str = V4,
    schedule: PollSchedule = PollSchedule(),
    retry: Retry = Retry(),
    deadline: float | None = None,
    cache: str | os.PathLike[str] | PictureCache | None = None,
    on_update: Callable[[FetchState], None] | None = None,
) -> FetchResult:
    """As `await fetch(…)`, and returns when the pictures are there. `on_update` is called in another thread.

    To send it to other machines leave `key` out and set `DREAMBOOTH_API_KEY` there: a task graph is no place for a
    secret. An interrupt of the main thread (Ctrl+C, the notebook's stop button) ends its job. Raises the
    `DreamboothError` that ended it.
    """
    secret = find_key(key)
    del key
    plan = FetchOptions(check_request_id(request_id), check_seconds("eta", eta), check_seconds("deadline", deadline))
    place = check_endpoint(endpoint)
    kept = PictureCache.of(cache)

    async def work() -> FetchResult:
        client = Client.shared(secret, endpoint=place, cache=kept)
        _CLIENTS.add(client)
        job = client.start(replace(client.adopt(plan), schedule=schedule, retry=retry))
        if on_update is not None:
            job.subscribe(on_update)
        try:
            return await job
        finally:
            await job.finish()

    loop = _THREAD.loop()
    future = asyncio.run_coroutine_threadsafe(work(), loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
