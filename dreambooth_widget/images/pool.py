"""At most two child processes that decode pictures, and the queue in front of them; `child.py` is one process.

Popen and threads, not asyncio's subprocesses (Windows kernels run a selector loop) and not ProcessPoolExecutor (which
imports the user's `__main__` again). A crash, a bomb or a hang costs the one picture that caused it.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, ClassVar, TypeVar

from .child import ChildProcess, Read, read_answer, start_timer
from .fork import disown_after_fork
from .inspection import Box, Inspection, Rendition

__all__ = ["LARGEST_CROP", "WorkerPool"]

T = TypeVar("T")

log = logging.getLogger(__name__)

LARGEST_CROP = 2048
"""Pixels: the largest width and height of a crop."""

_CHILDREN = 2
_NEXT_TRY_SECONDS = 300.0
"""Pause after a process that did not answer at its start; threads decode meanwhile."""


class _Work:
    """One request, which the loop may cancel while a thread is at it."""

    child: ChildProcess | None = None
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
        if self.child is not None:
            self.child.process.kill()


class WorkerPool:
    """Inspects and crops pictures, two at a time. Usable from any thread and any loop."""

    _shared: ClassVar[WorkerPool | None] = None

    def __init__(self, *, seconds: float = 20.0, idle: float = 60.0) -> None:
        """Make a pool without processes.

        Args:
            seconds: Processor time that one picture may take, and three times as much of real time; 100 megapixels take
                1 to 5 s on a free machine. On Windows only the latter is measured.
            idle: Seconds without a picture after which the processes are ended.
        """
        self._seconds = seconds
        self._idle_seconds = idle
        self._children: set[ChildProcess] = set()
        self.disown()
        disown_after_fork(self)
        atexit.register(self.close)

    @classmethod
    def shared(cls) -> WorkerPool:
        """Return the pool of this process, which all clients share."""
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def disown(self) -> None:
        """Begin anew, in a forked child: the processes are the parent's."""
        for child in self._children:
            child.disown()
        self._lock = threading.Lock()
        self._children = set()
        self._idle: list[ChildProcess] = []
        self._starting = False
        self._next_try = time.monotonic()
        self._timer: threading.Timer | None = None
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the processes that do not run yet, without waiting for them."""
        if not self._starting and len(self._children) < _CHILDREN:
            self._starting = True
            self._submit(self._start_all)

    def _start_all(self) -> None:
        try:
            while (child := self._start_child()) is not None:
                self._give_back(child)
        finally:
            self._starting = False

    async def inspect(self, data: bytes, *, max_pixels: int) -> Inspection:
        """Return what there is to know of a file, decoded in a child process, or in a thread where none can start.

        Cancelling this ends the decoding.

        Raises:
            PictureRefusedError: With the reason, if it is not a whole picture of at most `max_pixels`.
        """
        return await self._answer({"max_pixels": max_pixels}, data, Inspection.read)

    async def crop(self, data: bytes, box: Box, *, max_pixels: int) -> Rendition:
        """Return a part of a file's picture as it is displayed, upright and in sRGB, with nothing scaled.

        Args:
            data: The bytes of a file.
            box: What to return; clamped to the picture, of which at least one pixel is returned.
            max_pixels: The largest number of pixels of the picture.

        Raises:
            PictureRefusedError: As for `inspect`.
            ValueError: The box is empty, or wider or higher than 2048 pixels.
        """
        left, top, right, bottom = box
        if not (0 < right - left <= LARGEST_CROP and 0 < bottom - top <= LARGEST_CROP):
            raise ValueError(f"a crop must be of 1 to {LARGEST_CROP} pixels each way, not {box!r}")
        return await self._answer({"max_pixels": max_pixels, "box": box}, data, Rendition.read)

    async def _answer(self, request: dict[str, Any], data: bytes, read: Read[T]) -> T:
        work = _Work()
        request["seconds"] = self._seconds
        try:
            return await asyncio.wrap_future(self._submit(partial(self._run, request, data, read, work)))
        except asyncio.CancelledError:
            work.cancel()
            raise

    def _submit(self, function: Callable[[], T]) -> Future[T]:
        """Call `function` in one of our threads, each of which has one process in hand at most.

        Daemons, and no ThreadPoolExecutor: Python's exit would wait until all that is queued there is decoded.
        """
        future: Future[T] = Future()
        self._queue.put((future, function))
        with self._lock:
            if len(self._threads) < _CHILDREN:
                self._threads.append(threading.Thread(target=_work_off, args=(self._queue,), daemon=True))
                self._threads[-1].start()
        return future

    def _run(self, request: dict[str, Any], data: bytes, read: Read[T], work: _Work) -> T:
        child = self._take_idle() or self._start_child()
        if child is None:
            from .worker import answer_here  # with Pillow, which is the child's otherwise

            return read_answer(answer_here(request, data), read)
        work.child = child
        try:
            if work.cancelled:
                child.process.kill()
            return child.answer(request, data, read)
        finally:
            work.child = None
            self._give_back(child)

    def _take_idle(self) -> ChildProcess | None:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    return child
                self._children.discard(child)
                child.end()
        return None

    def _start_child(self) -> ChildProcess | None:
        """Return a new process, None if there are enough or none can start."""
        if time.monotonic() < self._next_try:
            return None
        child = None
        try:
            with self._lock:
                if len(self._children) >= _CHILDREN:
                    return None
                child = ChildProcess()
                self._children.add(child)
            child.wait_for_start()
        except OSError as error:
            log.info("pictures are decoded in threads of the kernel: %s", error)
            if child is not None:
                self._next_try = time.monotonic() + _NEXT_TRY_SECONDS
                self._give_back(child)
            return None
        return child

    def _give_back(self, child: ChildProcess) -> None:
        with self._lock:
            if child.process.returncode is not None:
                self._children.discard(child)
                return
            self._idle.append(child)
            if self._timer is not None:
                self._timer.cancel()
            self._timer = start_timer(self._idle_seconds, self._end_idle)

    def _end_idle(self) -> None:
        with self._lock:
            for child in self._idle:
                child.end()
            self._children.difference_update(self._idle)
            self._idle.clear()

    def close(self) -> None:
        """End all processes, and with them what is being decoded. The next picture starts one again."""
        with self._lock:
            for child in self._children:
                child.process.kill()
            if self._timer is not None:
                self._timer.cancel()
        self._end_idle()


def _work_off(queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]]]) -> None:
    while True:
        _carry_out(*queue.get())


def _carry_out(future: Future[Any], function: Callable[[], Any]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
