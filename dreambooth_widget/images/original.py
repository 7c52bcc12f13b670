"""`Original`: the bytes of one picture and what a worker found in them, in memory or in files. Blocks: for a thread."""

from __future__ import annotations

import hashlib
import os
import weakref
from pathlib import Path

from .inspection import Inspection

__all__ = ["INSPECTED", "Original"]

INSPECTED = ".inspected"
"""How the name of the file with the inspection ends, beside that of the original."""


class Original:
    """The bytes of one picture and its renditions, in memory or in files."""

    __slots__ = ("__weakref__", "_data", "_inspection", "_keeper", "nbytes", "sha256")

    def __init__(self, data: bytes, inspection: Inspection | None = None) -> None:
        self._data: bytes | Path = data
        self._inspection: Inspection | Path | None = inspection
        self._keeper: object = None
        self.nbytes = len(data)
        self.sha256 = inspection.sha256 if inspection is not None else hashlib.sha256(data).hexdigest()

    def read(self) -> bytes:
        """Return the bytes. Raises OSError if their file was removed."""
        return self._data if isinstance(self._data, bytes) else self._data.read_bytes()

    @property
    def inspection(self) -> Inspection | None:
        """What the worker found, None for a picture that it has not seen. Raises OSError as `read` does."""
        if not isinstance(self._inspection, Path):
            return self._inspection
        return Inspection.unpack(self._inspection.read_bytes())

    @property
    def bytes_in_memory(self) -> int:
        """Bytes in memory."""
        small = self._inspection.renditions.values() if isinstance(self._inspection, Inspection) else ()
        own = len(self._data) if isinstance(self._data, bytes) else 0
        return own + sum(len(each.data) for each in small)

    def move_to(self, path: Path, keeper: object) -> None:
        """Replace the bytes in memory by `path` and the file beside it; both are deleted with this object.

        `keeper` is referenced so that its folder outlives the object.
        """
        inspected = path.with_suffix(INSPECTED)
        self._data, self._inspection, self._keeper = path, self._inspection and inspected, keeper
        for file in (path, inspected):
            weakref.finalize(self, _remove_file, file, os.getpid()).atexit = False  # at exit the whole folder goes


def _remove_file(path: Path, process: int) -> None:
    if os.getpid() == process:
        path.unlink(missing_ok=True)
