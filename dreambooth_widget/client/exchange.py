"""One HTTP exchange: its outcome, and the supervision that ends it when it stalls.

An exchange runs in a task of its own, and its exceptions lose their frames: what it sends (the API key) stands in those
frames, and notebooks save tracebacks that print locals.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Failure", "Progress", "Response", "supervise"]

log = logging.getLogger(__name__)

T = TypeVar("T")

HEAD_SECONDS = 60
"""Seconds for everything before the body: name look-up, proxy, connection, headers."""

STALL_SECONDS = 20
STALL_BYTES = 1000
"""A body that brings fewer bytes a second than this, over that many seconds, has stalled."""

LARGEST_HEAD = 256 * 1024
"""Bytes on the wire before the body begins, certificates included. Only a flood of blank lines or of interim answers
(1xx) brings more: aiohttp does not limit them."""

TICK = 1.0


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response. `body` is inflated; `oversize` is its known size in bytes when that is beyond the cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    oversize: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """No response. `reason` is a clause without URL, header or key.

    `final`: trying again cannot help. `repeats`: how often it may be repeated at once, uncharged. `unexpected`: the
    other side does not speak HTTP.
    """

    reason: str
    final: bool = False
    repeats: int = 0
    unexpected: bool = False


class Progress:
    """Counts what an exchange receives, by seconds in which the loop was free."""

    def __init__(self) -> None:
        self._body = False
        self._seconds = self._received = self._head = 0

    def begin_body(self) -> None:
        """Note that the headers are here."""
        self._body, self._seconds = True, 0

    def receive_raw(self, count: int) -> None:
        """Note `count` bytes on the wire."""
        if not self._body:
            self._head += count

    def receive(self, count: int) -> None:
        """Note `count` bytes of the body."""
        self._received += count

    def tick(self) -> Failure | None:
        """Count one second. Return the failure once the exchange has stalled."""
        self._seconds += 1
        if not self._body:
            if self._head > LARGEST_HEAD:
                return Failure("the answer does not begin")
            return Failure(f"no answer within {HEAD_SECONDS} s") if self._seconds >= HEAD_SECONDS else None
        if self._seconds < STALL_SECONDS:
            return None
        stalled = self._received < STALL_SECONDS * STALL_BYTES
        self._seconds = self._received = 0
        return Failure(f"the transfer stalled: less than 1 kB/s for {STALL_SECONDS} s") if stalled else None


async def supervise(work: Coroutine[Any, Any, T], progress: Progress) -> T | Failure:
    """Run `work` in a task of its own, and end it when it stalls or when this is cancelled."""
    task = asyncio.create_task(_strip_frames(work))
    try:
        while True:
            await asyncio.wait({task}, timeout=TICK)
            if task.done():
                return task.result()
            # A tick is counted, not measured: a loop that was frozen for a minute by a blocking cell counts one.
            stalled = progress.tick()
            if stalled is not None:
                return stalled
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        work.close()  # a task that is cancelled before its first step has never awaited it


async def _strip_frames(work: Coroutine[Any, Any, T]) -> T:
    """Await `work`; take the frames out of whatever it raises."""
    try:
        return await work
    except BaseException as error:
        if isinstance(error, Exception):
            # Formatted here: a log handler that prints locals must not find the frames.
            log.error("unforeseen failure of an exchange:\n%s", "".join(traceback.format_exception(error)))
        error.__cause__ = error.__context__ = None
        raise error.with_traceback(None) from None
