"""Renditions as a screen shows them: upright, in sRGB, small, from images of every mode."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from dreambooth_widget.images import rendering

from ..image_files import DISPLAY_P3, SWAPPED, encoded, exif, inspect_here, near, noise, pixel, scene, small

MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "I", "F", "I;16", "PA", "La", "RGBa", "LAB")


def colour(name: str) -> tuple[int, ...]:
    """Return a colour by its name."""
    return pixel(Image.new("RGB", (1, 1), name))


def test_thumbnail_and_preview() -> None:
    """WebP of 384 pixels, JPEG of 1024; WebP where something shines through. Light, and without metadata."""
    glass = noise((1200, 900), "RGBA")
    for image, mime, mode in ((glass.convert("RGB"), "image/jpeg", "RGB"), (glass, "image/webp", "RGBA")):
        found = inspect_here(encoded(image))
        assert (small(found, "thumbnail").size, small(found, "thumbnail").mode) == ((384, 288), mode)
        assert (small(found).size, small(found).mode) == ((1024, 768), mode)
        assert [each.mime for each in found.renditions.values()] == ["image/webp", mime]
        assert len(found.renditions["thumbnail"].data) < (64_000 if mode == "RGB" else 160_000)
    secret = inspect_here(
        encoded(scene(), "JPEG", exif=exif(1, b"ASCII\0\0\0secret"), comment="secret", icc_profile=SWAPPED)
    )
    for each in secret.renditions.values():
        assert b"secret" not in each.data
        assert "icc_profile" not in Image.open(io.BytesIO(each.data)).info


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_opaque_alpha_is_dropped(mode: str) -> None:
    """Some generators write RGBA without need: as JPEG, its preview takes a tenth of the time."""
    image = scene().convert(mode)
    found = inspect_here(encoded(image))
    assert (found.renditions["preview"].mime, small(found).mode) == ("image/jpeg", "RGB")
    image.putpixel((5, 5), (*pixel(image, (5, 5))[:-1], 254))
    found = inspect_here(encoded(image))
    assert (found.renditions["preview"].mime, small(found).mode) == ("image/webp", "RGBA")


def test_renditions_are_never_enlarged() -> None:
    """A small picture stays small, and a strip does not vanish."""
    found = inspect_here(encoded(scene((20, 10))))
    assert small(found).size == small(found, "thumbnail").size == (20, 10)
    assert small(inspect_here(encoded(scene((9000, 3)))), "thumbnail").size == (384, 1)
    assert small(inspect_here(encoded(scene((9000, 20)), "JPEG"))).size == (1024, 2)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(96, 64), (2600, 2100)], ids=["small", "large"])
def test_every_mode_is_shown(mode: str, size: tuple[int, int]) -> None:
    """Whatever a file holds comes out as RGB or RGBA, in one piece or strip by strip."""
    try:
        image = scene(size).convert(mode)
    except ValueError:
        image = Image.new(mode, size)
    shown = rendering.to_srgb(rendering.shrink(image, 32), b"")
    assert shown.mode in ("RGB", "RGBA")
    assert shown.size == ((32, 21) if size == (96, 64) else (32, 26))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_strips_leave_no_seam(mode: str) -> None:
    """A large picture that is converted strip by strip looks like one that is shrunk at once."""
    image = scene((2600, 2100)).convert(mode)
    shown = small(inspect_here(encoded(image, compress_level=1))).convert("RGB")
    expected = image.convert("RGB").resize(shown.size, Image.Resampling.BOX)
    assert max(abs(a - b) for a, b in zip(shown.tobytes(), expected.tobytes(), strict=True)) < 24


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    """Medium grey of 65,535 levels is medium grey of 255."""
    for size in ((8, 8), (2600, 2100)):
        found = inspect_here(encoded(Image.new("I;16", size, 32768), compress_level=1))
        assert near(pixel(small(found)), (128, 128, 128))


def test_transparency_is_kept() -> None:
    """Of a palette, of a grey level (tRNS), and of RGBA, without colours that bleed."""
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 250, 120, 10])
    assert pixel(rendering.shown_mode(palette)) == (250, 120, 10)
    palette.info["transparency"] = 1
    assert pixel(rendering.shown_mode(palette)) == (250, 120, 10, 0)
    grey = Image.new("L", (4, 4), 9)
    grey.info["transparency"] = 9
    assert pixel(rendering.to_srgb(rendering.shown_mode(grey), b""))[3] == 0
    image = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 31, 64))
    red, green, *_ = pixel(rendering.shrink(image, 8), (3, 4))
    assert red > 240
    assert green < 15


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("padding", [0, 100_000])
def test_the_colour_profile_is_honoured(kind: str, padding: int) -> None:
    """PNG packs it, JPEG splits it, WebP keeps it as it is; a space with red and green exchanged shows red as green."""
    found = inspect_here(encoded(Image.new("RGB", (64, 64), "red"), kind, icc_profile=SWAPPED + bytes(padding)))
    assert near(pixel(small(found), (5, 5)), (0, 255, 0), 20)


def test_a_wide_gamut_is_converted() -> None:
    """A red of Display P3 is a stronger red in the numbers of sRGB; alpha goes through untouched."""
    red, green, blue = pixel(rendering.to_srgb(Image.new("RGB", (4, 4), (200, 100, 50)), DISPLAY_P3))
    assert (red > 205, green < 100, blue < 45) == (True, True, True)
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 100))
    assert near(pixel(rendering.to_srgb(image, SWAPPED)), (0, 255, 0, 100), 12)


@pytest.mark.parametrize("profile", [b"nonsense", SWAPPED[:200], b"x" * 5_000_000])
def test_a_damaged_profile_is_ignored(profile: bytes) -> None:
    """Colours that cannot be converted stay as they are."""
    found = inspect_here(encoded(Image.new("RGB", (4, 4), "red"), "JPEG", icc_profile=profile, quality=95))
    assert near(pixel(small(found)), (255, 0, 0), 6)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_profile_of_other_space_ignored(mode: str) -> None:
    """An RGB profile in a grey or CMYK file does no harm, and neither does none."""
    white = Image.new("RGB", (4, 4), "white").convert(mode)
    for profile in (SWAPPED, b""):
        assert near(pixel(small(inspect_here(encoded(white, "JPEG", icc_profile=profile)))), (255, 255, 255))


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "red"), (2, "lime"), (3, "white"), (4, "blue"), (5, "red"), (6, "blue"), (7, "white"), (8, "lime")],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_pictures_are_turned_upright(orientation: int, corner: str, order: str) -> None:
    """Each of the eight orientations brings its own corner to the upper left, in size and renditions."""
    found = inspect_here(encoded(scene((60, 40)), "JPEG", exif=exif(orientation, order=order), quality=95))
    assert (found.width, found.height) == small(found).size == ((60, 40) if orientation < 5 else (40, 60))
    assert near(pixel(small(found)), colour(corner), 40)
