"""What the worker makes of a file: verdict, size, texts, and renditions as a screen shows them."""

from __future__ import annotations

import io
import os
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, PngImagePlugin

from dreambooth_widget.images import decoding, rendering
from dreambooth_widget.images.decoding import quiet_pillow
from dreambooth_widget.images.inspection import Inspection, Kind
from dreambooth_widget.images.sniff import ImageFormat, PictureRefusedError
from dreambooth_widget.images.worker import inspect, inspect_here

from ..image_files import (
    DISPLAY_P3,
    FORMATS,
    SWAPPED,
    announcing,
    chunk,
    encoded,
    exif,
    noise,
    plain_png,
    scene,
    text_png,
    with_chunks,
)

LIMIT = 50_000_000
MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "I", "F", "I;16", "PA", "La", "RGBa", "LAB")


def look(data: bytes) -> Inspection:
    """Inspect with a limit of 50 megapixels."""
    return inspect_here(data, max_pixels=LIMIT)


def small(found: Inspection, kind: Kind = "preview") -> Image.Image:
    """Return a rendition, decoded."""
    return Image.open(io.BytesIO(found.renditions[kind].data))


def pixel(image: Image.Image, at: tuple[int, int] = (0, 0)) -> tuple[int, ...]:
    """Return one pixel, always as a tuple."""
    value = image.getpixel(at)
    return value if isinstance(value, tuple) else (value,)  # type: ignore[return-value]


def near(found: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 3) -> bool:
    """Tell whether two colours are the same to the eye."""
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


def colour(name: str) -> tuple[int, ...]:
    """Return a colour by its name."""
    return pixel(Image.new("RGB", (1, 1), name))


# -- the verdict ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (300, 7), (5, 640)])
@pytest.mark.parametrize("kind", FORMATS)
def test_format_and_size_are_found(kind: ImageFormat, size: tuple[int, int]) -> None:
    """They come from the bytes, in every format."""
    found = look(encoded(scene(size), kind))
    assert (found.format, found.width, found.height) == (kind, *size)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0"}], ids=["VP8", "VP8L", "VP8X"])
def test_all_kinds_of_webp(options: dict[str, object]) -> None:
    """Lossy, lossless and extended files are pictures."""
    assert look(encoded(scene((301, 47)), "WEBP", **options)).width == 301


def test_progressive_jpeg_is_a_picture() -> None:
    """Its pixels come in several scans."""
    assert look(encoded(scene((301, 47)), "JPEG", progressive=True)).height == 47


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_too_many_pixels_are_refused(kind: ImageFormat) -> None:
    """A header that announces more than the limit is all that is read; the reason says how to raise the limit."""
    reason = r"240 megapixels are more than the 50 allowed: Client\(max_pixels=…\) allows more"
    with pytest.raises(PictureRefusedError, match=reason):
        look(announcing(kind, 16_000, 15_000))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])  # a JPEG that ends early is filled up by every decoder
def test_lies_about_the_size_are_refused(kind: ImageFormat) -> None:
    """A header that announces more pixels than the file has is not believed."""
    with pytest.raises(PictureRefusedError):
        look(announcing(kind, 2000, 1000))


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_file_is_truncated(kind: ImageFormat) -> None:
    """No half picture passes for a whole one, and a later download may bring the whole."""
    data = encoded(noise((300, 300), "L" if kind == "GIF" else "RGB"), kind)
    with pytest.raises(PictureRefusedError) as refused:
        look(data[: len(data) // 2])
    assert "truncated" in str(refused.value) or kind in ("WEBP", "AVIF")  # whose libraries do not say so
    assert refused.value.early


def test_a_png_without_its_last_chunk_is_a_picture() -> None:
    """All pixels are there, and Pillow and browsers show it."""
    data = encoded(scene())
    assert look(data[:-12]).width == 96


def test_damage_behind_the_end_is_ignored() -> None:
    """Some hosts append bytes to JPEG and PNG files."""
    for kind in ("JPEG", "PNG"):
        assert look(encoded(scene(), kind) + os.urandom(500)).width == 96


@pytest.mark.parametrize("kind", FORMATS)
def test_nonsense_between_head_and_tail(kind: ImageFormat) -> None:
    """A file with nonsense in its middle is refused or decoded, and raises nothing else."""
    data = bytearray(encoded(noise((60, 40), "L" if kind == "GIF" else "RGB"), kind))
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    try:
        look(bytes(data))
        refused = False
    except PictureRefusedError:
        refused = True
    assert refused or kind != "PNG"  # the other formats have no checksum


def test_no_pixels_are_refused() -> None:
    """A picture of no width is none."""
    for kind in ("PNG", "JPEG", "GIF"):
        data = announcing(kind, 0, 5)
        with pytest.raises(PictureRefusedError):
            look(data[:6] + bytes(4) + data[10:] if kind == "GIF" else data)


def test_old_pillow_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """AVIF is read by Pillow from 11.3 on, and an older one says so."""
    data = encoded(scene(), "AVIF")
    monkeypatch.delitem(decoding.READERS, "AVIF")
    with pytest.raises(PictureRefusedError, match=r"AVIF.*11\.3.*open its link"):
        look(data)


def test_animations_are_their_first_frame() -> None:
    """GIF, WebP, PNG and AVIF animations are pictures of their first moment."""
    frames = [Image.new("RGB", (40, 30), name) for name in ("red", "blue", "lime")]
    for kind in ("GIF", "WEBP", "PNG", "AVIF"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        assert near(pixel(small(look(data)).convert("RGB"), (5, 5)), (255, 0, 0), 20)


def test_a_broken_animation_header_costs_nothing() -> None:
    """The first picture is fine."""
    assert look(with_chunks(plain_png(8, 8), chunk(b"acTL", bytes(8)))).width == 8


# -- texts ---------------------------------------------------------------------------------------------------------


def test_text_chunks_of_all_three_kinds() -> None:
    """tEXt, zTXt and iTXt, in front of the pixels and behind them."""
    texts = {"prompt": "a dog", "notes": "z:" + "packed " * 50, "Title": "犬と海 🐕"}
    assert look(text_png(**texts)).text == texts
    data = plain_png(4, 4)
    assert look(data[:-12] + chunk(b"tEXt", b"seed\x0042") + data[-12:]).text == {"seed": "42"}
    packed = chunk(b"iTXt", b"prompt\0\1\0en\0\0" + zlib.compress(b"ein Hund"))
    assert look(with_chunks(plain_png(4, 4), packed)).text == {"prompt": "ein Hund"}


def test_comments_of_jpeg_and_gif() -> None:
    """Their one text is called "Comment"."""
    assert look(encoded(scene(), "JPEG", comment="grüß Gott")).text == {"Comment": "grüß Gott"}
    long = b"seed: 7 " * 100
    assert look(encoded(scene(), "GIF", comment=long)).text["Comment"].encode() == long


def test_texts_are_described_once() -> None:
    """Prompt and seed are found here, under our names for them."""
    assert look(text_png(Prompt="a dog", seed="42")).facts == {"prompt": "a dog", "seed": "42"}


def test_texts_are_bounded_in_number_and_size() -> None:
    """64 texts of 65,536 characters, 262,144 in all."""
    info = PngImagePlugin.PngInfo()
    for number in range(200):
        info.add_text(f"key {number}", "x" * 100_000)
    text = look(encoded(scene(), pnginfo=info)).text
    assert len(text) == 64
    assert len(text["key 0"]) == 65_536
    assert sum(map(len, text.values())) <= 1 << 18


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
@pytest.mark.parametrize("content", [b"a\0\0" + zlib.compress(bytes(9_000_000)), b"a\0\1x", b"a", b"", b"\0"])
@pytest.mark.parametrize("behind", [False, True], ids=["in front", "behind"])
def test_metadata_that_pillow_refuses(name: bytes, content: bytes, behind: bool) -> None:
    """Pillow gives up on a text that unpacks to more than a mebibyte; the pixels are fine."""
    plain = encoded(scene(), exif=exif(6))
    data = plain[:-12] + chunk(name, content) + plain[-12:] if behind else with_chunks(plain, chunk(name, content))
    found = look(data)
    assert (found.width, found.height) == (64, 96)


@pytest.mark.parametrize(
    "raw",
    [
        b"ASCII\0\0\0a dog, Steps: 20",
        b"\0" * 8 + b"a dog, Steps: 20\0\0",
        b"UNICODE\0" + "a dog, Steps: 20".encode("utf-16-le"),
        b"UNICODE\0" + "a dog, Steps: 20".encode("utf-16-be"),
        b"a dog, Steps: 20",
    ],
    ids=["ASCII", "undefined", "UTF-16 LE", "UTF-16 BE", "no code"],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_user_comment_in_each_encoding(raw: bytes, order: str) -> None:
    """Image generators keep prompt and seed in it where PNG has text chunks."""
    found = look(encoded(scene(), "JPEG", exif=exif(1, raw, order=order)))
    assert found.text == {"UserComment": "a dog, Steps: 20"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_exif_is_found_in_every_format(kind: str) -> None:
    """Each keeps the block in a place of its own."""
    found = look(encoded(scene(), kind, exif=exif(6, b"ASCII\0\0\0a dog")))
    assert (found.width, found.height) == ((64, 96) if kind != "AVIF" else (found.width, found.height))
    assert found.text == {"UserComment": "a dog"}


# -- renditions ----------------------------------------------------------------------------------------------------


def test_thumbnail_and_preview() -> None:
    """WebP of 384 pixels, JPEG of 1024; WebP where something shines through. Light, and without metadata."""
    glass = noise((1200, 900), "RGBA")
    for image, mime, mode in ((glass.convert("RGB"), "image/jpeg", "RGB"), (glass, "image/webp", "RGBA")):
        found = look(encoded(image))
        assert (small(found, "thumbnail").size, small(found, "thumbnail").mode) == ((384, 288), mode)
        assert (small(found).size, small(found).mode) == ((1024, 768), mode)
        assert [each.mime for each in found.renditions.values()] == ["image/webp", mime]
        assert len(found.renditions["thumbnail"].data) < (64_000 if mode == "RGB" else 160_000)
    secret = look(encoded(scene(), "JPEG", exif=exif(1, b"ASCII\0\0\0secret"), comment="secret", icc_profile=SWAPPED))
    for each in secret.renditions.values():
        assert b"secret" not in each.data
        assert "icc_profile" not in Image.open(io.BytesIO(each.data)).info


def test_renditions_are_never_enlarged() -> None:
    """A small picture stays small, and a strip does not vanish."""
    found = look(encoded(scene((20, 10))))
    assert small(found).size == small(found, "thumbnail").size == (20, 10)
    assert small(look(encoded(scene((9000, 3)))), "thumbnail").size == (384, 1)
    assert small(look(encoded(scene((9000, 20)), "JPEG"))).size == (1024, 2)


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
    shown = small(look(encoded(image, compress_level=1))).convert("RGB")
    expected = image.convert("RGB").resize(shown.size, Image.Resampling.BOX)
    assert max(abs(a - b) for a, b in zip(shown.tobytes(), expected.tobytes(), strict=True)) < 24


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    """Medium grey of 65,535 levels is medium grey of 255."""
    for size in ((8, 8), (2600, 2100)):
        found = look(encoded(Image.new("I;16", size, 32768), compress_level=1))
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
    found = look(encoded(Image.new("RGB", (64, 64), "red"), kind, icc_profile=SWAPPED + bytes(padding)))
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
    found = look(encoded(Image.new("RGB", (4, 4), "red"), "JPEG", icc_profile=profile, quality=95))
    assert near(pixel(small(found)), (255, 0, 0), 6)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_another_kind_is_ignored(mode: str) -> None:
    """An RGB profile in a grey or CMYK file does no harm, and neither does none."""
    white = Image.new("RGB", (4, 4), "white").convert(mode)
    for profile in (SWAPPED, b""):
        assert near(pixel(small(look(encoded(white, "JPEG", icc_profile=profile)))), (255, 255, 255))


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "red"), (2, "lime"), (3, "white"), (4, "blue"), (5, "red"), (6, "blue"), (7, "white"), (8, "lime")],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_pictures_are_turned_upright(orientation: int, corner: str, order: str) -> None:
    """Each of the eight orientations brings its own corner to the upper left, in size and renditions."""
    found = look(encoded(scene((60, 40)), "JPEG", exif=exif(orientation, order=order), quality=95))
    assert (found.width, found.height) == small(found).size == ((60, 40) if orientation < 5 else (40, 60))
    assert near(pixel(small(found)), colour(corner), 40)


@pytest.mark.parametrize("block", [exif(0), exif(9), exif(6)[:20], b"Exif\0\0" + b"nonsense" * 9, b"Exif\0\0II*\0"])
def test_damaged_orientation_is_upright(block: bytes) -> None:
    """A damaged block, or a value that is none, turns nothing and costs nothing."""
    assert look(encoded(scene(), "JPEG", exif=block)).width == 96


def test_a_cut_block_still_turns() -> None:
    """Pillow reads the orientation of a block whose end is missing."""
    assert look(encoded(scene(), "JPEG", exif=exif(6, b"ASCII\0\0\0a dog")[:40])).width == 64


# -- nothing else --------------------------------------------------------------------------------------------------


def test_pillows_globals_are_left_alone() -> None:
    """In a thread of the kernel the settings are the user's."""
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK
    with quiet_pillow, quiet_pillow:
        inspect(encoded(scene((2300, 1900))), max_pixels=LIMIT)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK)


def test_the_users_settings_let_no_half_picture_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """`LOAD_TRUNCATED_IMAGES` of the notebook fills up half a file with grey; not one of ours."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for kind in ("PNG", "JPEG"):
        data = encoded(noise((300, 300)), kind)
        with pytest.raises(PictureRefusedError, match="truncated"):
            look(data[: len(data) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FORMATS), st.integers(0, 3000), st.binary(min_size=1, max_size=6), st.booleans())
def test_damaged_files_give_a_picture_or_a_refusal(kind: ImageFormat, at: int, patch: bytes, insert: bool) -> None:
    """Bytes exchanged or inserted anywhere in a real file raise nothing but a refusal with a reason."""
    data = encoded(noise((24, 24), "L"), kind) if kind == "GIF" else encoded(noise((24, 24)), kind, exif=exif(6))
    at %= len(data)
    check(data[:at] + patch + data[at + (0 if insert else len(patch)) :])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_picture_or_a_refusal(data: bytes) -> None:
    """Behind the first bytes of each format, too."""
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF....WEBPVP8 ", b"\0\0\0 ftypavif"):
        check(start + data)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"acTL", b"fcTL"]), st.binary())
def test_any_chunk_costs_no_picture(kind: bytes, content: bytes) -> None:
    """Nothing in a chunk of metadata raises, and all texts are strings."""
    found = look(with_chunks(plain_png(2, 2), chunk(kind, content)))
    assert all(isinstance(part, str) for pair in found.text.items() for part in pair)


def check(data: bytes) -> None:
    """Inspect, and unpack what was found."""
    try:
        found = inspect_here(data, max_pixels=1_000_000)
    except PictureRefusedError as refused:
        assert str(refused)  # noqa: PT017 - both ways out are right
    else:
        assert Inspection.unpack(found.pack()) == found
