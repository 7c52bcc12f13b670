"""Polling one request until its answer is final, or its time is over.

::

    PollQueue ── a turn ──▸ Transport.poll ── Answer ──▸ PollingPolicy ──▸ PollDecision: wait, and a line for the user
                                      LinkWatch ──────────────┤
                                                              └──────────▸ the error that ends the job
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..errors import DeadlineExceededError, DreamboothError, RateLimitedError
from ..protocol.answer_types import Answer, Busy, Finished, Processing
from .deadline import Deadline, DeadlinePassed
from .link_watch import LinkWatch
from .options import FetchOptions
from .poll_queue import PollQueue, Turn
from .polling_policy import PollDecision, PollingPolicy
from .schedule import DurationHistory
from .transport import Transport

__all__ = ["Poller"]

_SURE_TURNS = 6
"""Polls that a job without a user-supplied deadline gets, however many requests share the rate limit."""


class Poller:
    """Polls one request.

    Args:
        transport: The connections.
        options: The request and its policies.
        history: How long earlier jobs took.
        watch: Probes announced links.
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
        """Poll until the answer is final. An answer that the generation call gave needs no poll.

        Args:
            elapsed: Returns the seconds since the job's first poll.
            deadline: When to stop.

        Raises:
            DreamboothError: The error that a final answer or the deadline means.
        """
        if self._options.answer is not None:
            return self._options.answer
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
        decision = self._policy.first(elapsed())
        self._watch.begin((), decision.eta, elapsed())
        while True:
            answer, last = await self._poll(decision, deadline)
            if isinstance(answer, Finished) and answer.links:
                return answer
            self._note(answer)
            decision = self._policy.decide(answer, elapsed(), decision.eta, answered=self._transport.has_answered)
            if isinstance(answer, Processing):
                self._watch.begin(answer.links, decision.eta, elapsed())
                decision = self._watch.adapt(decision)
            deadline.allow(decision.eta)
            if isinstance(answer, Busy) and answer.rate_limited and (last or decision.wait > deadline.left):
                raise self._still_limited(answer, deadline)
            if last or (deadline.after_gap and not isinstance(answer, Busy)):
                raise self._timed_out(deadline)

    async def _poll(self, decision: PollDecision, deadline: Deadline) -> tuple[Answer, bool]:
        """Return the next answer, and whether it is that of the last poll before the deadline."""
        try:
            await self._wait(decision, deadline)
            last = asyncio.get_running_loop().time() >= deadline.last_poll_at
            self._on_poll()
            self._watch.note_poll()
            self._polls += 1
            return await deadline.bound(self._transport.poll(self._options.request_id)), last
        except DeadlinePassed:
            raise self._timed_out(deadline) from None

    async def _wait(self, decision: PollDecision, deadline: Deadline) -> None:
        """Wait for the turn of the next poll."""
        queue = self._transport.queue
        clock = asyncio.get_running_loop().time
        now, last = clock(), max(clock(), deadline.last_poll_at)
        due = decision.wait if decision.due is None else decision.due
        turn = queue.join(min(now + decision.wait, last), min(now + due, last))
        self._waiting = queue, turn
        try:
            self._on_wait(decision, max(0.0, queue.granted_from(turn) - now))
            if deadline.user_supplied or self._polls >= _SURE_TURNS:
                await deadline.bound(turn.granted)
            else:
                await turn.granted
                deadline.extend(clock() - turn.earliest)  # the time in the queue does not count
            deadline.forgive_gap()
        except BaseException:
            queue.leave(turn)
            raise
        finally:
            self._waiting = None

    def _note_picture(self) -> None:
        """Poll at once because a picture is there, unless the service has asked to wait."""
        if not self._backing_off:
            self.check_now()

    def _note(self, answer: Answer) -> None:
        """Record what `_note_picture` and `_timed_out` need."""
        self._backing_off = not isinstance(answer, Processing)
        if not isinstance(answer, Busy) or answer.rate_limited:
            self._answered = True
        else:
            self._fault = answer

    def _timed_out(self, deadline: Deadline) -> DreamboothError:
        if self._fault is not None and not self._answered:
            return self._policy.unreachable(self._fault, str(deadline))
        return DeadlineExceededError(f"Not ready after {deadline}.", request_id=self._options.request_id)

    def _still_limited(self, answer: Busy, deadline: Deadline) -> DreamboothError:
        return RateLimitedError(
            f"The service asked to wait until after the deadline of {deadline}.",
            request_id=self._options.request_id,
            details=answer.details or answer.reason,
        )
