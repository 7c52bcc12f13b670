"""What an image file tells besides its pixels: texts, EXIF, colour profile. Read from the bytes, without Pillow.

Damage here never costs the picture: what cannot be read is left out.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from . import exif
from .image_layout import Layout, Span

__all__ = ["Metadata", "read_metadata"]

_LONGEST_TEXT = 1 << 16
"""Characters kept of one text; the whole of it stays in the picture's own bytes."""

_MOST_TEXTS = 64
_LARGEST_PROFILE = 4 << 20
_LARGEST_EXIF = 1 << 20


@dataclass(frozen=True)
class Metadata:
    """Texts by keyword, the EXIF orientation (1 is upright) and the ICC profile, b"" when there is none."""

    text: dict[str, str] = field(default_factory=dict)
    orientation: int = 1
    profile: bytes = b""


def read_metadata(data: bytes, layout: Layout) -> Metadata:
    """All that is told in the file. Text keywords are those of PNG, "Comment" (JPEG, GIF) and "UserComment" (EXIF)."""
    text: dict[str, str] = {}
    block = profile = b""
    pieces: dict[int, bytes] = {}
    for name, span in layout.told:
        content = _cut(data, span)
        if name in ("tEXt", "zTXt", "iTXt") and len(text) < _MOST_TEXTS:
            _add_png_text(text, name, content)
        elif name == "COM":
            text.setdefault("Comment", _decode(content, "utf-8"))
        elif name == "comment":
            text.setdefault("Comment", _decode(_joined_sub_blocks(content), "utf-8"))
        elif name in ("eXIf", "EXIF") or (name == "APP1" and content.startswith(b"Exif\0\0")):
            block = block or content[:_LARGEST_EXIF]
        elif name == "ICCP":
            profile = content
        elif name == "iCCP":
            profile = _inflate(content.partition(b"\0")[2][1:], _LARGEST_PROFILE)
        elif name == "APP2" and content.startswith(b"ICC_PROFILE\0"):
            pieces[content[12] if len(content) > 12 else 0] = content[14:]
    if comment := exif.user_comment(block):
        text.setdefault("UserComment", comment[:_LONGEST_TEXT])
    profile = profile or b"".join(pieces[number] for number in sorted(pieces))
    return Metadata(text, exif.orientation(block), profile)


def _cut(data: bytes, span: Span) -> bytes:
    return data[span[0] : min(span[1], span[0] + _LARGEST_PROFILE)]


def _add_png_text(text: dict[str, str], name: str, content: bytes) -> None:
    keyword, _, rest = content.partition(b"\0")
    key = keyword[:79].decode("latin-1")
    if not key:
        return
    if name == "tEXt":
        value = _decode(rest, "latin-1")
    elif name == "zTXt":
        value = _decode(_inflate(rest[1:], _LONGEST_TEXT), "latin-1")
    else:
        value = _international(rest)
    text.setdefault(key, value)


def _international(rest: bytes) -> str:
    """iTXt behind its keyword: compression flag and method, language, translated keyword, UTF-8."""
    compressed = rest[:1] == b"\1"
    value = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return _decode(_inflate(value, 4 * _LONGEST_TEXT) if compressed else value, "utf-8")


def _decode(raw: bytes, encoding: str) -> str:
    return raw[: 4 * _LONGEST_TEXT].decode(encoding, "replace").strip("\0")[:_LONGEST_TEXT]


def _inflate(raw: bytes, most: int) -> bytes:
    """What zlib makes of it, at most `most` bytes; b"" when it is damaged."""
    try:
        return zlib.decompressobj().decompress(raw, most)
    except zlib.error:
        return b""


def _joined_sub_blocks(content: bytes) -> bytes:
    joined = bytearray()
    at = 0
    while at < len(content) and content[at] and len(joined) < _LONGEST_TEXT:
        joined += content[at + 1 : at + 1 + content[at]]
        at += content[at] + 1
    return bytes(joined)
