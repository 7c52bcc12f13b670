"""Pictures worth looking at, drawn by Pillow from a seed: a sky, a sun, ridges of hills behind one another."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

_PALETTES = [
    ("#1b2a49", "#e8865a", "#f7d08a", "#2d3250"),
    ("#0f3d3e", "#8fc1a9", "#f4e9cd", "#12312b"),
    ("#3b1f4a", "#d96c75", "#f9c784", "#251433"),
    ("#16324f", "#7fb7d6", "#f2f5ea", "#0d2137"),
    ("#402218", "#d98f4e", "#f6e3b4", "#2a150f"),
    ("#26294a", "#9a8fd1", "#f5c6d6", "#171a33"),
]


def landscape(seed: int, width: int = 1024, height: int = 1024) -> Image.Image:
    """A landscape of `width` × `height` pixels; the same seed always gives the same one."""
    chance = random.Random(seed)
    top, middle, light, near = (_rgb(colour) for colour in _PALETTES[seed % len(_PALETTES)])
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for y in range(height):
        t = y / height
        draw.line((0, y, width, y), _mix(top, middle, t * 1.8) if t < 0.55 else _mix(middle, light, (t - 0.55) * 2.2))
    _sun(picture, chance, light)
    ridges = 6
    for ridge in range(ridges):
        share = (ridge + 1) / ridges
        _ridge(ImageDraw.Draw(picture), chance, height * (0.42 + 0.5 * share), share, _mix(light, near, 0.25 + share))
    return picture


def _sun(picture: Image.Image, chance: random.Random, colour: Colour) -> None:
    width, height = picture.size
    x, y, r = width * chance.uniform(0.2, 0.8), height * chance.uniform(0.22, 0.42), width * chance.uniform(0.05, 0.11)
    glow = Image.new("L", picture.size)
    ImageDraw.Draw(glow).ellipse((x - 2 * r, y - 2 * r, x + 2 * r, y + 2 * r), 90)
    glow = glow.filter(ImageFilter.GaussianBlur(r))
    ImageDraw.Draw(glow).ellipse((x - r, y - r, x + r, y + r), 235)
    picture.paste(Image.new("RGB", picture.size, colour), mask=glow)


def _ridge(draw: ImageDraw.ImageDraw, chance: random.Random, base: float, share: float, colour: Colour) -> None:
    width, height = draw.im.size if draw.im else (0, 0)
    waves = [(chance.uniform(0.5, 5), chance.uniform(0, 6.3), height * 0.05 / (i + 1)) for i in range(4)]
    crest = [
        (x, base + sum(a * math.sin(f * 6.28 * x / width + p) for f, p, a in waves) - height * 0.04 * share)
        for x in range(0, width + 4, 4)
    ]
    draw.polygon([*crest, (width, height), (0, height)], fill=colour)


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mix(one: Colour, two: Colour, share: float) -> Colour:
    share = min(1.0, max(0.0, share))
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, two, strict=True))
    return red, green, blue
