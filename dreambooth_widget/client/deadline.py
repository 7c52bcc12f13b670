"""The end of a job's time, on the event loop's monotonic clock: clocks are set while jobs run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from .schedule import default_deadline

__all__ = ["Deadline", "DeadlinePassed"]

T = TypeVar("T")

_SHORTEST = 1.0
"""Seconds in which one call may be answered, however short the deadline is."""

_LATE = 1.0
"""A deadline noticed this many seconds after its time was passed in a gap: a blocking cell, or a closed lid."""

_GRACE = 30.0
"""Seconds after such a gap in which the service is polled before the job ends: networks wake up slowly."""

_PICTURES = 120.0
"""Seconds for loading pictures at least, without a user-supplied deadline."""


class DeadlinePassed(Exception):  # noqa: N818  an event, not a fault
    """The time of a job is over. Internal: the job turns it into its own error."""


class Deadline:
    """Bounds what one job does.

    Args:
        seconds: The user's limit, None for ten minutes or six times the ETA.
        eta: Expected duration of the job in seconds, None if unknown.
    """

    def __init__(self, seconds: float | None, eta: float | None) -> None:
        self._clock = asyncio.get_running_loop().time
        self.user_supplied = seconds is not None
        self.seconds = default_deadline(eta) if seconds is None else seconds
        self._began = self._clock()
        self.after_gap = False
        """Whether the time was over while the loop was frozen, so that the next usable answer decides."""

    @property
    def last_poll_at(self) -> float:
        """The loop's time at which the last poll is sent, early enough for an answer."""
        return self._began + self.seconds - min(2.0, 0.1 * self.seconds)

    @property
    def left(self) -> float:
        """Seconds until everything is cut off."""
        return self._began + max(self.seconds, _SHORTEST) - self._clock()

    def __str__(self) -> str:
        """Minutes and seconds: "10:00"."""
        minutes, seconds = divmod(round(max(self.seconds, _SHORTEST)), 60)
        return f"{minutes}:{seconds:02d}"

    def allow(self, eta: float | None) -> None:
        """Extend a default deadline to what the newly learned ETA needs."""
        if not self.user_supplied:
            self.seconds = max(self.seconds, default_deadline(eta))

    def allow_pictures(self) -> None:
        """Extend a default deadline so that pictures which are ready at its end can be loaded."""
        if not self.user_supplied:
            self.extend(_PICTURES - self.left)

    def extend(self, seconds: float) -> None:
        """Move the end by so many seconds, never back."""
        self.seconds += max(0.0, seconds)

    def forgive_gap(self) -> bool:
        """Return whether time is left; extend the deadline if it passed while the loop stood still."""
        if self.left < -_LATE:
            self.after_gap = True
            self.extend(_GRACE - self.left)
        return self.left > 0

    async def bound(self, work: Awaitable[T]) -> T:
        """Return the result of `work`.

        Raises:
            DeadlinePassed: If it takes longer than there is time; it has been cancelled then.
        """
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=max(0.0, self.left))
                if not task.done() and not self.forgive_gap():
                    raise DeadlinePassed
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
