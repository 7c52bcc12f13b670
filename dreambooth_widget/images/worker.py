"""The program of the child process that decodes pictures: Pillow on untrusted bytes, and nothing else of a kernel.

`images/child.py` starts it and speaks with it in frames (`inspection.py`) over standard input and output:

    ← {}                                                           once, when it is ready
    → {"max_pixels": 100000000, "seconds": 20} + the bytes of a file
    ← the frame of an `Inspection`
    → {"max_pixels": 100000000, "seconds": 20, "box": [0, 0, 300, 200]} + the bytes of a file
    ← {"mime": "image/jpeg"} + the bytes of the crop

Instead of either answer: {"refused": "the file is truncated", "retryable": true}.

What stops a hostile file is Pillow's own safety, which is switched on here where the notebook's settings do not reach,
and the limits of this process: address space, time, and its end together with that of the kernel.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from .decoding import DECODING_ERRORS, READERS, decode, quiet_pillow, read_exif, read_texts
from .inspection import (
    EDGES,
    MAX_TEXT_CHARS,
    MAX_TEXTS,
    MAX_TOTAL_TEXT_CHARS,
    Box,
    Frame,
    Inspection,
    Rendition,
    read_frame,
    write_frame,
)
from .prompt_text import describe
from .rendering import encode, encode_crop, shrink, to_srgb, upright
from .sniff import ImageFormat, PictureRefusedError, identify

__all__ = ["answer_here", "crop", "inspect", "main"]

_MEMORY, _MEMORY_PER_PIXEL = 1 << 30, 20
"""Bytes of address space, the larger of the two. Pillow takes 16 for each pixel of a WebP file."""


_MAX_KEPT = 8
_MAX_KEPT_PIXELS = 4 << 20
"""Decoded pictures that are kept for the next crop, and pixels of each at most: a decoding takes six times as long."""

Kept = dict[bytes, Image.Image]
"""Upright pictures by the digest of their file, the longest unused first."""


def inspect(data: bytes, *, max_pixels: int) -> Inspection:
    """Decode a file to its last pixel (an animation: its first frame), and return all that is ever shown of it.

    Raises:
        PictureRefusedError: With the reason, if it is not a whole picture of at most `max_pixels`.
    """
    kind = _identify(data)
    with _refusals(kind):
        image, size = decode(data, kind, max_pixels=max_pixels, edge=EDGES["preview"])
        orientation, comment = read_exif(image)
        large = upright(to_srgb(shrink(image, EDGES["preview"]), image.info.get("icc_profile")), orientation)
        renditions = encode(large)
    texts = {**read_texts(image), **({"UserComment": comment} if comment else {})}
    facts = describe(_bounded(texts, MAX_TOTAL_TEXT_CHARS, 4 * MAX_TOTAL_TEXT_CHARS))
    width, height = reversed(size) if orientation >= 5 else size
    digest, kept = hashlib.sha256(data).hexdigest(), _bounded(texts, MAX_TEXT_CHARS, MAX_TOTAL_TEXT_CHARS)
    return Inspection(kind, width, height, digest, kept, facts, renditions)


def crop(data: bytes, box: Box, *, max_pixels: int, kept: Kept | None = None) -> Rendition:
    """Return a part of a file's picture, pixel by pixel. Raises PictureRefusedError as `inspect` does.

    Args:
        data: The bytes of a file.
        box: Of the upright picture, clamped to it.
        max_pixels: The largest number of pixels of the picture.
        kept: The pictures of the last crops; a loupe that moves needs the same few again and again.
    """
    digest = hashlib.sha256(data).digest()
    kind = _identify(data)
    with _refusals(kind):
        image = kept.pop(digest, None) if kept is not None else None
        if image is None:
            image, _ = decode(data, kind, max_pixels=max_pixels)
            image = upright(image, read_exif(image)[0])
        if kept is not None:
            kept[digest] = image
            if len(kept) > _MAX_KEPT:
                del kept[next(iter(kept))]
        return encode_crop(image, box)


def answer(request: Mapping[str, Any], data: bytes, kept: Kept | None = None) -> Frame:
    """Return header and payload of the answer to a request; `kept` is for crops of small pictures alone."""
    if kept is not None and ("box" not in request or request["max_pixels"] > _MAX_KEPT_PIXELS):
        kept.clear()  # what comes may need all the memory
        kept = None
    try:
        if "box" in request:
            part = crop(data, request["box"], max_pixels=request["max_pixels"], kept=kept)
            return {"mime": part.mime}, part.data
        return inspect(data, max_pixels=request["max_pixels"]).frame()
    except PictureRefusedError as error:
        return {"refused": str(error), "retryable": error.retryable}, b""


def answer_here(request: Mapping[str, Any], data: bytes) -> Frame:
    """Answer in the kernel's process and this thread, where nothing but `max_pixels` bounds what it takes."""
    with quiet_pillow:
        return answer(request, data)


def _identify(data: bytes) -> ImageFormat:
    kind = identify(data)
    if kind not in READERS:
        raise PictureRefusedError(f"A picture ({kind}): this Pillow was built without {kind}; open its link")
    return kind


@contextlib.contextmanager
def _refusals(kind: ImageFormat) -> Iterator[None]:
    """Raise what Pillow raises on a damaged file as PictureRefusedError."""
    try:
        yield
    except PictureRefusedError:
        raise
    except DECODING_ERRORS as error:
        raise _refusal(error, kind) from None


def _bounded(texts: Mapping[str, Any], longest: int, left: int) -> dict[str, str]:
    """Return the first texts, each of at most `longest` characters and `left` together."""
    kept: dict[str, str] = {}
    for key, value in list(texts.items())[:MAX_TEXTS]:
        raw = value[: 4 * longest]
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        kept[key] = text.strip("\0")[: min(longest, left)]
        left = max(0, left - len(key) - len(kept[key]))
    return kept


def _refusal(error: BaseException, kind: ImageFormat) -> PictureRefusedError:
    reason = str(error).lower()
    if isinstance(error, MemoryError) or "memory" in reason:
        return PictureRefusedError("decoding it takes more memory than allowed: Client(max_pixels=…) allows more")
    if isinstance(error, Image.DecompressionBombError):
        return PictureRefusedError("more megapixels than allowed: Client(max_pixels=…) allows more")
    if "truncated" in reason or isinstance(error, EOFError):
        return PictureRefusedError("the file is truncated", retryable=True)
    if kind in ("WEBP", "AVIF"):  # whose libraries do not tell the two apart
        return PictureRefusedError("the file is damaged or truncated", retryable=True)
    return PictureRefusedError("the file is damaged")


# -- the process -----------------------------------------------------------------------------------------------


def main() -> None:
    """Answer requests until standard input ends."""
    # What Pillow or a C library prints must not end up between the frames.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - pathlib costs 10 ms of the start
        for descriptor in (0, 1, 2):
            os.dup2(nothing.fileno(), descriptor)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("1000")  # where Linux runs out of memory, it ends this process and not the kernel
    kept: Kept = {}
    write_frame(answers, {})
    while (frame := read_frame(requests, largest=1 << 40)) is not None:
        request, data = frame
        _end_after(request["seconds"])
        _limit_memory(max(_MEMORY, _MEMORY_PER_PIXEL * request["max_pixels"]))
        Image.MAX_IMAGE_PIXELS = request["max_pixels"]
        write_frame(answers, *answer(request, data, kept))
        _end_after(0)
        del frame, data  # a hundred mebibytes, for as long as the next request does not come


def _end_after(seconds: float) -> None:
    """End this process after so much processor time, also in the middle of C code; 0 calls that off. Not on Windows."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory(size: int) -> None:
    try:
        import resource  # not on Windows
    except ImportError:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = min(size, sys.maxsize if hard == resource.RLIM_INFINITY else hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except (OSError, ValueError):  # macOS knows the limit, and accepts none
        return
