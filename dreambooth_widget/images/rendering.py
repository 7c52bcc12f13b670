"""A decoded image as a screen shows it: upright, in sRGB, small, encoded. Pure Pillow, on images of any mode."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping

from PIL import Image, ImageCms

from .inspection import EDGES, Box, Rendition, RenditionKind

__all__ = ["encode", "encode_crop", "shown_mode", "shrink", "to_srgb", "upright"]

_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_STRIP = 1 << 22
"""Pixels that are converted at once: a copy of the whole of a large picture would double the memory it takes."""

_MAX_PROFILE_BYTES = 4 << 20


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return the image turned by an EXIF orientation (1 to 8); itself when that is 1."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def shown_mode(image: Image.Image) -> Image.Image:
    """Convert to a mode that can be resized and to which its colour profile applies: L, LA, RGB, RGBA or CMYK."""
    if image.mode.startswith(("I", "F")):
        # Sixteen bits: convert("L") alone would clip everything above 255 to white.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image.convert("LA" if image.mode in ("L", "LA", "La", "1") else "RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def shrink(image: Image.Image, edge: int) -> Image.Image:
    """Return it in a shown mode, at most `edge` pixels wide and high; never enlarged."""
    factor = max(image.size) // (2 * edge)
    return _fit(shown_mode(image) if factor < 2 else _reduce(image, factor), edge)


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    """Return it in a shown mode with squares of `factor` pixels averaged, converted strip by strip."""
    rows = factor * max(1, _STRIP // (image.width * factor))
    small = None
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(image.height, top + rows))
        strip = shown_mode(image.crop(box)).reduce(factor)
        small = small or Image.new(strip.mode, (strip.width, math.ceil(image.height / factor)))
        small.paste(strip, (0, top // factor))
    assert small is not None
    return small


def _fit(image: Image.Image, edge: int) -> Image.Image:
    scale = edge / max(image.size)
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def to_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Return RGB in sRGB, RGBA if any pixel is transparent; a damaged or unfit profile is ignored."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image if alpha is None else image.convert(image.mode.removesuffix("A"))
    shown = _by_profile(colours, profile) or colours.convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        shown.putalpha(alpha)
    shown.info = {}  # Pillow would write a profile from there, the file's old one too
    return shown


def _by_profile(colours: Image.Image, profile: object) -> Image.Image | None:
    if not isinstance(profile, bytes) or not 0 < len(profile) <= _MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, ImportError):
        return None
    return shown if isinstance(shown, Image.Image) else None


def encode(large: Image.Image) -> dict[RenditionKind, Rendition]:
    """Return the renditions of a picture that is as large as its preview."""
    edge = EDGES["thumbnail"]
    # Two pixels are averaged before the slow, good filter: a third of the time, and no eye sees it.
    halved = large.reduce(2) if max(large.size) >= 2 * edge else large
    # A preview as JPEG: twice the bytes of WebP in a thirtieth of the time. Not if any pixel is transparent.
    preview = _encoded(large, quality=85) if large.mode == "RGB" else _encoded(large, "WEBP", quality=80)
    return {"thumbnail": _encoded(_fit(halved, edge), "WEBP", quality=80), "preview": preview}


def encode_crop(image: Image.Image, box: Box) -> Rendition:
    """Return a part of an upright image, of one pixel at least; `box` is clamped to the image."""
    left, top = (max(0, min(start, size - 1)) for start, size in zip(box[:2], image.size, strict=True))
    right, bottom = max(left + 1, min(box[2], image.width)), max(top + 1, min(box[3], image.height))
    part = to_srgb(shown_mode(image.crop((left, top, right, bottom))), image.info.get("icc_profile"))
    # Nothing may blur what is looked at so closely; JPEG for its speed, again.
    return _encoded(part, quality=95, subsampling=0) if part.mode == "RGB" else _encoded(part, "WEBP", quality=95)


def _encoded(image: Image.Image, file_format: str = "JPEG", **options: int) -> Rendition:
    file = io.BytesIO()
    image.save(file, file_format, method=2, **options)  # WebP's effort, of 6: half of the usual time
    return Rendition(f"image/{file_format.lower()}", file.getvalue())
