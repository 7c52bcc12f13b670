"""Images of every mode as a screen shows them."""

from __future__ import annotations

import pytest
from PIL import Image

from dreambooth_widget.images.renditions import fit, on_white, shown_mode, to_srgb, upright

from ..image_files import DISPLAY_P3, SWAPPED, scene

MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "I", "F", "I;16", "PA", "La", "RGBa", "LAB")


def pixel(image: Image.Image, at: tuple[int, int] = (0, 0)) -> tuple[int, ...]:
    """One pixel, always as a tuple."""
    value = image.getpixel(at)
    return value if isinstance(value, tuple) else (value,)  # type: ignore[return-value]


def near(found: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 3) -> bool:
    """Whether two colours are the same to the eye."""
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_ends_as_rgb(mode: str) -> None:
    """Whatever a file holds comes out as RGB or RGBA."""
    try:
        image = scene().convert(mode)
    except ValueError:
        image = Image.new(mode, (96, 64))
    shown = to_srgb(fit(shown_mode(image), 32), b"")
    assert shown.mode in ("RGB", "RGBA")
    assert shown.size == (32, 21)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    """Medium grey of 65,535 levels is medium grey of 255."""
    image = Image.new("I;16", (4, 4), 32768)
    assert near(pixel(to_srgb(shown_mode(image), b"")), (128, 128, 128))


def test_a_palette_keeps_its_colours_and_its_transparency() -> None:
    """Palette images with a transparent colour become RGBA."""
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 250, 120, 10])
    assert pixel(shown_mode(image)) == (250, 120, 10)
    image.info["transparency"] = 1
    assert pixel(shown_mode(image)) == (250, 120, 10, 0)


def test_grey_with_a_transparent_level() -> None:
    """tRNS of a greyscale PNG makes that level transparent."""
    image = Image.new("L", (4, 4), 9)
    image.info["transparency"] = 9
    assert pixel(to_srgb(shown_mode(image), b""))[3] == 0


def test_transparency_does_not_bleed() -> None:
    """Invisible pixels lend no colour to their neighbours when an image shrinks."""
    image = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 31, 64))
    edge = pixel(fit(image, 8), (3, 4))
    assert edge[0] > 240
    assert edge[1] < 15


@pytest.mark.parametrize(("size", "wanted"), [((400, 100), (50, 12)), ((100, 400), (12, 50)), ((9000, 1), (50, 1))])
def test_fit_keeps_the_proportions(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """The longer side becomes `edge`, the other one follows, and none vanishes."""
    assert fit(Image.new("RGB", size), 50).size == wanted


def test_fit_never_enlarges() -> None:
    """A small image stays as it is."""
    image = scene((20, 10))
    assert fit(image, 50) is image


def test_a_wide_gamut_is_converted() -> None:
    """A red of Display P3 is a stronger red in the numbers of sRGB."""
    shown = to_srgb(Image.new("RGB", (4, 4), (200, 100, 50)), DISPLAY_P3)
    red, green, blue = pixel(shown)
    assert red > 205
    assert green < 100
    assert blue < 45


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_profile_decides(mode: str) -> None:
    """A space with red and green exchanged shows a red file as green, and alpha goes through untouched."""
    image = Image.new("RGB", (4, 4), "red").convert(mode)
    if mode == "RGBA":
        image.putalpha(100)
    assert near(pixel(to_srgb(image, SWAPPED)), (0, 255, 0, 100)[: len(mode)], 12)


@pytest.mark.parametrize("profile", [b"", b"nonsense", SWAPPED[:200], SWAPPED[:-40] + bytes(40)])
def test_a_damaged_profile_is_ignored(profile: bytes) -> None:
    """Colours that cannot be converted stay as they are."""
    if profile.endswith(bytes(40)):
        profile = profile.replace(b"rTRC", b"xTRC").replace(b"rXYZ", b"xXYZ")
    assert pixel(to_srgb(Image.new("RGB", (4, 4), "red"), profile)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["L", "LA", "CMYK"])
def test_a_profile_of_another_kind_is_ignored(mode: str) -> None:
    """An RGB profile in a grey or CMYK file does no harm."""
    shown = to_srgb(Image.new("L", (4, 4), 255).convert(mode if mode != "CMYK" else "RGB").convert(mode), SWAPPED)
    assert pixel(shown)[:3] == (255, 255, 255)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "red"), (2, "lime"), (3, "white"), (4, "blue"), (5, "red"), (6, "blue"), (7, "white"), (8, "lime")],
)
def test_upright(orientation: int, corner: str) -> None:
    """Each of the eight orientations brings its own corner to the upper left."""
    turned = upright(scene((60, 40)), orientation)
    assert turned.size == ((60, 40) if orientation < 5 else (40, 60))
    assert near(pixel(turned), pixel(Image.new("RGB", (1, 1), corner)), 12)


def test_on_white() -> None:
    """What is transparent is white on paper, and RGB comes back as it was."""
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert pixel(on_white(image)) == (255, 255, 255)
    assert pixel(on_white(Image.new("RGB", (4, 4), "red"))) == (255, 0, 0)
