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
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, Generic, TypeVar

from .child import ChildProcess, FrameReader, read_answer
from .fork import disown_after_fork
from .inspection import Box, Inspection, Rendition

__all__ = ["WorkerPool"]

T = TypeVar("T")

log = logging.getLogger(__name__)

_CHILDREN = 2
_NEXT_TRY_SECONDS = 300.0
"""Pause after a process that did not answer at its start; threads decode meanwhile."""


class _Job(Generic[T]):
    """One request, which the loop may cancel while a thread is at it."""

    def __init__(self, request: dict[str, Any], data: bytes, read: FrameReader[T]) -> None:
        self.future: Future[T] = Future()
        self._request = request, data, read
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None

    def cancel(self) -> None:
        """Drop the request, or kill the process that is at it: never one that has gone on to another request."""
        with self._lock:
            if not self.future.cancel() and self._child is not None:
                self._child.process.kill()

    def run(self, child: ChildProcess | None) -> None:
        """Answer the request, in this thread if there is no child."""
        with self._lock:
            if not self.future.set_running_or_notify_cancel():
                return
            self._child = child
        try:
            self.future.set_result(self._answer(child))
        except BaseException as error:
            self.future.set_exception(error)

    def _answer(self, child: ChildProcess | None) -> T:
        request, data, read = self._request
        if child is None:
            from .worker import answer_here  # with Pillow, which is the child's otherwise

            return read_answer(answer_here(request, data), read)
        try:
            return child.answer(request, data, read)
        finally:
            with self._lock:
                self._child = None


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
        self._threads = 0
        self._next_try = time.monotonic()
        self._queue: SimpleQueue[_Job[Any]] = SimpleQueue()

    def start(self) -> None:
        """Start the processes that do not run yet, without waiting for them."""
        for _ in range(_CHILDREN):
            self._add_thread()

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
        """
        return await self._answer({"max_pixels": max_pixels, "box": box}, data, Rendition.read)

    async def _answer(self, request: dict[str, Any], data: bytes, read: FrameReader[T]) -> T:
        job = _Job({**request, "seconds": self._seconds}, data, read)
        self._queue.put(job)
        self._add_thread()
        try:
            return await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            job.cancel()
            raise

    def _add_thread(self) -> None:
        """Start one of our threads, each of which has one process, unless they are there.

        Daemons, and no ThreadPoolExecutor: Python's exit would wait until all that is queued there is decoded.
        """
        with self._lock:
            if self._threads < _CHILDREN:
                threading.Thread(target=self._serve_queue, daemon=True).start()
                self._threads += 1

    def _serve_queue(self) -> None:
        """Start a process, and run jobs in it until there is none for a while."""
        child = self._ensure_child(None)
        while True:
            try:
                job = self._queue.get(timeout=self._idle_seconds)
            except Empty:
                self._end(child)
                child = None
                with self._lock:
                    if self._queue.empty():
                        self._threads -= 1
                        return
                continue
            if not job.future.cancelled():  # the others of a job that was stopped start no process
                child = self._ensure_child(child)
                job.run(child)
            del job  # a hundred mebibytes, for as long as the next one does not come

    def _ensure_child(self, child: ChildProcess | None) -> ChildProcess | None:
        """Return `child` if its process runs, otherwise a new one, None if none can start."""
        if child is not None and child.process.poll() is None:
            return child
        self._end(child)
        if time.monotonic() < self._next_try:
            return None
        child = None
        try:
            child = ChildProcess()
            with self._lock:
                self._children.add(child)
            child.wait_for_start()
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread can start for its timer
            log.info("pictures are decoded in threads of the kernel: %s", error)
            if child is not None:
                self._next_try = time.monotonic() + _NEXT_TRY_SECONDS
            self._end(child)
            return None
        return child

    def _end(self, child: ChildProcess | None) -> None:
        if child is not None:
            child.end()
            with self._lock:
                self._children.discard(child)

    def close(self) -> None:
        """End all processes, and with them what is being decoded. The next picture starts one again."""
        with self._lock:
            for child in self._children:
                child.process.kill()
                child.process.wait()
            self._children.clear()
