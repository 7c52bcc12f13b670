"""Polling one request until its answer is final: what each answer means, when the next poll is due, and the deadline.

::

    PollQueue ── a turn ──▸ Transport.poll ── Answer ──▸ PollingPolicy ──▸ PollDecision: wait, and a line for the user
                                      LinkWatch ──────────────┤
                                                              └──────────▸ the error that ends the job
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import random
from typing import Any

from ..errors import (
    DeadlineExceededError,
    DreamboothError,
    EmptyResultError,
    EndpointUnreachableError,
    RateLimitedError,
    RequestNotFoundError,
    UnexpectedAnswerError,
)
from ..protocol.answers import Answer, Busy, Finished, Processing, Refused
from .deadline import Deadline, DeadlinePassed
from .link_watch import LinkWatch
from .options import FetchOptions
from .poll_queue import PollQueue, Turn
from .schedule import DurationHistory
from .state import Activity, capitalized, counted
from .transport import Transport

__all__ = ["PollDecision", "Poller", "PollingPolicy"]

_EMPTY_POLLS = 3
"""Polls after a success without any link until it is final."""

_UNKNOWN_POLLS = 3
"""Polls after "not found" until it is final: the job may just have been queued."""

_SURE_TURNS = 6
"""Polls that a job without a user-supplied deadline gets, however many requests share the rate limit."""

_UNKNOWN_AGE = 0.7
"""Factor on the due time of a first poll: the job may be older than its ETA says. `tests/benchmarks/many.py` has the
delays: for new jobs 13 s with 1.0, 19 s with 0.4; for jobs of which half are ready 48 s with 1.0, 36 s with 0.4."""


@dataclass(frozen=True, slots=True)
class PollDecision:
    """What to do after an answer that is not final. Times are in seconds from now.

    Attributes:
        wait: The shortest time to the next poll.
        eta: Expected duration of the whole job, from its first poll.
        message: One clause for the user, "" when there is nothing to say.
        activity: What the job is busy with besides waiting.
        due: The time at which the job is likely to be ready; None for `wait`.
    """

    wait: float
    eta: float | None
    message: str = ""
    activity: Activity = ""
    due: float | None = None


class PollingPolicy:
    """Turns answers into waits and errors. It counts what must not go on for ever; a good answer clears the counts."""

    def __init__(self, options: FetchOptions, history: DurationHistory) -> None:
        self._options = options
        self._history = history
        self._faults = self._empty = self._unknown = 0
        self.estimate: float | None = None
        """The ETA of this job before its correction, in seconds from the first poll."""

    def first(self, elapsed: float) -> PollDecision:
        """Return when to poll for the first time: at once where no other poll is due sooner."""
        eta = self._options.eta
        if eta is None:
            return PollDecision(0.0, eta)
        if self._options.started_at is None:  # the ETA of a resumed job has been corrected before
            self.estimate, eta = eta, self._history.corrected(eta)
        return PollDecision(0.0, eta, due=_UNKNOWN_AGE * self._options.schedule.due_delay(elapsed, eta))

    def decide(self, answer: Answer, elapsed: float, eta: float | None, *, answered: bool = False) -> PollDecision:
        """Return when to poll again after `answer`.

        Args:
            answer: What the service answered, or what went wrong on the way.
            elapsed: Seconds since the job's first poll.
            eta: Expected duration in seconds from the first poll, None if unknown.
            answered: Whether the endpoint has given a usable answer before. Then its faults are an outage that ends.

        Raises:
            DreamboothError: If the answer ends the job.
        """
        if isinstance(answer, Busy):
            return self._busy(answer, eta, answered)
        self._faults = 0
        if isinstance(answer, Processing):
            self._empty = self._unknown = 0
            return self._processing(answer, elapsed, eta)
        if isinstance(answer, Finished):
            self._empty += 1
            if self._empty > _EMPTY_POLLS:
                raise EmptyResultError("The job finished without pictures.", request_id=self._options.request_id)
            wait = self._options.retry.delay(self._empty + 1, random())
            return PollDecision(wait, eta, "Finished without pictures so far", "retrying")
        return self._refused(answer, eta)

    def _processing(self, answer: Processing, elapsed: float, eta: float | None) -> PollDecision:
        if eta is None and answer.eta is not None:
            # Anchored when first seen: the service repeats the number unchanged.
            self.estimate, eta = elapsed + answer.eta, elapsed + self._history.corrected(answer.eta)
        expected = self._history.typical() if eta is None else eta
        schedule, fraction = self._options.schedule, random()
        wait = schedule.jittered(schedule.next_delay(elapsed, expected), fraction)
        due = schedule.jittered(schedule.due_delay(elapsed, expected), fraction)
        message = "" if answer.status == "processing" else f"The service's status is {answer.status!r}"
        return PollDecision(wait, eta, message, due=due)

    def _refused(self, answer: Refused, eta: float | None) -> PollDecision:
        if answer.error is RequestNotFoundError and self._unknown < _UNKNOWN_POLLS:
            self._unknown += 1
            wait = self._options.retry.delay(self._unknown + 1, random())
            return PollDecision(wait, eta, "The service does not know this request yet", "retrying")
        extra = {"location": answer.location} if answer.location else {}
        raise answer.error(answer.message, request_id=self._options.request_id, details=answer.details, **extra)

    def _busy(self, answer: Busy, eta: float | None, answered: bool) -> PollDecision:
        retry = self._options.retry
        if answer.rate_limited:
            wait = max(answer.retry_after or 0.0, retry.rate_limit_wait)
            return PollDecision(wait, eta, "Rate limited by the service", "rate_limited")
        self._faults += 1
        if self._faults >= retry.attempts and (answer.bounded or not answered):
            raise self.unreachable(answer, counted(retry.attempts, "attempt"))
        wait = max(retry.delay(self._faults + 1, random()), answer.retry_after or 0.0)
        return PollDecision(wait, eta, capitalized(answer.reason), "retrying")

    def unreachable(self, answer: Busy, effort: str) -> DreamboothError:
        """Return the error of an endpoint that gave no usable answer in so many attempts, or in so much time."""
        error = UnexpectedAnswerError if answer.unexpected else EndpointUnreachableError
        return error(
            f"No usable answer in {effort}: {answer.reason}.",
            request_id=self._options.request_id,
            details=answer.details,
        )


class Poller:
    """Polls one request.

    Args:
        transport: The connections.
        options: The request and its policies.
        history: How long earlier jobs took.
        watch: Knows sooner than the service when the pictures are there, where their links are known.
        on_wait: Called with each decision and the seconds until its poll.
        on_poll: Called when a poll is sent.
    """

    def __init__(
        self,
        transport: Transport,
        options: FetchOptions,
        history: DurationHistory,
        watch: LinkWatch,
        *,
        on_wait: Callable[[PollDecision, float], Any],
        on_poll: Callable[[], Any],
    ) -> None:
        self._transport = transport
        self._options = options
        self._history = history
        self._watch = watch
        watch.on_picture = self._note_picture
        self._policy = PollingPolicy(options, history)
        self._on_wait = on_wait
        self._on_poll = on_poll
        self._polls = 0
        self._answered = False
        self._fault: Busy | None = None
        self._waiting: tuple[PollQueue, Turn] | None = None
        self._backing_off = False

    def check_now(self) -> None:
        """Send the next poll at once if the job waits for its time."""
        if self._waiting is not None:
            queue, turn = self._waiting
            queue.hurry(turn)

    async def run(self, elapsed: Callable[[], float], deadline: Deadline) -> Finished:
        """Poll until the answer is final.

        Args:
            elapsed: Returns the seconds since the job's first poll.
            deadline: When to stop.

        Raises:
            DreamboothError: The error that a final answer or the deadline means.
        """
        try:
            finished = await self._run(elapsed, deadline)
        except DeadlineExceededError:
            found = await self._watch.find_pictures(deadline)
            if found is None:
                raise
            return found
        finally:
            await self._watch.stop()
        if self._options.polls + self._polls > 1:  # a job that was ready at the first poll does not show its duration
            self._history.add(elapsed(), self._policy.estimate)
            self._watch.note_end()
        return finished

    async def _run(self, elapsed: Callable[[], float], deadline: Deadline) -> Finished:
        answer: Answer | None = self._options.answer
        decision = self._policy.first(elapsed())
        if answer is None:
            self._watch.begin((), decision.eta, elapsed())
        while True:
            last = False
            if answer is None:
                answer, last = await self._poll(decision, deadline)
            if isinstance(answer, Finished) and answer.links:
                return answer
            self._note(answer)
            decision = self._policy.decide(answer, elapsed(), decision.eta, answered=self._transport.has_answered)
            self._backing_off = not isinstance(answer, Processing)
            if isinstance(answer, Processing):
                self._watch.begin(answer.links, decision.eta, elapsed())
                decision = self._watch.adapt(decision)
            deadline.allow(decision.eta)
            limited = isinstance(answer, Busy) and answer.rate_limited
            if limited and (last or decision.wait > deadline.left):
                raise self._still_limited(answer, deadline)
            if last or (deadline.after_gap and not isinstance(answer, Busy)):
                raise self._timed_out(deadline)
            answer = None

    async def _poll(self, decision: PollDecision, deadline: Deadline) -> tuple[Answer, bool]:
        """Return the next answer, and whether it is that of the last poll before the deadline."""
        try:
            turn = await self._wait(decision, deadline)
            last = asyncio.get_running_loop().time() >= deadline.last_poll_at
            self._on_poll()
            self._watch.note_poll()
            self._polls += 1
            return await deadline.bound(self._transport.poll(self._options.request_id, turn)), last
        except DeadlinePassed:
            raise self._timed_out(deadline) from None

    async def _wait(self, decision: PollDecision, deadline: Deadline) -> Turn:
        """Wait for the turn of the next poll."""
        queue = self._transport.queue
        clock = asyncio.get_running_loop().time
        now, last = clock(), max(clock(), deadline.last_poll_at)
        due = decision.wait if decision.due is None else decision.due
        turn = queue.join(min(now + decision.wait, last), min(now + due, last))
        self._waiting = queue, turn
        try:
            self._on_wait(decision, max(0.0, queue.expected(turn) - now))
            if deadline.chosen or self._polls >= _SURE_TURNS:
                await deadline.bound(turn.granted)
            else:
                await turn
                deadline.extend(clock() - turn.earliest)  # the time in the queue does not count
            deadline.forgive_gap()
        except BaseException:
            queue.leave(turn)
            raise
        finally:
            self._waiting = None
        return turn

    def _note_picture(self) -> None:
        """Poll at once because a picture is there, unless the service has asked to wait."""
        if not self._backing_off:
            self.check_now()

    def _note(self, answer: Answer) -> None:
        """Remember what the job has to say if no usable answer ever comes."""
        if not isinstance(answer, Busy) or answer.rate_limited:
            self._answered = True
        else:
            self._fault = answer

    def _timed_out(self, deadline: Deadline) -> DreamboothError:
        if self._fault is not None and not self._answered:
            return self._policy.unreachable(self._fault, str(deadline))
        return DeadlineExceededError(f"Not ready after {deadline}.", request_id=self._options.request_id)

    def _still_limited(self, answer: Answer, deadline: Deadline) -> DreamboothError:
        assert isinstance(answer, Busy)
        return RateLimitedError(
            f"The service asked to wait until after the deadline of {deadline}.",
            request_id=self._options.request_id,
            details=answer.details or answer.reason,
        )
