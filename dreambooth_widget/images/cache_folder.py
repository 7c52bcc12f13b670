"""The cache on disk: originals, and what was found in them, of finished requests.

::

    <the folder that was named>/
      dreambooth-widget/                 this package's own, readable by its owner only; nothing outside it is removed
        CACHEDIR.TAG                     our mark, and for backup programs: this can be made again
        <request id>-<digest of endpoint and id>/
          manifest.json                  the request, how many pictures it has, its facts; no key, no link
          <index>-<sha256>.<extension>   the original bytes
          <index>-<sha256>.inspected     what the worker found, and the renditions
        originals-<random>/              originals of one running process, beyond its memory; `lock` is held by it

A file whose content does not match the digest in its name is ignored. The content of a file never changes, so two
kernels may write at once. All that is read is untrusted: the folder may be shared. Everything here blocks: call it in a
thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from .files import UNFINISHED, clear_unfinished, file_size, file_stem, own_folder, read_file, write_atomically
from .inspection import MAX_FRAME_BYTES, Inspection, parse_json
from .original import INSPECTED, Original
from .sniff import EXTENSIONS

__all__ = ["PictureCache", "StoredRequest", "is_fact"]

_MAX_CACHE_BYTES = 2 * 1024**3
_MAX_MANIFEST_BYTES, _MAX_FACT_CHARS = 1 << 20, 10_000
_MAX_PICTURES, _MAX_FILES = 10_000, 100_000
_FOLDER, _TAG, _MANIFEST = "dreambooth-widget", "CACHEDIR.TAG", "manifest.json"
_MARK = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# made by dreambooth_widget, which may remove all of this folder\n"
)
_NAME = re.compile(rf"(\d{{1,6}})-([0-9a-f]{{64}})\.({'|'.join(EXTENSIONS.values())})")
_REQUEST = re.compile(r".+-[0-9a-f]{16}")
_GONE = ".gone-"


@dataclass(frozen=True)
class StoredRequest:
    """What the cache has of one request: `count` pictures in all, those that are here by their index, and facts.

    An original whose `inspection` is None must be inspected again.
    """

    count: int = 0
    pictures: Mapping[int, Original] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(unsafe_hash=True, init=False)
class PictureCache:
    """The pictures of finished requests below `folder`, which is made with the first one.

    When they take more than `max_bytes` (2 GiB), those of the requests that were not used for longest go.

    Raises:
        TypeError, ValueError: For a folder that cannot be one.
    """

    folder: Path
    max_bytes: int
    _size: int | None = field(default=None, repr=False, compare=False)
    """What lies there, as far as this process knows."""

    def __init__(self, folder: str | os.PathLike[str], *, max_bytes: int = _MAX_CACHE_BYTES) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"cache must be a folder's path, not {type(folder).__name__}")
        self.folder = Path(folder).expanduser().absolute()
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"cache must be a folder, but {self.folder} is a file")
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes!r}")
        self.max_bytes = max_bytes

    @classmethod
    def of(cls, cache: PictureCache | str | os.PathLike[str] | None) -> PictureCache | None:
        """Return the cache that an argument `cache=` means: None, a folder, or a cache with a bound of its own."""
        return cache if cache is None or isinstance(cache, PictureCache) else cls(cache)

    def open(self) -> Path:
        """Return our folder below the one that was named, made if need be.

        Raises:
            OSError: It belongs to another user, is a link, or does not have our mark.
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

    def find(self, endpoint: str, request_id: str, *, max_bytes: int, max_pixels: int) -> StoredRequest:
        """Return what is here of a request, nothing of it decoded."""
        folder = self._folder_of(endpoint, request_id)
        count, meta, files = self._read_request(folder)
        if count:
            with contextlib.suppress(OSError):
                os.utime(folder / _MANIFEST)  # it was used: others go first
        pictures = {}
        for index, sha256, path in files:
            original = _read_original(path, sha256, max_bytes, max_pixels)
            if original is not None:
                pictures[index] = original
        return StoredRequest(count, pictures, meta)

    def has_all(self, endpoint: str, request_id: str) -> bool:
        """Return whether every picture of a request seems to be here: quick, and without reading them."""
        count, _, files = self._read_request(self._folder_of(endpoint, request_id))
        return len({index for index, _, _ in files}) == count > 0

    def _read_request(self, folder: Path) -> tuple[int, dict[str, Any], list[tuple[int, str, Path]]]:
        """Return count and facts of a request, and index, digest and path of its files; a count of 0 for nothing."""
        try:
            own_folder(folder.parent, make=False)
            self._check_mark()
            own_folder(folder, make=False)
            manifest = parse_json(read_file(folder / _MANIFEST, _MAX_MANIFEST_BYTES))
            paths = sorted(islice(folder.iterdir(), _MAX_FILES))
        except (OSError, ValueError):
            return 0, {}, []
        count, meta = manifest.get("count"), manifest.get("meta")
        if type(count) is not int or not 0 < count <= _MAX_PICTURES or not isinstance(meta, dict):
            return 0, {}, []
        names = [(_NAME.fullmatch(path.name), path) for path in paths]
        files = [(int(name[1]), name[2], path) for name, path in names if name is not None and int(name[1]) < count]
        return count, {name: value for name, value in meta.items() if is_fact(value)}, files

    def keep(
        self, endpoint: str, request_id: str, index: int, original: Original, count: int, meta: Mapping[str, Any]
    ) -> Path:
        """Put in the picture with that index, of the `count` that a request has; return its file. Raises OSError."""
        manifest = {
            "version": 2,
            "endpoint": endpoint.partition("?")[0],
            "request_id": request_id,
            "count": count,
            "meta": {name: value for name, value in meta.items() if is_fact(value)},
        }
        target = self.file_of(endpoint, request_id, index, original)
        for tries_left in (2, 1, 0):
            try:
                self._write(target, original, json.dumps(manifest, indent=1).encode())
                break
            except FileNotFoundError:  # another kernel has just removed this request's folder, to make room
                if not tries_left:
                    raise
        return target

    def _write(self, target: Path, original: Original, manifest: bytes) -> None:
        assert original.inspection is not None
        self.open()
        own_folder(target.parent)
        # Write the manifest first: a folder without one is never counted, so never removed.
        write_atomically(target.parent / _MANIFEST, manifest, overwrite=True)
        added = 0
        for path, data in ((target.with_suffix(INSPECTED), original.inspection.pack()), (target, original.read())):
            if file_size(path) != len(data):
                write_atomically(path, data, overwrite=True)
                added += len(data)
        index, _, _ = target.name.partition("-")
        for other in target.parent.glob(f"{index}-*"):  # the service gave other bytes before
            if other.stem != target.stem:
                other.unlink(missing_ok=True)
        self._bound(target.parent, added)

    def file_of(self, endpoint: str, request_id: str, index: int, original: Original) -> Path:
        """Return where the bytes of an inspected picture are, once they are kept."""
        assert original.inspection is not None
        name = f"{index}-{original.sha256}.{EXTENSIONS[original.inspection.format]}"
        return self._folder_of(endpoint, request_id) / name

    def _folder_of(self, endpoint: str, request_id: str) -> Path:
        digest = hashlib.sha256(f"{endpoint}\n{request_id}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.folder / _FOLDER / f"{file_stem(request_id)}-{digest}"

    def _bound(self, newest: Path, added: int) -> None:
        """Remove requests, longest unused first and never `newest`, until the rest fits; and unfinished files."""
        if self._size is not None and self._size + added <= self.max_bytes:
            self._size += added
            return
        sizes: dict[Path, int] = {}
        used_at: dict[Path, float] = {}
        for folder in newest.parent.iterdir():
            if folder.name.startswith(_GONE):  # of a process that was killed while it removed them
                shutil.rmtree(folder, ignore_errors=True)
            elif _REQUEST.fullmatch(folder.name) and not folder.is_symlink():
                clear_unfinished(folder)
                with contextlib.suppress(OSError):  # another kernel has just removed it
                    used_at[folder] = (folder / _MANIFEST).stat().st_mtime
                    sizes[folder] = sum(file_size(path) or 0 for path in folder.iterdir())
        self._size = sum(sizes.values())
        for folder in sorted(sizes, key=used_at.__getitem__):
            if self._size > self.max_bytes and folder != newest:
                _remove_request(folder)
                self._size -= sizes[folder]


def _remove_request(folder: Path) -> None:
    """Remove a request's folder. Rename it first, so that a concurrent writer cannot leave a partial folder."""
    gone = folder.with_name(f"{_GONE}{secrets.token_hex(6)}")
    with contextlib.suppress(OSError):  # another kernel was faster, or has a file open on Windows
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _read_original(path: Path, sha256: str, max_bytes: int, max_pixels: int) -> Original | None:
    """Return the picture in a file of the cache, None when it is too large or not what its name says."""
    try:
        data = read_file(path, max_bytes)
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        return None
    try:
        found = Inspection.unpack(read_file(path.with_suffix(INSPECTED), MAX_FRAME_BYTES))
    except (OSError, ValueError):
        return Original(data)
    if found.sha256 != sha256:
        return Original(data)
    return Original(data, found) if found.width * found.height <= max_pixels else None


def is_fact(value: object) -> bool:
    """Return whether a value of `meta` may lie on disk: plain ones of JSON, and no links, which may be signed."""
    if isinstance(value, str):
        return "://" not in value and len(value) <= _MAX_FACT_CHARS
    return value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
