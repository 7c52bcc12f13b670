"""A canvas with gradients, clouds, ridges, light and shade.

Coordinates: y runs from 0 (top) to 1 (bottom), x from 0 to the aspect ratio; lengths are fractions of the height.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

__all__ = ["Canvas", "Colour", "Curve", "Pen", "Point", "mix", "smooth"]

Point = tuple[float, float]
Colour = tuple[int, int, int]
Curve = Callable[[float], float]
"""A height for each x."""

_FINE = 2
"""Masks are drawn so many times larger and then reduced: Pillow's shapes have hard edges."""


def _rgb(tint: str | Colour) -> Colour:
    """Return (red, green, blue) of a hexadecimal code such as "f4a261"."""
    return tint if isinstance(tint, tuple) else (int(tint[0:2], 16), int(tint[2:4], 16), int(tint[4:6], 16))


def mix(first: str | Colour, second: str | Colour, share: float) -> Colour:
    """Return `first` with a `share` (0 to 1) of `second`."""
    (r, g, b), (x, y, z) = _rgb(first), _rgb(second)
    return round(r + (x - r) * share), round(g + (y - g) * share), round(b + (z - b) * share)


def _between(stops: Sequence[tuple[float, str | Colour]], at: float) -> Colour:
    """Return the colour at a height between stops."""
    for (upper, first), (lower, second) in pairwise(stops):
        if at < lower:
            return mix(first, second, max(0, (at - upper) / (lower - upper)))
    return _rgb(stops[-1][1])


def smooth(points: Sequence[Point], steps: int = 6) -> list[Point]:
    """Return the closed Catmull-Rom curve through `points`, with `steps` parts between each two."""
    curve = []
    for n in range(len(points)):
        xs, ys = zip(*(points[(n + k) % len(points)] for k in (-1, 0, 1, 2)), strict=True)
        curve += [(_spline(xs, step / steps), _spline(ys, step / steps)) for step in range(steps)]
    return curve


def _spline(knots: Sequence[float], t: float) -> float:
    """Interpolate between the second and the third of four knots."""
    a, b, c, d = knots
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def _dimmed(mask: Image.Image, opacity: float) -> Image.Image:
    return mask if opacity == 1 else mask.point([round(level * opacity) for level in range(256)])


class Pen:
    """A mask in the making: white shapes on black, in the canvas' units, with soft edges."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._large = Image.new("L", (size[0] * _FINE, size[1] * _FINE))
        self._draw = ImageDraw.Draw(self._large)
        self._unit = size[1] * _FINE

    def polygon(self, points: Iterable[Point], level: int = 255) -> None:
        """Draw a filled shape."""
        self._draw.polygon([(x * self._unit, y * self._unit) for x, y in points], fill=level)

    def oval(self, x: float, y: float, across: float, down: float, level: int = 255) -> None:
        """Draw a filled ellipse around a point, by its half axes."""
        box = (x - across, y - down, x + across, y + down)
        self._draw.ellipse([edge * self._unit for edge in box], fill=level)

    def mask(self) -> Image.Image:
        """Return the mask, in the canvas' size."""
        return self._large.reduce(_FINE)


class Canvas:
    """A picture in the making, painted from back to front."""

    def __init__(self, size: tuple[int, int], seed: int) -> None:
        self.size = size
        self.aspect = size[0] / size[1]
        self.rng = random.Random(seed)
        self.image = Image.new("RGB", size)

    # -- paints ------------------------------------------------------------------------------------------------

    def gradient(self, *stops: tuple[float, str | Colour]) -> Image.Image:
        """Return a vertical gradient through colours at heights."""
        column = bytes(band for row in range(256) for band in _between(stops, (row + 0.5) / 256))
        return Image.frombytes("RGB", (1, 256), column).resize(self.size, Image.Resampling.BILINEAR)

    def ramp(self, *stops: tuple[float, int]) -> Image.Image:
        """Return a vertical mask through levels (0 to 255) at heights."""
        return self.gradient(*((at, (level, level, level)) for at, level in stops)).getchannel(0)

    def noise(self, across: float, down: float, octaves: int = 4) -> Image.Image:
        """Return grey clouds from 0 to 255, with so many cells across and down."""
        half = max(2, self.size[0] // 2), max(2, self.size[1] // 2)
        clouds: Image.Image | None = None
        for octave in range(octaves):
            cells = max(2, round(across * 2**octave)), max(2, round(down * 2**octave))
            layer = Image.frombytes("L", cells, self.rng.randbytes(cells[0] * cells[1]))
            layer = layer.resize(half, Image.Resampling.BICUBIC)
            clouds = layer if clouds is None else Image.blend(clouds, layer, 1 / (1 + 2**octave))
        assert clouds is not None
        return ImageOps.autocontrast(clouds).resize(self.size, Image.Resampling.BICUBIC)

    def wisps(self, across: float, down: float, *, above: int, gain: float, octaves: int = 4) -> Image.Image:
        """Return the part of some clouds that is brighter than a level, with more contrast."""
        levels = [max(0, min(255, round((level - above) * gain))) for level in range(256)]
        return self.noise(across, down, octaves).point(levels)

    # -- masks -------------------------------------------------------------------------------------------------

    def pen(self) -> Pen:
        """Return a pen for a new mask."""
        return Pen(self.size)

    def mask(self, *shapes: Iterable[Point], blur: float = 0) -> Image.Image:
        """Return a mask of filled polygons; `blur` is a length."""
        pen = self.pen()
        for shape in shapes:
            pen.polygon(shape)
        return self.blurred(pen.mask(), blur)

    def disc(self, x: float, y: float, radius: float, blur: float = 0) -> Image.Image:
        """Return a mask of a round spot."""
        pen = self.pen()
        pen.oval(x, y, radius, radius)
        return self.blurred(pen.mask(), blur)

    def wave(self, level: float, swell: float, *, stretch: float = 1, parts: int = 5, roughness: float = 0.5) -> Curve:
        """Return a random line at most `swell` from `level`: sines that halve in length and shrink by `roughness`."""
        terms = [(math.tau * stretch * 2.0**n, roughness**n, self.rng.uniform(0, math.tau)) for n in range(parts)]
        scale = swell / sum(size for _, size, _ in terms)
        return lambda x: level + scale * sum(size * math.sin(often * x + shift) for often, size, shift in terms)

    def ridge(self, height: Curve, bottom: float = 1.05) -> Image.Image:
        """Return a mask of all that lies below a line."""
        xs = [self.aspect * n / 320 for n in range(321)]
        return self.mask([*((x, height(x)) for x in xs), (self.aspect, bottom), (0, bottom)])

    def halo(self, x: float, y: float, radius: float, power: float = 2.0) -> Image.Image:
        """Return a mask that falls off from a point to nothing at `radius`."""
        side = max(2, round(2 * radius * self.size[1]))
        # Pillow's gradient reaches 255 in the corners, 181 at the middle of the sides.
        falloff = [round(255 * max(0.0, 1 - level / 180) ** power) for level in range(256)]
        spot = Image.radial_gradient("L").resize((side, side), Image.Resampling.BICUBIC).point(falloff)
        mask = Image.new("L", self.size)
        mask.paste(spot, (round(x * self.size[1] - side / 2), round(y * self.size[1] - side / 2)))
        return mask

    def edge(self, mask: Image.Image, right: float, up: float, blur: float = 0) -> Image.Image:
        """Return the rim of a mask that light from the right and from above reaches, by lengths."""
        moved = ImageChops.offset(mask, -round(right * self.size[1]), round(up * self.size[1]))
        rim = ImageChops.subtract(mask, moved)
        return ImageChops.multiply(self.blurred(rim, blur), mask) if blur else rim

    def blurred(self, mask: Image.Image, blur: float) -> Image.Image:
        """Return the mask blurred by a length."""
        return mask.filter(ImageFilter.GaussianBlur(blur * self.size[1])) if blur else mask

    # -- layers ------------------------------------------------------------------------------------------------

    def fill(self, paint: Image.Image | Colour | str, mask: Image.Image | None = None, opacity: float = 1) -> None:
        """Lay a paint over the picture, where the mask is white."""
        whole = Image.new("L", self.size, 255) if mask is None else mask
        self.image.paste(_rgb(paint) if not isinstance(paint, Image.Image) else paint, (0, 0), _dimmed(whole, opacity))

    def light(self, tint: Image.Image | str, mask: Image.Image, strength: float = 1) -> None:
        """Add light of a tint or a paint, where the mask is white."""
        if isinstance(tint, str):
            bands = [mask.point([round(level * strength * band / 255) for level in range(256)]) for band in _rgb(tint)]
            glow = Image.merge("RGB", bands)
        else:
            glow = ImageChops.multiply(tint, Image.merge("RGB", [_dimmed(mask, strength)] * 3))
        self.image = ImageChops.screen(self.image, glow)

    def shade(self, mask: Image.Image, strength: float = 1) -> None:
        """Take light away where the mask is white."""
        dark = ImageChops.invert(_dimmed(mask, strength))
        self.image = ImageChops.multiply(self.image, Image.merge("RGB", [dark] * 3))

    def finish(self, grain: int = 5, vignette: float = 0.35) -> Image.Image:
        """Return the picture with darker corners and a fine grain, which hides the steps of gradients."""
        corners = Image.radial_gradient("L").resize(self.size, Image.Resampling.BICUBIC)
        self.shade(corners.point([round(max(0, level - 90) * 255 / 165) for level in range(256)]), vignette)
        noise = Image.frombytes("L", self.size, self.rng.randbytes(self.size[0] * self.size[1]))
        noise = noise.point([round(128 + (level - 127.5) * grain / 128) for level in range(256)])
        return ImageChops.add(self.image, Image.merge("RGB", [noise] * 3), scale=1, offset=-128)
