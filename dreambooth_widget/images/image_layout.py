"""How an image file is laid out: its size in pixels, whether its end is there, which of its bytes hold the picture.

Pillow is asked only after this module, and sees only the bytes that hold pixels. It warns or fails by globals that are
the user's (`Image.MAX_IMAGE_PIXELS`, `ImageFile.LOAD_TRUNCATED_IMAGES`), its WebP reader allocates the canvas on
opening, and its readers of comments and metadata are slow or loud on hostile ones (a GIF comment of many blocks
takes quadratic time). Any bytes give an answer or `PictureRefusedError`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .sniff import ImageFormat, PictureRefusedError

__all__ = ["Layout", "Span", "read_layout"]

Span = tuple[int, int]
"""Start and end of some bytes of the file."""

_MOST_PARTS = 20_000
"""More chunks or segments than any writer makes; each one costs memory and time here."""

_MOST_SCANS = 100
"""A progressive JPEG has about ten scans, and each one costs a pass over all of its pixels."""

_WINDOW = 1 << 17
"""Bytes searched in one go: a search holds the GIL until it ends, and takes milliseconds for a megabyte."""

_FILL = re.compile(rb"\xff+")


@dataclass(frozen=True, slots=True)
class Layout:
    """Size in pixels before any rotation, the spans that hold the picture, and those that tell of it, by their names.

    Names are chunk types (PNG "tEXt", WebP "EXIF") or JPEG markers ("APP1", "COM"), GIF's only one is "comment".
    """

    width: int
    height: int
    pixels: tuple[Span, ...]
    told: tuple[tuple[str, Span], ...]
    complete: bool


def read_layout(data: bytes, kind: ImageFormat) -> Layout:
    """The layout of a file of that format. PictureRefusedError when it has no header or makes no sense."""
    try:
        layout = _READERS[kind](data)
    except (struct.error, IndexError):
        raise PictureRefusedError("the file is truncated") from None
    if min(layout.width, layout.height) < 1:
        raise PictureRefusedError("the file is damaged: it announces no pixels")
    return layout


def _counted(parts: Iterator[tuple[str, Span]]) -> Iterator[tuple[str, Span]]:
    for count, part in enumerate(parts):
        if count >= _MOST_PARTS:
            raise PictureRefusedError("the file is damaged: it is in too many parts")
        yield part


# -- PNG -------------------------------------------------------------------------------------------------------

_PNG_PIXELS = frozenset({"IHDR", "PLTE", "tRNS", "IDAT", "IEND"})


def _read_png(data: bytes) -> Layout:
    if data[12:16] != b"IHDR":
        raise PictureRefusedError("the file is damaged")
    width, height = struct.unpack_from(">II", data, 16)
    chunks = list(_counted(_png_chunks(data)))
    pixels = [(0, 8), *((start - 8, end + 4) for name, (start, end) in chunks if name in _PNG_PIXELS)]
    told = [chunk for chunk in chunks if chunk[0] not in _PNG_PIXELS]
    return Layout(width, height, tuple(pixels), tuple(told), bool(chunks) and chunks[-1][0] == "IEND")


def _png_chunks(data: bytes) -> Iterator[tuple[str, Span]]:
    """Every whole chunk up to IEND."""
    at, name = 8, ""
    while at + 12 <= len(data) and name != "IEND":
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            return
        name = data[at + 4 : at + 8].decode("latin-1")
        yield name, (at + 8, at + 8 + length)
        at += 12 + length


# -- JPEG ------------------------------------------------------------------------------------------------------

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NO_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
_SCAN, _END = 0xDA, 0xD9


def _read_jpeg(data: bytes) -> Layout:
    size: tuple[int, int] | None = None
    pixels: list[Span] = [(0, 2)]
    told: list[tuple[str, Span]] = []
    scan = len(data)
    for name, (start, end) in _counted(_jpeg_segments(data)):
        marker = int(name, 16)
        if marker in _FRAME_HEADERS and size is None:
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = width, height
        if marker == _SCAN:
            scan = end
            pixels.append((start - 4, len(data)))
        elif marker == 0xFE or (0xE1 <= marker <= 0xEF and marker != 0xEE):  # APP14 tells Adobe's colours
            told.append(("COM" if marker == 0xFE else f"APP{marker - 0xE0}", (start, end)))
        else:
            pixels.append((start - 4, end))
    if size is None:
        raise PictureRefusedError("the file is truncated")
    if _count(data, b"\xff\xda", scan, _MOST_SCANS) >= _MOST_SCANS:
        raise PictureRefusedError("the file is damaged: it has too many scans")
    # Inside of a scan the two bytes of the end marker cannot occur.
    return Layout(*size, tuple(pixels), tuple(told), _count(data, b"\xff\xd9", scan, 1) > 0)


def _jpeg_segments(data: bytes) -> Iterator[tuple[str, Span]]:
    """The contents of each segment by its marker in hexadecimal, up to the first scan, which is the last one."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = data.find(b"\xff", at, at + _WINDOW)  # garbage between segments is tolerated, by Pillow too
            if at < 0:
                return
        if fill := _FILL.match(data, at, at + _WINDOW):
            at = fill.end() - 1
        if at + 4 > len(data):
            return
        marker = data[at + 1]
        if marker == 0xFF or marker in _NO_LENGTH:
            at += 2
            continue
        if marker == _END:
            return
        length = max(2, struct.unpack_from(">H", data, at + 2)[0])
        yield f"{marker:02x}", (at + 4, min(at + 2 + length, len(data)))
        if marker == _SCAN:
            return
        at += 2 + length


def _count(data: bytes, marker: bytes, start: int, enough: int) -> int:
    """How often `marker` stands behind `start`; stops at `enough`."""
    found = 0
    for at in range(start, len(data), _WINDOW):
        found += data.count(marker, at, at + _WINDOW + 1)
        if found >= enough:
            break
    return found


# -- GIF -------------------------------------------------------------------------------------------------------


def _read_gif(data: bytes) -> Layout:
    """The first frame alone, with the control block in front of it (transparency)."""
    screen = struct.unpack_from("<HH", data, 6)
    at = 13 + _gif_palette(data[10])
    pixels: list[Span] = [(0, at)]
    told: list[tuple[str, Span]] = []
    while data[at] == 0x21:  # extension: introducer, label, sub-blocks
        end = _after_sub_blocks(data, at + 2)
        if data[at + 1] == 0xF9:
            pixels[1:] = [(at, end)]
        elif data[at + 1] == 0xFE:
            told.append(("comment", (at + 2, end)))
        at = end
    if data[at] != 0x2C:
        raise PictureRefusedError("the file is damaged: a GIF without a picture")
    left, top, width, height = struct.unpack_from("<HHHH", data, at + 1)
    pixels.append((at, len(data)))
    lzw = at + 10 + _gif_palette(data[at + 9])
    # The screen grows to hold the frame: that is what Pillow allocates.
    size = max(screen[0], left + width), max(screen[1], top + height)
    return Layout(*size, tuple(pixels), tuple(told), _gif_ends(data, lzw + 1))


def _gif_palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _gif_ends(data: bytes, at: int) -> bool:
    try:
        return _after_sub_blocks(data, at) <= len(data)
    except IndexError:
        return False


# -- WebP ------------------------------------------------------------------------------------------------------


def _read_webp(data: bytes) -> Layout:
    chunks = list(_counted(_webp_chunks(data)))
    told = tuple(chunk for chunk in chunks if chunk[0] in ("EXIF", "ICCP"))
    complete = len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return Layout(*_webp_size(data), ((0, len(data)),), told, complete)


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        if len(data) < 30:
            raise PictureRefusedError("the file is truncated")
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise PictureRefusedError("the file is damaged")


def _webp_chunks(data: bytes) -> Iterator[tuple[str, Span]]:
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4].decode("latin-1"), (at + 8, min(at + 8 + length, len(data)))
        at += 8 + length + length % 2


_READERS: Mapping[ImageFormat, Callable[[bytes], Layout]] = {
    "PNG": _read_png,
    "JPEG": _read_jpeg,
    "GIF": _read_gif,
    "WEBP": _read_webp,
}
