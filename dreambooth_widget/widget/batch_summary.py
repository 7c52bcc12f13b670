"""How many requests stand together: one status, one line, and when all will have ended. Pure; Unix seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ..client.schedule import median
from ..client.state import Activity, FetchState, Status, counted
from ..errors import InvalidKeyError

__all__ = ["BatchSummary", "summarize"]

_KNOWN = 3
"""Requests that must have succeeded before their median duration is what the others are expected to take."""


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """How many requests stand together; its fields are the traits of the batch.

    Attributes:
        counts: Number of requests by status.
        done_at: When the last request is expected to end; None if it is unknown, and when all have ended. Overdue
            requests are ignored, because they would keep moving it.
        trouble: One line on calls that fail and are repeated, "" when all is well.
        activity: The kind of the trouble.
        key_refused: Whether the service has refused the key; then it refuses it for all.
    """

    status: Status
    message: str
    counts: Mapping[str, int]
    activity: Activity
    trouble: str
    key_refused: bool
    started_at: float | None
    finished_at: float | None
    next_poll_at: float | None
    done_at: float | None


def summarize(states: Sequence[FetchState], now: float) -> BatchSummary:
    """Return how the requests of a batch stand together at a moment."""
    counts: Counter[str] = Counter(state.status for state in states)
    running = [state for state in states if not state.final and state.status != "idle"]
    status = _status(counts)
    activity, trouble = _trouble(running)
    typical = _typical(states)
    ends = [_expected_end(state, typical, now) for state in running]
    late = sum(end is not None and end < now for end in ends)
    ended = status not in ("idle", "processing")
    return BatchSummary(
        status=status,
        message=_message(counts, len(states), late),
        counts={each: counts[each] for each in get_args(Status)},
        activity=activity,
        trouble=trouble,
        key_refused=any(isinstance(state.error, InvalidKeyError) for state in states),
        started_at=min((state.started_at for state in states if state.started_at is not None), default=None),
        finished_at=max((state.finished_at or 0.0 for state in states), default=None) if ended else None,
        next_poll_at=min((state.next_poll_at for state in running if state.next_poll_at is not None), default=None),
        done_at=_done_at(ends, now),
    )


def _status(counts: Mapping[str, int]) -> Status:
    """Return the most important status: running before ended, failed before succeeded."""
    if counts.get("processing") or counts.get("downloading"):
        return "processing"
    order: tuple[Status, ...] = ("error", "timed_out", "stopped", "success")
    if counts.get("idle"):
        return "idle"
    return next((status for status in order if counts.get(status)), "idle")


def _message(counts: Mapping[str, int], total: int, late: int) -> str:
    if not total:
        return "No requests yet"
    parts = [f"{counts.get('success', 0)} of {total} done"]
    words = {"error": "failed", "stopped": "stopped", "timed_out": "timed out"}
    parts += [f"{counts[status]} {word}" for status, word in words.items() if counts.get(status)]
    if late:
        parts.append(f"{late} {'is' if late == 1 else 'are'} taking longer than estimated")
    return ", ".join(parts)


def _trouble(running: Sequence[FetchState]) -> tuple[Activity, str]:
    """Return the kind of calls that fail and are repeated, and one line on them."""
    limited = sum(state.activity == "rate_limited" for state in running)
    if limited:
        return "rate_limited", f"The service asked to wait: {counted(limited, 'request')} will be checked later"
    failing = [state for state in running if state.activity == "retrying"]
    if not failing:
        return "", ""
    are = "is" if len(failing) == 1 else "are"
    return "retrying", f"{counted(len(failing), 'request')} {are} being tried again: {failing[0].message}"


def _typical(states: Sequence[FetchState]) -> float | None:
    """Return the median duration in seconds of the requests that succeeded after a wait."""
    durations = [
        state.duration
        for state in states
        if state.status == "success" and state.polls > 1 and state.duration is not None
    ]
    return median(durations) if len(durations) >= _KNOWN else None


def _expected_end(state: FetchState, typical: float | None, now: float) -> float | None:
    """Return when a running request is expected to end, by its own estimate or by what others took."""
    expected = typical if state.eta is None else state.eta
    if expected is None:
        return None
    return (now if state.started_at is None else state.started_at) + expected


def _done_at(ends: Sequence[float | None], now: float) -> float | None:
    """Return when the last request that is in time is expected to end; None if one of them cannot be estimated."""
    if None in ends:
        return None
    return max((end for end in ends if end is not None and end >= now), default=None)
