"""At most two child processes that decode pictures: started, fed, timed out, killed and replaced here.

Popen and threads, not asyncio's subprocesses (Windows kernels run a selector loop) and not ProcessPoolExecutor (which
imports the user's `__main__` again). A crash, a bomb or a hang costs the one picture that caused it.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import io
import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, cast

from ..credentials import KEY_VARIABLE
from .inspection import Inspection, read_frame, write_frame
from .sniff import PictureRefusedError
from .threads import forget_in_child

__all__ = ["WorkerPool"]

log = logging.getLogger(__name__)

_CHILDREN = 2
_START_SECONDS = 10.0
_NEXT_TRY_SECONDS = 300.0
"""Pause after a process that did not answer at its start; threads decode meanwhile."""

_PROGRAM = """
import importlib.util, sys, types
ours, pillow = sys.argv[1:]
package = types.ModuleType("dreambooth_widget")  # without its root, and without its folder on the path
package.__path__ = [ours]
sys.modules["dreambooth_widget"] = package
spec = importlib.util.spec_from_file_location("PIL", pillow)
sys.modules["PIL"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["PIL"])
from dreambooth_widget.images.worker import main
main()
"""
"""Loads both packages from where the kernel found them, and nothing from the current folder or `site-packages`."""


class _Child:
    """One child process.

    Raises:
        OSError: If it cannot be started; TimeoutError, if it does not answer then.
    """

    def __init__(self) -> None:
        pillow = importlib.util.find_spec("PIL")
        if not sys.executable or pillow is None or pillow.origin is None:
            raise OSError("no program for a child process")
        folder = Path(__file__).parents[1]
        environment = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(folder), pillow.origin],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            # Jupyter interrupts the kernel's whole process group, and so does Ctrl-C in a terminal.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
            | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests = cast(io.FileIO, self.process.stdin)
        self._answers = io.BufferedReader(cast(io.FileIO, self.process.stdout))
        self.timed_out = False
        timer = self._kill_after(_START_SECONDS)
        try:
            started = read_frame(self._answers)
        except ValueError:
            started = None
        timer.cancel()
        if started is None:
            self.end()
            raise TimeoutError("the child process did not start")

    def inspect(self, data: bytes, *, max_pixels: int, seconds: float) -> Inspection:
        """Return the inspection of a file.

        Raises:
            PictureRefusedError: Also when the process crashed or took longer than `seconds`.
        """
        timer = self._kill_after(seconds)
        try:
            write_frame(self._requests, {"do": "inspect", "max_pixels": max_pixels, "seconds": seconds}, data)
            frame = read_frame(self._answers)
            if frame is not None and "refused" in frame[0]:
                raise PictureRefusedError(str(frame[0]["refused"])[:300], early=frame[0].get("early") is True)
            if frame is not None:
                return Inspection.read(*frame)
        except (OSError, ValueError) as error:
            if isinstance(error, PictureRefusedError):
                raise
        finally:
            timer.cancel()
        self.end()
        if self.timed_out:
            raise PictureRefusedError(f"decoding it takes longer than {seconds:g} s")
        raise PictureRefusedError("decoding it failed")

    def _kill_after(self, seconds: float) -> threading.Timer:
        def kill() -> None:
            self.timed_out = True
            self.process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        return timer

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait()
        self.close_pipes()

    def forget(self) -> None:
        """In a forked child: leave the process to the parent."""
        self.close_pipes()
        self.process.returncode = 0

    def close_pipes(self) -> None:
        """Close this end of the pipes. The raw files: a buffer's lock may have been held in the parent."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class WorkerPool:
    """Inspects pictures, two at a time. Usable from any thread and any loop."""

    _shared: ClassVar[WorkerPool | None] = None

    def __init__(self, *, seconds: float = 20.0, idle: float = 60.0) -> None:
        """Make a pool without processes.

        Args:
            seconds: Time that one picture may take.
            idle: Seconds without a picture after which the processes are ended.
        """
        self._seconds = seconds
        self._idle_seconds = idle
        self._children: set[_Child] = set()
        self.forget()
        forget_in_child(self)
        atexit.register(self.close)

    @classmethod
    def shared(cls) -> WorkerPool:
        """Return the pool of this process, which all clients share."""
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def forget(self) -> None:
        """Begin anew, in a forked child: the processes are the parent's."""
        for child in self._children:
            child.forget()
        self._lock = threading.Lock()
        self._children = set()
        self._idle: list[_Child] = []
        self._used = self._next_try = time.monotonic()
        self._timer: threading.Timer | None = None
        self._threads = ThreadPoolExecutor(_CHILDREN, thread_name_prefix="dreambooth-pool")

    def start(self) -> None:
        """Start the processes that do not run yet, without waiting for them."""
        for _ in range(_CHILDREN - len(self._children)):
            self._threads.submit(self._start_one)

    def _start_one(self) -> None:
        if len(self._children) < _CHILDREN and (child := self._start_child()) is not None:
            self._give_back(child)

    async def inspect(self, data: bytes, *, max_pixels: int) -> Inspection:
        """Return what there is to know of a file, decoded in a child process, or in a thread where none can start.

        Cancelling this ends the decoding.

        Raises:
            PictureRefusedError: With the reason, if it is not a whole picture of at most `max_pixels`.
        """
        loop = asyncio.get_running_loop()
        running: list[_Child] = []
        try:
            return await loop.run_in_executor(self._threads, self._inspect, data, max_pixels, running)
        except asyncio.CancelledError:
            for child in running:
                child.process.kill()
            raise

    def _inspect(self, data: bytes, max_pixels: int, running: list[_Child]) -> Inspection:
        child = self._take_idle() or self._start_child()
        if child is None:
            return _inspect_here(data, max_pixels)
        running.append(child)
        try:
            return child.inspect(data, max_pixels=max_pixels, seconds=self._seconds)
        finally:
            running.clear()
            self._give_back(child)

    def _take_idle(self) -> _Child | None:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    return child
                self._children.discard(child)
                child.end()
        return None

    def _start_child(self) -> _Child | None:
        if time.monotonic() < self._next_try:
            return None
        try:
            child = _Child()
        except OSError as error:
            log.info("pictures are decoded in threads of the kernel: %s", error)
            if isinstance(error, TimeoutError):
                self._next_try = time.monotonic() + _NEXT_TRY_SECONDS
            return None
        with self._lock:
            self._children.add(child)
        return child

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            self._used = time.monotonic()
            if child.process.returncode is not None:
                self._children.discard(child)
                return
            self._idle.append(child)
            if self._timer is None:
                self._end_after(self._idle_seconds)

    def _end_after(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end_idle)
        self._timer.daemon = True
        self._timer.start()

    def _end_idle(self) -> None:
        with self._lock:
            self._timer = None
            left = self._used + self._idle_seconds - time.monotonic()
            if left > 0:
                self._end_after(left)
                return
            for child in self._idle:
                child.end()
            self._children -= set(self._idle)
            self._idle.clear()

    def close(self) -> None:
        """End all processes, and with them what is being decoded. The next picture starts one again."""
        with self._lock:
            for child in self._children:
                child.process.kill()
            for child in self._idle:
                child.end()
            self._children -= set(self._idle)
            self._idle.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None


def _inspect_here(data: bytes, max_pixels: int) -> Inspection:
    """Inspect in this process and thread, where nothing but `max_pixels` bounds what it takes."""
    from .worker import inspect, quiet_pillow  # with Pillow, which is the child's otherwise

    with quiet_pillow:
        return inspect(data, max_pixels=max_pixels)
