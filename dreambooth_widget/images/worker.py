"""The program of the child process that decodes pictures: Pillow on untrusted bytes, and nothing else of a kernel.

`images/pool.py` starts it and speaks with it in frames (`inspection.py`) over standard input and output:

    ← {"formats": ["PNG", …]}                                      once, at the start
    → {"do": "inspect", "max_pixels": 100000000, "seconds": 20} + the bytes of a file
    ← the frame of an `Inspection`, or {"refused": "the file is truncated", "early": true}

What stops a hostile file is Pillow's own safety, which is switched on here where the notebook's settings do not reach,
and the limits of this process: address space, time, and its end together with that of the kernel.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import signal
import struct
import threading
import warnings
import zlib
from collections.abc import Mapping
from typing import Any

from PIL import GifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from .inspection import (
    EDGES,
    LONGEST_TEXT,
    LONGEST_TEXTS,
    MOST_TEXTS,
    Inspection,
    read_frame,
    write_frame,
)
from .prompt_text import describe
from .rendering import TURNS, encode, shrink, to_srgb, upright
from .sniff import ImageFormat, PictureRefusedError, identify

__all__ = ["DECODING_ERRORS", "inspect", "main", "open_image", "quiet_pillow", "read_orientation", "without_metadata"]

# The readers themselves, not Image.open: that one warns and refuses by Image.MAX_IMAGE_PIXELS, which is the user's
# where no child process can be started.
_READERS: dict[ImageFormat, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
try:
    from PIL import AvifImagePlugin  # since Pillow 11.3, and where it was built with it
except ImportError:
    pass
else:
    if AvifImagePlugin.SUPPORTED:
        _READERS["AVIF"] = AvifImagePlugin.AvifImageFile

DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Warning,  # where warnings are made errors
    Image.DecompressionBombError,
)
"""What Pillow's readers raise on damaged files."""

_ORIENTATION, _EXIF_DIRECTORY, _USER_COMMENT = 0x0112, 0x8769, 0x9286

_MEMORY = 1 << 30
"""Bytes of address space, or 10 for each pixel where the user allows more than 100 million."""


# -- decoding --------------------------------------------------------------------------------------------------


def inspect(data: bytes, *, max_pixels: int) -> Inspection:
    """Decode a file to its last pixel (an animation: its first frame), and return all that is ever shown of it.

    Raises:
        PictureRefusedError: With the reason, if it is not a whole picture of at most `max_pixels`.
    """
    kind = identify(data)
    if kind not in _READERS:
        raise PictureRefusedError(f"A picture ({kind}): this Pillow cannot read it, version 11.3 can; open its link")
    try:
        image, size = _decode(data, kind, max_pixels)
        orientation, comment = _read_exif(image)
        large = upright(to_srgb(shrink(image, EDGES["preview"]), image.info.get("icc_profile")), orientation)
        renditions = encode(large)
    except DECODING_ERRORS as error:
        raise _refusal(error, kind) from None
    texts = {**_read_texts(image), **({"UserComment": comment} if comment else {})}
    facts, kept = (
        describe(_bounded(texts, LONGEST_TEXTS, 4 * LONGEST_TEXTS)),
        _bounded(texts, LONGEST_TEXT, LONGEST_TEXTS),
    )
    width, height = reversed(size) if orientation >= 5 else size
    return Inspection(kind, width, height, hashlib.sha256(data).hexdigest(), kept, facts, renditions)


def open_image(data: bytes, kind: ImageFormat) -> ImageFile.ImageFile:
    """Return the file in Pillow's reader for that format, not decoded yet."""
    return _READERS[kind](io.BytesIO(data))


def _decode(data: bytes, kind: ImageFormat, max_pixels: int) -> tuple[Image.Image, tuple[int, int]]:
    """Return the decoded image, and the size of the picture; a large JPEG comes out at a fraction of it."""
    try:
        return _load(data, kind, max_pixels)
    except (PictureRefusedError, MemoryError):
        raise
    except DECODING_ERRORS:
        if kind != "PNG":
            raise
        # Pillow gives up on texts and profiles that unpack to more than a mebibyte. The pixels may be fine.
        return _load(without_metadata(data), kind, max_pixels)


def _load(data: bytes, kind: ImageFormat, max_pixels: int) -> tuple[Image.Image, tuple[int, int]]:
    image = open_image(data, kind)
    size = width, height = image.size
    if width * height > max_pixels:
        raise PictureRefusedError(_too_many(width * height, max_pixels))
    if kind == "JPEG":
        scale = max(1.0, max(size) / EDGES["preview"])
        image.draft(image.mode, (max(1, math.ceil(width / scale)), max(1, math.ceil(height / scale))))
    image.load()
    return image, size


def without_metadata(png: bytes) -> bytes:
    """Return a PNG without its texts and its profile; with what follows a damaged chunk, as it is."""
    parts, at = [png[:8]], 8
    while at + 8 <= len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        if name in (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"):
            parts.append(png[at : at + length + 12])
        at += length + 12
    return b"".join(parts)


def _too_many(pixels: int, max_pixels: int) -> str:
    found, allowed = (f"{n / 1e6:.0f}" if n >= 10_000_000 else f"{n / 1e6:.3g}" for n in (pixels, max_pixels))
    return f"{found} megapixels are more than the {allowed} allowed: Client(max_pixels=…) allows more"


def _refusal(error: BaseException, kind: ImageFormat) -> PictureRefusedError:
    if isinstance(error, PictureRefusedError):
        return error
    told = str(error).lower()
    if isinstance(error, MemoryError) or "memory" in told:
        return PictureRefusedError("decoding it takes more memory than allowed")
    if isinstance(error, Image.DecompressionBombError):
        return PictureRefusedError("more megapixels than allowed: Client(max_pixels=…) allows more")
    if "truncated" in told or isinstance(error, EOFError):
        return PictureRefusedError("the file is truncated", early=True)
    if kind in ("WEBP", "AVIF"):  # whose libraries do not tell the two apart
        return PictureRefusedError("the file is damaged or truncated", early=True)
    return PictureRefusedError("the file is damaged")


# -- what the file says of itself ------------------------------------------------------------------------------


def _read_exif(image: Image.Image) -> tuple[int, str]:
    """Return the orientation (1 to 8, 1 is upright) and the UserComment, as far as Pillow can read the block."""
    orientation, comment = 1, ""
    try:
        exif = image.getexif()
        orientation = exif.get(_ORIENTATION, 1)
        comment = _decode_comment(exif.get_ifd(_EXIF_DIRECTORY).get(_USER_COMMENT, b""))
    except DECODING_ERRORS:
        pass
    return (orientation if orientation in TURNS else 1), comment


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an opened file, 1 to 8."""
    return _read_exif(image)[0]


def _decode_comment(raw: object) -> str:
    if not isinstance(raw, bytes):
        return raw if isinstance(raw, str) else ""
    code, text = raw[:8], raw[8 : 8 + 4 * LONGEST_TEXT]
    if code == b"UNICODE\0":
        # The standard leaves the byte order open; text that is mostly Latin shows it.
        little = text[1::2].count(0) > text[::2].count(0)
        return text.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\0 \ufeff")
    if code in (b"ASCII\0\0\0", b"\0" * 8):
        return text.decode("utf-8", "replace").strip("\0 ")
    return raw[: 4 * LONGEST_TEXT].decode("utf-8", "replace").strip("\0 ")


def _read_texts(image: Image.Image) -> dict[str, Any]:
    """Return the text chunks of a PNG, the comment of a JPEG or GIF."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        return dict(image.text)
    comment = image.info.get("comment")
    return {} if comment is None else {"Comment": comment}


def _bounded(texts: Mapping[str, Any], longest: int, left: int) -> dict[str, str]:
    """Return the first texts, each of at most `longest` characters and `left` together."""
    kept: dict[str, str] = {}
    for key, value in list(texts.items())[:MOST_TEXTS]:
        raw = value[: 4 * longest]
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        kept[key] = text.strip("\0")[: min(longest, left)]
        left = max(0, left - len(key) - len(kept[key]))
    return kept


# -- in the kernel -----------------------------------------------------------------------------------------------


class _QuietPillow:
    """Pillow without the pixel limit and the warnings of its user, while at least one thread is in this context."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                Image.MAX_IMAGE_PIXELS = self._limit
                self._filters.__exit__(None, None, None)


quiet_pillow = _QuietPillow()
"""For decoding in the kernel's process, where the settings belong to the user."""


# -- the process -----------------------------------------------------------------------------------------------


def main() -> None:
    """Answer requests until standard input ends."""
    # What Pillow or a C library prints must not end up between the frames.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - pathlib costs 10 ms of the start
        for descriptor in (0, 1, 2):
            os.dup2(nothing.fileno(), descriptor)
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # set with each request
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    write_frame(answers, {"formats": [*_READERS]})
    while True:
        frame = read_frame(requests, largest=1 << 40)
        if frame is None:
            return
        request, data = frame
        _end_after(request["seconds"] + 1)  # the kernel kills this process earlier, unless it was killed itself
        _answer(answers, request, data)
        _end_after(0)
        del frame, data  # a hundred mebibytes, for as long as the next request does not come


def _end_after(seconds: float) -> None:
    """End this process after so many seconds (0 calls that off), also in the middle of C code. Not on Windows."""
    if hasattr(signal, "alarm"):
        signal.alarm(math.ceil(seconds))


def _answer(answers: Any, request: Mapping[str, Any], data: bytes) -> None:
    if request["do"] != "inspect":
        write_frame(answers, {"refused": f"unknown request {request['do']!r}", "early": False})
        return
    max_pixels = request["max_pixels"]
    _limit_memory(max(_MEMORY, 10 * max_pixels))
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        inspection = inspect(data, max_pixels=max_pixels)
    except PictureRefusedError as error:
        write_frame(answers, {"refused": str(error), "early": error.early})
    else:
        write_frame(answers, inspection.header(), inspection.payload())


def _limit_memory(size: int) -> None:
    try:
        import resource  # not on Windows
    except ImportError:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = size if hard == resource.RLIM_INFINITY else min(size, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except (OSError, ValueError):  # macOS knows the limit, and accepts none
        return


if __name__ == "__main__":
    main()
