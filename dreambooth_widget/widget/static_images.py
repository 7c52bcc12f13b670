"""Small JPEGs of pictures for the notebook file: as large as a budget of bytes allows, and one contact sheet of them.

Takes Pillow and time: to be called in a thread.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..images.picture import Picture, small_image
from .justified_rows import justify

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MOST", "jpeg_uri", "largest_edge", "sheet_uri", "sizes_to_try", "small_images"]

Step = tuple[int, int]
"""Longest edge in pixels, and JPEG quality."""

MOST = 160
"""More thumbnails than this never fit, so more are not even made."""

_STEPS: tuple[Step, ...] = ((256, 85), (224, 80), (192, 78), (160, 75), (128, 72), (96, 68))
_FEW: tuple[Step, ...] = ((384, 85), (320, 85), *_STEPS)
"""For up to four pictures, which are worth more."""
_ALONE: tuple[Step, ...] = ((512, 85), (448, 85), *_FEW)
"""For one picture alone, which is shown larger."""

_SHEET_WIDTH = 800
_SHEET_MOST = 24
"""Pictures on one contact sheet: more do not fit on a printed page."""
_SHEET_QUALITIES = (82, 70, 55, 40, 25)


def sizes_to_try(count: int) -> Sequence[Step]:
    """Return the sizes to try for so many pictures, the best one first; of more than `MOST` the smallest alone."""
    sizes = _ALONE if count == 1 else _FEW if count <= 4 else _STEPS
    return sizes if count <= MOST else sizes[-1:]


def largest_edge(count: int) -> int:
    """Return the pixels of the best size for so many pictures."""
    return sizes_to_try(count)[0][0]


def small_images(pictures: Iterable[Picture], edge: int) -> list[Image.Image]:
    """Return the pictures as RGB images of at most `edge` pixels a side, transparency laid on white."""
    return [small_image(picture, edge) for picture in pictures]


def jpeg_uri(image: Image.Image, edge: int, quality: int) -> str:
    """Return the image as a `data:` URI of a JPEG of at most `edge` pixels a side."""
    fitted = image.copy()
    fitted.thumbnail((edge, edge))
    return "data:image/jpeg;base64," + _encode(fitted, quality)


def sheet_uri(images: Sequence[Image.Image], budget: int) -> str:
    """Return the first images on one white sheet, as a JPEG in base64 of at most `budget` bytes; "" if none fits."""
    from PIL import Image  # not before there are pictures

    shown = images[:_SHEET_MOST]
    if not shown:
        return ""
    gap, height = 8, 512 if len(shown) == 1 else 200
    rows = justify([image.size for image in shown], width=_SHEET_WIDTH, height=height, gap=gap)
    width = max(sum(box.width + gap for box in row) for row in rows) - gap
    sheet = Image.new("RGB", (width, sum(max(box.height for box in row) + gap for row in rows) - gap), "white")
    top = 0
    for row in rows:
        left = 0
        for box in row:
            sheet.paste(shown[box.index].resize((box.width, box.height)), (left, top))
            left += box.width + gap
        top += max(box.height for box in row) + gap
    for quality in _SHEET_QUALITIES:
        encoded = _encode(sheet, quality)
        if len(encoded) <= budget:
            return encoded
    return ""


def _encode(image: Image.Image, quality: int) -> str:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return base64.b64encode(out.getvalue()).decode("ascii")
