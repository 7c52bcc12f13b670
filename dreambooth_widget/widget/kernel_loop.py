"""The event loop that a card's jobs live on, and the tasks that run there in the card's name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["KernelLoop", "Tasks"]

log = logging.getLogger(__name__)

_NO_LOOP = (
    "There is no running event loop here. In a notebook the widget starts by itself; "
    "in a script use `dreambooth_widget.fetch_sync(key, request_id)` or `asyncio.run(fetch(key, request_id))`."
)


class Tasks:
    """Work on the running loop that no caller awaits.

    Args:
        purpose: The subject of the log message about a task that failed.
    """

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        # The loop holds tasks only weakly; an unreferenced one is collected in mid-flight.
        self._running: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task and return at once."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def settle(self) -> None:
        """Wait until no task runs."""
        # Not for those that have just ended: from Python 3.12 on that never lets the loop take them off the list.
        while running := [task for task in self._running if not task.done()]:
            await asyncio.gather(*running, return_exceptions=True)

    def cancel(self) -> None:
        """Cancel all tasks."""
        for task in tuple(self._running):
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s failed", self._purpose, exc_info=task.exception())


class KernelLoop:
    """The event loop on which a card was made: the kernel's own. Without one, the loop on which its work begins.

    ipykernel 7 handles the messages of views in threads with loops of their own, where a task would die silently: so
    their work is handed over to this loop.
    """

    def __init__(self) -> None:
        self._loop = _running()
        self.tasks = Tasks("The work of a widget")

    @property
    def known(self) -> bool:
        """Whether there is a loop yet."""
        return self._loop is not None

    @property
    def here(self) -> bool:
        """Whether the caller runs on the loop."""
        return self._loop is not None and self._loop is _running()

    def run(self, work: Callable[[], None]) -> None:
        """Do `work` on the loop: now if the caller runs on it, else soon.

        Raises:
            RuntimeError: There is no loop.
        """
        if self._loop is None or not self._loop.is_running():
            self._loop = _running() or self._loop
        if self._loop is None or self._loop.is_closed():
            raise RuntimeError(_NO_LOOP)
        self.run_anyway(work)

    def check_here(self) -> None:
        """Raise RuntimeError on another loop, which cannot await what happens on this one."""
        if not self.here:
            raise RuntimeError("This widget runs on another event loop: await it there. In a thread use `fetch_sync`.")

    def run_anyway(self, work: Callable[..., None], *args: Any) -> None:
        """Do `work` on the loop, or at once if there is none (any more)."""
        if self._loop is None or self._loop.is_closed() or self.here:
            work(*args)
        else:
            self._loop.call_soon_threadsafe(work, *args)

    def later(self, seconds: float, work: Callable[[], None]) -> bool:
        """Do `work` after some seconds, and return True; return False if there is no loop yet. Call it on the loop."""
        if self._loop is None:
            return False
        self._loop.call_later(seconds, work)
        return True


def _running() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, or None."""
    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None
