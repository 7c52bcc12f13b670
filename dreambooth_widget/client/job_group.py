"""Many requests at once: their jobs in the order given, and their outcomes as they come.

It imports no widget. Everything here happens on one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ..errors import DreamboothError
from .interrupts import wait_for_event
from .job import FetchJob
from .options import FetchOptions
from .requests import RequestSpec
from .state import FetchResult, FetchState

__all__ = ["FetchJobs", "Outcome"]

log = logging.getLogger(__name__)

_AT_ONCE = 50
"""Jobs that begin in one turn of the loop: some milliseconds."""

Outcome: TypeAlias = FetchResult | DreamboothError
"""How a request ended: with pictures, or with the error that ended it."""


@dataclass
class _Entry:
    """One request, and its job once it has been started."""

    spec: RequestSpec
    job: FetchJob | None = None
    state: FetchState = field(init=False)

    def __post_init__(self) -> None:
        error = self.spec.error
        self.state = self.spec.options.first_state()
        if error is not None:
            self.state = replace(
                self.state, status="error", message=error.message, error=error, finished_at=time.time()
            )

    @property
    def outcome(self) -> Outcome | None:
        """None as long as the request has not ended."""
        if not self.state.final:
            return None
        result = self.job.result if self.job is not None else None
        return self.state.error if result is None else result


class FetchJobs:
    """Requests that are fetched together. `start` makes the job for options; `on_change` gets the index that changed.

    One that fails never disturbs the others: `outcomes` has its error where theirs have their results.
    """

    def __init__(
        self,
        start: Callable[[FetchOptions], FetchJob],
        on_change: Callable[[int], None] = lambda index: None,
    ) -> None:
        self._start = start
        self._on_change = on_change
        self._entries: list[_Entry] = []
        self._ends: list[int] = []  # indices in the order of the ends; a request that began again may be in it twice
        self._unstarted: deque[int] = deque()  # indices of those that are about to begin
        self._end_noted = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> FetchState:
        return self._entries[index].state

    # -- what is known -----------------------------------------------------------------------------------------

    @property
    def specs(self) -> Sequence[RequestSpec]:
        """The requests, in the order in which they were added."""
        return [entry.spec for entry in self._entries]

    @property
    def states(self) -> Sequence[FetchState]:
        """How each request stands."""
        return [entry.state for entry in self._entries]

    @property
    def outcomes(self) -> Sequence[Outcome | None]:
        """How each request ended, None where it has not."""
        return [entry.outcome for entry in self._entries]

    # -- intents -----------------------------------------------------------------------------------------------

    def add(self, specs: Iterable[RequestSpec]) -> range:
        """Add requests, to be started with the next `start()`. Return their indices."""
        first = len(self._entries)
        self._entries += [_Entry(spec) for spec in specs]
        indices = range(first, len(self._entries))
        for index in indices:
            self._changed(index)
        return indices

    def start(self) -> None:
        """Fetch all that have not been started yet: some now, and some with each turn of the loop, which stays free."""
        new = [index for index, entry in enumerate(self._entries) if entry.job is None and not entry.state.final]
        self._unstarted = deque(new)
        self._begin_some()

    def _begin_some(self) -> None:
        for _ in range(min(_AT_ONCE, len(self._unstarted))):
            self._begin(self._unstarted.popleft())
        if self._unstarted:
            asyncio.get_running_loop().call_soon(self._begin_some)

    def again(self, index: int) -> None:
        """Fetch a request again that has ended without success. One that was stopped or timed out keeps its clock."""
        entry = self._entries[index]
        if entry.spec.error is None and entry.state.final and entry.state.status != "success":
            self._begin(index)

    def stop(self) -> None:
        """Stop waiting for all. The service goes on with them."""
        while self._unstarted:  # a request without a job could neither be stopped nor go on
            self._begin(self._unstarted.popleft())
        for entry in self._entries:
            if entry.job is not None:
                entry.job.stop()

    def check_now(self) -> None:
        """Poll for all that wait, as soon as their turns come."""
        for entry in self._entries:
            if entry.job is not None and not entry.state.final:
                entry.job.check_now()

    def retry_picture(self, index: int, picture: int) -> None:
        """Load a missing picture of one request again."""
        job = self._entries[index].job
        if job is not None:
            job.retry_picture(picture)

    # -- waiting -----------------------------------------------------------------------------------------------

    async def wait(self) -> list[Outcome]:
        """Wait until every request has ended, also those added meanwhile. Return the outcomes in their order."""
        while not all(entry.state.final for entry in self._entries):
            self._end_noted.clear()
            await wait_for_event(self._end_noted)
        return [outcome for entry in self._entries if (outcome := entry.outcome) is not None]

    async def as_completed(self) -> AsyncIterator[tuple[int, Outcome]]:
        """Yield (index, outcome) of each request when it ends, first of those that have ended before."""
        yielded: set[int] = set()
        seen = 0
        while len(yielded) < len(self._entries):
            if seen == len(self._ends):
                self._end_noted.clear()
                await wait_for_event(self._end_noted)
                continue
            index = self._ends[seen]
            seen += 1
            outcome = self._entries[index].outcome
            if outcome is not None and index not in yielded:
                yielded.add(index)
                yield index, outcome

    async def finish(self) -> None:
        """Stop all, and wait until nothing of them runs any more."""
        self._unstarted.clear()
        jobs = [entry.job for entry in self._entries if entry.job is not None]
        await asyncio.gather(*(job.finish() for job in jobs))

    # -- the jobs ----------------------------------------------------------------------------------------------

    def _begin(self, index: int) -> None:
        entry = self._entries[index]
        job = entry.job = self._start(entry.job.resume_options() if entry.job is not None else entry.spec.options)
        entry.state = replace(job.state, status="processing")
        job.subscribe(lambda state: self._follow(index, job, state))

    def _follow(self, index: int, job: FetchJob, state: FetchState) -> None:
        entry = self._entries[index]
        if job is entry.job:
            entry.state = state
            self._changed(index)

    def _changed(self, index: int) -> None:
        if self._entries[index].state.final:
            self._ends.append(index)
            self._end_noted.set()
        try:
            self._on_change(index)
        except Exception:  # a listener's fault must not end the others' jobs
            log.exception("request %s: a subscriber failed", self._entries[index].state.request_id)
