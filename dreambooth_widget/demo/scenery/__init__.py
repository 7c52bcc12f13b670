"""Pictures for the stand-in: one dog in many scenes, drawn with Pillow alone.

A picture is a function of its seed, its prompt and its size: the same three give the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from PIL import PngImagePlugin

from .canvas import Canvas
from .scenes import aurora, dunes, planets, sea

__all__ = ["draw_png"]

SCENES: tuple[tuple[Callable[[Canvas], None], str], ...] = (
    (dunes, "desert dune"),
    (aurora, "arctic aurora northern snow"),
    (sea, "moon ocean sea"),
    (planets, "astronaut planet space"),
)
"""The scenes, and the words of a prompt that choose each; with no such word the seed chooses."""


def draw_png(seed: int, prompt: str, size: tuple[int, int]) -> bytes:
    """Return a picture as PNG bytes with seed and prompt in its text chunks; 1024×1024 takes about half a second.

    Args:
        seed: Varies the picture; neighbouring seeds show different scenes.
        prompt: May name the scene.
        size: Width and height in pixels.
    """
    words = (word.removesuffix("s") for word in re.findall("[a-z]+", prompt.lower()))
    named = (scene for word in words for scene, names in SCENES if word in names.split())
    canvas = Canvas(size, seed)
    next(named, SCENES[seed % len(SCENES)][0])(canvas)
    text = PngImagePlugin.PngInfo()
    facts = {"prompt": prompt, "seed": str(seed), "model": "sks-dog-demo", "Software": "dreambooth_widget demo"}
    for key, value in facts.items():
        text.add_itxt(key, value)
    out = io.BytesIO()
    canvas.finish().save(out, "PNG", pnginfo=text, compress_level=3)  # more would take three times as long
    return out.getvalue()
