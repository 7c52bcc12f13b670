"""The one place where Pillow decodes untrusted bytes, and where the kernel's loop would freeze if that went wrong.

Decoding happens in a worker thread and shares the GIL with the loop. Measured at 49 megapixels: `Image.core.new`
zeroes the pixels while holding it (60 ms), the WebP reader copies the whole canvas (500 ms), `Image.new` fills 16-bit
grey (120 ms). So a JPEG is decoded at a reduced scale, PNG and GIF get their memory from a filling that
lets the loop run, and what cannot be helped is decoded in a child process.
"""

from __future__ import annotations

import bisect
import io
import math
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

from PIL import GifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from ..credentials import KEY_VARIABLE
from .image_layout import Layout, Span, read_layout
from .sniff import ImageFormat, PictureRefusedError

__all__ = ["DECODING_ERRORS", "decode", "open_image"]

# The readers themselves, not Image.open: that one warns and refuses by Image.MAX_IMAGE_PIXELS, which is the user's.
_READERS: Mapping[ImageFormat, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}

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

_IN_THREAD = 1 << 22
"""Pixels that may be allocated or copied at once with the GIL held (about 10 ms)."""

_IN_THREAD_BYTES = 4 << 20
"""Bytes of a WebP file that may be: its reader copies the file too."""

_CHILD_SECONDS = 60.0


def open_image(data: bytes, kind: ImageFormat) -> ImageFile.ImageFile:
    """The whole file in Pillow's reader for that format, not decoded yet."""
    return _READERS[kind](io.BytesIO(data))


def decode(data: bytes, kind: ImageFormat, layout: Layout, *, edge: int | None = None) -> Image.Image:
    """Decode every pixel, and return the image in whatever mode it has, at a size that is good for `edge`.

    That is its own size or a smaller one: a JPEG may come out at twice `edge` or more, from a child process it
    comes at `edge`. Without `edge` the caller has no use for the image, only for the certainty.
    PictureRefusedError when the file is damaged.
    """
    try:
        image = _open_unless_heavy(data, kind, layout, edge) or _decode_in_child(data, kind, edge)
        image = image or _open_pixels(data, kind, layout)  # no processes here: a frozen loop is better than no picture
        image.load()
    except PictureRefusedError:
        raise
    except DECODING_ERRORS as error:
        raise PictureRefusedError(_reason(error)) from None
    return image


def _open_unless_heavy(data: bytes, kind: ImageFormat, layout: Layout, edge: int | None) -> Image.Image | None:
    """The image with its memory at hand, ready to be loaded beside a running loop; None when that cannot be."""
    if kind == "WEBP" and (layout.width * layout.height > _IN_THREAD or len(data) > _IN_THREAD_BYTES):
        return None
    image = _open_pixels(data, kind, layout)
    if kind == "JPEG":
        _draft(image, edge)
    if kind != "WEBP" and image.width * image.height > _IN_THREAD:
        if image.mode.startswith("I"):
            return None
        image.im = Image.new(image.mode, image.size).im
    return image


def _open_pixels(data: bytes, kind: ImageFormat, layout: Layout) -> ImageFile.ImageFile:
    if kind == "WEBP":
        return open_image(data, kind)
    return _READERS[kind](io.BufferedReader(_Spans(data, layout.pixels), 1 << 16))


def _draft(image: ImageFile.ImageFile, edge: int | None) -> None:
    """Let a JPEG come out smaller by 2, 4 or 8. All of its data are decoded nevertheless."""
    width, height = image.size
    ratio = math.sqrt(width * height / _IN_THREAD) if edge is None else max(width, height) / (2 * edge)
    factor = 1 << int(math.log2(max(1.0, ratio)))
    image.draft(image.mode, (max(1, width // factor), max(1, height // factor)))


def _reason(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory for this picture"
    return "the file is truncated" if "truncated" in str(error).lower() else "the file is damaged"


class _Spans(io.RawIOBase):
    """Some spans of `data`, read as one file without copying them first."""

    def __init__(self, data: bytes, spans: tuple[Span, ...]) -> None:
        self._data = memoryview(data)
        self._spans = spans
        self._starts = []
        self._size = 0
        for start, end in spans:
            self._starts.append(self._size)
            self._size += end - start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        span = bisect.bisect_right(self._starts, self._at) - 1
        start, end = self._spans[span]
        start += self._at - self._starts[span]
        count = min(len(buffer), end - start)
        buffer[:count] = self._data[start : start + count]
        self._at += count
        return count


# -- the child process -----------------------------------------------------------------------------------------

_PROGRAM = """
import sys, types
package = types.ModuleType("dreambooth_widget")  # from where it is, on the path or not, and only what is needed
package.__path__ = [sys.argv[1]]
sys.modules[package.__name__] = package
from dreambooth_widget.images.decoding import run_child
sys.exit(run_child(sys.argv[2], int(sys.argv[3])))
"""


def _decode_in_child(data: bytes, kind: ImageFormat, edge: int | None) -> Image.Image | None:
    """`decode` in another process, which sends back the picture at most `edge` pixels wide and high, as PNG.

    None when no process can be started.
    """
    command = [sys.executable, "-c", _PROGRAM, str(Path(__file__).parents[1]), kind, str(edge or 1)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONWARNINGS": "ignore"}
    environment.pop(KEY_VARIABLE, None)  # nothing that decodes a stranger's bytes needs it
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            env=environment,
            timeout=_CHILD_SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        raise PictureRefusedError("it takes too long to decode") from None
    except OSError:
        return None
    if done.returncode == 0:
        image = PngImagePlugin.PngImageFile(io.BytesIO(done.stdout))
        image.load()
        return image
    reason = done.stdout.decode("utf-8", "replace").strip()
    raise PictureRefusedError(reason if done.returncode == 1 and reason else "decoding it failed")


def run_child(kind: ImageFormat, edge: int) -> int:
    """The child's side: a file on standard input, a small PNG or a reason on standard output. The exit status."""
    from .renditions import fit, shown_mode

    data = sys.stdin.buffer.read()
    try:
        image = _open_pixels(data, kind, read_layout(data, kind))
        image.load()
        fit(shown_mode(image), edge).save(sys.stdout.buffer, "PNG", compress_level=1)
    except PictureRefusedError as error:
        sys.stdout.write(str(error))
        return 1
    except DECODING_ERRORS as error:
        sys.stdout.write(_reason(error))
        return 1
    return 0
