"""`Picture`, and what can be done with one."""

from __future__ import annotations

import io
import pickle
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image

from dreambooth_widget.images.picture import Picture, contact_sheet, small_image
from dreambooth_widget.images.sniff import EXTENSIONS, ImageFormat

from ..image_files import SWAPPED, chunk, encoded, exif, noise, read_picture, scene, text_png, with_chunks

LIMIT = 50_000_000


def read(data: bytes, index: int = 0) -> Picture:
    """Return the picture in `data`."""
    return read_picture(data, index=index, url="https://example.org/1.png?signature=secret", max_pixels=LIMIT)


@pytest.mark.parametrize(("kind", "extension"), EXTENSIONS.items())
def test_a_picture_of_each_format(kind: ImageFormat, extension: str) -> None:
    """Format, type and name ending come from the bytes, which stay as they are."""
    data = encoded(scene(), kind)
    picture = read(data, 3)
    assert (picture.index, picture.format, picture.extension) == (3, kind, extension)
    assert picture.mime == f"image/{kind.lower()}"
    assert (picture.width, picture.height) == (96, 64)
    assert picture.data is data


def test_repr_shows_no_link() -> None:
    """A signed link is a bearer token, and a megabyte of bytes helps nobody."""
    words = repr(read(encoded(scene())))
    assert "secret" not in words
    assert "\\x" not in words
    assert "96" in words


def test_pictures_are_equal_by_bytes() -> None:
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


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_orientation_is_honoured(kind: ImageFormat, turn: int) -> None:
    """Size, decoded image and renditions are those of the upright picture."""
    picture = read(encoded(scene(), kind, exif=exif(turn)))
    wanted = (64, 96) if turn in (6, 8) else (96, 64)
    assert (picture.width, picture.height) == picture.image.size == wanted
    assert small_image(picture, 48).size == (wanted[0] // 2, wanted[1] // 2)
    corner = Image.new("RGB", (1, 1), {1: "red", 3: "white", 6: "blue", 8: "lime"}[turn]).getpixel((0, 0))
    for image in (picture.image.convert("RGB"), small_image(picture, 96)):
        difference = [abs(a - b) for a, b in zip(image.getpixel((0, 0)), corner, strict=True)]  # type: ignore[arg-type]
        assert max(difference) < 40


def test_turned_image_stays_upright() -> None:
    """Who applies the EXIF of `picture.image` once more finds nothing to do."""
    image = read(encoded(scene(), "JPEG", exif=exif(6))).image
    assert image.getexif().get(0x0112, 1) == 1


def test_the_image_is_fresh_each_time() -> None:
    """Drawing on one leaves the next one clean."""
    picture = read(encoded(scene()))
    picture.image.paste("black", (0, 0, 96, 64))
    assert picture.image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("limit", [100, None])
def test_the_users_settings_change_nothing(limit: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`image` opens what the worker found good and warns about nothing, with a low Image.MAX_IMAGE_PIXELS too."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    damaged = exif(1, b"ASCII\0\0\0a dog")[:40]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files = [encoded(scene((300, 200)), kind, exif=damaged) for kind in EXTENSIONS]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in files:
            assert read(data).image.size == (300, 200)
        assert read(with_chunks(encoded(scene()), chunk(b"acTL", bytes(8)))).image.size == (96, 64)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_refused_metadata_costs_no_image() -> None:
    """Pillow fails on a text that unpacks to more than a megabyte, and on a profile that does; the pixels are fine."""
    for content in (b"a\0\0" + zlib.compress(bytes(9_000_000)), b"a\0\1x"):
        for name in (b"zTXt", b"iCCP"):
            picture = read(with_chunks(encoded(scene()), chunk(name, content)))
            assert picture.image.tobytes() == scene().tobytes()


def test_renditions_are_read_not_made() -> None:
    """A picture that was made by hand has none."""
    picture = read(encoded(noise((900, 300))))
    with Image.open(io.BytesIO(picture.rendition("thumbnail").data)) as image:
        assert (image.format, image.size) == ("WEBP", (384, 128))
    with pytest.raises(LookupError, match="by hand"):
        Picture(0, "", encoded(scene()), "PNG", 96, 64).rendition("thumbnail")


def test_small_images_are_rgb_on_white() -> None:
    """In any size, from the rendition that is large enough, in sRGB; of a picture made by hand too."""
    glass = encoded(Image.new("RGBA", (1600, 1600), (255, 0, 0, 0)))
    for picture in (read(glass), Picture(0, "", glass, "PNG", 1600, 1600)):
        for edge in (100, 384, 500, 1024, 1500):
            image = small_image(picture, edge)
            assert (image.mode, image.size, image.getpixel((5, 5))) == ("RGB", (edge, edge), (255, 255, 255))
    swapped = read(encoded(Image.new("RGB", (64, 64), "red"), icc_profile=SWAPPED))
    red, green, _ = small_image(swapped, 64).getpixel((5, 5))  # type: ignore[misc]
    assert (red < 12, green > 243) == (True, True)


@pytest.mark.parametrize(("count", "size"), [(1, (272, 272)), (4, (536, 536)), (5, (800, 536))])
def test_contact_sheet_shows_all(count: int, size: tuple[int, int]) -> None:
    """As square as it goes, with a gap of 8 pixels around each tile of 256."""
    sheet = contact_sheet([read(encoded(scene()), n) for n in range(count)])
    assert sheet.size == size
    assert sheet.getpixel((0, 0)) == (255, 255, 255)
    across = size[0] // 264
    for n in range(count):  # the corner of each picture of 96 × 64 in its tile
        assert sheet.getpixel((8 + n % across * 264 + 80 + 2, 8 + n // across * 264 + 96 + 2)) != (255, 255, 255)


def test_contact_sheet_of_nothing_raises() -> None:
    """It would have no size."""
    with pytest.raises(ValueError, match="no pictures"):
        contact_sheet([])


def test_save_writes_the_original_bytes(tmp_path: Path) -> None:
    """Not a re-encoding: the very bytes."""
    picture = read(text_png(seed="42"))
    assert picture.save(tmp_path / "a.png") == tmp_path / "a.png"
    assert (tmp_path / "a.png").read_bytes() == picture.data


def test_picture_goes_to_another_process() -> None:
    """Pickling keeps what it is."""
    picture = Picture(0, "", encoded(scene()), "PNG", 96, 64, {"seed": "1"})
    again = pickle.loads(pickle.dumps(picture))
    assert (again, again.text, again.digest) == (picture, {"seed": "1"}, picture.digest)


def test_signature_of_link_stays_behind() -> None:
    """A pickle may go anywhere, and a signed link is a bearer token; the picture here keeps it."""
    picture = read(text_png())
    pickled = pickle.dumps(picture)
    assert b"secret" not in pickled
    assert pickle.loads(pickled).url == "https://example.org/1.png"
    assert picture.url.endswith("?signature=secret")


def test_size_known_without_bytes() -> None:
    """Sums over a thousand pictures on disk read none of them."""
    picture = read(text_png())
    size = len(picture.data)
    picture.original.move_to(Path("/nowhere/at/all"), None)
    assert picture.nbytes == size
    assert picture == read(text_png())
    with pytest.raises(FileNotFoundError):
        _ = picture.image


def test_a_copy_keeps_its_renditions() -> None:
    """In another process, too, it is shown without being decoded."""
    picture = read(text_png(prompt="a dog"))
    again = pickle.loads(pickle.dumps(picture))
    assert again.rendition("preview") == picture.rendition("preview")
    assert again.facts == {"prompt": "a dog"}


def test_handmade_picture_has_facts() -> None:
    """They are read from its texts."""
    assert Picture(0, "", b"", "PNG", 1, 1, {"Seed": "42"}).facts == {"seed": "42"}
