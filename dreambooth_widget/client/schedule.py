"""When to poll again. Waiting for a job (`PollSchedule`) and repeating a failed call (`Retry`) are different things.

Pure: elapsed time, the ETA and randomness come in as arguments. All times are in seconds.

The rule is an answer to the inspection problem (Barlow, Hunter and Proschan 1963; Keller 1974): where one check costs
k and a second of undetected readiness costs 1, the best gap between checks is √(2k/h), h the hazard of the job
becoming ready. For a log-normal duration that hazard falls like 1/t, so the gap grows like √t. What it gains over
fixed intervals is measured by `tests/benchmarks/polling.py`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .arguments import check_int, check_number, check_range

__all__ = ["DurationHistory", "PollSchedule", "Retry", "default_deadline"]

_GROWTH: Final = 3.0
"""Of the back-off. Six attempts bridge 20 to 40 seconds then, which a service needs to restart; 2.0 bridges 8 to 16."""

_SHORTEST_DEADLINE: Final = 600.0
_HISTORY_NEEDED: Final = 3
_SHORTEST_ESTIMATE: Final = 1.0
"""Seconds; the ratio to a shorter estimate means nothing for the next job."""


@dataclass(frozen=True)
class PollSchedule:
    """When to poll a job that is processing.

    With an ETA, the first poll after the one at the start comes at `eta_fraction` of it, never after more than
    `longest_silence` seconds of silence. From then on, and without an ETA, the gap is `growth`·√elapsed, between
    `shortest` and `longest` seconds. `jitter` is the fraction by which each gap is varied, so that many notebooks do
    not ask in step. Raises `TypeError`/`ValueError` that name the field.
    """

    eta_fraction: float = 0.6
    growth: float = 0.6
    shortest: float = 1.5
    longest: float = 10.0
    longest_silence: float = 15.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what would poll without a pause, or never."""
        for name in ("eta_fraction", "growth", "shortest", "longest", "longest_silence", "jitter"):
            object.__setattr__(self, name, check_number(name, getattr(self, name)))
        check_range(0 <= self.eta_fraction <= 10, "eta_fraction", "between 0 and 10", self.eta_fraction)
        check_range(self.growth >= 0, "growth", "0 or more", self.growth)
        check_range(self.shortest > 0, "shortest", "more than 0", self.shortest)
        check_range(self.longest >= self.shortest, "longest", "at least shortest", self.longest)
        check_range(self.longest_silence >= self.shortest, "longest_silence", "at least shortest", self.longest_silence)
        check_range(0 <= self.jitter < 1, "jitter", "at least 0 and less than 1", self.jitter)

    def next_delay(self, elapsed: float, eta: float | None) -> float:
        """Return the seconds until the next poll, without jitter.

        Args:
            elapsed: Seconds since the first poll.
            eta: Expected duration of the whole job in seconds from the first poll; None if unknown.
        """
        delay = self.due_delay(elapsed, eta)
        early = _at_least_0(elapsed) < self.eta_fraction * _at_least_0(eta)
        return min(delay, self.longest_silence) if early else delay

    def due_delay(self, elapsed: float, eta: float | None) -> float:
        """Return the seconds until a poll is likely to find the job ready, without jitter.

        As `next_delay`, but without an end to long silences before `eta_fraction` of the ETA: where many requests share
        one rate limit, polls that only break a silence come after all that are due.
        """
        elapsed = _at_least_0(elapsed)
        first = self.eta_fraction * _at_least_0(eta)
        if elapsed < first:
            return max(first - elapsed, self.shortest)
        return min(max(self.growth * math.sqrt(elapsed), self.shortest), self.longest)

    def jittered(self, delay: float, fraction: float) -> float:
        """`delay` varied by up to ±`jitter`, not below `shortest`; `fraction` in [0, 1) is the caller's `random()`."""
        return max(delay * (1 + self.jitter * (2 * fraction - 1)), min(delay, self.shortest))


@dataclass(frozen=True)
class Retry:
    """How to repeat a call that failed: `attempts` in all, exponential back-off from `first` to `longest` seconds.

    `rate_limit_wait` is the least wait in seconds after the service limited the rate.
    """

    attempts: int = 6
    first: float = 0.5
    longest: float = 20.0
    rate_limit_wait: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what would never try, or never pause."""
        object.__setattr__(self, "attempts", check_int("attempts", self.attempts, least=1))
        for name in ("first", "longest", "rate_limit_wait"):
            object.__setattr__(self, name, check_number(name, getattr(self, name)))
        check_range(self.first > 0, "first", "more than 0", self.first)
        check_range(self.longest >= self.first, "longest", "at least first", self.longest)
        check_range(self.rate_limit_wait >= 0, "rate_limit_wait", "0 or more", self.rate_limit_wait)

    def delay(self, attempt: int, fraction: float) -> float:
        """Seconds before attempt `attempt` (2 repeats first); `fraction` in [0, 1) is the caller's `random()`.

        Between half the back-off and all of it: enough variation that clients which failed together come back apart.
        """
        repeats = min(max(attempt - 2, 0), 60)
        return min(self.first * _GROWTH**repeats, self.longest) * (0.5 + 0.5 * fraction)


class DurationHistory:
    """How long the finished jobs of one endpoint took, and by how much their estimates were wrong."""

    def __init__(self, size: int = 25) -> None:
        self._durations: deque[float] = deque(maxlen=size)
        self._ratios: deque[float] = deque(maxlen=size)
        self.links_hold = False
        """Whether the last watched job's links showed its pictures in time."""

    def add(self, seconds: float, estimate: float | None = None) -> None:
        """Remember the duration of a finished job, and its `estimate` as it was given, in seconds."""
        self._durations.append(seconds)
        if estimate is not None and estimate >= _SHORTEST_ESTIMATE:
            self._ratios.append(seconds / estimate)

    def typical(self) -> float | None:
        """Return the median in seconds once there are three, else None."""
        return median(self._durations) if len(self._durations) >= _HISTORY_NEEDED else None

    def corrected(self, eta: float) -> float:
        """Return `eta` times the median of duration ÷ estimate once there are three, else `eta` itself."""
        return eta * median(self._ratios) if len(self._ratios) >= _HISTORY_NEEDED else eta


def median(values: Iterable[float]) -> float:
    """As that of `statistics`, whose import costs more than it saves here."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def default_deadline(eta: float | None) -> float:
    """Seconds after which waiting ends when the user named no deadline: ten minutes, or six times the ETA."""
    return max(_SHORTEST_DEADLINE, 6 * _at_least_0(eta))


def _at_least_0(seconds: float | None) -> float:
    return seconds if seconds is not None and math.isfinite(seconds) and seconds > 0 else 0.0
