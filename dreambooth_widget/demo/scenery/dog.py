"""The subject of every picture: a dog with a red scarf, outlined in units of its height above the ground."""

from __future__ import annotations

import math
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
_TAIL = ((-0.3, 0.05), (-0.42, 0.035), (-0.53, 0.07), (-0.6, 0.16), (-0.58, 0.26))
_SCARF = (
    (-0.125, 0.735), (-0.04, 0.68), (0.06, 0.645), (0.165, 0.66), (0.185, 0.6), (0.19, 0.575), (0.07, 0.555),
    (-0.05, 0.595), (-0.175, 0.655),
)  # fmt: skip
_SCARF_END = (
    (-0.11, 0.69), (-0.22, 0.735), (-0.33, 0.71), (-0.46, 0.745), (-0.47, 0.665), (-0.35, 0.625), (-0.24, 0.65),
    (-0.13, 0.62),
)  # fmt: skip
_SHADOW = ((-0.62, 0.015), (-0.2, 0.035), (0.2, 0.02), (0.23, -0.01), (0.0, -0.035), (-0.4, -0.03))


def draw_dog(canvas: Canvas, x: float, ground: float, height: float, *, body: str, rim: str, facing: int = 1) -> None:
    """Draw the dog at `x`, facing right (1) or left (-1), into light of the colour `rim`."""
    side = height * 1.5
    part = canvas.part(x, ground - height * 0.5, side)
    unit = height / side

    def moved(points: Sequence[Point]) -> list[Point]:
        return [(0.5 + facing * px * unit, 0.5 + (0.5 - py) * unit) for px, py in points]

    def lit(mask: Image.Image, width: float, soft: float) -> Image.Image:
        return part.edge(mask, facing * width * unit, 0.8 * width * unit, soft * unit)

    part.shade(part.mask(moved(_SHADOW), blur=0.012), 0.55)
    shape, ear = part.mask(moved(smooth(_BODY)), moved(_tail())), part.mask(moved(smooth(_EAR)))
    part.fill(body, ImageChops.lighter(shape, ear))
    part.light(rim, lit(shape, 0.06, 0.035), 0.28)
    part.light(rim, lit(shape, 0.014, 0.004), 0.8)
    part.fill(body, ear, 0.8)
    part.light(rim, lit(ear, 0.013, 0.005), 0.45)
    cloth = part.mask(moved(smooth(_SCARF_END)), moved(smooth(_SCARF)))
    part.fill("c8102e", cloth)
    part.light("ffb199", lit(cloth, 0.02, 0.008), 0.4)
    canvas.put(part)


def _tail() -> list[Point]:
    """Return the outline of the tail, which tapers along its curve."""
    spine = [*smooth(_TAIL, closed=False), _TAIL[-1]]
    left, right = [], []
    for n, (x, y) in enumerate(spine):
        (px, py), (qx, qy) = spine[max(n - 1, 0)], spine[min(n + 1, len(spine) - 1)]
        length = math.hypot(qx - px, qy - py)
        wide = 0.045 * math.sin(math.pi * (0.3 + 0.68 * n / (len(spine) - 1))) / length
        left.append((x - (qy - py) * wide, y + (qx - px) * wide))
        right.append((x + (qy - py) * wide, y - (qx - px) * wide))
    return left + right[::-1]
