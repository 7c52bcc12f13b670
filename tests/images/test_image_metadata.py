"""Texts, orientation and colour profile of image files, without Pillow."""

from __future__ import annotations

import io
import warnings
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dreambooth_widget.images.image_layout import read_layout
from dreambooth_widget.images.image_metadata import Metadata, read_metadata
from dreambooth_widget.images.sniff import identify

from ..image_files import SWAPPED, chunk, encoded, exif, plain_png, scene, text_png, with_chunks


def read(data: bytes) -> Metadata:
    """The metadata of a whole file."""
    return read_metadata(data, read_layout(data, identify(data)))


def test_text_chunks_of_all_three_kinds() -> None:
    """tEXt, zTXt and iTXt give the same texts that Pillow reads."""
    texts = {"prompt": "a dog", "notes": "z:" + "packed " * 50, "Title": "犬と海 🐕"}
    assert read(text_png(**texts)).text == texts


def test_text_behind_the_pixels_is_found() -> None:
    """Some writers put text chunks at the end."""
    data = plain_png(4, 4)
    assert read(data[:-12] + chunk(b"tEXt", b"seed\x0042") + data[-12:]).text == {"seed": "42"}


def test_international_text_that_is_compressed() -> None:
    """iTXt has a compression of its own."""
    content = b"prompt\0\1\0en\0\0" + zlib.compress(b"ein Hund")
    assert read(with_chunks(plain_png(4, 4), chunk(b"iTXt", content))).text == {"prompt": "ein Hund"}


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"])
@pytest.mark.parametrize("content", [b"", b"\0", b"a", b"a\0", b"a\0\1\0", b"a\0\0garbage", b"\0" * 300])
def test_damaged_chunks_cost_nothing_else(kind: bytes, content: bytes) -> None:
    """A chunk that cannot be read is left out, the next one is read."""
    data = with_chunks(plain_png(4, 4), chunk(kind, content), chunk(b"tEXt", b"seed\x0042"))
    assert read(data).text["seed"] == "42"


def test_bombs_of_text_stay_small() -> None:
    """A megabyte-sized text and one that unpacks to a gigabyte keep 65,536 characters."""
    bomb = b"a\0\0" + zlib.compress(bytes(50_000_000), 9)
    data = with_chunks(plain_png(4, 4), chunk(b"zTXt", bomb), chunk(b"tEXt", b"b\0" + b"x" * 3_000_000))
    text = read(data).text
    assert len(text["a"]) <= 65_536
    assert len(text["b"]) == 65_536


def test_comments_of_jpeg_and_gif() -> None:
    """Their one text is called "Comment"."""
    assert read(encoded(scene(), "JPEG", comment="grüß Gott")).text == {"Comment": "grüß Gott"}
    long = b"seed: 7 " * 100
    assert read(encoded(scene(), "GIF", comment=long)).text["Comment"].encode() == long


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_exif_is_found_in_every_format(kind: str) -> None:
    """PNG, JPEG and WebP keep the block in three places."""
    block = exif(6, b"ASCII\0\0\0a dog")
    metadata = read(encoded(scene(), kind, exif=block))
    assert (metadata.orientation, metadata.text) == (6, {"UserComment": "a dog"})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_colour_profile_is_found_in_every_format(kind: str) -> None:
    """PNG packs it, JPEG splits it, WebP keeps it as it is."""
    large = SWAPPED + bytes(100_000)
    for profile in (SWAPPED, large):
        assert read(encoded(scene(), kind, icc_profile=profile)).profile == profile


def test_damaged_exif_warns_nobody() -> None:
    """Pillow's own reader warns on the console about such blocks; ours is quiet, and upright."""
    block = exif(6, b"ASCII\0\0\0a dog")[:40]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(encoded(scene(), "JPEG", exif=block)).orientation == 6


@given(st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"]), st.binary())
def test_any_chunk_gives_metadata(kind: bytes, content: bytes) -> None:
    """Nothing in a chunk raises, and all texts are strings."""
    metadata = read(with_chunks(plain_png(2, 2), chunk(kind, content)))
    assert all(isinstance(part, str) for pair in metadata.text.items() for part in pair)
    assert 1 <= metadata.orientation <= 8


def test_a_profile_is_bounded() -> None:
    """A profile chunk that unpacks without end stops at four mebibytes."""
    content = b"p\0\0" + zlib.compress(bytes(40_000_000), 9)
    assert len(read(with_chunks(plain_png(2, 2), chunk(b"iCCP", content))).profile) <= 4 << 20


def test_pillow_agrees_about_real_files() -> None:
    """Pillow reads the same texts from the same file."""
    data = text_png(prompt="a dog", seed="42", Title="犬")
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert {key: str(value) for key, value in image.text.items()} == read(data).text  # type: ignore[attr-defined]
