"""Untrusted bytes become an image of Pillow, and what its metadata says. For the worker, and `picture.image`."""

from __future__ import annotations

import io
import math
import struct
import threading
import warnings
import zlib

from PIL import AvifImagePlugin, GifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from .inspection import MAX_TEXT_CHARS
from .sniff import ImageFormat, PictureRefusedError

__all__ = ["DECODING_ERRORS", "READERS", "decode", "quiet_pillow", "read_exif", "read_texts"]

# The readers themselves, not Image.open: that one warns and refuses by Image.MAX_IMAGE_PIXELS, which is the user's
# where no child process can be started.
READERS: dict[ImageFormat, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
if AvifImagePlugin.SUPPORTED:
    READERS["AVIF"] = AvifImagePlugin.AvifImageFile

DECODING_ERRORS = (
    *(OSError, EOFError, ValueError, TypeError, SyntaxError, LookupError, ArithmeticError, AttributeError),
    *(AssertionError, RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
    Warning,  # where warnings are made errors
)
"""What Pillow's readers raise on damaged files."""

_ORIENTATION, _EXIF_DIRECTORY, _USER_COMMENT = 0x0112, 0x8769, 0x9286


def decode(
    data: bytes, kind: ImageFormat, *, max_pixels: float = math.inf, edge: int | None = None
) -> tuple[Image.Image, tuple[int, int]]:
    """Return the first frame, not yet upright, and the size stated in the file (a JPEG may be decoded smaller).

    Args:
        data: The bytes of a whole file.
        kind: Its format.
        max_pixels: The largest number of pixels.
        edge: Pixels that its longest side needs to have; a JPEG that is larger is decoded to a fraction of its size.

    Raises:
        PictureRefusedError: It has more pixels.
        Exception: One of `DECODING_ERRORS`.
    """
    try:
        return _load(data, kind, max_pixels, edge)
    except (PictureRefusedError, MemoryError):
        raise
    except DECODING_ERRORS:
        if kind != "PNG":
            raise
        # Pillow gives up on texts and profiles that unpack to more than a mebibyte. The pixels may be fine.
        return _load(_without_metadata(data), kind, max_pixels, edge)


def _load(data: bytes, kind: ImageFormat, max_pixels: float, edge: int | None) -> tuple[Image.Image, tuple[int, int]]:
    image = READERS[kind](io.BytesIO(data))
    size = width, height = image.size
    if width * height > max_pixels:
        found, allowed = width * height / 1e6, max_pixels / 1e6
        raise PictureRefusedError(
            f"{found:.4g} megapixels are more than the {allowed:.4g} allowed: Client(max_pixels=…) allows more"
        )
    if kind == "JPEG" and edge is not None:
        scale = max(1.0, max(size) / edge)
        image.draft(image.mode, (max(1, math.ceil(width / scale)), max(1, math.ceil(height / scale))))
    image.load()
    return image, size


def _without_metadata(png: bytes) -> bytes:
    """Return a PNG without its texts and its profile; with what follows a damaged chunk, as it is."""
    parts, at = [png[:8]], 8
    while at + 8 <= len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        if name in (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"):
            parts.append(png[at : at + length + 12])
        at += length + 12
    return b"".join(parts)


def read_exif(image: Image.Image) -> tuple[int, str]:
    """Return the orientation (1 to 8, 1 is upright) and the UserComment, as far as Pillow can read the block."""
    orientation, comment = 1, ""
    try:
        exif = image.getexif()
        orientation = exif.get(_ORIENTATION, 1)
        comment = _decode_comment(exif.get_ifd(_EXIF_DIRECTORY).get(_USER_COMMENT, b""))
    except DECODING_ERRORS:
        pass
    return (orientation if orientation in range(1, 9) else 1), comment


def _decode_comment(raw: object) -> str:
    if not isinstance(raw, bytes):
        return raw if isinstance(raw, str) else ""
    code, text = raw[:8], raw[8 : 8 + 4 * MAX_TEXT_CHARS]
    if code == b"UNICODE\0":
        # The standard leaves the byte order open; text that is mostly Latin shows it.
        little = text[1::2].count(0) > text[::2].count(0)
        return text.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\0 \ufeff")
    if code not in (b"ASCII\0\0\0", b"\0" * 8):
        text = raw[: 4 * MAX_TEXT_CHARS]
    return text.decode("utf-8", "replace").strip("\0 ")


def read_texts(image: Image.Image) -> dict[str, str | bytes]:
    """Return the text chunks of a PNG, the comment of a JPEG or GIF."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        return dict(image.text)
    comment = image.info.get("comment")
    return {} if comment is None else {"Comment": comment}


class _QuietPillow:
    """Context in which Pillow ignores the user's settings and emits no warnings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._settings = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
                Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = self._settings
                self._filters.__exit__(None, None, None)


quiet_pillow = _QuietPillow()
"""For decoding in the kernel's process, where the settings belong to the user."""
