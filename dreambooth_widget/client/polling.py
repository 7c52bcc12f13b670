"""What an answer means for a job: how long to wait, what to say meanwhile, or which error it ends in."""

from __future__ import annotations

from dataclasses import dataclass
from random import random

from ..errors import EmptyResultError, EndpointUnreachableError, RequestNotFoundError, UnexpectedAnswerError
from ..protocol.answers import Answer, Busy, Finished, Processing, Refused
from .options import FetchOptions
from .schedule import DurationHistory
from .state import Activity

__all__ = ["PollDecision", "PollingPolicy"]

_EMPTY_POLLS = 3
"""Polls after "success" without a picture before it is believed. Protocol row: "success, no output"."""

_UNKNOWN_POLLS = 3
"""Polls after "not found" before it is believed: the job may just have been queued. Protocol row: "not found"."""


@dataclass(frozen=True, slots=True)
class PollDecision:
    """What an answer that is not final means: how many seconds to wait, and what to say meanwhile."""

    wait: float
    eta: float | None
    message: str = ""
    activity: Activity = ""


class PollingPolicy:
    """Turns answers into waits and errors. It counts what must not go on for ever; a good answer clears the counts."""

    def __init__(self, plan: FetchOptions, history: DurationHistory) -> None:
        self._plan = plan
        self._history = history
        self._faults = self._empty = self._unknown = 0

    def wait_after(self, answer: Answer, elapsed: float, eta: float | None, crowded: bool = False) -> PollDecision:
        """The wait after `answer`, `elapsed` seconds into the job. Raises the error that the answer means.

        `crowded` as in `PollSchedule.next_delay`.
        """
        if isinstance(answer, Busy):
            return self._busy(answer, eta)
        self._faults = 0
        if isinstance(answer, Processing):
            self._empty = self._unknown = 0
            return self._processing(answer, elapsed, eta, crowded)
        if isinstance(answer, Finished):
            self._empty += 1
            if self._empty > _EMPTY_POLLS:
                raise EmptyResultError("The job finished without images.", request_id=self._plan.request_id)
            wait = self._plan.retry.delay(self._empty + 1, random())
            return PollDecision(wait, eta, "finished without images; asking again")
        return self._refused(answer, eta)

    def _processing(self, answer: Processing, elapsed: float, eta: float | None, crowded: bool) -> PollDecision:
        if eta is None and answer.eta is not None:
            eta = elapsed + answer.eta  # anchored when first seen: the service repeats the number unchanged
        expected = self._history.typical() if eta is None else eta
        schedule = self._plan.schedule
        wait = schedule.jittered(schedule.next_delay(elapsed, expected, crowded=crowded), random())
        message = "" if answer.status == "processing" else f"the service says {answer.status!r}"
        return PollDecision(wait, eta, message)

    def _refused(self, answer: Refused, eta: float | None) -> PollDecision:
        if answer.error is RequestNotFoundError and self._unknown < _UNKNOWN_POLLS:
            self._unknown += 1
            wait = self._plan.retry.delay(self._unknown + 1, random())
            return PollDecision(wait, eta, "the service does not know this request yet; asking again", "retrying")
        extra = {"location": answer.location} if answer.location else {}
        raise answer.error(answer.message, request_id=self._plan.request_id, details=answer.details, **extra)

    def _busy(self, answer: Busy, eta: float | None) -> PollDecision:
        retry = self._plan.retry
        if answer.rate_limited:
            wait = max(answer.retry_after or 0.0, retry.rate_limit_wait)
            return PollDecision(wait, eta, f"the service asks to wait {wait:.0f} s", "rate_limited")
        self._faults += 1
        if self._faults >= retry.attempts:
            error = UnexpectedAnswerError if answer.unexpected else EndpointUnreachableError
            raise error(
                f"No usable answer in {retry.attempts} attempts: {answer.reason}.",
                request_id=self._plan.request_id,
                details=answer.details,
            )
        wait = max(retry.delay(self._faults + 1, random()), answer.retry_after or 0.0)
        attempt = f"attempt {self._faults + 1} of {retry.attempts} in {wait:.0f} s"
        return PollDecision(wait, eta, f"{attempt}: {answer.reason}", "retrying")
