"""Watches the links that a generation call announced (`future_links`): their pictures may show before the next poll.

::

    links ──▸ LinkWatch ──▸ LinkProbe: a GET of the first link's first bytes, every second or so
                  │                     └──▸ a picture ──▸ poll at once
                  └──▸ a longer wait until the next poll, where links have kept their promise

Nothing promises these links, so they are hints. A link that is a picture at the first probe may be a notice that is
always there: it is not believed. As long as no link of this endpoint has become a picture in time, polls go on as
without links; afterwards they only break the silence, until a link fails.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..images.sniff import PictureRefusedError, identify, unwrap
from ..protocol.answer_types import Finished
from ..protocol.headers import parse_retry_after
from ..protocol.parsing import PictureLink
from .deadline import Deadline, DeadlinePassed
from .download import get_link
from .exchange import Failure
from .link_guard import AddressRefusedError
from .options import FetchOptions
from .poll_queue import PollQueue
from .polling_policy import PollDecision
from .rate_limit import RateLimiter

if TYPE_CHECKING:
    from .schedule import DurationHistory
    from .transport import Transport

__all__ = ["LinkProbe", "LinkWatch"]

log = logging.getLogger(__name__)

_FIRST = 0.4
"""Part of the estimate after which the link is probed."""

_PACE, _SLOWING = 1.0, 0.01
"""Seconds between two probes, or this part of the job's age where that is more."""

_FAULT_SECONDS = 5.0
"""Seconds for which a host is left alone after a fault."""

_BEGINNING = 64
"""Bytes that are read of a picture: enough to tell its format, in base64 too."""


class LinkProbe:
    """The probes of all jobs of one client: at most `rate` a second, and none of a host that asked to wait."""

    def __init__(self, rate: float = 5.0) -> None:
        self._rate = rate
        self._queue: PollQueue | None = None
        self._quiet: dict[str, float] = {}

    async def probe(self, transport: Transport, url: str, at: float, due: float, pause: float) -> bool | None:
        """Return whether `url` is a picture; None when its host gave no answer to that.

        Args:
            transport: The connections; the key does not go along.
            url: The link.
            at: The loop's earliest time of the probe.
            due: The loop's time at which the picture is likely to be there; probes that are due sooner come first.
            pause: Seconds for which a host is left alone that asks for fewer requests without naming a time.

        Raises:
            AddressRefusedError: If the link must not be followed.
        """
        host, clock = _host(url), asyncio.get_running_loop().time
        await self._wait(host, at, due)
        response = await get_link(transport, url, _BEGINNING, beginning=True)
        if isinstance(response, Failure) or response.status == 429 or response.status >= 500:
            seconds = _FAULT_SECONDS
            if not isinstance(response, Failure):
                named = parse_retry_after(response.headers.get("Retry-After"), time.time()) or 0.0
                seconds = max(named, pause if response.status == 429 else seconds)
            self._quiet[host] = max(self._quiet.get(host, 0.0), clock() + seconds)
            return None
        return response.status in (200, 206) and _is_picture(response.body)

    def is_quiet(self, url: str) -> bool:
        """Whether the host of `url` is left alone for now."""
        return self._quiet.get(_host(url), 0.0) > asyncio.get_running_loop().time()

    async def _wait(self, host: str, at: float, due: float) -> None:
        loop = asyncio.get_running_loop()
        if self._queue is None or self._queue.loop is not loop:
            self._queue, self._quiet = PollQueue(RateLimiter(self._rate, 5, clock=loop.time)), {}
        queue = self._queue
        while True:
            turn = await queue.wait_for_turn(max(at, self._quiet.get(host, 0.0)), due)
            if self._quiet.get(host, 0.0) <= loop.time():
                return
            queue.leave(turn)  # the host has asked to wait meanwhile


class LinkWatch:
    """Watches the announced links of one request. Without any it does nothing."""

    def __init__(
        self,
        transport: Transport,
        options: FetchOptions,
        history: DurationHistory,
        probe: LinkProbe | None = None,
    ) -> None:
        self._transport = transport
        self._options = options
        self._history = history
        self._probe = probe or LinkProbe()
        self._links = options.links
        self.on_picture: Callable[[], None] = lambda: None
        """Called when the first link has become a picture."""
        self._task: asyncio.Task[None] | None = None
        self._answered = self._silent = False  # whether any probe had an answer, and whether the last one had none
        # Whether the first link has become a picture, whether the service was polled since, and whether it denied it.
        self._appeared = self._confirming = self._denied = False

    def begin(self, links: Sequence[PictureLink], eta: float | None, elapsed: float) -> None:
        """Begin to probe, unless that has begun.

        Args:
            links: The links, where none have been announced before.
            eta: Expected duration of the whole job in seconds, None if unknown.
            elapsed: Seconds since the job's first poll.
        """
        self._links = self._links or tuple(links)
        wanted = self._task is None and self._options.watch_links and bool(self._links)
        if wanted and all(_host(link.url) for link in self._links):
            eta = self._history.typical() if eta is None else eta
            self._task = asyncio.create_task(self._watch(elapsed, eta or 0.0), name="dreambooth link watch")

    def adapt(self, decision: PollDecision) -> PollDecision:
        """Return when to poll after "processing"; `decision` is when to poll without a watch."""
        if self._task is None:
            return decision
        if self._appeared and not self._confirming:  # this answer was asked for before
            return replace(decision, wait=0.0, due=0.0)
        self._denied |= self._appeared
        silent = self._silent or self._probe.is_quiet(self._links[0].url)
        if self._task.done() or silent or not self._history.links_hold:
            return decision
        schedule = self._options.schedule
        wait = max(schedule.jittered(schedule.longest_silence, random()), decision.wait)
        return replace(decision, wait=wait, due=wait)

    def note_poll(self) -> None:
        """Note that a poll is sent: its answer confirms a picture that has appeared, or not."""
        self._confirming = self._appeared

    def note_end(self) -> None:
        """Note that the service has the pictures: links that showed them are relied on by the next job."""
        if self._answered:
            self._history.links_hold = self._appeared and not self._denied

    async def stop(self) -> None:
        """End the watch."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def find_pictures(self, deadline: Deadline) -> Finished | None:
        """Return all links as an answer if each is a picture now: for a service that answers "processing" for ever."""
        if not self._appeared:
            return None
        deadline.allow_pictures()
        try:
            for link in self._links:
                if not await deadline.bound(self._probe_link(link, 0.0, 0.0)):
                    return None
        except (AddressRefusedError, DeadlinePassed):
            return None
        return Finished(self._links)

    async def _watch(self, elapsed: float, eta: float) -> None:
        clock = asyncio.get_running_loop().time
        began, schedule = clock() - elapsed, self._options.schedule
        probe_from = began + _FIRST * eta
        believed = self._history.links_hold  # that links are no pictures before their time
        at = probe_from if believed else clock()
        try:
            while True:
                at = max(at, clock())
                due = max(probe_from, at + schedule.due_delay(at - began, eta))
                found = await self._probe_link(self._links[0], at, due)
                if found and believed:
                    self._appeared = True
                    self.on_picture()
                if found:
                    return
                self._silent = found is None
                believed |= not self._silent
                at = max(probe_from, at + max(_PACE, _SLOWING * (at - began)))
        except AddressRefusedError:
            return
        except Exception:  # the edge of the task: a watch that fails costs the hint, not the job
            log.exception("request %s: the links cannot be watched", self._options.request_id)

    async def _probe_link(self, link: PictureLink, at: float, due: float) -> bool | None:
        pause = self._options.retry.rate_limit_wait
        found = await self._probe.probe(self._transport, link.url, at, due, pause)
        self._answered |= found is not None
        return found


def _host(url: str) -> str:
    """Return the host and port of an http(s) address, "" for anything else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.netloc if parts.scheme in ("http", "https") else ""


def _is_picture(beginning: bytes) -> bool:
    try:
        identify(unwrap(beginning, max_bytes=_BEGINNING))
    except PictureRefusedError:
        return False
    return True
