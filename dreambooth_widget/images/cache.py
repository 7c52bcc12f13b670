"""Pictures kept on disk, so that a notebook that is run again next month shows them although their links have died.

::

    folder/
      <request id>-<digest of endpoint and id>/
        manifest.json                  the request, how many pictures it has, its facts; no key, no link
        <index>-<sha256>.<extension>   the original bytes

A file is what its name says or it is ignored, and its content never changes, so two kernels may write at once.
Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import file_stem, write_atomically
from .picture import Picture, PictureRefusedError, read_picture

__all__ = ["PictureCache", "Stored", "is_fact"]

_USUAL = 2 * 1024**3
_MANIFEST = "manifest.json"
_NAME = re.compile(r"(\d{1,6})-([0-9a-f]{64})\.(png|jpg|webp|gif)")
_FOLDER = re.compile(r".+-[0-9a-f]{16}")
_GONE = ".dreambooth-gone-"
_STALE = 3600.0
"""Seconds after which an unfinished file belongs to nobody any more: its process was killed."""


@dataclass(frozen=True)
class Stored:
    """What the cache has of one request: `count` pictures in all, those that are here by their index, and facts."""

    count: int
    pictures: Mapping[int, Picture]
    meta: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether every picture is here, so that nobody needs to be asked."""
        return len(self.pictures) == self.count > 0


class PictureCache:
    """The pictures of finished requests below `folder`, which is made with the first one.

    When they take more than `max_bytes` (2 GiB), those of the requests that were not used for longest go.
    Raises `TypeError` or `ValueError` for a folder that cannot be one.
    """

    def __init__(self, folder: str | os.PathLike[str], *, max_bytes: int = _USUAL) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"cache must be a folder's path, not {type(folder).__name__}")
        self.folder = Path(folder).expanduser().absolute()
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"cache must be a folder, but {self.folder} is a file")
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes!r}")
        self.max_bytes = max_bytes

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
        """The cache that an argument `cache=` means: None, a folder, or a cache with a bound of its own."""
        return cache if cache is None or isinstance(cache, PictureCache) else cls(cache)

    def find(self, endpoint: str, request_id: str, *, max_bytes: int, max_pixels: int) -> Stored | None:
        """What is here of a request. Each picture is checked as if it had just been downloaded; None for nothing."""
        place = self._place(endpoint, request_id)
        try:
            manifest = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))
            count, meta = int(manifest["count"]), dict(manifest["meta"])
            files = sorted(place.iterdir(), key=lambda path: path.name)
            os.utime(place / _MANIFEST)  # it was used: others go first
        except (OSError, ValueError, LookupError, TypeError):
            return None
        pictures = {}
        for path in files:
            picture = _read(path, max_bytes, max_pixels)
            if picture is not None and picture.index < count:
                pictures[picture.index] = picture
        return Stored(count, pictures, meta)

    def has_all(self, endpoint: str, request_id: str) -> bool:
        """Whether every picture of a request seems to be here: quick, and without reading them."""
        place = self._place(endpoint, request_id)
        try:
            count = int(json.loads((place / _MANIFEST).read_text(encoding="utf-8"))["count"])
            names = [_NAME.fullmatch(path.name) for path in place.iterdir()]
        except (OSError, ValueError, LookupError, TypeError):
            return False
        return len({int(name[1]) for name in names if name is not None} & set(range(count))) == count > 0

    def keep(self, endpoint: str, request_id: str, picture: Picture, count: int, meta: Mapping[str, Any]) -> Path:
        """Put in one picture of the `count` that a request has; its file. Raises `OSError`."""
        for tries_left in (2, 1, 0):
            try:
                return self._write(endpoint, request_id, picture, count, meta)
            except FileNotFoundError:  # another kernel has just removed this request's folder, to make room
                if not tries_left:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")  # pragma: no cover

    def _write(self, endpoint: str, request_id: str, picture: Picture, count: int, meta: Mapping[str, Any]) -> Path:
        place = self._place(endpoint, request_id)
        place.mkdir(parents=True, exist_ok=True)
        manifest = {
            "version": 1,
            "endpoint": endpoint.partition("?")[0],
            "request_id": request_id,
            "count": count,
            "meta": {name: value for name, value in meta.items() if is_fact(value)},
        }
        # First: a folder without it is nobody's, and would stay for ever.
        write_atomically(place / _MANIFEST, json.dumps(manifest, indent=1).encode(), overwrite=True)
        target = self.file_of(endpoint, request_id, picture)
        if _size(target) != picture.nbytes:
            write_atomically(target, picture.data, overwrite=True)
        for other in place.glob(f"{picture.index}-*"):  # the service gave other bytes before
            if other != target:
                other.unlink(missing_ok=True)
        self._bound(place)
        return target

    def file_of(self, endpoint: str, request_id: str, picture: Picture) -> Path:
        """Where the bytes of a picture are, once they are kept."""
        digest = hashlib.sha256(picture.data).hexdigest()
        return self._place(endpoint, request_id) / f"{picture.index}-{digest}.{picture.extension}"

    def _place(self, endpoint: str, request_id: str) -> Path:
        digest = hashlib.sha256(f"{endpoint}\n{request_id}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.folder / f"{file_stem(request_id)}-{digest}"

    def _bound(self, newest: Path) -> None:
        """Remove requests, longest unused first and never `newest`, until the rest fits; and stale unfinished files."""
        for gone in self.folder.glob(f"{_GONE}*"):  # of a process that was killed while it removed them
            shutil.rmtree(gone, ignore_errors=True)
        sizes: dict[Path, int] = {}
        for place in self._requests():
            with contextlib.suppress(FileNotFoundError):  # another kernel has just removed it
                for path in place.glob(".dreambooth-*.part"):
                    with contextlib.suppress(OSError):
                        if time.time() - path.stat().st_mtime > _STALE:
                            path.unlink()
                sizes[place] = sum(_size(path) or 0 for path in place.iterdir())
        total = sum(sizes.values())
        for place in sorted(sizes, key=_used_at):
            if total <= self.max_bytes:
                return
            if place != newest:
                _remove(place)
                total -= sizes[place]

    def _requests(self) -> Iterator[Path]:
        """The folders of requests. Whatever else lies here is somebody's own."""
        for place in self.folder.iterdir():
            if _FOLDER.fullmatch(place.name) and (place / _MANIFEST).is_file():
                yield place


def _remove(place: Path) -> None:
    """Remove a request's folder, under another name first: who writes into it meanwhile leaves nothing half here."""
    gone = place.with_name(f"{_GONE}{secrets.token_hex(6)}")
    with contextlib.suppress(OSError):  # another kernel was faster, or has a file open on Windows
        place.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _read(path: Path, max_bytes: int, max_pixels: int) -> Picture | None:
    """The picture in a file of the cache; None when it is not what its name says."""
    name = _NAME.fullmatch(path.name)
    if name is None or (_size(path) or 0) > max_bytes:
        return None
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != name[2]:
            return None
        return read_picture(data, index=int(name[1]), url="", max_pixels=max_pixels)
    except (OSError, PictureRefusedError):
        return None


def is_fact(value: object) -> bool:
    """Whether a value of `meta` may lie on disk: plain ones, and no links, which may be signed."""
    return value is None or isinstance(value, (int, float)) or (isinstance(value, str) and "://" not in value)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _used_at(place: Path) -> float:
    try:
        return (place / _MANIFEST).stat().st_mtime
    except OSError:
        return 0.0
