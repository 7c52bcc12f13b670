"""Dunes at dusk, a cherry tree in blossom, mountains in the mist, a wood in autumn."""

from __future__ import annotations

import math

from PIL import Image, ImageChops

from .canvas import Canvas, Curve, Pen, Point, mix, smooth
from .subject import draw_dog

__all__ = ["autumn", "blossom", "dunes", "pines"]


def dunes(c: Canvas) -> None:
    """The sun sets behind sand."""
    horizon = c.rng.uniform(0.5, 0.56)
    skies = (("241a4d", "7a3b7c", "e0637a", "f9a875", "ffe3b0"), ("16244d", "4b4a8c", "b5688f", "f2a07b", "ffdfa6"))
    heights = (0, 0.35, 0.68, 0.88, 1)
    c.fill(c.gradient(*((at * horizon, tone) for at, tone in zip(heights, c.rng.choice(skies), strict=True))))
    x = c.aspect * c.rng.uniform(0.6, 0.72)
    high = c.ramp((0.02, 0), (0.25, 255), (horizon, 90))
    c.light("ff9e7a", ImageChops.multiply(c.wisps(3, 22, above=140, gain=2.2), high), 0.42)
    c.light("ffb56b", c.halo(x, horizon - 0.05, 0.8, 2.4), 0.75)
    c.fill("fff1cf", c.disc(x, horizon - 0.055, 0.085))
    c.light("ffd9a0", c.halo(x, horizon - 0.055, 0.26, 1.6), 0.6)
    c.fill(c.gradient((horizon - 0.05, "d98a86"), (horizon + 0.06, "eda583")), c.ridge(c.wave(horizon, 0.012)))
    sands = (("e08a63", "a5566a"), ("d0714f", "843c5c"), ("b9573f", "632f50"), ("8f3f35", "3f1d3e"))
    for n, (lit, dark) in enumerate(sands):
        _draw_dune(c, horizon + 0.05 + 0.1 * n + 0.02 * n * n, 0.03 + 0.02 * n, lit, dark)
    low = c.ramp((horizon, 0), (horizon + 0.02, 255))
    c.light("ff9a5a", ImageChops.multiply(c.halo(x, horizon + 0.05, 0.7, 1.8), low), 0.3)
    draw_dog(c, c.aspect * c.rng.uniform(0.28, 0.36), 0.9, 0.38, body="2a1330", rim="ffc07a")


def _draw_dune(c: Canvas, level: float, swell: float, lit: str, dark: str) -> None:
    """One dune. Its ridge winds from the crest down to us; what lies left of the ridge sees no sun."""
    crest, wind = c.wave(level, swell, stretch=0.45, parts=2, roughness=0.35), c.wave(0, 1, stretch=0.8, parts=2)
    body, top, deep = c.ridge(crest), level - swell, 0.1 + 3 * swell
    dim = mix(lit, dark, 0.75)
    c.fill(c.gradient((top, lit), (top + 0.12, mix(lit, dim, 0.4)), (top + 0.5, dim)), body)
    start = c.aspect * c.rng.uniform(0.25, 0.95)
    ways = [n / 40 for n in range(41)]
    ridge = [(start - 0.5 * t + 0.16 * t * wind(t), crest(start) + deep * t**1.25) for t in ways]
    back = [(start * (1 - t) - 0.1 * t, crest(start * (1 - t) - 0.1 * t)) for t in reversed(ways)]
    face = ImageChops.multiply(c.mask([*ridge, (-0.1, ridge[-1][1]), *back]), body)
    fade = c.ramp((level, 255), (level + deep * 0.9, 0))
    c.fill(c.gradient((top, dark), (top + 0.3, mix(dark, lit, 0.2))), ImageChops.multiply(face, fade), 0.95)
    c.light("ffc78a", c.blurred(c.edge(body, 0, 0.006), 0.0015), 0.28)


def blossom(c: Canvas) -> None:
    """A cherry tree drops its petals."""
    skies = (("7fb7d9", "cfe6ee", "fdebe6"), ("a7b8e8", "e3d9f2", "ffe9dc"), ("8fd0d0", "d9efe6", "fff1da"))
    sky = c.rng.choice(skies)
    c.fill(c.gradient((0, sky[0]), (0.4, sky[1]), (0.7, sky[2])))
    high = c.ramp((0, 40), (0.3, 230), (0.62, 0))
    c.fill("ffffff", ImageChops.multiply(c.wisps(4, 6, above=140, gain=2.6, octaves=5), high), 0.8)
    c.light("fff3d0", c.halo(c.aspect * 0.2, 0.22, 0.7, 2), 0.5)
    for n, tone in enumerate(("b9cfe0", "a3c4c4", "94bd9a")):
        hill = c.ridge(c.wave(0.62 + 0.05 * n, 0.07 - 0.015 * n, stretch=0.6, parts=4, roughness=0.45))
        c.fill(c.gradient((0.55, tone), (0.72 + 0.05 * n, mix(tone, sky[2], 0.6))), hill)
    meadow = c.wave(0.82, 0.03, stretch=0.4, parts=2)
    c.fill(c.gradient((0.78, "a9c96b"), (0.88, "6fa05a"), (1, "3c6b4a")), c.ridge(meadow))
    x = c.aspect * c.rng.uniform(0.72, 0.78)
    _draw_tree(c, x, meadow(x))
    pen = c.pen()
    _scatter_petals(c, pen, 150, 0.009)
    c.fill("ffd3e0", pen.mask(), 0.95)
    draw_dog(c, c.aspect * c.rng.uniform(0.3, 0.38), 0.91, 0.36, body="3b2430", rim="ffe3c4", facing=-1, scarf="d7263d")


def _draw_tree(c: Canvas, x: float, ground: float) -> None:
    """Trunk, limbs and four layers of blossom, the brightest on top."""
    shade = c.pen()
    shade.oval(x - 0.08, 0.9, 0.42, 0.05)
    c.shade(c.blurred(shade.mask(), 0.03), 0.35)
    foot = [(-0.055, 0.045), (-0.014, 0.015), (-0.006, -0.03), (0.006, -0.03), (0.016, 0.012), (0.065, 0.045)]
    pen = c.pen()
    pen.polygon(smooth([(x + px, ground + py) for px, py in foot]))
    twigs: list[Point] = []
    _grow(c, pen, (x, ground + 0.03), -1.72, 0.2, 0.034, 7, twigs)
    bark = pen.mask()
    c.fill("4a2f33", bark)
    c.light("c98f7a", c.edge(bark, -0.007, 0), 0.45)
    layers = (
        ("b9587f", 0.02, 4, 0.014),
        ("e58aab", 0.016, 7, 0.004),
        ("ffb9cf", 0.011, 10, -0.008),
        ("fff0f3", 0.006, 9, -0.016),
    )
    for tone, size, count, lower in layers:
        tufts = c.pen()
        for px, py in twigs:
            for _ in range(count):
                radius = size * c.rng.uniform(0.4, 1)
                tufts.oval(px + c.rng.gauss(0, 0.026), py + lower + c.rng.gauss(0, 0.02), radius, radius)
        c.fill(tone, tufts.mask(), 0.9)


def _grow(
    c: Canvas, pen: Pen, foot: Point, way: float, length: float, thick: float, left: int, twigs: list[Point]
) -> None:
    """A limb in the direction `way`, and thinner ones from its end."""
    tip = foot[0] + math.cos(way) * length, foot[1] + math.sin(way) * length
    pen.line([foot, tip], thick)
    pen.oval(*tip, thick / 2, thick / 2)
    if left <= 3:
        twigs.append(tip)
    if left == 0:
        return
    for turn in (-1, 1):
        bend = turn * c.rng.uniform(0.22, 0.55) + c.rng.uniform(-0.1, 0.1)
        _grow(c, pen, tip, way + bend, length * c.rng.uniform(0.68, 0.86), thick * 0.68, left - 1, twigs)


def _scatter_petals(c: Canvas, pen: Pen, count: int, size: float) -> None:
    for _ in range(count):
        x, y, turn = c.rng.uniform(0, c.aspect), c.rng.uniform(0.1, 1), c.rng.uniform(0, math.pi)
        px, py = (part * size * c.rng.uniform(0.3, 1) for part in (math.cos(turn), math.sin(turn)))
        pen.polygon([(x + px, y + py), (x - py / 2, y + px / 2), (x - px, y - py), (x + py / 2, y - px / 2)])


def pines(c: Canvas) -> None:
    """Mist between wooded mountains."""
    skies = (("f6c8a0", "f3dfc8", "17333f"), ("9cc3d5", "e8e6dc", "12303d"), ("e7a6a1", "f2d8cf", "2b2440"))
    sky, haze, deep = c.rng.choice(skies)
    c.fill(c.gradient((0, mix(sky, deep, 0.25)), (0.3, sky), (0.6, haze)))
    x, y = c.aspect * c.rng.uniform(0.55, 0.75), c.rng.uniform(0.2, 0.28)
    c.light("fff3d6", c.halo(x, y, 0.55, 2.2), 0.8)
    c.fill("fffaf0", c.disc(x, y, 0.07))
    birds = c.pen()
    for n in range(6):
        _draw_bird(c, birds, x - 0.28 + 0.05 * n, y + 0.04)
    c.fill(deep, birds.mask(), 0.7)
    for n in range(6):
        level = 0.4 + 0.085 * n
        height = c.wave(level, 0.11 - 0.01 * n, stretch=0.5 + 0.06 * n, parts=7, roughness=0.58)
        ridge = c.ridge(height)
        if n >= 2:
            ridge = ImageChops.lighter(ridge, _wood(c, height, 0.017 * n - 0.022))
        tone = mix(mix(haze, sky, 0.3), deep, ((n + 1) / 6.3) ** 1.15)
        mist = mix(tone, haze, 0.72 - 0.08 * n)
        c.fill(c.gradient((level + 0.02, tone), (level + 0.2, mist)), ridge)
    front = c.ridge(c.wave(0.9, 0.015, parts=3))
    c.fill(c.gradient((0.86, mix(deep, haze, 0.12)), (1, mix(deep, "000000", 0.4))), front)
    draw_dog(c, c.aspect * c.rng.uniform(0.26, 0.34), 0.94, 0.36, body="0e1a20", rim="ffe6bd")


def _draw_bird(c: Canvas, pen: Pen, x: float, y: float) -> None:
    x, y, size = x + c.rng.uniform(-0.02, 0.02), y + c.rng.uniform(-0.04, 0.04), c.rng.uniform(0.008, 0.014)
    wings = ((-1, -0.5), (-0.4, -0.45), (0, 0), (0.4, -0.45), (1, -0.5))
    pen.line([(x + px * size, y + py * size) for px, py in wings], size * 0.22)


def _wood(c: Canvas, height: Curve, size: float) -> Image.Image:
    """Firs along a line: each a stack of skirts."""
    pen = c.pen()
    x = 0.0
    while x < c.aspect:
        x += size * c.rng.uniform(0.25, 0.9)
        tall, foot = size * c.rng.uniform(1.6, 3.4), height(x) + size * 0.5
        half: list[Point] = []
        for n in range(7):
            level, wide = foot - tall * n / 7, size * 0.42 * (1 - n / 7.5)
            half += [(wide, level), (wide * 0.45, level - tall * 0.05)]
        left, right = [(x - px, py) for px, py in half], [(x + px, py) for px, py in reversed(half)]
        pen.polygon([*left, (x, foot - tall * 1.05), *right])
    return pen.mask()


def autumn(c: Canvas) -> None:
    """Sunbeams in a wood."""
    c.fill(c.gradient((0, "f7c873"), (0.45, "ffe9b0"), (0.75, "f3b765"), (1, "9a5a2a")))
    x = c.aspect * c.rng.uniform(0.68, 0.78)
    c.light("fff6d8", c.halo(x, 0.3, 0.7, 1.8), 0.85)
    for n, leaves in enumerate(("f6c453", "ef8f2f", "d95d2a", "a8391f")):
        _draw_trees(c, n, leaves)
    starts = [x + 0.02 * n for n in range(5)]
    beams = [
        [(s, -0.05), (s + 0.03, -0.05), (s - 0.75 + 0.22 * n, 1.05), (s - 0.93 + 0.22 * n, 1.05)]
        for n, s in enumerate(starts)
    ]
    c.light("ffe7a8", ImageChops.multiply(c.mask(*beams, blur=0.02), c.ramp((0, 255), (0.95, 30))), 0.4)
    for tone in ("f2b441", "e07a2c", "b8431f"):
        pen = c.pen()
        for _ in range(420):
            depth = c.rng.random()
            size = 0.002 + 0.006 * depth
            pen.oval(c.rng.uniform(0, c.aspect), 0.76 + 0.24 * depth, size, size * 0.4)
        _scatter_petals(c, pen, 26, 0.006)
        c.fill(tone, pen.mask(), 0.9)
    draw_dog(c, c.aspect * c.rng.uniform(0.3, 0.38), 0.93, 0.38, body="2a1510", rim="ffdf9a", scarf="b3122a")


def _draw_trees(c: Canvas, n: int, leaves: str) -> None:
    """Row `n` of trees, from far (0) to near (3), with its leaves and its ground."""
    trunks, canopy, foot = c.pen(), c.pen(), 0.72 + 0.06 * n
    count = 15 - 3 * n
    for k in range(count):
        x = c.aspect * (k + c.rng.uniform(0.1, 0.9)) / count
        wide, lean = (0.008 + 0.011 * n) * c.rng.uniform(0.6, 1.2), c.rng.uniform(-0.04, 0.04)
        top = x + lean
        trunks.polygon(
            [(x - wide, foot + 0.03), (top - wide * 0.6, -0.05), (top + wide * 0.6, -0.05), (x + wide, foot + 0.03)]
        )
        for _ in range(3):
            at, reach = c.rng.uniform(0.05, 0.45), c.rng.choice((-1, 1)) * c.rng.uniform(0.05, 0.13)
            from_x = x + lean * (1 - at / foot)
            trunks.line([(from_x, at), (from_x + reach, at - abs(reach) * 0.9)], wide * 0.3)
    for _ in range(330 - 40 * n):
        size = (0.016 + 0.005 * n) * c.rng.uniform(0.3, 1)
        y = (0.34 - 0.05 * n) * c.rng.random() ** 1.7
        canopy.oval(c.rng.uniform(-0.02, c.aspect + 0.02), y, size, size * 0.8)
    c.fill(mix("dca05a", "2b1712", (n + 0.3) / 3.6), trunks.mask())
    c.fill(leaves, canopy.mask(), 0.8)
    c.fill(mix(leaves, "5a2c16", 0.25 + 0.12 * n), c.ridge(c.wave(0.72 + 0.055 * n, 0.008, parts=4)))
