"""From untrusted bytes to a `Picture`, and what can be done with one."""

from __future__ import annotations

import io
import pickle
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dreambooth_widget.images.picture import (
    Picture,
    PictureRefusedError,
    contact_sheet,
    read_picture,
    shrink,
    thumbnail,
)
from dreambooth_widget.images.sniff import ImageFormat

from ..image_files import (
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


def read(data: bytes, index: int = 0) -> Picture:
    """The picture in `data`."""
    return read_picture(data, index=index, url="https://example.org/1.png?signature=secret", max_pixels=LIMIT)


@pytest.mark.parametrize(
    ("kind", "mime", "extension"),
    [
        ("PNG", "image/png", "png"),
        ("JPEG", "image/jpeg", "jpg"),
        ("WEBP", "image/webp", "webp"),
        ("GIF", "image/gif", "gif"),
    ],
)
def test_a_picture_of_each_format(kind: ImageFormat, mime: str, extension: str) -> None:
    """Format, type and name ending come from the bytes, which stay as they are."""
    data = encoded(scene(), kind)
    picture = read(data, 3)
    assert (picture.index, picture.format, picture.mime, picture.extension) == (3, kind, mime, extension)
    assert (picture.width, picture.height) == (96, 64)
    assert picture.data is data


def test_the_repr_shows_no_link_and_no_bytes() -> None:
    """A signed link is a bearer token, and a megabyte of bytes helps nobody."""
    words = repr(read(encoded(scene())))
    assert "secret" not in words
    assert "\\x" not in words
    assert "96" in words


def test_pictures_are_equal_when_their_bytes_are() -> None:
    """The same file from two links is the same picture, and has one digest."""
    data = encoded(scene())
    one, same, other = read(data), read(bytes(bytearray(data)), 7), read(encoded(scene((96, 65))))
    assert one == same
    assert one != other
    assert one != data
    assert len({one, same, other}) == 2
    assert len(one.digest) == 16


def test_a_picture_is_frozen() -> None:
    """Its fields cannot be changed behind the gallery's back."""
    with pytest.raises(AttributeError):
        read(encoded(scene())).width = 1  # type: ignore[misc]


def test_text_chunks_are_kept() -> None:
    """Seed and prompt are read, and the original bytes hold them untouched."""
    picture = read(text_png(prompt="a dog", seed="42"))
    assert dict(picture.text) == {"prompt": "a dog", "seed": "42"}
    assert picture.image.info["prompt"] == "a dog"
    with pytest.raises(TypeError):
        picture.text["seed"] = "1"  # type: ignore[index]


@pytest.mark.parametrize("kind", FORMATS)
def test_bombs_are_refused_before_decoding(kind: ImageFormat) -> None:
    """A header that announces more than `max_pixels` is all that is read."""
    size = (16_000, 15_000)
    with pytest.raises(PictureRefusedError, match="240 megapixels are more than the 50 allowed"):
        read(announcing(kind, *size))


def test_the_frame_of_a_gif_can_be_the_bomb() -> None:
    """A small screen with an enormous frame is refused as well."""
    data = announcing("GIF", 40_000, 40_000)
    with pytest.raises(PictureRefusedError, match="1600 megapixels are more than the 50 allowed"):
        read(data[:6] + b"\1\0\1\0" + data[10:])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])  # a JPEG that ends early is filled up by every decoder
def test_lies_about_the_size_are_refused(kind: ImageFormat) -> None:
    """A header that announces more pixels than the file has is not believed."""
    with pytest.raises(PictureRefusedError):
        read(announcing(kind, 2000, 1000))


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_orientation_is_honoured(kind: ImageFormat, turn: int) -> None:
    """Size, decoded image and thumbnail are those of the upright picture."""
    picture = read(encoded(scene(), kind, exif=exif(turn)))
    wanted = (64, 96) if turn in (6, 8) else (96, 64)
    assert (picture.width, picture.height) == wanted
    assert picture.image.size == wanted
    assert shrink(picture, 48).size == (wanted[0] // 2, wanted[1] // 2)
    corner = {1: "red", 3: "white", 6: "blue", 8: "lime"}[turn]
    for image in (picture.image.convert("RGB"), shrink(picture, 96)):
        difference = [
            abs(a - b)
            for a, b in zip(image.getpixel((0, 0)), Image.new("RGB", (1, 1), corner).getpixel((0, 0)), strict=True)
        ]  # type: ignore[arg-type]
        assert max(difference) < 40


def test_a_turned_image_is_not_turned_again() -> None:
    """Who applies the EXIF of `picture.image` once more finds nothing to do."""
    image = read(encoded(scene(), "JPEG", exif=exif(6))).image
    assert image.getexif().get(0x0112, 1) == 1


def test_the_image_is_fresh_each_time() -> None:
    """Drawing on one leaves the next one clean."""
    picture = read(encoded(scene()))
    picture.image.paste("black", (0, 0, 96, 64))
    assert picture.image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("format", ["WEBP", "JPEG", "PNG"])
def test_thumbnails(format: str) -> None:
    """They are at most `edge` pixels wide and high, and of the asked format."""
    with Image.open(io.BytesIO(thumbnail(read(encoded(noise((900, 300)))), 100, format=format))) as image:  # type: ignore[arg-type]
        assert (image.format, image.size) == (format, (100, 33))


def test_thumbnails_are_light() -> None:
    """384 pixels of a usual picture weigh about 20 kB, and never more than 64."""
    assert len(thumbnail(read(encoded(scene((1024, 1024)))))) < 20_000
    assert len(thumbnail(read(encoded(noise((1024, 1024)))))) < 64_000


def test_thumbnails_are_never_enlarged() -> None:
    """A small picture stays small."""
    assert shrink(read(encoded(scene((20, 10)))), 384).size == (20, 10)


def test_thumbnails_honour_the_colour_profile() -> None:
    """A profile with red and green exchanged shows in the thumbnail, and carries on no further."""
    data = thumbnail(read(encoded(Image.new("RGB", (64, 64), "red"), icc_profile=SWAPPED)), format="PNG")
    with Image.open(io.BytesIO(data)) as image:
        red, green, _ = image.getpixel((5, 5))  # type: ignore[misc]
        assert (red < 12, green > 243) == (True, True)
        assert "icc_profile" not in image.info


def test_transparency_of_thumbnails() -> None:
    """WebP keeps it, JPEG lays it on white."""
    picture = read(encoded(Image.new("RGBA", (64, 64), (255, 0, 0, 0))))
    with Image.open(io.BytesIO(thumbnail(picture))) as image:
        assert image.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]
    with Image.open(io.BytesIO(thumbnail(picture, format="JPEG"))) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


def test_thumbnails_tell_nothing() -> None:
    """No text, no EXIF, no profile goes along."""
    data = encoded(scene(), "JPEG", exif=exif(1, b"ASCII\0\0\0secret"), comment="secret")
    assert b"secret" not in thumbnail(read(data), format="JPEG")


@pytest.mark.parametrize("edge", [0, -3])
def test_an_edge_under_one_is_an_error(edge: int) -> None:
    """The caller's mistake is told as such."""
    with pytest.raises(ValueError, match="at least 1 pixel"):
        thumbnail(read(encoded(scene())), edge)


@pytest.mark.filterwarnings("default")
def test_metadata_that_pillow_refuses_costs_no_image() -> None:
    """Pillow fails on a text that unpacks to more than a megabyte, and on a profile that does; the pixels are fine."""
    for content in (b"a\0\0" + zlib.compress(bytes(9_000_000)), b"a\0\1x"):
        for name in (b"zTXt", b"iCCP"):
            picture = read(with_chunks(encoded(scene()), chunk(name, content)))
            assert picture.image.tobytes() == scene().tobytes()


def test_animations_show_their_first_frame() -> None:
    """GIF, WebP and PNG animations are pictures of their first moment, also when later frames are damaged."""
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "lime")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        red, green, blue = shrink(read(data), 40).convert("RGB").getpixel((5, 5))  # type: ignore[misc]
        assert (red > 240, green < 15, blue < 15) == (True, True, True)


@pytest.mark.filterwarnings("error")
def test_a_broken_animation_header_warns_nobody() -> None:
    """Pillow warns about it on the console; the picture is fine."""
    assert read(with_chunks(plain_png(8, 8), chunk(b"acTL", bytes(8)))).width == 8


SHEETS = [(1, None, (118, 118)), (4, None, (220, 220)), (5, None, (321, 220)), (5, 2, (220, 321)), (2, 9, (220, 118))]


@pytest.mark.parametrize(("count", "columns", "size"), SHEETS)
def test_contact_sheets(count: int, columns: int | None, size: tuple[int, int]) -> None:
    """As square as it goes, or with so many columns, with a gap around each tile."""
    gap = 100 // 32
    pictures = [read(encoded(scene()), n) for n in range(count)]
    sheet = contact_sheet(pictures, columns=columns, tile=100)
    across, down = round((sheet.width - gap) / (100 + gap)), round((sheet.height - gap) / (100 + gap))
    assert sheet.size == (across * (100 + gap) + gap, down * (100 + gap) + gap)
    assert (across, down) == tuple(round(side / 102) for side in size)
    assert sheet.getpixel((0, 0)) == (255, 255, 255)
    assert sheet.getpixel((gap + 2 + 2, gap + 18 + 2)) != (255, 255, 255)


def test_a_contact_sheet_of_nothing_is_an_error() -> None:
    """So are no columns and no pixels."""
    picture = read(encoded(scene()))
    with pytest.raises(ValueError, match="no pictures"):
        contact_sheet([])
    with pytest.raises(ValueError, match="columns"):
        contact_sheet([picture], columns=0)
    with pytest.raises(ValueError, match="tile"):
        contact_sheet([picture], tile=0)


def test_save_writes_the_original_bytes(tmp_path: Path) -> None:
    """Not a re-encoding: the very bytes."""
    picture = read(text_png(seed="42"))
    assert picture.save(tmp_path / "a.png") == tmp_path / "a.png"
    assert (tmp_path / "a.png").read_bytes() == picture.data


def test_a_picture_can_be_copied_to_another_process() -> None:
    """Pickling keeps what it is."""
    picture = Picture(0, "", encoded(scene()), "PNG", 96, 64, {"seed": "1"})
    again = pickle.loads(pickle.dumps(picture))
    assert (again, again.text, again.digest) == (picture, {"seed": "1"}, picture.digest)


def test_the_signature_of_its_link_stays_behind() -> None:
    """A pickle may go anywhere, and a signed link is a bearer token; the picture here keeps it."""
    picture = read(text_png())
    pickled = pickle.dumps(picture)
    assert b"secret" not in pickled
    assert pickle.loads(pickled).url == "https://example.org/1.png"
    assert picture.url.endswith("?signature=secret")


def test_its_size_is_known_without_its_bytes() -> None:
    """Sums over a thousand pictures on disk read none of them."""
    picture = read(text_png())
    size = len(picture.data)
    picture.original.move_to(Path("/nowhere/at/all"), None)
    assert picture.nbytes == size
    assert picture == read(text_png())
    with pytest.raises(FileNotFoundError):
        _ = picture.image


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_picture_or_a_refusal(data: bytes) -> None:
    """Nothing but a refusal ever comes out as an exception."""
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF....WEBPVP8 "):
        check(start + data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMATS), st.integers(0, 3000), st.binary(min_size=1, max_size=6), st.booleans())
def test_damaged_files_give_a_picture_or_a_refusal(kind: ImageFormat, at: int, patch: bytes, insert: bool) -> None:
    """Bytes exchanged or inserted anywhere in a real file, too; what is believed can be shown."""
    data = encoded(noise((24, 24), "L"), kind) if kind == "GIF" else encoded(noise((24, 24)), kind, exif=exif(6))
    at %= len(data)
    check(data[:at] + patch + data[at + (0 if insert else len(patch)) :])


def check(data: bytes) -> None:
    """Read, and show what was believed."""
    try:
        picture = read_picture(data, index=0, url="", max_pixels=1_000_000)
    except PictureRefusedError as refused:
        assert str(refused)  # noqa: PT017 - both ways out are right
    else:
        assert thumbnail(picture, 16)
        assert picture.image.size == (picture.width, picture.height)
