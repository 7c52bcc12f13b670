"""The originals and renditions of one client: in memory, beyond that in a temporary folder or in the cache's.

Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import threading
import weakref
from itertools import count
from pathlib import Path

from .cache_folder import PictureCache
from .files import hold_lock, own_folder
from .fork import disown_after_fork
from .original import INSPECTED, Original

__all__ = ["MAX_MEMORY_BYTES", "PictureStore"]

log = logging.getLogger(__name__)

MAX_MEMORY_BYTES = 40 * 1024 * 1024
"""Bytes of originals and renditions that one client keeps in memory."""

_ORIGINALS, _LOCK = "originals-", "lock"


class PictureStore:
    """Keeps the originals and renditions of one client: the first `memory` bytes in memory, the others in files.

    The files lie in a temporary folder, or in the cache's folder, where they are links to the cache's own. May be used
    by several threads.
    """

    def __init__(self, memory: float = MAX_MEMORY_BYTES, cache: PictureCache | None = None) -> None:
        if memory < 0:
            raise ValueError(f"memory must be 0 bytes or more, not {memory!r}")
        self.cache = cache
        self._memory = memory
        self._used = 0
        self._names = count()
        self._folder: Path | None = None
        self._lock_file: int | None = None
        self._lock = threading.RLock()  # a garbage collection may free an original inside of it
        disown_after_fork(self)

    def disown(self) -> None:
        """Leave the folder to the parent, in a forked child."""
        self._folder, self._lock_file, self._lock = None, None, threading.RLock()

    def add(self, original: Original, copy: Path | None = None) -> None:
        """Count `original` in, or move it to files if there is no more room.

        Args:
            original: What to keep. A disk that cannot be written to costs memory, not the picture.
            copy: The cache's file of it.
        """
        held = original.bytes_in_memory
        with self._lock:
            fits = self._used + held <= self._memory
            if fits:
                self._used += held
        if fits:
            weakref.finalize(original, self._free, held).atexit = False
            return
        try:
            original.move_to(self._write(original, copy), self)
        except OSError as error:
            log.warning("a picture stays in memory, it cannot be moved to disk: %s", error)

    def _free(self, size: int) -> None:
        with self._lock:
            self._used -= size

    def _write(self, original: Original, copy: Path | None) -> Path:
        stem = self._open_folder() / str(next(self._names))
        path, small = stem.with_suffix(".original"), stem.with_suffix(INSPECTED)
        inspection = original.inspection
        try:
            _link_or_write(path, original.read(), copy)
            if inspection is not None:
                _link_or_write(small, inspection.pack(), copy and copy.with_suffix(INSPECTED))
        except OSError:  # the disk is full: what fitted is of no use
            path.unlink(missing_ok=True)
            small.unlink(missing_ok=True)
            raise
        return path

    def _open_folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                beside = self.cache.open() if self.cache is not None else None
                if beside is not None:
                    _remove_orphans(beside)
                self._folder = Path(tempfile.mkdtemp(prefix=_ORIGINALS, dir=beside))
                self._lock_file = hold_lock(self._folder / _LOCK)
                weakref.finalize(self, _remove_folder, self._folder, self._lock_file, os.getpid())
            return self._folder


def _link_or_write(path: Path, data: bytes, copy: Path | None) -> None:
    if copy is not None:
        with contextlib.suppress(OSError):  # another disk, or one without hard links
            os.link(copy, path)
            return
    path.write_bytes(data)


def _remove_folder(folder: Path, lock: int | None, process: int) -> None:
    if os.getpid() == process:  # a forked child has the same objects, but they are not its to end
        if lock is not None:
            os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_orphans(beside: Path) -> None:
    """Remove the folders whose lock no process holds: theirs were killed before they could."""
    for folder in beside.glob(f"{_ORIGINALS}*"):
        with contextlib.suppress(OSError):
            own_folder(folder, make=False)
            lock = hold_lock(folder / _LOCK, make=False)
            if lock is not None:
                os.close(lock)  # first: Windows removes no open file
                shutil.rmtree(folder, ignore_errors=True)
