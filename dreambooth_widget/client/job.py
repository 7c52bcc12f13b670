"""`FetchJob` owns the one task of a request: it polls until the answer is final, then loads the pictures.

`FetchState` goes out to subscribers, intents (`stop`, `check_now`, `retry_picture`) come in. It imports no widget.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import DeadlineExceededError, DreamboothError, PictureError, StoppedError
from ..images.pool import WorkerPool
from ..images.store import PictureStore
from .arguments import check_listener
from .deadline import Deadline, DeadlinePassed
from .interrupts import wait_for_event
from .link_watch import LinkProbe, LinkWatch
from .loading import PictureLoader
from .options import FetchOptions
from .polling import Poller
from .polling_policy import PollDecision
from .schedule import DurationHistory
from .state import FetchResult, FetchState, PictureState, describe_progress, describe_result

if TYPE_CHECKING:
    from ..protocol.answer_types import Finished
    from .transport import Transport

__all__ = ["FetchJob"]

log = logging.getLogger(__name__)

Listener = Callable[[FetchState], None]

_SHORTEST_WAIT = 0.001
"""Seconds of waiting that are worth showing."""

_CLOCK_SET = 1.0
"""Seconds by which the clock and the monotonic clock may drift apart before the clock counts as set."""


class FetchJob:
    """One request being fetched. `await job` returns its `FetchResult` or raises the `DreamboothError` that ended it.

    Made by `Client.fetch`, inside a running event loop, which owns it: its task, its subscribers and its state
    live there. `stop`, `check_now`, `retry_picture` and `subscribe`'s undo may be called from any thread.
    """

    def __init__(
        self,
        transport: Transport,
        options: FetchOptions,
        history: DurationHistory | None = None,
        store: PictureStore | None = None,
        probe: LinkProbe | None = None,
    ) -> None:
        self._options = options
        self._endpoint = transport.endpoint
        history = history or DurationHistory()
        self._loader = PictureLoader(transport, options, store or PictureStore(), self._show)
        watch = LinkWatch(transport, options, history, probe)
        self._poller = Poller(transport, options, history, watch, on_wait=self._on_wait, on_poll=self._on_poll)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._before = max(0.0, time.time() - options.started_at) if options.started_at is not None else 0.0
        self._listeners: list[Listener] = []
        self._ended = asyncio.Event()
        self._stopping = False
        self._result: FetchResult | None = None
        self._state = options.first_state()
        self._retries: set[asyncio.Task[None]] = set()  # while they run: the loop itself holds them only weakly
        self._task = self._loop.create_task(self._run(), name=f"dreambooth fetch {options.request_id}")
        self._task.add_done_callback(self._task_ended)

    def __repr__(self) -> str:
        return f"<FetchJob {self._options.request_id}: {self._state.status}>"

    # -- what others see ---------------------------------------------------------------------------------------

    @property
    def state(self) -> FetchState:
        """All that is known of the job now."""
        return self._state

    @property
    def result(self) -> FetchResult | None:
        """The pictures, once the job has succeeded. A retried picture makes a new result."""
        return self._result

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each new state, on the job's loop. Its exceptions are logged and do not end the job.

        Returns:
            A function that ends the subscription.
        """
        check_listener("listener", listener)
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    def __await__(self) -> Generator[Any, None, FetchResult]:
        return self._outcome().__await__()

    async def _outcome(self) -> FetchResult:
        # Waits for an event, not for the task: cancelling this await stops the wait, not the job.
        await wait_for_event(self._ended)
        if self._result is None:
            assert self._state.error is not None
            raise self._state.error.with_traceback(None)
        return self._result

    async def __aiter__(self) -> AsyncIterator[FetchState]:
        """Iterate over the states: the one now, then each change until the final one. A slow reader skips some."""
        changed = asyncio.Event()
        unsubscribe = self.subscribe(lambda _: changed.set())
        try:
            while True:
                changed.clear()
                state = self._state
                yield state
                if state.final:
                    return
                await wait_for_event(changed)
        finally:
            unsubscribe()

    def resume_token(self) -> str:
        """Return JSON text with which `Client.resume` continues this request, in another process too.

        The key is not in it.
        """
        return self._options.token(self._endpoint, self._state)

    def resume_options(self) -> FetchOptions:
        """Return the options of a job that continues this one. A stopped or timed-out job keeps its clock and count."""
        state = self._state
        if state.status not in ("stopped", "timed_out"):
            return self._options
        return replace(self._options, started_at=state.started_at, polls=state.polls, eta=state.eta)

    # -- intents -----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop waiting. The service cannot cancel a job: it goes on there, and checking again resumes.

        Called on the job's own loop, it has ended when this returns.
        """
        self._on_loop(self._stop)

    async def finish(self) -> None:
        """Stop, and wait until nothing of the job runs any more."""
        self._stop()
        for task in self._retries:
            task.cancel()
        await asyncio.gather(self._task, *self._retries, return_exceptions=True)

    def check_now(self) -> None:
        """Poll at once instead of at `next_poll_at`."""
        self._on_loop(self._poller.check_now)

    def retry_picture(self, index: int) -> None:
        """Load one missing picture again, after the job has succeeded with the others."""
        self._on_loop(self._retry_picture, index)

    def _on_loop(self, work: Callable[..., object], *args: object) -> None:
        """Call `work` on the job's loop: now if it runs here, so that the state is true when an intent returns."""
        if _runs_here(self._loop):
            work(*args)
            return
        # A loop in another thread does not wake up from a bare `task.cancel()` or `event.set()`.
        with contextlib.suppress(RuntimeError):  # the loop is closed: there is nothing left to stop
            self._loop.call_soon_threadsafe(work, *args)

    def _stop(self) -> None:
        if not self._state.final:
            self._stopping = True
            self._task.cancel()
            self._end_stopped()

    def _retry_picture(self, index: int) -> None:
        if self._result is None or not 0 <= index < len(self._state.pictures):
            return
        if self._state.pictures[index].status == "missing":
            task = self._loop.create_task(self._load_again(index))
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)

    # -- the task ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            self._result = await self._fetch()
            source = ", from the cache" if self._loader.all_recalled else ""
            self._end(status="success", message=describe_result(self._result) + source, error=None)
        except DreamboothError as error:
            timed_out = isinstance(error, DeadlineExceededError)
            self._end(status="timed_out" if timed_out else "error", message=error.message, error=error)
        except asyncio.CancelledError:
            self._end_stopped()
            if not self._stopping:  # the loop is being shut down
                raise
        except Exception:
            if self._loop.is_closed():  # with tasks on it: they are being collected, and cannot clean up any more
                return
            # The edge of the task: without this the job would never end, silently.
            log.exception("request %s: unforeseen failure", self._options.request_id)
            failure = DreamboothError(
                "The fetch failed inside dreambooth_widget.",
                request_id=self._options.request_id,
                advice="This is a bug of ours; the kernel's log has the traceback.",
            )
            self._end(status="error", message=failure.message, error=failure)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._end_stopped()  # a task that is cancelled before its first step runs nothing of `_run`
        self._ended.set()

    def _end_stopped(self) -> None:
        if not self._state.final:
            error = StoppedError("Waiting was stopped.", request_id=self._options.request_id)
            self._end(status="stopped", message="The job keeps running on the service", error=error)

    async def _fetch(self) -> FetchResult:
        deadline = Deadline(self._options.deadline, self._options.eta)
        started_at = time.time() if self._state.started_at is None else self._state.started_at
        self._change(status="processing", started_at=started_at)
        await self._loader.look_up()
        if self._loader.all_recalled:
            return self._recall()
        WorkerPool.shared().start()  # hidden behind the wait for the answer
        await self._load(await self._poller.run(lambda: self._elapsed, deadline), deadline)
        return self._make_result(self._elapsed)

    @property
    def _elapsed(self) -> float:
        """Seconds since the first poll, that of an earlier job for the same request included."""
        return self._before + self._loop.time() - self._began

    def _recall(self) -> FetchResult:
        """Return the result that the cache has in full: no poll is made, and no link is needed."""
        meta = {**self._options.meta, **self._loader.meta}
        pictures = sorted(self._loader.recalled.values(), key=lambda picture: picture.index)
        entries = (PictureState(p.index, "ready", "", p, p.width, p.height) for p in pictures)
        self._change(meta=meta, pictures=tuple(entries))
        return self._make_result(self._elapsed)

    # -- polling -----------------------------------------------------------------------------------------------

    def _on_wait(self, decision: PollDecision, seconds: float) -> None:
        now = time.time()
        self._change(
            eta=decision.eta,
            message=decision.message,
            activity=decision.activity,
            waiting_since=now if decision.activity else None,
            next_poll_at=now + seconds if seconds > _SHORTEST_WAIT else None,
        )

    def _on_poll(self) -> None:
        self._change(next_poll_at=None, polls=self._state.polls + 1)

    # -- pictures ----------------------------------------------------------------------------------------------

    async def _load(self, finished: Finished, deadline: Deadline) -> None:
        """Load the pictures. Those that have not come by the deadline are missing."""
        meta = {**self._options.meta, **finished.meta}
        announced = replace(self._options, expected=len(finished.links), meta=meta).announced()
        entries = tuple(replace(entry, url=finished.links[entry.index].url) for entry in announced)
        self._change(
            status="downloading",
            message=describe_progress(entries),
            activity="",
            next_poll_at=None,
            waiting_since=None,
            meta=meta,
            pictures=entries,
        )
        deadline.allow_pictures()
        try:
            await deadline.bound(self._loader.load_all(finished.links, entries, meta))
        except DeadlinePassed:
            for entry in self._state.pictures:
                if entry.status == "waiting":
                    reason = entry.reason.partition("; attempt")[0] or "still loading"
                    self._show(replace(entry, status="missing", reason=f"{reason}; no picture by {deadline}"))

    async def _load_again(self, index: int) -> None:
        """Retry one missing picture. The job stays successful meanwhile."""
        self._show(replace(self._state.pictures[index], status="waiting", reason="trying again"))
        await self._loader.load(self._state.pictures[index])
        assert self._result is not None
        self._result = self._make_result(self._result.duration)
        self._change(message=describe_result(self._result))

    def _show(self, entry: PictureState) -> None:
        pictures = list(self._state.pictures)
        pictures[entry.index] = entry
        message = describe_progress(pictures) if self._state.status == "downloading" else self._state.message
        self._change(pictures=tuple(pictures), message=message)

    def _make_result(self, duration: float) -> FetchResult:
        entries = self._state.pictures
        ready = [entry.picture for entry in entries if entry.picture is not None]
        missing = [entry for entry in entries if entry.picture is None]
        if not ready:
            raise PictureError(
                f"None of the {len(entries)} pictures could be loaded."
                if len(entries) > 1
                else "The picture could not be loaded.",
                request_id=self._options.request_id,
                details="\n".join(f"picture {entry.index + 1}: {entry.reason}" for entry in missing),
            )
        return FetchResult(self._options.request_id, ready, missing, self._state.meta, duration)

    # -- publishing --------------------------------------------------------------------------------------------

    def _end(self, **changes: Any) -> None:
        self._change(finished_at=time.time(), next_poll_at=None, activity="", waiting_since=None, **changes)

    def _change(self, **changes: Any) -> None:
        self._publish(replace(self._state, **changes))

    def _publish(self, state: FetchState) -> None:
        if self._state.final and self._result is None:
            return  # the job has been stopped, and a download of it has not noticed yet
        if not self._state.final:
            state = self._with_clock(state)
        if state == self._state:
            return
        self._state = state
        for listener in tuple(self._listeners):
            try:
                listener(state)
            except Exception:  # a subscriber's fault must not end the job
                log.exception("request %s: a subscriber failed", self._options.request_id)

    def _with_clock(self, state: FetchState) -> FetchState:
        """Return `state` with a start that suits the clock as it is now, should it have been set meanwhile."""
        started_at = time.time() - self._elapsed
        if state.started_at is None or abs(started_at - state.started_at) <= _CLOCK_SET:
            return state
        return replace(state, started_at=started_at)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
