"""What is known of one checked picture, and the frames in which it travels: from the worker, and from the cache's disk.

A frame is the lengths of a JSON header and of a payload (`>IQ`), then both. Its writer is not trusted: a hostile
picture may have taken over the worker, and a cache folder may be shared.
"""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, NamedTuple

from .sniff import EXTENSIONS, ImageFormat

__all__ = [
    "EDGES",
    "MAX_FRAME_BYTES",
    "MAX_TEXTS",
    "MAX_TEXT_CHARS",
    "MAX_TOTAL_TEXT_CHARS",
    "Box",
    "Frame",
    "Inspection",
    "Rendition",
    "RenditionKind",
    "parse_json",
    "read_frame",
    "write_frame",
]

RenditionKind = Literal["thumbnail", "preview"]
Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of the upright picture; the last two are outside."""
Frame = tuple[dict[str, Any], bytes]
"""Header and payload."""

EDGES: Mapping[RenditionKind, int] = {"thumbnail": 384, "preview": 1024}
"""The longest side of each rendition, in pixels."""

MAX_TEXT_CHARS, MAX_TEXTS, MAX_TOTAL_TEXT_CHARS = 1 << 16, 64, 1 << 18
"""Characters of one text, number of texts, characters of all texts: the file's own bytes keep the rest."""

_MAX_HEADER_BYTES, MAX_FRAME_BYTES = 8 << 20, 32 << 20
"""Bytes of a frame that is read."""

_LENGTHS = struct.Struct(">IQ")
_FIELDS = ("format", "width", "height", "sha256", "text", "facts")
_MIMES = ("image/webp", "image/jpeg")


class Rendition(NamedTuple):
    """A smaller copy of a picture, or a part of it: upright, in sRGB, with no metadata."""

    mime: str
    data: bytes

    @classmethod
    def read(cls, header: Mapping[str, Any], payload: bytes) -> Rendition:
        """Return the one in header and payload of a frame. Raises ValueError if there is none."""
        if header.get("mime") not in _MIMES or not payload:
            raise ValueError("no rendition")
        return cls(header["mime"], payload)


@dataclass(frozen=True, slots=True)
class Inspection:
    """A picture that was decoded to its last pixel. Width and height are those of the upright picture, in pixels."""

    format: ImageFormat
    width: int
    height: int
    sha256: str
    text: Mapping[str, str]
    facts: Mapping[str, str]
    renditions: Mapping[RenditionKind, Rendition]

    def frame(self) -> Frame:
        """Return header and payload of this inspection's frame; the payload is the renditions, one behind the other."""
        renditions = {kind: [small.mime, len(small.data)] for kind, small in self.renditions.items()}
        header = {**{name: getattr(self, name) for name in _FIELDS}, "renditions": renditions}
        return header, b"".join(small.data for small in self.renditions.values())

    def pack(self) -> bytes:
        """Return this inspection as one frame."""
        file = io.BytesIO()
        write_frame(file, *self.frame())
        return file.getvalue()

    @classmethod
    def unpack(cls, frame: bytes) -> Inspection:
        """Return the inspection that `pack` made into `frame`. Raises ValueError as `read` does."""
        header, payload = read_frame(io.BytesIO(frame)) or ({}, b"")
        return cls.read(header, payload)

    @classmethod
    def read(cls, header: Mapping[str, Any], payload: bytes) -> Inspection:
        """Return the inspection in header and payload of a frame.

        Raises:
            ValueError: The frame is not one of an inspection.
        """
        try:
            small = [(kind, *header["renditions"][kind]) for kind in EDGES]
            if not _is_valid(header, small, len(payload)):
                raise ValueError("inspection out of bounds")
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError("incomplete inspection") from error
        file = io.BytesIO(payload)
        renditions: dict[RenditionKind, Rendition] = {
            kind: Rendition(mime, file.read(size)) for kind, mime, size in small
        }
        return cls(**{name: header[name] for name in _FIELDS}, renditions=renditions)


def _is_valid(header: Mapping[str, Any], renditions: list[tuple[Any, ...]], length: int) -> bool:
    texts = [text for name in ("text", "facts") for pair in header[name].items() for text in pair]
    sizes = [size for _, _, size in renditions]
    return (
        header["format"] in EXTENSIONS
        and all(type(count) is int and 0 < count < 1 << 31 for count in (header["width"], header["height"], *sizes))
        and all(mime in _MIMES for _, mime, _ in renditions)
        and sum(sizes) == length
        and re.fullmatch("[0-9a-f]{64}", header["sha256"]) is not None
        and max(len(header["text"]), len(header["facts"])) <= MAX_TEXTS
        and all(isinstance(text, str) for text in texts)
        and sum(map(len, texts)) <= 2 * MAX_TOTAL_TEXT_CHARS
    )


def parse_json(data: bytes) -> dict[str, Any]:
    """Return the JSON object in untrusted bytes.

    Raises:
        ValueError: There is none, or it is nested too deeply.
    """
    try:
        found = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def write_frame(file: BinaryIO | io.FileIO, header: Mapping[str, Any], payload: bytes = b"") -> None:
    """Write one frame. The payload is not copied: `file` may be unbuffered and take it in parts."""
    text = json.dumps(header).encode("ascii")
    for part in (_LENGTHS.pack(len(text), len(payload)) + text, payload):
        left = memoryview(part)
        while left:
            left = left[file.write(left) :]
    file.flush()


def read_frame(file: BinaryIO | io.BufferedReader, largest: int = MAX_FRAME_BYTES) -> Frame | None:
    """Return header and payload of the next frame of a buffered file, None at its end.

    Raises:
        ValueError: The frame is cut off or too large, or its header is not a JSON object.
    """
    lengths = file.read(_LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise ValueError("half a frame")
    header_size, size = _LENGTHS.unpack(lengths)
    if header_size > _MAX_HEADER_BYTES or size > largest:
        raise ValueError("a frame too large")
    header, payload = file.read(header_size), file.read(size)
    if len(header) < header_size or len(payload) < size:
        raise ValueError("half a frame")
    return parse_json(header), payload
