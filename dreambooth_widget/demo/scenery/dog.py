"""The subject of every picture: a dog with a red scarf, outlined in units of its height above the ground."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageChops

from .canvas import Canvas, Point, smooth

__all__ = ["draw_dog"]

_BODY = (
    (0.318, 0.795), (0.312, 0.832), (0.25, 0.842), (0.185, 0.858), (0.15, 0.9), (0.1, 0.938), (0.045, 0.94),
    (-0.02, 0.92), (-0.065, 0.86), (-0.09, 0.77), (-0.13, 0.68), (-0.19, 0.57), (-0.26, 0.43), (-0.32, 0.28),
    (-0.365, 0.14), (-0.36, 0.03), (-0.3, 0.0), (-0.12, 0.0), (0.0, 0.0), (0.04, 0.012), (0.03, 0.045), (-0.01, 0.055),
    (0.02, 0.13), (0.035, 0.2), (0.055, 0.19), (0.07, 0.1), (0.075, 0.02), (0.1, 0.0), (0.185, 0.0), (0.2, 0.022),
    (0.18, 0.045), (0.15, 0.06), (0.148, 0.2), (0.165, 0.32), (0.195, 0.42), (0.205, 0.51), (0.18, 0.6), (0.15, 0.67),
    (0.165, 0.705), (0.22, 0.72), (0.275, 0.732), (0.308, 0.76),
)  # fmt: skip
_EAR = (
    (0.035, 0.925), (-0.005, 0.952), (-0.06, 0.935), (-0.105, 0.865), (-0.135, 0.775), (-0.115, 0.725), (-0.07, 0.735),
    (-0.03, 0.8), (0.015, 0.86),
)  # fmt: skip
_TAIL = (
    (-0.294, 0.014), (-0.371, -0.006), (-0.469, -0.003), (-0.553, 0.036), (-0.611, 0.11), (-0.617, 0.2),
    (-0.583, 0.261), (-0.577, 0.259), (-0.581, 0.193), (-0.558, 0.144), (-0.507, 0.104), (-0.449, 0.085),
    (-0.381, 0.08), (-0.306, 0.086),
)  # fmt: skip
_SCARF = (
    (-0.125, 0.735), (-0.04, 0.68), (0.06, 0.645), (0.165, 0.66), (0.185, 0.6), (0.19, 0.575), (0.07, 0.555),
    (-0.05, 0.595), (-0.175, 0.655),
)  # fmt: skip
_SCARF_END = (
    (-0.11, 0.69), (-0.22, 0.735), (-0.33, 0.71), (-0.46, 0.745), (-0.47, 0.665), (-0.35, 0.625), (-0.24, 0.65),
    (-0.13, 0.62),
)  # fmt: skip
_SHADOW = ((-0.62, 0.015), (-0.2, 0.035), (0.2, 0.02), (0.23, -0.01), (0.0, -0.035), (-0.4, -0.03))


def draw_dog(c: Canvas, x: float, ground: float, height: float, *, body: str, rim: str, facing: int = 1) -> None:
    """Draw the dog at `x`, facing right (1) or left (-1), into light of the colour `rim`."""

    def cut(*outlines: Sequence[Point]) -> Image.Image:
        return c.mask(*([(x + facing * px * height, ground - py * height) for px, py in smooth(o)] for o in outlines))

    def lit(mask: Image.Image, width: float, soft: float) -> Image.Image:
        return c.edge(mask, facing * width * height, 0.8 * width * height, soft * height)

    c.shade(c.blurred(cut(_SHADOW), 0.018 * height), 0.55)
    shape, ear, cloth = cut(_BODY, _TAIL), cut(_EAR), cut(_SCARF_END, _SCARF)
    c.fill(body, ImageChops.lighter(shape, ear))
    c.light(rim, lit(shape, 0.06, 0.035), 0.28)
    c.light(rim, lit(shape, 0.014, 0.004), 0.8)
    c.fill(body, ear, 0.8)
    c.light(rim, lit(ear, 0.013, 0.005), 0.45)
    c.fill("c8102e", cloth)
    c.light("ffb199", lit(cloth, 0.02, 0.008), 0.4)
