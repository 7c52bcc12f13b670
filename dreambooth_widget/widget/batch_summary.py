"""How many requests stand together: one status, one line, and when all will have ended. Pure; times in Unix seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ..client.schedule import median
from ..client.state import Activity, FetchState, Status

__all__ = ["BatchSummary", "summarize"]

_KNOWN = 3
"""Requests that must have succeeded before their median duration is what the others are expected to take."""

_LATE = 0.25
"""What is late is expected to take this much longer than it has taken."""


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """`counts` has the number of requests by status. `done_at` is None when nobody knows, and when all have ended.

    `trouble` is one line on calls that fail and are repeated, "" when all is well, and `activity` its kind.
    """

    status: Status
    message: str
    counts: Mapping[str, int]
    activity: Activity
    trouble: str
    started_at: float | None
    finished_at: float | None
    next_poll_at: float | None
    done_at: float | None


def summarize(states: Sequence[FetchState], now: float) -> BatchSummary:
    """What the states of a batch amount to at a moment."""
    counts: Counter[str] = Counter(state.status for state in states)
    running = [state for state in states if not state.final and state.status != "idle"]
    status = _status(counts)
    activity, trouble = _trouble(running)
    ended = status not in ("idle", "processing")
    return BatchSummary(
        status=status,
        message=_message(counts, len(states)),
        counts={status: counts[status] for status in get_args(Status)},
        activity=activity,
        trouble=trouble,
        started_at=min((state.started_at for state in states if state.started_at is not None), default=None),
        finished_at=max((state.finished_at or 0.0 for state in states), default=None) if ended else None,
        next_poll_at=min((state.next_poll_at for state in running if state.next_poll_at is not None), default=None),
        done_at=_done_at(running, _typical(states), now),
    )


def _status(counts: Mapping[str, int]) -> Status:
    """The first of these that one of the requests has: what runs says more than what has ended."""
    if counts.get("processing") or counts.get("downloading"):
        return "processing"
    order: tuple[Status, ...] = ("error", "timed_out", "stopped", "success")
    if counts.get("idle"):
        return "idle"
    return next((status for status in order if counts.get(status)), "idle")


def _message(counts: Mapping[str, int], total: int) -> str:
    if not total:
        return "no requests yet"
    parts = [f"{counts.get('success', 0)} of {total} done"]
    words = {"error": "failed", "stopped": "stopped", "timed_out": "timed out"}
    parts += [f"{counts[status]} {word}" for status, word in words.items() if counts.get(status)]
    return ", ".join(parts)


def _trouble(running: Sequence[FetchState]) -> tuple[Activity, str]:
    """The kind of calls that fail, while they are repeated, and one line on them."""
    limited = sum(state.activity == "rate_limited" for state in running)
    if limited:
        return "rate_limited", f"the service asked to wait: {_requests(limited)} will be checked later"
    failing = [state for state in running if state.activity == "retrying"]
    if not failing:
        return "", ""
    reason = failing[0].message.partition(": ")[2] or failing[0].message
    are = "is" if len(failing) == 1 else "are"
    return "retrying", f"{_requests(len(failing))} {are} being tried again: {reason}"


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"


def _typical(states: Sequence[FetchState]) -> float | None:
    """The median duration in seconds of those that succeeded after a wait."""
    durations = [
        state.finished_at - state.started_at
        for state in states
        if state.status == "success" and state.polls > 1 and state.finished_at and state.started_at
    ]
    return median(durations) if len(durations) >= _KNOWN else None


def _done_at(running: Sequence[FetchState], typical: float | None, now: float) -> float | None:
    """When the last one is expected to end; None as soon as nothing is known of one."""
    ends = []
    for state in running:
        expected = typical if state.eta is None else state.eta
        if expected is None:
            return None
        started = now if state.started_at is None else state.started_at
        end = started + expected
        ends.append(end if end > now else now + _LATE * (now - started))
    return max(ends, default=None)
