"""Pictures for the stand-in, drawn by Pillow."""

from __future__ import annotations

import io
import random

from PIL import Image, PngImagePlugin

__all__ = ["draw_png"]


def draw_png(seed: int, prompt: str, size: tuple[int, int]) -> bytes:
    """A picture of `size` pixels as PNG, the same for the same seed, with seed and prompt in its text chunks."""
    rng = random.Random(seed)
    mesh = Image.frombytes("RGB", (4, 4), rng.randbytes(48))
    image = mesh.resize(size, Image.Resampling.BICUBIC)
    text = PngImagePlugin.PngInfo()
    for key, value in (("seed", str(seed)), ("prompt", prompt), ("Software", "dreambooth_widget demo")):
        text.add_itxt(key, value)
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=text, compress_level=4)
    return out.getvalue()
