"""What each answer to a poll means for its job: when to poll again, or the error that ends it. It sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from random import random

from ..errors import (
    DreamboothError,
    EmptyResultError,
    EndpointUnreachableError,
    RequestNotFoundError,
    UnexpectedAnswerError,
)
from ..protocol.answer_types import Answer, Busy, Finished, Processing, Refused
from .options import FetchOptions
from .schedule import DurationHistory
from .state import Activity, capitalized, counted

__all__ = ["PollDecision", "PollingPolicy"]

_EMPTY_POLLS = 3
"""Polls after a success without any link until it is final."""

_UNKNOWN_POLLS = 3
"""Polls after "not found" until it is final: the job may just have been queued."""

_UNKNOWN_AGE = 0.7
"""Factor on the due time of a first poll: the job may have begun before its ETA did. `tests/benchmarks/many.py` has the
delays: for new jobs 13 s with 1.0, 19 s with 0.4; for jobs of which half are ready 48 s with 1.0, 36 s with 0.4."""


@dataclass(frozen=True, slots=True)
class PollDecision:
    """What to do after an answer that is not final. Times are in seconds from now.

    Attributes:
        wait: The shortest time to the next poll.
        eta: Expected duration of the whole job, from its first poll.
        message: One clause for the user, "" for none.
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
        duration = self._history.typical() if eta is None else eta
        schedule, fraction = self._options.schedule, random()
        wait = schedule.jittered(schedule.next_delay(elapsed, duration), fraction)
        due = schedule.jittered(schedule.due_delay(elapsed, duration), fraction)
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
