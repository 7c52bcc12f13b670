"""What untrusted bytes are: the image formats by their first bytes, base64 wrappings taken off. No Pillow here."""

from __future__ import annotations

import base64
import binascii
import io
import re
from typing import Literal, NoReturn

__all__ = ["ImageFormat", "PictureRefusedError", "identify", "unwrap"]

ImageFormat = Literal["PNG", "JPEG", "WEBP", "GIF"]

_PIECE = 1 << 18
"""Base64 is decoded in pieces of this many characters: one call holds the GIL for its whole input (2 ms per MiB)."""

_HEAD = 4096
"""Only so many bytes are searched for what the rest is."""

_URLSAFE = bytes.maketrans(b"-_", b"+/")

_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (rb"\s*<(!doctype\s+html|html|head|body)\b", "HTML"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+)?svg\b", "SVG"),
    (rb"\s*<(\?xml|Error)\b", "XML"),
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

_NOTICES = frozenset({"HTML", "XML", "JSON"})
"""What storage answers, with status 200, in place of a file that is not there yet."""


class PictureRefusedError(ValueError):
    """These bytes are no picture that can be shown. `str(error)` is the reason, as it stands on the tile.

    `early`: the link may only be early: nothing, half a file or a notice came, and a later try may bring the picture.
    """

    def __init__(self, reason: str, *, early: bool = False) -> None:
        super().__init__(reason)
        self.early = early


def identify(data: bytes) -> ImageFormat:
    """The format that the first bytes tell. PictureRefusedError names what it is instead."""
    return _magic(data) or _refuse(data)


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


def _refuse(data: bytes) -> NoReturn:
    if not data:
        raise PictureRefusedError("the file is empty", early=True)
    for pattern, name in _STRANGERS:
        if re.match(pattern, data[:_HEAD], re.IGNORECASE | re.DOTALL):
            raise PictureRefusedError(f"not a picture that can be shown: {name}", early=name in _NOTICES)
    raise PictureRefusedError("not a picture")


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
        inside = _magic(base64.b64decode(head, validate=True))
    except binascii.Error:
        inside = None
    if inside is None:
        _refuse(data)
    return _decode_base64(data, start, max_bytes)


def _text_start(data: bytes) -> int:
    """Where the base64 characters begin: after white space, a JSON quote and `data:image/png;base64,`."""
    lead = re.match(rb'\s*"?\s*(data:[^,]{0,200};base64,)?\s*', data[:_HEAD], re.IGNORECASE)
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
        _check_size(out.tell(), max_bytes)
    return out.getvalue()


def _write_decoded(out: io.BytesIO, text: bytes) -> None:
    try:
        out.write(base64.b64decode(text, validate=True))
    except binascii.Error:
        raise PictureRefusedError("the base64 text is damaged") from None


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise PictureRefusedError(f"the file is larger than the {max_bytes / 2**20:.3g} MiB allowed")
