"""One child process that runs `worker.py`: how it is started, what it inherits, how it is called and ended."""

from __future__ import annotations

import importlib.util
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from ..credentials import KEY_VARIABLE
from .inspection import Frame, read_frame, write_frame
from .sniff import PictureRefusedError

__all__ = ["ChildProcess", "FrameReader", "read_answer"]

T = TypeVar("T")
FrameReader = Callable[[Mapping[str, Any], bytes], T]
"""Makes a value of header and payload of an answer. Raises ValueError if they are none."""

_START_SECONDS = 10.0

_BUSY = 3.0
"""How many times longer than its processor time a picture may take, on a busy machine."""

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


class ChildProcess:
    """One child process. Raises OSError if it cannot be started."""

    def __init__(self) -> None:
        pillow = importlib.util.find_spec("PIL")
        if not sys.executable or pillow is None or pillow.origin is None:
            raise OSError("no program for a child process")
        folder = Path(__file__).parents[1]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(folder), pillow.origin],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != KEY_VARIABLE},
            # Jupyter interrupts the kernel's whole process group, and so does Ctrl-C in a terminal.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
            | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._requests = cast(io.FileIO, self.process.stdin)
        self._raw_answers = cast(io.FileIO, self.process.stdout)
        self._answers = io.BufferedReader(self._raw_answers)
        self._timed_out = False

    def wait_for_start(self) -> None:
        """Wait until the process is ready. Raises TimeoutError if it is not within ten seconds."""
        if self._exchange(_START_SECONDS) is None:
            raise TimeoutError("the child process did not start")

    def answer(self, request: dict[str, Any], data: bytes, read: FrameReader[T]) -> T:
        """Return what the process answers to a request about the bytes of a file, made into a value by `read`.

        Raises:
            PictureRefusedError: Also when the process crashed or took more processor time than `request["seconds"]`.
        """
        seconds = request["seconds"]
        frame = self._exchange(_BUSY * seconds, request, data)
        try:
            if frame is not None:
                return read_answer(frame, read)
        except PictureRefusedError:
            raise
        except ValueError:
            self.end()
        by_timer = hasattr(signal, "SIGPROF") and self.process.returncode == -signal.SIGPROF
        reason = f"takes longer than {seconds:g} s" if self._timed_out or by_timer else "failed"
        raise PictureRefusedError(f"decoding it {reason}")

    def _exchange(self, seconds: float, request: dict[str, Any] | None = None, data: bytes = b"") -> Frame | None:
        """Send a request, if any, and return the next frame; end the process and return None if that fails."""
        timer = threading.Timer(seconds, self._time_out)
        timer.daemon = True
        timer.start()
        try:
            if request is not None:
                write_frame(self._requests, request, data)
            frame = read_frame(self._answers)
        except (OSError, ValueError):
            frame = None
        finally:
            timer.cancel()
        if frame is None:
            self.end()
        return frame

    def _time_out(self) -> None:
        self._timed_out = True
        self.process.kill()

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait()
        self._close_pipes()

    def disown(self) -> None:
        """In a forked child: leave the process to the parent."""
        self._close_pipes()
        self.process.returncode = 0

    def _close_pipes(self) -> None:
        """Close this end of the pipes. The raw files: a buffer's lock may have been held in the parent."""
        self._requests.close()
        self._raw_answers.close()


def read_answer(frame: Frame, read: FrameReader[T]) -> T:
    """Return the value in a frame, or raise the refusal that is in it."""
    header, payload = frame
    if "refused" in header:
        raise PictureRefusedError(str(header["refused"])[:300], retryable=header.get("retryable") is True)
    return read(header, payload)
