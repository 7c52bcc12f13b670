"""What untrusted bytes are, read from the bytes alone: format, pixels, completeness, EXIF. No Pillow here.

Pillow is asked only after this module: it warns, or fails, by globals that belong to the user
(`Image.MAX_IMAGE_PIXELS`, `ImageFile.LOAD_TRUNCATED_IMAGES`), and its WebP reader allocates the whole
canvas on opening. Everything here is total: any bytes give an answer or `PictureRefusedError`.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
from typing import Literal

__all__ = ["ImageFormat", "PictureRefusedError", "check_complete", "identify", "pixel_size", "unwrap"]

ImageFormat = Literal["PNG", "JPEG", "WEBP", "GIF"]

_PIECE = 1 << 18
"""Base64 is decoded in pieces of this many characters: one call holds the GIL for its whole input (2 ms per MiB)."""

_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (rb"\s*<(!doctype\s+html|html|head|body)\b", "HTML"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+)?svg\b", "SVG"),
    (rb"\s*<\?xml\b", "XML"),
    (rb"\s*[\[{]", "JSON"),
    (rb"....ftyp(avif|avis)", "AVIF"),
    (rb"....ftyp(heic|heix|mif1)", "HEIC"),
    (rb"....ftyp", "a video"),
    (rb"II\*\0|MM\0\*", "TIFF"),
    (rb"BM", "BMP"),
    (rb"%PDF", "PDF"),
    (rb"PK\x03\x04", "a zip file"),
    (rb"\x00\x00\x01\x00", "an icon"),
)


class PictureRefusedError(ValueError):
    """These bytes are no picture that can be shown. `str(error)` is the reason, as it stands on the tile."""


def identify(data: bytes) -> ImageFormat:
    """The format that the first bytes tell. PictureRefusedError names what it is instead."""
    found = _magic(data)
    if found is not None:
        return found
    if not data:
        raise PictureRefusedError("the file is empty")
    for pattern, name in _STRANGERS:
        if re.match(pattern, data[:512], re.IGNORECASE | re.DOTALL):
            raise PictureRefusedError(f"not a picture that can be shown: {name}")
    raise PictureRefusedError("not a picture")


def _magic(data: bytes) -> ImageFormat | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def unwrap(data: bytes, *, max_bytes: int) -> bytes:
    """The image bytes in `data`: themselves, or decoded from base64 text or a `data:` URI (endpoint.md 4).

    At most `max_bytes` come out. PictureRefusedError when there is no picture inside, or a larger one.
    """
    if _magic(data) is not None:
        _check_size(len(data), max_bytes)
        return data
    start = _text_start(data)
    # The first characters decide, so that megabytes of HTML cost nothing.
    head = re.sub(rb"\s", b"", data[start : start + 64]).translate(_URLSAFE)[:24]
    try:
        inside = _magic(base64.b64decode(head, validate=True)) if len(head) == 24 else None
    except binascii.Error:
        inside = None
    if inside is None:
        identify(data)
    return _decode_base64(data, start, max_bytes)


_URLSAFE = bytes.maketrans(b"-_", b"+/")


def _text_start(data: bytes) -> int:
    """Where the base64 characters begin: after white space, a JSON quote and `data:image/png;base64,`."""
    lead = re.match(rb'\s*"?\s*(data:[^,]{0,200};base64,)?', data, re.IGNORECASE)
    return lead.end() if lead else 0


def _decode_base64(data: bytes, start: int, max_bytes: int) -> bytes:
    out = io.BytesIO()  # its getvalue() hands over the buffer; b"".join would copy megabytes while holding the GIL
    carry = b""
    for at in range(start, len(data), _PIECE):
        piece = carry + data[at : at + _PIECE].translate(_URLSAFE, b' \t\r\n"=')
        whole = len(piece) // 4 * 4
        carry = piece[whole:]
        _write_decoded(out, piece[:whole])
        _check_size(out.tell(), max_bytes)
    if carry:
        _write_decoded(out, carry + b"=" * (-len(carry) % 4))
    return out.getvalue()


def _write_decoded(out: io.BytesIO, text: bytes) -> None:
    try:
        out.write(base64.b64decode(text, validate=True))
    except binascii.Error:
        raise PictureRefusedError("the base64 text is damaged") from None


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise PictureRefusedError(f"the file is larger than the {max_bytes / 2**20:.3g} MiB allowed")


def pixel_size(data: bytes, kind: ImageFormat) -> tuple[int, int]:
    """Width and height that the header announces, before any EXIF rotation. PictureRefusedError without a header."""
    try:
        size = _SIZE_READERS[kind](data)
    except (struct.error, IndexError):
        raise PictureRefusedError("the file is truncated") from None
    if min(size) < 1:
        raise PictureRefusedError("the file is damaged: it announces no pixels")
    return size


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> tuple[int, int]:
    """The logical screen, grown to hold the first frame: that is what gets allocated."""
    width, height = struct.unpack_from("<HH", data, 6)
    left, top, w, h = struct.unpack_from("<HHHH", data, _gif_frame(data) + 1)
    return max(width, left + w), max(height, top + h)


def _gif_frame(data: bytes) -> int:
    """Where the first image descriptor (",") stands. PictureRefusedError when there is none."""
    at = 13 + _gif_palette(data[10])
    while data[at] == 0x21:  # extension: introducer, label, sub-blocks
        at = _after_sub_blocks(data, at + 2)
    if data[at] != 0x2C:
        raise PictureRefusedError("the file is damaged: a GIF without a picture")
    return at


def _gif_palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        low = struct.unpack_from("<II", data[24:30] + b"\0\0", 0)[0], struct.unpack_from("<I", data[27:30] + b"\0")[0]
        return (low[0] & 0xFFFFFF) + 1, low[1] + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise PictureRefusedError("the file is damaged")


_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def _jpeg_size(data: bytes) -> tuple[int, int]:
    for marker, at, _ in jpeg_segments(data):
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, at + 1)
            return width, height
    raise PictureRefusedError("the file is truncated")


def jpeg_segments(data: bytes) -> list[tuple[int, int, int]]:
    """(marker, start, end) of each segment's contents up to the first scan, which is the last one listed."""
    segments = []
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1  # garbage between segments is tolerated, by Pillow too
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _NO_LENGTH or marker == 0:
            at += 2
            continue
        length = struct.unpack_from(">H", data, at + 2)[0]
        segments.append((marker, at + 4, min(at + 2 + length, len(data))))
        if marker in (0xDA, 0xD9):
            break
        at += 2 + max(2, length)
    return segments


_SIZE_READERS = {"PNG": _png_size, "JPEG": _jpeg_size, "WEBP": _webp_size, "GIF": _gif_size}


def check_complete(data: bytes, kind: ImageFormat) -> None:
    """PictureRefusedError when the end is missing, whatever `ImageFile.LOAD_TRUNCATED_IMAGES` says."""
    try:
        complete = _END_FINDERS[kind](data)
    except (struct.error, IndexError):
        complete = False
    if not complete:
        raise PictureRefusedError("the file is truncated")


def _png_ends(data: bytes) -> bool:
    return any(name == b"IEND" for name, _, _ in png_chunks(data))


def png_chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    """(type, start, end) of the contents of every whole chunk, up to IEND."""
    chunks = []
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if at + 12 + length > len(data):
            break
        chunks.append((name, at + 8, at + 8 + length))
        if name == b"IEND":
            break
        at += 12 + length
    return chunks


def _gif_ends(data: bytes) -> bool:
    """Whether the first frame's data are all there; the frames behind it are never shown."""
    at = _gif_frame(data)
    pixels = at + 10 + _gif_palette(data[at + 9]) + 1  # descriptor, local palette, LZW code size
    return _after_sub_blocks(data, pixels) <= len(data)


def _webp_ends(data: bytes) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


def _jpeg_ends(data: bytes) -> bool:
    """Whether an end marker follows the first scan; inside of a scan its two bytes cannot occur."""
    segments = jpeg_segments(data)
    return bool(segments) and data.rfind(b"\xff\xd9", segments[-1][2]) >= 0


_END_FINDERS = {"PNG": _png_ends, "JPEG": _jpeg_ends, "WEBP": _webp_ends, "GIF": _gif_ends}
