"""Many requests at once: their jobs in the order asked, how they stand together, and their outcomes as they come.

Knows no widget. Everything here happens on one event loop.
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
    """One request: what was asked, and its job once it has been started."""

    asked: RequestSpec
    job: FetchJob | None = None
    state: FetchState = field(init=False)

    def __post_init__(self) -> None:
        error = self.asked.error
        self.state = self.asked.options.first_state()
        if error is not None:
            self.state = FetchState("", "error", error.message, error=error, finished_at=time.time())

    @property
    def outcome(self) -> Outcome | None:
        """None as long as the request has not ended."""
        if not self.state.final:
            return None
        result = self.job.result if self.job is not None else None
        return self.state.error if result is None else result


class FetchJobs:
    """Requests that are fetched together. `start` makes the job for a plan; `on_change` hears which place changed.

    One that fails never disturbs the others: `outcomes` has its error where theirs have their results.
    """

    def __init__(
        self,
        start: Callable[[FetchOptions], FetchJob],
        on_change: Callable[[int], None] = lambda place: None,
    ) -> None:
        self._start = start
        self._on_change = on_change
        self._entries: list[_Entry] = []
        self._ends: list[int] = []  # the places in the order in which they ended; one that began again may stand twice
        self._line: deque[int] = deque()  # the places that are about to begin
        self._moved = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, place: int) -> FetchState:
        return self._entries[place].state

    # -- what is known -----------------------------------------------------------------------------------------

    @property
    def asked(self) -> Sequence[RequestSpec]:
        """What was asked, in that order."""
        return [entry.asked for entry in self._entries]

    @property
    def states(self) -> Sequence[FetchState]:
        """How each request stands."""
        return [entry.state for entry in self._entries]

    @property
    def outcomes(self) -> Sequence[Outcome | None]:
        """How each request ended, None where it has not."""
        return [entry.outcome for entry in self._entries]

    # -- intents -----------------------------------------------------------------------------------------------

    def add(self, asked: Iterable[RequestSpec]) -> range:
        """Take these in as well, to be started; their places."""
        first = len(self._entries)
        self._entries += [_Entry(each) for each in asked]
        places = range(first, len(self._entries))
        for place in places:
            self._changed(place)
        return places

    def start(self) -> None:
        """Fetch all that have not been started yet: some now, and some with each turn of the loop, which stays free."""
        new = [place for place, entry in enumerate(self._entries) if entry.job is None and not entry.state.final]
        self._line = deque(new)
        self._begin_some()

    def _begin_some(self) -> None:
        for _ in range(min(_AT_ONCE, len(self._line))):
            self._begin(self._line.popleft())
        if self._line:
            asyncio.get_running_loop().call_soon(self._begin_some)

    def again(self, place: int) -> None:
        """Fetch one once more that has ended without success. One that was stopped or timed out keeps its clock."""
        entry = self._entries[place]
        if entry.asked.error is None and entry.state.final and entry.state.status != "success":
            self._begin(place)

    def stop(self) -> None:
        """Stop waiting for all. The service goes on with them."""
        while self._line:  # what has no job yet could not be stopped, and not go on either
            self._begin(self._line.popleft())
        for entry in self._entries:
            if entry.job is not None:
                entry.job.stop()

    def check_now(self) -> None:
        """Poll for all that wait, as soon as their turns come."""
        for entry in self._entries:
            if entry.job is not None and not entry.state.final:
                entry.job.check_now()

    def retry_picture(self, place: int, index: int) -> None:
        """Load a missing picture of one request again."""
        job = self._entries[place].job
        if job is not None:
            job.retry_picture(index)

    # -- waiting -----------------------------------------------------------------------------------------------

    async def wait(self) -> list[Outcome]:
        """Until every request has ended, those too that are added meanwhile: their outcomes in the order asked."""
        async for _ in self.as_completed():
            pass
        while not all(entry.state.final for entry in self._entries):  # some of them have begun again
            self._moved.clear()
            await wait_for_event(self._moved)
        return [outcome for entry in self._entries if (outcome := entry.outcome) is not None]

    async def as_completed(self) -> AsyncIterator[tuple[int, Outcome]]:
        """(place, outcome) of each request when it ends, those first that have ended before."""
        told: set[int] = set()
        seen = 0
        while len(told) < len(self._entries):
            if seen == len(self._ends):
                self._moved.clear()
                await wait_for_event(self._moved)
                continue
            place = self._ends[seen]
            seen += 1
            outcome = self._entries[place].outcome
            if outcome is not None and place not in told:
                told.add(place)
                yield place, outcome

    async def finish(self) -> None:
        """Stop all, and wait until nothing of them runs any more."""
        self._line.clear()
        jobs = [entry.job for entry in self._entries if entry.job is not None]
        await asyncio.gather(*(job.finish() for job in jobs))

    # -- the jobs ----------------------------------------------------------------------------------------------

    def _begin(self, place: int) -> None:
        entry = self._entries[place]
        job = entry.job = self._start(entry.job.again() if entry.job is not None else entry.asked.options)
        entry.state = replace(job.state, status="processing")
        job.subscribe(lambda state: self._follow(place, job, state))

    def _follow(self, place: int, job: FetchJob, state: FetchState) -> None:
        entry = self._entries[place]
        if job is entry.job:
            entry.state = state
            self._changed(place)

    def _changed(self, place: int) -> None:
        if self._entries[place].state.final:
            self._ends.append(place)
            self._moved.set()
        try:
            self._on_change(place)
        except Exception:  # a listener's fault must not end the others' jobs
            log.exception("request %s: a subscriber failed", self._entries[place].state.request_id)
