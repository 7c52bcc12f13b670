"""`fetch_sync`: the whole job as a plain function call, for scripts, threads and the workers of a cluster.

All calls of a process share one event loop in a thread of its own, and with it the connections and the rate limit of
each endpoint and key. It works inside a notebook too, where the kernel's own loop is busy running the cell.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Callable

from ..credentials import ApiKey, redactor
from ..images.cache_folder import PictureCache
from ..images.fork import disown_after_fork
from ..protocol.endpoint import V4, check_endpoint
from .arguments import check_seconds
from .client import run_to_end
from .fetcher import Fetcher
from .options import Policies
from .requests import read_call
from .schedule import PollSchedule, Retry
from .state import FetchResult, FetchState

__all__ = ["fetch_sync"]

_NAME = "dreambooth fetch_sync"
_CLOSING_SECONDS = 3.0
"""The longest time that closing the connections may hold up the end of the process."""


class _LoopThread:
    """One event loop in a daemon thread, started with the first call, and the clients that live on it."""

    def __init__(self) -> None:
        self.disown()
        disown_after_fork(self)

    def disown(self) -> None:
        """Start anew: a forked child has neither the thread nor its loop."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._fetchers: set[Fetcher] = set()

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop.

        Raises:
            RuntimeError: This is the loop's own thread, which cannot wait for itself.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("fetch_sync cannot be called from its own on_update")
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=_NAME, daemon=True)
                self._thread.start()
            return self._loop

    def keep(self, fetcher: Fetcher) -> None:
        """Keep a fetcher, so that the next call finds its connections open."""
        if not self._fetchers:
            # What is registered last runs first: before the finalizers of the connections, which would close them from
            # the wrong thread and are registered with the first finalizer of the process.
            weakref.finalize(fetcher, int)
            atexit.register(self.close)
        self._fetchers.add(fetcher)

    def close(self) -> None:
        """Close the connections and the loop, so that neither a warning nor a pending task is left at exit."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError, RuntimeError):
            asyncio.run_coroutine_threadsafe(self._close_fetchers(), loop).result(_CLOSING_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CLOSING_SECONDS)
        if not thread.is_alive():
            loop.close()
        self.disown()

    async def _close_fetchers(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_asyncgens()  # closes the connections, see `loop_end`


_THREAD = _LoopThread()


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
    watch_links: bool = True,
    on_update: Callable[[FetchState], None] | None = None,
) -> FetchResult:
    """Do as `await fetch(…)`, and return when the pictures are there. `on_update` is called in another thread.

    To send it to other machines leave `key` out and set `DREAMBOOTH_API_KEY` there: a task graph is not the
    way to send a secret. An interrupt of the main thread (Ctrl+C, the notebook's stop button) ends its job.

    Raises:
        DreamboothError: What ended the job.
        TypeError: An argument is of a wrong type.
        ValueError: An argument cannot be right.
    """
    try:
        secret, options = read_call(key, request_id, eta=eta)
        address = check_endpoint(endpoint, redactor(secret))
        seconds = check_seconds("deadline", deadline)
    finally:
        del key, request_id, eta, endpoint, deadline
    policies = Policies(schedule=schedule, retry=retry, deadline=seconds, watch_links=watch_links)
    folder = PictureCache.of(cache)

    async def work() -> FetchResult:
        fetcher = Fetcher.shared(secret, address, folder)
        _THREAD.keep(fetcher)
        return await run_to_end(fetcher.start(options, policies), on_update)

    loop = _THREAD.loop()
    future = asyncio.run_coroutine_threadsafe(work(), loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
