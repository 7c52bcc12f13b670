"""A decoded image as a screen shows it: upright, in sRGB, small. Pure Pillow, on images of any mode."""

from __future__ import annotations

import io
from collections.abc import Mapping

from PIL import Image, ImageCms

__all__ = ["fit", "on_white", "shown_mode", "to_srgb", "upright"]

_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turned as the EXIF `orientation` (1 to 8) asks; the image itself when that is 1."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def shown_mode(image: Image.Image) -> Image.Image:
    """In a mode that can be resized and that its colour profile speaks of: L, LA, RGB, RGBA or CMYK."""
    if image.mode.startswith(("I", "F")):
        # Sixteen bits: convert("L") alone would clip everything above 255 to white.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image.convert("LA" if image.mode in ("L", "LA", "La", "1") else "RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def fit(image: Image.Image, edge: int) -> Image.Image:
    """At most `edge` pixels wide and high, never enlarged; the image itself when it is small enough."""
    scale = edge / max(image.size)
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """RGB or RGBA in sRGB, from any of the `shown_mode`s.

    A profile that is damaged, or of another kind than the image, is ignored; so is none, b"".
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image if alpha is None else image.convert(image.mode.removesuffix("A"))
    shown = _by_profile(colours, profile) or colours.convert("RGB")
    if alpha is not None:
        shown.putalpha(alpha)
    shown.info = {}  # Pillow would write a profile from there, the file's old one too
    return shown


def _by_profile(colours: Image.Image, profile: bytes) -> Image.Image | None:
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return shown if isinstance(shown, Image.Image) else None


def on_white(image: Image.Image) -> Image.Image:
    """RGB: transparency laid on white, as on paper."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    return page
