"""`FetchJob` owns the one task of a request: it polls until the answer is final, then loads the pictures.

`FetchState` goes out to subscribers, intents (`stop`, `check_now`, `retry_picture`) come in. It knows no widget.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import DeadlineExceededError, DreamboothError, PictureError, RateLimitedError, StoppedError
from ..images.pool import WorkerPool
from ..images.store import PictureStore
from ..protocol.answers import Answer, Busy, Finished, PictureLink
from .loading import PictureLoader
from .options import FetchOptions
from .polling import PollDecision, PollingPolicy
from .schedule import DurationHistory, default_deadline
from .state import FetchResult, FetchState, PictureState

if TYPE_CHECKING:
    from .transport import Transport

__all__ = ["FetchJob"]

log = logging.getLogger(__name__)

Listener = Callable[[FetchState], None]

_LAPS = 6
"""How often a request without a deadline of the user's is asked for at least, however many share the limit."""


class FetchJob:
    """One request being fetched. `await job` gives its `FetchResult` or raises the `DreamboothError` that ended it.

    Made by `Client.fetch`, inside a running event loop, which owns it: its task, its subscribers and its state
    live there. `stop`, `check_now` and `subscribe`'s undo may be called from any thread.
    """

    def __init__(
        self,
        network: Transport,
        plan: FetchOptions,
        history: DurationHistory | None = None,
        store: PictureStore | None = None,
        pool: WorkerPool | None = None,
    ) -> None:
        self._network = network
        self._plan = plan
        self._history = history or DurationHistory()
        self._pool = pool or WorkerPool.shared()
        self._loader = PictureLoader(network, plan, store or PictureStore(), self._pool, self._show)
        self._loop = asyncio.get_running_loop()
        self._listeners: list[Listener] = []
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._links: tuple[PictureLink, ...] = ()
        self._result: FetchResult | None = None
        self._state = plan.first_state()
        self._polling = True
        network.waiting += 1
        # Tasks are referenced here for as long as they run: the loop itself holds them only weakly.
        self._retries: set[asyncio.Task[None]] = set()
        self._task = self._loop.create_task(self._run(), name=f"dreambooth fetch {plan.request_id}")
        self._task.add_done_callback(self._task_ended)

    def __repr__(self) -> str:
        return f"<FetchJob {self._plan.request_id}: {self._state.status}>"

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
        """Call `listener` with each new state, on the job's loop. Returns what undoes it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    def __await__(self) -> Generator[Any, None, FetchResult]:
        return self._outcome().__await__()

    async def _outcome(self) -> FetchResult:
        # Waits on an event, not on the task: who interrupts this await ends the waiting and not the job.
        await self._ended.wait()
        if self._result is None:
            assert self._state.error is not None
            raise self._state.error.with_traceback(None)
        return self._result

    async def __aiter__(self) -> AsyncIterator[FetchState]:
        """The state now, then each change until the final one. A slow reader skips states, never the last."""
        changed = asyncio.Event()
        unsubscribe = self.subscribe(lambda _: changed.set())
        try:
            while True:
                changed.clear()
                state = self._state
                yield state
                if state.final:
                    return
                await changed.wait()
        finally:
            unsubscribe()

    def resume_token(self) -> str:
        """JSON text with which `Client.resume` continues this request, in another process too. The key is not in it."""
        return self._plan.token(self._network.endpoint, self._state)

    def again(self) -> FetchOptions:
        """The plan of a job that goes on after this one. A stopped or timed-out one keeps its clock and its count."""
        state = self._state
        if state.status not in ("stopped", "timed_out"):
            return self._plan
        return replace(self._plan, started_at=state.started_at, polls=state.polls, eta=state.eta)

    # -- intents -----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop waiting. The service cannot cancel a job: it goes on there, and checking again resumes."""
        self._on_loop(self._stop)

    async def finish(self) -> None:
        """Stop, and wait until nothing of the job runs any more."""
        self._stop()
        for task in self._retries:
            task.cancel()
        await asyncio.gather(self._task, *self._retries, return_exceptions=True)

    def check_now(self) -> None:
        """Poll at once instead of at `next_poll_at`."""
        self._on_loop(self._wake.set)

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
            self._leave_line()
            self._end_stopped()

    def _retry_picture(self, index: int) -> None:
        if self._result is None or not 0 <= index < len(self._links):
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
            self._end(status="success", message=_summary(self._result) + source, error=None)
        except DreamboothError as error:
            timed_out = isinstance(error, DeadlineExceededError)
            self._end(status="timed_out" if timed_out else "error", message=error.message, error=error)
        except asyncio.CancelledError:
            self._end_stopped()
            if not self._stopping:  # the loop is being shut down
                raise
        except Exception:
            # The edge of the task: without this the job would hang for ever, silently.
            log.exception("request %s: unforeseen failure", self._plan.request_id)
            failure = DreamboothError(
                "The fetch failed inside dreambooth_widget.",
                request_id=self._plan.request_id,
                advice="This is a bug of ours; the kernel's log has the traceback.",
            )
            self._end(status="error", message=failure.message, error=failure)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._end_stopped()  # a task that is cancelled before its first step runs nothing of `_run`
        self._leave_line()
        self._ended.set()

    def _leave_line(self) -> None:
        """No more polls: the others who share the limit may have this one's part."""
        if self._polling:
            self._polling = False
            self._network.waiting -= 1

    def _end_stopped(self) -> None:
        if self._state.final:
            return
        error = StoppedError("Waiting was stopped.", request_id=self._plan.request_id)
        self._end(status="stopped", message="the job goes on at the service", error=error)

    async def _fetch(self) -> FetchResult:
        began = time.time()
        started_at = began if self._state.started_at is None else self._state.started_at
        self._change(status="processing", started_at=started_at)
        await self._loader.look_up()
        if self._loader.all_recalled:
            return self._recall(time.time() - began)
        self._pool.start()  # hidden behind the wait for the answer
        finished = await self._poll_until_finished(began, started_at)
        self._leave_line()
        self._links = finished.links
        meta = {**self._plan.meta, **finished.meta}
        self._change(
            status="downloading",
            message=f"0 of {len(self._links)} pictures",
            activity="",
            next_poll_at=None,
            meta=meta,
            pictures=replace(self._plan, expected=len(self._links), meta=meta).announced(),
        )
        await self._loader.load_all(self._links, self._state.pictures, meta)
        duration = time.time() - started_at
        if self._state.polls > 1:  # what was ready at the first poll tells nothing of how long jobs take
            self._history.add(duration)
        return self._make_result(duration)

    def _recall(self, duration: float) -> FetchResult:
        """Return the result that the cache has in full: no poll is made, and no link is needed."""
        meta = {**self._plan.meta, **self._loader.recalled_meta}
        pictures = sorted(self._loader.recalled.values(), key=lambda picture: picture.index)
        entries = (PictureState(p.index, "ready", "", p, p.width, p.height) for p in pictures)
        self._change(meta=meta, pictures=tuple(entries))
        return self._make_result(duration)

    async def _poll_until_finished(self, began: float, started_at: float) -> Finished:
        """Poll until the answer is final; raises the error that a final answer means."""
        judge = PollingPolicy(self._plan, self._history)
        deadline = self._deadline(self._plan.eta)
        answer: Answer | None = self._plan.answer
        if answer is None and self._crowded and self._plan.eta is not None:
            # Asking everybody at once would keep those that are ready waiting behind those that are not.
            wait = self._plan.schedule.next_delay(began - started_at, self._plan.eta, crowded=True)
            await self._pause(PollDecision(min(wait, self._network.sweep()), self._plan.eta), deadline)
        while True:
            last_poll = time.time() - began >= deadline
            if answer is None:
                self._change(next_poll_at=None, polls=self._state.polls + 1)
                answer = await self._network.poll(self._plan.request_id)
            if isinstance(answer, Finished) and answer.links:
                return answer
            verdict = judge.wait_after(answer, time.time() - started_at, self._state.eta, self._crowded)
            deadline = max(deadline, self._deadline(verdict.eta))
            left = began + deadline - time.time()
            if last_poll or (verdict.activity == "rate_limited" and verdict.wait > left):
                raise self._deadline_error(deadline, answer)
            answer = None
            await self._pause(verdict, left)

    @property
    def _crowded(self) -> bool:
        """Whether so many share the limit that each could not be asked for as often as its silence should be broken."""
        return self._network.lap > self._plan.schedule.longest_silence

    def _deadline(self, eta: float | None) -> float:
        """Seconds until the last poll: as the user said, else ours, and longer where turns are rare."""
        if self._plan.deadline is not None:
            return self._plan.deadline
        return max(default_deadline(eta), _LAPS * self._network.lap)

    async def _pause(self, verdict: PollDecision, left: float) -> None:
        """Wait as the verdict says, at most the `left` seconds, or until somebody wants to check now.

        While the limiter has a backlog, longer: who would only stand in line need not ask yet.
        """
        wait = max(0.0, min(verdict.wait, left), self._network.backlog)
        now = time.time()
        self._change(
            eta=verdict.eta,
            message=verdict.message,
            activity=verdict.activity,
            waiting_since=now if verdict.activity else None,
            next_poll_at=now + wait,
        )
        self._wake.clear()
        alarm = self._loop.call_later(wait, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            alarm.cancel()

    def _deadline_error(self, deadline: float, answer: Answer) -> DreamboothError:
        minutes, seconds = divmod(round(deadline), 60)
        if isinstance(answer, Busy) and answer.rate_limited:
            return RateLimitedError(
                f"The service asked to wait until after the deadline of {minutes}:{seconds:02d}.",
                request_id=self._plan.request_id,
                details=answer.details or answer.reason,
            )
        return DeadlineExceededError(f"No result after {minutes}:{seconds:02d}.", request_id=self._plan.request_id)

    # -- pictures ----------------------------------------------------------------------------------------------

    async def _load_again(self, index: int) -> None:
        """The retry of one missing picture; the job stays successful meanwhile."""
        self._show(replace(self._state.pictures[index], status="waiting", reason="trying again"))
        await self._loader.load(self._state.pictures[index])
        assert self._result is not None
        self._result = self._make_result(self._result.duration)
        self._change(message=_summary(self._result))

    def _show(self, entry: PictureState) -> None:
        state = self._state.with_picture(entry)
        if state.status == "downloading":
            done = sum(picture.status != "waiting" for picture in state.pictures)
            state = replace(state, message=f"{done} of {len(state.pictures)} pictures")
        self._publish(state)

    def _make_result(self, duration: float) -> FetchResult:
        entries = self._state.pictures
        ready = [entry.picture for entry in entries if entry.picture is not None]
        missing = [entry for entry in entries if entry.picture is None]
        if not ready:
            raise PictureError(
                f"None of the {len(entries)} pictures could be loaded.",
                request_id=self._plan.request_id,
                details="\n".join(f"picture {entry.index + 1}: {entry.reason}" for entry in missing),
            )
        return FetchResult(self._plan.request_id, ready, missing, self._state.meta, duration)

    # -- state out ---------------------------------------------------------------------------------------------

    def _end(self, **changes: Any) -> None:
        self._change(finished_at=time.time(), next_poll_at=None, activity="", waiting_since=None, **changes)

    def _change(self, **changes: Any) -> None:
        self._publish(replace(self._state, **changes))

    def _publish(self, state: FetchState) -> None:
        if state == self._state:
            return
        self._state = state
        for listener in tuple(self._listeners):
            try:
                listener(state)
            except Exception:  # a listener's fault must not end the job
                log.exception("request %s: a subscriber failed", self._plan.request_id)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _summary(result: FetchResult) -> str:
    count = len(result) + len(result.missing)
    pictures = f"{count} picture{'' if count == 1 else 's'}"
    if not result.missing:
        return pictures
    return f"{len(result)} of {pictures}, {len(result.missing)} could not be loaded"
