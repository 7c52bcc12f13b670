"""Pictures become files: names that survive hostile ids, atomic writes, a zip that is the same each time.

And the rules of our own folders, which others may be able to write to: no links are followed, only regular files read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import numbers
import os
import re
import secrets
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from .picture import Picture

__all__ = [
    "UNFINISHED",
    "clear_unfinished",
    "file_name",
    "file_size",
    "file_stem",
    "hold_lock",
    "named",
    "own_folder",
    "read_file",
    "save_all",
    "save_files",
    "write_atomically",
    "zip_bytes",
]

_MAX_ID_CHARS = 80
UNFINISHED = ".dreambooth-"
_OPEN_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags that open what others may have planted: a link is not followed, a FIFO does not wait."""


def file_stem(request_id: str) -> str:
    """Return `request_id` as a file name without an extension that every file system takes as it is.

    Other characters than ASCII letters, digits, "-" and "_" become "_", and a digest of the id is added when
    anything was changed, so that different ids never share a name.
    """
    clean = re.sub(r"[^A-Za-z0-9_-]+", "_", request_id)[:_MAX_ID_CHARS].strip("_-")
    # An id that ends as if it had a digest gets one too, and one with capitals: most file systems ignore case.
    if clean != request_id.lower() or not clean or re.search(r"-[0-9a-f]{8}$", clean):
        digest = hashlib.sha256(request_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        clean = f"{clean or 'picture'}-{digest}"
    return clean


def file_name(request_id: str, index: int, extension: str) -> str:
    """Return `<request_id>-<index + 1>.<extension>`. The number keeps Windows' reserved names ("CON") out."""
    return f"{file_stem(request_id)}-{index + 1}.{extension}"


def write_atomically(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write `data` to `path`: all of it or nothing.

    Raises:
        FileExistsError: The file is there, and `overwrite` is False.
        FileNotFoundError: The folder is not there.
        OSError: The disk is full, or the folder cannot be written to.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(path.parent))
    for tries_left in (2, 1, 0):
        temporary = path.parent / f"{UNFINISHED}{secrets.token_hex(6)}.part"
        try:
            with temporary.open("xb") as file:
                _write_locked(file, data)
                _move(temporary, path, overwrite=overwrite)
            return
        except FileExistsError:
            raise FileExistsError(f"{path} exists; pass overwrite=True to replace it") from None
        except FileNotFoundError:  # cleared in the instant before it was locked
            if not tries_left:
                raise
        finally:
            temporary.unlink(missing_ok=True)


def _write_locked(file: BinaryIO, data: bytes) -> None:
    """Write `data`, and keep the file locked while it is open: `clear_unfinished` of another process leaves it alone.

    Windows renames no open file, and removes none: there it is closed.
    """
    if sys.platform == "win32":
        file.write(data)
        file.close()
    else:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(data)  # through the descriptor that has the lock: on CIFS every other one is refused
        file.flush()
        os.close(os.dup(file.fileno()))  # network file systems report a full disk when a descriptor is closed


def _move(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)  # the file system decides whether the name is taken, so nothing can come between
    except (FileExistsError, FileNotFoundError):
        raise
    except (OSError, AttributeError, NotImplementedError):
        # No hard links here (FAT, some network and phone file systems): reserve the name, then fill it.
        path.open("xb").close()
        try:
            temporary.replace(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise


def clear_unfinished(folder: Path) -> None:
    """Remove what killed processes were writing into a folder; what a living process writes there stays."""
    for path in folder.glob(f"{UNFINISHED}*.part"):
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                path.unlink()  # which Windows refuses while a process has the file open
            elif (lock := hold_lock(path, make=False)) is not None:
                try:
                    path.unlink()  # while it is locked: whoever waits for this instant finds the file gone
                finally:
                    os.close(lock)


def hold_lock(path: Path, *, make: bool = True) -> int | None:
    """Lock the file at `path` while it is open; return its descriptor, None if another process holds it."""
    descriptor = os.open(path, os.O_RDWR | _OPEN_FLAGS | (os.O_CREAT if make else 0), 0o600)
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def own_folder(folder: Path, *, make: bool = True) -> None:
    """Make a folder for its owner alone, or check that the one that is there is ours.

    Raises:
        OSError: If it is a link, belongs to another user, or others may write to it.
    """
    if make:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(f"{folder} is not a folder of its own")
    if os.name == "posix" and (found.st_uid != os.geteuid() or found.st_mode & 0o022):
        raise PermissionError(f"{folder} belongs to another user, or others may write to it")


def read_file(path: Path, largest: int) -> bytes:
    """Return the content of a regular file that may have been planted.

    Raises:
        OSError: If it is a link or a device, or larger than `largest` bytes.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _OPEN_FLAGS)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > largest:
            raise OSError(f"{path} is not a regular file, or too large")
        return file.read(largest)


def file_size(path: Path) -> int | None:
    """Return the size of a file in bytes, None if there is none."""
    try:
        return path.lstat().st_size
    except OSError:
        return None


def save_all(
    pictures: Sequence[Picture],
    folder: str | os.PathLike[str],
    request_id: str,
    indices: Iterable[int] | None = None,
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write the original bytes of the pictures of one request into `folder`, which is made when missing.

    Args:
        pictures: Those that are there.
        folder: Where to.
        request_id: The first part of the file names.
        indices: The `index` of each picture to write; None for all.
        overwrite: Replace files that exist.

    Returns:
        The paths, in order.

    Raises:
        FileExistsError: A file exists; nothing has been written.
        IndexError: There is no picture with one of the `indices`.
    """
    chosen = pictures if indices is None else _chosen(pictures, indices)
    return save_files(named(chosen, request_id), folder, overwrite=overwrite)


def save_files(
    files: Iterable[tuple[str, Picture]],
    folder: str | os.PathLike[str],
    *,
    beside: Iterable[str] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Write the original bytes of (name, picture) files into `folder`, which is made when missing; return the paths.

    Raises:
        FileExistsError: One of the names, or of those that are about to be written `beside` them, exists; nothing has
            been written.
        NotADirectoryError: `folder` is a file.
    """
    target = Path(folder).expanduser()
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "this is a file, pass a folder", str(target))
    named_files = [(target / name, picture) for name, picture in files]
    if not overwrite:
        for path in (*(path for path, _ in named_files), *(target / name for name in beside)):
            if path.exists():
                raise FileExistsError(f"{path} exists; pass overwrite=True to replace it")
    target.mkdir(parents=True, exist_ok=True)
    clear_unfinished(target)
    for path, picture in named_files:
        write_atomically(path, picture.data, overwrite=overwrite)
    return [path for path, _ in named_files]


def _chosen(pictures: Sequence[Picture], indices: object) -> list[Picture]:
    # An array without dimensions has `__iter__`, and raises in it.
    if isinstance(indices, (str, bytes)) or not isinstance(indices, Iterable) or getattr(indices, "ndim", 1) == 0:
        raise ValueError(f"indices must be a list of picture indices, not {type(indices).__name__}")
    by_index = {picture.index: picture for picture in pictures}
    chosen = list(indices)
    for index in chosen:
        # A truth is none, of Python or numpy; nor is a row of an array of two dimensions.
        if isinstance(index, bool) or not isinstance(index, numbers.Integral) or index not in by_index:
            there = ", ".join(map(str, sorted(by_index))) or "none"
            raise IndexError(f"there is no picture with index {index!r}; the indices are {there}")
    return [by_index[index] for index in dict.fromkeys(chosen)]


def named(pictures: Iterable[Picture], request_id: str) -> list[tuple[str, Picture]]:
    """Return the pictures of one request with the names of their files."""
    return [(file_name(request_id, picture.index, picture.extension), picture) for picture in pictures]


def zip_bytes(files: Iterable[tuple[str, Picture]]) -> bytes:
    """Zip (name, picture) files without compression: they are compressed already. The same bytes each time."""
    # On disk: growing a buffer in memory copies it again and again while holding the GIL.
    with tempfile.TemporaryFile() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, picture in files:
                entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                entry.create_system = 3  # Unix, on every system: otherwise the bytes would differ
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, picture.data)
        out.seek(0)
        return out.read()
