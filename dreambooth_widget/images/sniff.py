"""What untrusted bytes are: the image formats by their first bytes, base64 wrappings taken off. No Pillow here."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping
from typing import Literal, NoReturn

__all__ = ["EXTENSIONS", "ImageFormat", "PictureRefusedError", "identify", "unwrap"]

ImageFormat = Literal["PNG", "JPEG", "WEBP", "GIF", "AVIF"]

EXTENSIONS: Mapping[ImageFormat, str] = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif", "AVIF": "avif"}
"""The formats that are shown, and how the names of their files end."""

_PIECE = 1 << 18
"""Base64 is decoded in pieces of this many characters: one call holds the GIL for its whole input (2 ms per MiB)."""

_HEAD = 4096
"""Maximum number of bytes that are searched for what the rest is."""

_URLSAFE = bytes.maketrans(b"-_", b"+/")

_NOTICES: tuple[tuple[bytes, str], ...] = (
    (rb"\s*<(!doctype\s+html|html|head|body)\b", "HTML"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+)?svg\b", "SVG"),
    (rb"\s*<(\?xml|Error)\b", "XML"),
    (rb"\s*[\[{]", "JSON"),
    (rb"\s*[!-~]+\s+[!-~][\s!-~]*\Z", "text"),
)
"""Texts, which a host may send while the picture is not there yet."""

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (rb"....ftyp(heic|heix|hevc|mif1|msf1)", "A picture (HEIC)"),
    (rb"....ftypqt", "A video (mov)"),
    (rb"....ftyp(M4A|M4B)", "Sound (m4a)"),
    (rb"....ftyp", "A video (mp4)"),
    (rb"\x1a\x45\xdf\xa3", "A video (webm)"),
    (rb"RIFF....AVI ", "A video (avi)"),
    (rb"RIFF....WAVE", "Sound (wav)"),
    (rb"OggS", "Sound (ogg)"),
    (rb"fLaC", "Sound (flac)"),
    (rb"ID3|\xff[\xfb\xf3\xf2\xfa]", "Sound (mp3)"),
    (rb"glTF", "A 3D model (glb)"),
    (rb"ply\r?\n", "A 3D model (ply)"),
    (rb"II\*\0|MM\0\*", "A picture (TIFF)"),
    (rb"BM", "A picture (BMP)"),
    (rb"8BPS", "A picture (PSD)"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "A picture (JPEG XL)"),
    (rb"%PDF", "A document (PDF)"),
    (rb"PK\x03\x04", "A zip file"),
    (rb"\x00\x00\x01\x00", "An icon (ico)"),
)
"""Files that no gallery here can show."""


class PictureRefusedError(ValueError):
    """These bytes are not a picture that can be shown. `str(error)` is the reason, as it is shown on the tile.

    Attributes:
        retryable: Whether a later download of the same link may give the picture: this one gave nothing, a notice
            in HTML, XML, JSON or words, or half a file.
    """

    def __init__(self, reason: str, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.retryable = retryable


def identify(data: bytes) -> ImageFormat:
    """Return the format that the first bytes tell.

    Raises:
        PictureRefusedError: If it is none of these; the reason names what it is instead.
    """
    return _format_of(data) or _refuse(data)


def _format_of(data: bytes) -> ImageFormat | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    return "AVIF" if data[4:12] in (b"ftypavif", b"ftypavis") else None


def _refuse(data: bytes) -> NoReturn:
    if not data or data.isspace():
        raise PictureRefusedError("the file is empty", retryable=True)
    head = data[:_HEAD]
    for pattern, name in _NOTICES:
        if re.match(pattern, head, re.IGNORECASE | re.DOTALL):
            raise PictureRefusedError(f"not a picture that can be shown: {name}", retryable=name != "SVG")
    for pattern, name in _OTHERS:
        if re.match(pattern, head, re.DOTALL):
            raise PictureRefusedError(f"{name}: open its link")
    raise PictureRefusedError("not a picture")


def unwrap(data: bytes, *, max_bytes: int) -> bytes:
    """Return the image bytes in `data`: themselves, or decoded from base64 text or a `data:` URI.

    Raises:
        PictureRefusedError: If there is no picture inside, or one of more than `max_bytes`.
    """
    if _format_of(data) is not None:
        _check_size(len(data), max_bytes)
        return data
    # After white space, a JSON quote and `data:image/png;base64,`. Its first characters decide: megabytes of HTML cost
    # nothing.
    lead = re.match(rb'\s*"?\s*(data:[^,]{0,200};base64,)?\s*', data[:_HEAD], re.IGNORECASE)
    start = lead.end() if lead else 0
    head = re.sub(rb"\s", b"", data[start : start + 64]).translate(_URLSAFE)[:24]
    try:
        inside = _format_of(base64.b64decode(head, validate=True))
    except binascii.Error:
        inside = None
    return _decode_base64(data, start, max_bytes) if inside is not None else _refuse(data)


def _decode_base64(data: bytes, start: int, max_bytes: int) -> bytes:
    out = io.BytesIO()  # its getvalue() hands over the buffer; b"".join would copy megabytes while holding the GIL
    carry = b""
    for at in range(start, len(data), _PIECE):
        text = carry + data[at : at + _PIECE].translate(_URLSAFE, b' \t\r\n"=')
        end = len(text) // 4 * 4 if at + _PIECE < len(data) else len(text)
        carry = text[end:]
        try:
            out.write(base64.b64decode(text[:end] + b"=" * (-end % 4), validate=True))
        except binascii.Error:
            raise PictureRefusedError("the base64 text is damaged") from None
        _check_size(out.tell(), max_bytes)
    return out.getvalue()


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise PictureRefusedError(
            f"the file is larger than the {max_bytes / 2**20:.3g} MiB allowed: Client(max_bytes=…) allows more"
        )
