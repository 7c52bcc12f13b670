"""Pictures for the stand-in: one subject in many places, which is what DreamBooth is about. Pillow only.

A picture is a function of its seed, its prompt and its size: the same three give the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping

from PIL import PngImagePlugin

from .canvas import Canvas
from .scenes_by_day import autumn, blossom, dunes, pines
from .scenes_by_night import aurora, city, planets, sea

__all__ = ["draw_png"]

_SCENES: tuple[Callable[[Canvas], None], ...] = (dunes, aurora, blossom, sea, pines, planets, autumn, city)
"""Any four neighbours look well beside each other: the samples of a job have neighbouring seeds."""

_WORDS: Mapping[str, Callable[[Canvas], None]] = {
    "dune": dunes,
    "desert": dunes,
    "aurora": aurora,
    "arctic": aurora,
    "snow": aurora,
    "blossom": blossom,
    "cherry": blossom,
    "spring": blossom,
    "moon": sea,
    "sea": sea,
    "ocean": sea,
    "pine": pines,
    "mountain": pines,
    "mist": pines,
    "planet": planets,
    "space": planets,
    "astronaut": planets,
    "autumn": autumn,
    "forest": autumn,
    "city": city,
    "rain": city,
}
"""A prompt that names one of these gets that place; any other one gets a journey."""


def draw_png(seed: int, prompt: str, size: tuple[int, int]) -> bytes:
    """A picture of `size` pixels as PNG bytes, with seed and prompt in its text chunks. Takes about half a second."""
    words = (word.removesuffix("s") for word in re.findall("[a-z]+", prompt.lower()))
    named = (_WORDS[word] for word in words if word in _WORDS)
    canvas = Canvas(size, seed)
    next(named, _SCENES[seed % len(_SCENES)])(canvas)
    text = PngImagePlugin.PngInfo()
    facts = {"prompt": prompt, "seed": str(seed), "model": "sks-dog-demo", "Software": "dreambooth_widget demo"}
    for key, value in facts.items():
        text.add_itxt(key, value)
    out = io.BytesIO()
    canvas.finish().save(out, "PNG", pnginfo=text, compress_level=3)  # more would take three times as long
    return out.getvalue()
