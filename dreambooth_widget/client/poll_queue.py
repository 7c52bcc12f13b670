"""The polls of all jobs behind one rate limit: one queue, ordered by due time, with a token bucket in front.

Each poll names two times on the loop's clock: `earliest`, when it may be sent if a token is free, and `due`, when the
job is likely enough to be ready to be worth a token that other polls want too. Of the polls whose `earliest` has
passed, the one that is due first is sent next. So a few jobs are polled as often as their schedules like, and of a
thousand jobs the likeliest to be ready are polled first.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from heapq import heappop, heappush
from itertools import count

from .rate_limit import RateLimiter

__all__ = ["PollQueue", "Turn"]

_EARLY = 1e-6
"""Seconds by which a timer may fire before its time."""


class Turn:
    """One poll that waits for its turn. Await `granted`; then either send the poll or call `PollQueue.leave`."""

    __slots__ = ("due", "earliest", "granted", "number")

    def __init__(self, earliest: float, due: float, number: int, granted: asyncio.Future[None]) -> None:
        self.earliest = earliest
        self.due = due
        self.number = number
        self.granted = granted

    def __lt__(self, other: Turn) -> bool:
        return (self.due, self.number) < (other.due, other.number)


class PollQueue:
    """Grants turns as the rate limiter has tokens. Belongs to the running event loop."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self.loop = asyncio.get_running_loop()
        self._numbers = count()
        self._later: list[tuple[float, int, Turn]] = []  # a heap by `earliest`; left turns stay until their time
        self._line: list[Turn] = []  # may be sent now, sorted by `due`
        self._alarm: asyncio.TimerHandle | None = None

    def join(self, earliest: float, due: float) -> Turn:
        """Return a turn that is granted from `earliest` on, in the order of `due` (both in the loop's time)."""
        turn = Turn(earliest, due, next(self._numbers), self.loop.create_future())
        self._place(turn)
        return turn

    async def wait_for_turn(self, earliest: float, due: float) -> Turn:
        """Join, and return the turn once it is granted. Cancelling this leaves the queue."""
        turn = self.join(earliest, due)
        try:
            await turn.granted
        except asyncio.CancelledError:
            self.leave(turn)
            raise
        return turn

    def hurry(self, turn: Turn) -> None:
        """Send this poll next."""
        if not turn.granted.done():
            self._withdraw(turn)
            turn.earliest, turn.due = self.loop.time(), float("-inf")
            self._place(turn)

    def leave(self, turn: Turn) -> None:
        """Give a turn up, granted or not: the next one gets its token."""
        if turn.granted.cancelled():
            self._withdraw(turn)
        elif turn.granted.done():
            self._limiter.put_back()
        else:
            turn.granted.cancel()
            self._withdraw(turn)
        self._advance()

    def granted_from(self, turn: Turn) -> float:
        """Return the loop's time at which `turn` will be granted at the earliest, given the polls that wait now."""
        if turn.granted.done():
            return self.loop.time()
        ahead = bisect_left(self._line, turn)
        return max(turn.earliest, self.loop.time() + self._limiter.wait(ahead))

    def refused(self, sent_at: float) -> None:
        """Slow down: the service refused a call that was sent at `sent_at` (see `RateLimiter.refused`)."""
        self._limiter.refused(sent_at)

    def accepted(self) -> None:
        """Speed up again, by one step."""
        self._limiter.accepted()
        self._advance()

    def _place(self, turn: Turn) -> None:
        heappush(self._later, (turn.earliest, turn.number, turn))
        self._advance()

    def _withdraw(self, turn: Turn) -> None:
        index = bisect_left(self._line, turn)
        if index < len(self._line) and self._line[index] is turn:
            del self._line[index]

    def _advance(self) -> None:
        """Grant every turn that has a token now, and set the alarm for the next one."""
        now = self.loop.time() + _EARLY
        while self._later and self._later[0][0] <= now:
            earliest, _, turn = heappop(self._later)
            if not turn.granted.done() and earliest == turn.earliest:
                insort(self._line, turn)
        while self._line and not self._limiter.wait():
            turn = self._line.pop(0)
            if not turn.granted.done():
                self._limiter.take()
                turn.granted.set_result(None)
        times = [self._later[0][0]] if self._later else []
        if self._line:
            times.append(self.loop.time() + self._limiter.wait())
        self._set_alarm(min(times, default=None))

    def _set_alarm(self, time: float | None) -> None:
        if self._alarm is not None:
            if self._alarm.when() == time and not self._alarm.cancelled():
                return
            self._alarm.cancel()
        self._alarm = None if time is None else self.loop.call_at(time, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._advance()
