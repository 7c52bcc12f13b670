"""Where the original bytes of pictures and their renditions are: in memory, in a temporary folder, in the cache folder.

::

    <the folder that was named>/
      dreambooth-widget/                 ours alone, for its owner's eyes alone; nothing outside of it is ever removed
        CACHEDIR.TAG                     our mark, and for backup programs: this can be made again
        <request id>-<digest of endpoint and id>/
          manifest.json                  the request, how many pictures it has, its facts; no key, no link
          <index>-<sha256>.<extension>   the original bytes
          <index>-<sha256>.inspected     what the worker found, and the renditions
        originals-<random>/              originals of one running process, beyond its memory; `lock` is held by it

A file is what its name says or it is ignored, and its content never changes, so two kernels may write at once. All that
is read is untrusted: the folder may be shared. Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

from .files import (
    UNFINISHED,
    clear_unfinished,
    file_size,
    file_stem,
    hold_lock,
    own_folder,
    read_file,
    write_atomically,
)
from .inspection import LARGEST_FRAME, Inspection, parse_json
from .sniff import EXTENSIONS
from .threads import forget_in_child

__all__ = ["MEMORY", "Original", "PictureCache", "PictureStore", "StoredRequest", "is_fact"]

log = logging.getLogger(__name__)

MEMORY = 40 * 1024 * 1024
"""Bytes of originals and renditions that one client keeps in memory."""

_LARGEST_CACHE = 2 * 1024**3
_LARGEST_MANIFEST, _LONGEST_FACT = 1 << 20, 10_000
_MOST_PICTURES, _MOST_FILES = 10_000, 100_000
_FOLDER, _TAG, _MANIFEST, _LOCK, _INSPECTED = "dreambooth-widget", "CACHEDIR.TAG", "manifest.json", "lock", ".inspected"
_MARK = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# made by dreambooth_widget, which may remove all of this folder\n"
)
_NAME = re.compile(rf"(\d{{1,6}})-([0-9a-f]{{64}})\.({'|'.join(EXTENSIONS.values())})")
_REQUEST = re.compile(r".+-[0-9a-f]{16}")
_ORIGINALS, _GONE = "originals-", ".gone-"


class Original:
    """The bytes of one picture and its renditions, in memory or in files."""

    __slots__ = ("__weakref__", "_data", "_keeper", "_small", "nbytes", "sha256")

    def __init__(self, data: bytes, inspection: Inspection | None = None) -> None:
        self._data: bytes | Path = data
        self._small: Inspection | Path | None = inspection
        self._keeper: object = None
        self.nbytes = len(data)
        self.sha256 = inspection.sha256 if inspection is not None else hashlib.sha256(data).hexdigest()

    def read(self) -> bytes:
        """Return the bytes. Raises OSError if their file was removed."""
        return self._data if isinstance(self._data, bytes) else self._data.read_bytes()

    @property
    def inspection(self) -> Inspection | None:
        """What the worker found, None for a picture that it has not seen. Raises OSError as `read` does."""
        if not isinstance(self._small, Path):
            return self._small
        return Inspection.unpack(self._small.read_bytes())

    @property
    def held(self) -> int:
        """Bytes in memory."""
        small = self._small.renditions.values() if isinstance(self._small, Inspection) else ()
        own = len(self._data) if isinstance(self._data, bytes) else 0
        return own + sum(len(each.data) for each in small)

    def move_to(self, path: Path, keeper: object) -> None:
        """Leave memory: the same bytes are in `path` now and the inspection beside it, files that go with this object.

        `keeper` lives as long as this object: with it, its folder would go.
        """
        inspected = path.with_suffix(_INSPECTED)
        self._data, self._small, self._keeper = path, self._small and inspected, keeper
        for file in (path, inspected):
            weakref.finalize(self, _remove_file, file, os.getpid()).atexit = False  # at exit the whole folder goes


@dataclass(frozen=True)
class StoredRequest:
    """What the cache has of one request: `count` pictures in all, those that are here by their index, and facts.

    An original without an inspection has lost it: a worker has to see it once more.
    """

    count: int = 0
    pictures: Mapping[int, Original] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


class PictureCache:
    """The pictures of finished requests below `folder`, which is made with the first one.

    When they take more than `max_bytes` (2 GiB), those of the requests that were not used for longest go.

    Raises:
        TypeError, ValueError: For a folder that cannot be one.
    """

    def __init__(self, folder: str | os.PathLike[str], *, max_bytes: int = _LARGEST_CACHE) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"cache must be a folder's path, not {type(folder).__name__}")
        self.folder = Path(folder).expanduser().absolute()
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"cache must be a folder, but {self.folder} is a file")
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes!r}")
        self.max_bytes = max_bytes
        self._size: int | None = None  # what lies there, as far as this process knows

    def __repr__(self) -> str:
        return f"<PictureCache {self.folder}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PictureCache):
            return NotImplemented
        return (self.folder, self.max_bytes) == (other.folder, other.max_bytes)

    def __hash__(self) -> int:
        return hash((self.folder, self.max_bytes))

    @classmethod
    def of(cls, cache: PictureCache | str | os.PathLike[str] | None) -> PictureCache | None:
        """Return the cache that an argument `cache=` means: None, a folder, or a cache with a bound of its own."""
        return cache if cache is None or isinstance(cache, PictureCache) else cls(cache)

    def open(self) -> Path:
        """Return our folder below the one that was named, made if need be.

        Raises:
            OSError: If it belongs to another user, is a link, or does not have our mark.
        """
        folder = self.folder / _FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        own_folder(folder)
        if all(path.name.startswith(UNFINISHED) for path in folder.iterdir()):  # new; two kernels may both write it
            write_atomically(folder / _TAG, _MARK, overwrite=True)
        self._check_mark()
        return folder

    def _check_mark(self) -> None:
        if read_file(self.folder / _FOLDER / _TAG, len(_MARK)) != _MARK:
            raise PermissionError(f"{self.folder / _FOLDER} was not made by dreambooth_widget")

    def find(self, endpoint: str, request_id: str, *, max_bytes: int, max_pixels: int) -> StoredRequest | None:
        """Return what is here of a request, nothing of it decoded; None for nothing."""
        place = self._place(endpoint, request_id)
        try:
            number, meta = self._read_manifest(place)
            files = [*islice(os.scandir(place), _MOST_FILES)]
            os.utime(place / _MANIFEST)  # it was used: others go first
        except (OSError, ValueError):
            return None
        pictures = {}
        for file in sorted(files, key=lambda file: file.name):
            name = _NAME.fullmatch(file.name)
            if name is not None and int(name[1]) < number:
                original = _read_original(Path(file.path), name[2], max_bytes)
                if original is not None and _pixels(original) <= max_pixels:
                    pictures[int(name[1])] = original
        return StoredRequest(number, pictures, meta)

    def has_all(self, endpoint: str, request_id: str) -> bool:
        """Return whether every picture of a request seems to be here: quick, and without reading them."""
        place = self._place(endpoint, request_id)
        try:
            number, _ = self._read_manifest(place)
            names = [_NAME.fullmatch(file.name) for file in islice(os.scandir(place), _MOST_FILES)]
        except (OSError, ValueError):
            return False
        return len({int(name[1]) for name in names if name is not None} & set(range(number))) == number

    def _read_manifest(self, place: Path) -> tuple[int, dict[str, Any]]:
        """Return `count` and `meta` of a request's manifest. Raises OSError or ValueError."""
        own_folder(place.parent, make=False)
        self._check_mark()
        own_folder(place, make=False)
        manifest = parse_json(read_file(place / _MANIFEST, _LARGEST_MANIFEST))
        number, meta = manifest.get("count"), manifest.get("meta")
        if type(number) is not int or not 0 < number <= _MOST_PICTURES or not isinstance(meta, dict):
            raise ValueError("no manifest of ours")
        return number, {name: value for name, value in meta.items() if is_fact(value)}

    def keep(
        self, endpoint: str, request_id: str, index: int, original: Original, number: int, meta: Mapping[str, Any]
    ) -> Path:
        """Put in the picture with that index, of the `number` that a request has; return its file. Raises OSError."""
        for tries_left in (2, 1, 0):
            try:
                return self._write(endpoint, request_id, index, original, number, meta)
            except FileNotFoundError:  # another kernel has just removed this request's folder, to make room
                if not tries_left:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")  # pragma: no cover

    def _write(
        self, endpoint: str, request_id: str, index: int, original: Original, number: int, meta: Mapping[str, Any]
    ) -> Path:
        self.open()
        place = self._place(endpoint, request_id)
        own_folder(place)
        manifest = {
            "version": 2,
            "endpoint": endpoint.partition("?")[0],
            "request_id": request_id,
            "count": number,
            "meta": {name: value for name, value in meta.items() if is_fact(value)},
        }
        # First: a folder without it is not counted, and would stay for ever.
        write_atomically(place / _MANIFEST, json.dumps(manifest, indent=1).encode(), overwrite=True)
        target, added = self.file_of(endpoint, request_id, index, original), 0
        assert original.inspection is not None
        for path, data in ((target.with_suffix(_INSPECTED), original.inspection.pack()), (target, original.read())):
            if file_size(path) != len(data):
                write_atomically(path, data, overwrite=True)
                added += len(data)
        for other in place.glob(f"{index}-*"):  # the service gave other bytes before
            if other.stem != target.stem:
                other.unlink(missing_ok=True)
        self._bound(place, added)
        return target

    def file_of(self, endpoint: str, request_id: str, index: int, original: Original) -> Path:
        """Return where the bytes of an inspected picture are, once they are kept."""
        assert original.inspection is not None
        name = f"{index}-{original.sha256}.{EXTENSIONS[original.inspection.format]}"
        return self._place(endpoint, request_id) / name

    def _place(self, endpoint: str, request_id: str) -> Path:
        digest = hashlib.sha256(f"{endpoint}\n{request_id}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.folder / _FOLDER / f"{file_stem(request_id)}-{digest}"

    def _bound(self, newest: Path, added: int) -> None:
        """Remove requests, longest unused first and never `newest`, until the rest fits; and unfinished files."""
        if self._size is not None and self._size + added <= self.max_bytes:
            self._size += added
            return
        sizes: dict[Path, int] = {}
        for place in newest.parent.iterdir():
            if place.name.startswith(_GONE):  # of a process that was killed while it removed them
                shutil.rmtree(place, ignore_errors=True)
            elif _REQUEST.fullmatch(place.name) and (place / _MANIFEST).is_file() and not place.is_symlink():
                with contextlib.suppress(FileNotFoundError):  # another kernel has just removed it
                    clear_unfinished(place)
                    sizes[place] = sum(file_size(path) or 0 for path in place.iterdir())
        self._size = sum(sizes.values())
        for place in sorted(sizes, key=_used_at):
            if self._size > self.max_bytes and place != newest:
                _remove_request(place)
                self._size -= sizes[place]


class PictureStore:
    """Keeps the originals and renditions of one client: the first `memory` bytes in memory, the others in files.

    The files lie in a temporary folder, or in the cache's folder, where they are links to the cache's own. May be used
    by several threads.
    """

    def __init__(self, memory: int = MEMORY, cache: PictureCache | None = None) -> None:
        if memory < 0:
            raise ValueError(f"memory must be 0 bytes or more, not {memory!r}")
        self.cache = cache
        self._memory = memory
        self._used = 0
        self._names = count()
        self._folder: Path | None = None
        self._lock_file: int | None = None
        self._lock = threading.RLock()  # a garbage collection may free an original inside of it
        forget_in_child(self)

    def forget(self) -> None:
        """Leave the folder to the parent, in a forked child."""
        self._folder, self._lock_file, self._lock = None, None, threading.RLock()

    def add(self, original: Original, copy: Path | None = None) -> None:
        """Count `original` in, or move it to files if there is no more room.

        Args:
            original: What to keep. A disk that cannot be written to costs memory, not the picture.
            copy: The cache's file of it.
        """
        held = original.held
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
        path, small = stem.with_suffix(".original"), stem.with_suffix(_INSPECTED)
        inspection = original.inspection
        try:
            _link_or_write(path, original.read(), copy)
            if inspection is not None:
                _link_or_write(small, inspection.pack(), copy and copy.with_suffix(_INSPECTED))
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


def _remove_file(path: Path, process: int) -> None:
    if os.getpid() == process:
        path.unlink(missing_ok=True)


def _remove_orphans(beside: Path) -> None:
    """Remove the folders whose lock no process holds: theirs were killed before they could."""
    for folder in beside.glob(f"{_ORIGINALS}*"):
        with contextlib.suppress(OSError):
            own_folder(folder, make=False)
            lock = hold_lock(folder / _LOCK, make=False)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _remove_request(place: Path) -> None:
    """Remove a request's folder, under another name first: who writes into it meanwhile leaves nothing half here."""
    gone = place.with_name(f"{_GONE}{secrets.token_hex(6)}")
    with contextlib.suppress(OSError):  # another kernel was faster, or has a file open on Windows
        place.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _read_original(path: Path, sha256: str, max_bytes: int) -> Original | None:
    """Return the picture in a file of the cache, None when it is not what its name says."""
    try:
        data = read_file(path, max_bytes)
    except (OSError, ValueError):
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        return None
    try:
        inspection = Inspection.unpack(read_file(path.with_suffix(_INSPECTED), LARGEST_FRAME))
    except (OSError, ValueError):
        return Original(data)
    return Original(data, inspection if inspection.sha256 == sha256 else None)


def _pixels(original: Original) -> int:
    return original.inspection.width * original.inspection.height if original.inspection is not None else 0


def is_fact(value: object) -> bool:
    """Return whether a value of `meta` may lie on disk: plain ones, and no links, which may be signed."""
    if isinstance(value, str):
        return "://" not in value and len(value) <= _LONGEST_FACT
    return value is None or isinstance(value, (int, float))


def _used_at(place: Path) -> float:
    try:
        return (place / _MANIFEST).stat().st_mtime
    except OSError:
        return 0.0
