"""The scenes: dunes at dusk, northern lights, a moon over the sea, a planet with rings."""

from __future__ import annotations

import math

from PIL import Image, ImageChops

from .canvas import Canvas, Point, mix
from .dog import draw_dog

__all__ = ["aurora", "dunes", "planets", "sea"]

TILT = -0.35  # of the planet's rings, in radians


def dunes(c: Canvas) -> None:
    """Paint the sun setting behind sand."""
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
    """Paint one dune. Its ridge winds down from the crest, with shadow on the left."""
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


def _draw_stars(c: Canvas, count: int, lowest: float) -> None:
    """Paint stars down to `lowest`, few of them bright."""
    pen = c.pen()
    for _ in range(count):
        y, size = c.rng.uniform(0, lowest), 0.0011 * min(2.5, c.rng.paretovariate(3))
        glow = min(1, c.rng.random() ** 2 + 0.15) * (1 - (y / lowest) ** 3)
        pen.oval(c.rng.uniform(0, c.aspect), y, size, size, round(255 * glow))
    c.light("fff6e8", pen.mask())


def aurora(c: Canvas) -> None:
    """Paint northern lights over a lake."""
    shore = c.rng.uniform(0.6, 0.64)
    c.fill(c.gradient((0, "040816"), (0.3, "0a1a3a"), (shore, "1b4a63")))
    _draw_stars(c, 700, shore)
    hues = (("7b5cff", "27e0b0", "b6ffcf"), ("e052c8", "35d8c0", "c9ffd8"), ("4a7dff", "2df09a", "d9ffc2"))
    tints = c.rng.choice(hues)
    for n in range(2):
        _draw_curtain(c, shore - 0.34 + 0.16 * n, 0.46 - 0.14 * n, tints, 0.75 + 0.25 * n)
    for n, (near, far) in enumerate((("27506b", "173449"), ("142c42", "0b1c2e"))):
        tall = 0.13 - 0.06 * n
        ridge = c.ridge(c.wave(shore - tall, 0.9 * tall, stretch=0.6, parts=8, roughness=0.62), bottom=shore)
        c.fill(c.gradient((shore - 2 * tall, near), (shore, far)), ridge)
        c.light("9fe8e0", ImageChops.multiply(c.edge(ridge, 0.012, 0.016), c.noise(24, 12, 3)), 0.55 - 0.2 * n)
    _reflect(c, shore)
    c.light("8fffd9", c.ramp((shore - 0.012, 0), (shore, 120), (shore + 0.02, 0)), 0.35)
    snow = c.ridge(c.wave(0.87, 0.02, stretch=0.7, parts=4))
    c.fill(c.gradient((0.84, "b9d9e8"), (0.9, "7fa8c6"), (1, "38587d")), snow)
    c.light("63f0c4", ImageChops.multiply(snow, c.ramp((0.84, 255), (0.93, 0))), 0.3)
    draw_dog(c, c.aspect * c.rng.uniform(0.62, 0.7), 0.925, 0.34, body="0d1426", rim="8dffd2", facing=-1)


def _draw_curtain(c: Canvas, foot: float, tall: float, tints: tuple[str, str, str], strength: float) -> None:
    """Paint a curtain of light down to a wavy line around `foot`: made straight, then bent in 64 strips."""
    width, height = c.size
    streaks, slow = (_row(c, count) for count in (110, 6))
    streaks = streaks.point([110 + level * 145 // 255 for level in range(256)])
    slow = slow.point([max(25, min(255, (level - 90) * 2)) for level in range(256)])
    fall = c.ramp((0.5 - tall, 0), (0.5 - tall * 0.45, 80), (0.45, 255), (0.48, 170), (0.53, 0))
    sheet = ImageChops.multiply(ImageChops.multiply(streaks, slow).resize(c.size), fall)
    paint = c.gradient((0.5 - tall, tints[0]), (0.5 - tall * 0.4, tints[1]), (0.5, tints[2]))
    fold, ripple = c.wave(0.5 - foot, 0.11, stretch=0.7, parts=3), c.wave(0, 0.02, stretch=1.5, parts=4)
    strips = []
    for n in range(64):
        left, right = width * n // 64, width * (n + 1) // 64
        a, b = (round((fold(x / width) + ripple(x / width)) * height) for x in (left, right))
        strips.append(((left, 0, right, height), (left, a, left, height + a, right, height + b, right, b)))
    bend = Image.Transform.MESH, strips, Image.Resampling.BILINEAR
    mask, hues = sheet.transform(c.size, *bend), paint.transform(c.size, *bend)
    c.light(hues, c.blurred(mask, 0.04), 0.8 * strength)
    c.light(hues, mask, strength)


def _row(c: Canvas, count: int) -> Image.Image:
    """Return one row of pixels with `count` random levels, blended into each other."""
    return Image.frombytes("L", (count, 1), c.rng.randbytes(count)).resize((c.size[0], 1), Image.Resampling.BICUBIC)


def _reflect(c: Canvas, shore: float) -> None:
    """Paint still water below `shore`: the picture upside down, drawn out by ripples."""
    width, height = c.size
    edge = round(shore * height)
    above = c.image.crop((0, max(0, 2 * edge - height), width, edge)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    coarse = above.resize((max(1, width // 2), max(1, above.height // 14)), Image.Resampling.BOX)
    mirror = Image.blend(above, coarse.resize(above.size, Image.Resampling.BICUBIC), 0.75)
    c.image.paste(Image.blend(Image.new("RGB", above.size, (6, 18, 36)), mirror, 0.72), (0, edge))
    near = c.ramp((shore, 0), (shore + 0.01, 60), (1, 255))
    c.shade(ImageChops.multiply(c.wisps(3, 90, above=150, gain=3, octaves=3), near), 0.45)


def sea(c: Canvas) -> None:
    """Paint a moon that rises over the sea."""
    horizon = c.rng.uniform(0.64, 0.68)
    c.fill(c.gradient((0, "070d24"), (0.35, "16275a"), (0.55, "3f5f9a"), (horizon, "a9b8d6")))
    _draw_stars(c, 350, 0.5)
    x, y, r = c.aspect * c.rng.uniform(0.6, 0.68), horizon - c.rng.uniform(0.26, 0.3), 0.2
    c.light("9fb9ff", c.halo(x, y, 0.85, 2.2), 0.6)
    moon = c.disc(x, y, r)
    c.fill("f4efdf", moon)
    c.shade(ImageChops.multiply(c.wisps(5, 5, above=120, gain=2, octaves=5), moon), 0.2)
    c.shade(ImageChops.subtract(moon, c.disc(x + 0.03, y + 0.02, r * 1.02, 0.02)), 0.35)
    low = c.ramp((0.3, 0), (horizon - 0.09, 210), (horizon - 0.01, 255), (horizon, 0))
    clouds = ImageChops.multiply(c.wisps(3, 12, above=132, gain=3, octaves=5), low)
    c.fill(c.gradient((0.35, "6f86bd"), (horizon, "cfd6e6")), clouds, 0.75)
    water = c.ramp((horizon, 0), (horizon + 0.001, 255))
    c.fill(c.gradient((horizon, "5d7fae"), (horizon + 0.06, "24447a"), (1, "071430")), water)
    path = _glitter(c, x, horizon)
    c.light("f3edd2", path)
    c.light("f3edd2", c.blurred(path, 0.01), 0.6)
    brink = c.aspect * c.rng.uniform(0.46, 0.54)
    _draw_cliff(c, brink)
    draw_dog(c, brink * 0.62, 0.865, 0.36, body="0a1024", rim="dfe6ff")


def _glitter(c: Canvas, x: float, horizon: float) -> Image.Image:
    """Return a mask of the light on the water below the moon: short strokes, longer in front."""
    pen = c.pen()
    for _ in range(1300):
        depth = c.rng.random() ** 1.6
        away = c.rng.gauss(0, 0.05 + 0.1 * depth)
        glow = c.rng.uniform(0.25, 1) * math.exp(-((away / (0.07 + 0.16 * depth)) ** 2))
        long, thick = (0.004 + 0.028 * depth) * c.rng.uniform(0.4, 1.2), 0.0007 + 0.0022 * depth
        pen.oval(x + away, horizon + 0.003 + depth * (1 - horizon), long, thick, round(255 * glow))
    return pen.mask()


def _draw_cliff(c: Canvas, brink: float) -> None:
    """Paint land on the left that ends at `brink`, with grass on it."""
    rough = c.wave(0.85, 0.012, stretch=2, parts=6, roughness=0.6)
    xs = [c.aspect * n / 200 for n in range(201)]
    line = [(x, rough(x) + 0.5 * max(0, (x - brink) / brink * 3) ** 3) for x in xs]
    c.fill(c.gradient((0.83, "16213f"), (1, "060b1c")), c.mask([*line, (c.aspect, 1.1), (0, 1.1)]))
    grass = c.pen()
    meadow = [point for point in line if point[0] < brink * 1.15]
    for _ in range(260):
        x, y = c.rng.choice(meadow)
        x += c.rng.uniform(-0.005, 0.005)
        tip = x + c.rng.uniform(-0.012, 0.004), y - c.rng.uniform(0.01, 0.035)
        grass.polygon([(x - 0.0016, y + 0.01), tip, (x + 0.0016, y + 0.01)])
    c.fill("121c38", grass.mask())


def planets(c: Canvas) -> None:
    """Paint a small world under a planet with rings."""
    hues = (("070714", "ff7a59", "5b6cff"), ("08061a", "ff5fa2", "3fc1ff"), ("060b16", "ffb35c", "35d0ba"))
    dark, warm, cold = c.rng.choice(hues)
    c.fill(dark)
    for tint in (cold, warm):
        gas = c.wisps(3, 3, above=118, gain=2.2, octaves=6)
        c.light(tint, ImageChops.multiply(gas, c.noise(2, 2, 3)), 0.6)
    _draw_stars(c, 900, 1.3)
    x, y, r = c.aspect * c.rng.uniform(0.64, 0.7), c.rng.uniform(0.3, 0.34), 0.17
    c.light(warm, c.halo(x, y, 0.5, 2.4), 0.45)
    _draw_rings(c, x, y, r, warm, front=False)
    _draw_globe(c, x, y, r, warm)
    _draw_rings(c, x, y, r, warm, front=True)
    world = c.disc(c.aspect / 2, 2.02, 1.2)
    soil = c.gradient((0.82, mix(cold, "e1dceb", 0.55)), (0.9, mix(cold, "463c6e", 0.6)), (1, "1a1636"))
    c.fill(soil, world)
    c.shade(ImageChops.multiply(c.noise(9, 14, 5), world), 0.45)
    pen = c.pen()
    for _ in range(9):
        wide = c.rng.uniform(0.015, 0.05)
        pen.oval(c.rng.uniform(0, c.aspect), c.rng.uniform(0.9, 1.0), wide, wide * 0.28)
    craters = pen.mask()
    c.shade(craters, 0.4)
    c.light("ffffff", c.edge(craters, 0, -0.004), 0.35)
    c.light(warm, c.edge(world, 0, 0.012, 0.004), 0.7)
    draw_dog(c, c.aspect * c.rng.uniform(0.3, 0.36), 0.86, 0.36, body="15122b", rim="ffd9c2")


def _draw_globe(c: Canvas, x: float, y: float, r: float, tint: str) -> None:
    """Paint a ball with bands of cloud, lit from the upper left."""
    side = max(8, round(2 * r * c.size[1]))
    bands = Image.frombytes("L", (2, 14), c.rng.randbytes(28)).resize((side, side), Image.Resampling.BICUBIC)
    bands = bands.rotate(-math.degrees(TILT), Image.Resampling.BICUBIC)
    hues = [mix(mix(tint, "3c143c", 0.35), mix(tint, "fff5e6", 0.65), level / 255) for level in range(256)]
    striped = Image.merge("RGB", [bands.point([hue[band] for hue in hues]) for band in range(3)])
    paint = Image.new("RGB", c.size)
    paint.paste(striped, (round(x * c.size[1]) - side // 2, round(y * c.size[1]) - side // 2))
    ball = c.disc(x, y, r)
    c.fill(paint, ball)
    c.shade(ImageChops.subtract(ball, c.disc(x - 0.35 * r, y - 0.3 * r, r * 1.05, 0.045)), 0.9)


def _draw_rings(c: Canvas, x: float, y: float, r: float, tint: str, *, front: bool) -> None:
    """Paint the half of the rings behind the globe, or the half in front of it."""
    cos, sin = math.cos(TILT), math.sin(TILT)
    turns = [math.pi * n / 60 * (1 if front else -1) for n in range(61)]
    for inner, outer, strength in ((1.35, 1.62, 0.5), (1.66, 1.95, 0.75), (2.0, 2.12, 0.4)):
        flat: list[Point] = [(outer * r * math.cos(t), 0.24 * outer * r * math.sin(t)) for t in turns]
        flat += [(inner * r * math.cos(t), 0.24 * inner * r * math.sin(t)) for t in reversed(turns)]
        shape = [(x + px * cos - py * sin, y + px * sin + py * cos) for px, py in flat]
        c.fill(mix(tint, "fff0dc", 0.6), c.mask(shape), strength)
