"""Small JPEGs for the notebook file: sizes, budgets, the contact sheet."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from dreambooth_widget.images.picture import Picture
from dreambooth_widget.widget.static_images import MOST, jpeg_uri, largest_edge, sheet_uri, sizes_to_try, small_images

from ..image_files import encoded, noise, scene


def opened(text: str) -> Image.Image:
    """The JPEG in base64, decoded."""
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    assert image.format == "JPEG"
    image.load()
    return image


def test_few_pictures_are_larger() -> None:
    """The first size to try shrinks with the number; of too many there is one size."""
    assert [largest_edge(count) for count in (1, 4, 5, MOST, MOST + 1)] == [512, 384, 256, 256, 96]
    assert len(sizes_to_try(MOST + 1)) == 1


def test_thumbnail_fits_its_edge() -> None:
    """It keeps its shape, and a small one is not enlarged."""
    uri = jpeg_uri(scene((300, 150)), 96, 68)
    assert opened(uri.removeprefix("data:image/jpeg;base64,")).size == (96, 48)
    assert opened(jpeg_uri(scene((30, 15)), 96, 68).partition(",")[2]).size == (30, 15)


def test_transparency_lies_on_white() -> None:
    """In RGB, whatever the picture."""
    clear = Picture(0, "", encoded(Image.new("RGBA", (64, 64), (9, 9, 9, 0))), "PNG", 64, 64)
    (image,) = small_images([clear], 32)
    assert (image.mode, image.size, image.getpixel((5, 5))) == ("RGB", (32, 32), (255, 255, 255))


@pytest.mark.parametrize(("count", "size"), [(1, (768, 512)), (4, (608, 408)), (5, (799, 382))])
def test_sheet_mirrors_gallery_rows(count: int, size: tuple[int, int]) -> None:
    """One picture is large, several fill rows."""
    sheet = opened(sheet_uri([scene((768, 512))] * count, 10**6))
    assert abs(sheet.width - size[0]) <= 2
    assert abs(sheet.height - size[1]) <= 2


def test_sheet_keeps_its_budget() -> None:
    """With less quality; where that does not do, there is none. No more than a page of pictures."""
    images = [noise((200, 200)) for _ in range(4)]
    large, small = sheet_uri(images, 10**6), sheet_uri(images, 60_000)
    assert len(small) <= 60_000 < len(large)
    assert sheet_uri(images, 100) == sheet_uri([], 10**6) == ""
    many = opened(sheet_uri([scene((200, 200))] * 100, 10**6))
    assert many.height < 1500
