"""Where the original bytes of pictures are: in memory up to a bound, beyond it in files that go with the kernel.

Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import tempfile
import threading
import weakref
from itertools import count
from pathlib import Path

__all__ = ["ROOM", "Original", "Originals"]

log = logging.getLogger(__name__)

ROOM = 64 * 1024 * 1024
"""Bytes of originals that one client keeps in memory."""

_FOLDER = ".dreambooth-originals"


class Original:
    """The bytes of one picture, in memory or in a file."""

    __slots__ = ("__weakref__", "_held", "_keeper", "nbytes")

    def __init__(self, data: bytes) -> None:
        self._held: bytes | Path = data
        self._keeper: object = None
        self.nbytes = len(data)

    def read(self) -> bytes:
        """The bytes. `OSError` when somebody has removed their file."""
        held = self._held
        return held if isinstance(held, bytes) else held.read_bytes()

    def move_to(self, path: Path, keeper: object) -> None:
        """Leave memory: the same bytes are in `path` now, which goes when this object goes.

        `keeper` lives as long as this object: with it, its folder would go.
        """
        self._held, self._keeper = path, keeper
        weakref.finalize(self, _remove, path, os.getpid()).atexit = False  # at exit the whole folder goes


class Originals:
    """Keeps the originals of one client: the first `room` bytes of them in memory, the others in a temporary folder.

    `beside` is a folder on whose disk the temporary one is made (a cache's, so that its files are linked and not
    written twice); the system's own place for such things otherwise. May be used by several threads.
    """

    def __init__(self, room: int = ROOM, beside: Path | None = None) -> None:
        if room < 0:
            raise ValueError(f"memory must be 0 bytes or more, not {room!r}")
        self._room = room
        self._beside = beside
        self._used = 0
        self._folder: Path | None = None
        self._names = count()
        self._lock = threading.RLock()  # a garbage collection may free an original inside of it

    def hold(self, original: Original, copy: Path | None = None) -> None:
        """Count `original` in, or move it to disk if there is no more room. `copy` is a file that has its bytes.

        A disk that cannot be written to costs memory, not the picture.
        """
        with self._lock:
            fits = self._used + original.nbytes <= self._room
            if fits:
                self._used += original.nbytes
        if fits:
            weakref.finalize(original, self._free, original.nbytes).atexit = False
            return
        try:
            original.move_to(self._write(original, copy), self)
        except OSError as error:
            log.warning("a picture stays in memory, it cannot be moved to disk: %s", error)

    def _free(self, size: int) -> None:
        with self._lock:
            self._used -= size

    def _write(self, original: Original, copy: Path | None) -> Path:
        path = self._open_folder() / f"{next(self._names)}.original"
        if copy is not None:
            with contextlib.suppress(OSError):  # another disk, or one without hard links
                os.link(copy, path)
                return path
        try:
            path.write_bytes(original.read())
        except OSError:  # the disk is full: what fitted is of no use
            path.unlink(missing_ok=True)
            raise
        return path

    def _open_folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                if self._beside is not None:
                    self._beside.mkdir(parents=True, exist_ok=True)
                    _remove_orphans(self._beside)
                prefix = f"{_FOLDER}-{_host()}-{os.getpid()}-"
                self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self._beside))
                weakref.finalize(self, _remove, self._folder, os.getpid())
            return self._folder


def _remove(path: Path, process: int) -> None:
    """Remove a file or folder of `process`. A forked child has the same objects, but they are not its to end."""
    if os.getpid() != process:
        return
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _host() -> str:
    return socket.gethostname().replace("-", "_")[:60]


def _remove_orphans(place: Path) -> None:
    """Remove the folders of processes of this machine that were killed before they could."""
    for folder in place.glob(f"{_FOLDER}-{_host()}-*-*"):
        process = folder.name.split("-")[-2]
        if process.isdigit() and os.name == "posix" and not _lives(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
