"""What Pillow reads, without what its user has set: texts, EXIF blocks, and pixels behind damaged metadata."""

from __future__ import annotations

import zlib

import pytest
from PIL import Image, ImageFile, PngImagePlugin

from dreambooth_widget.images.decoding import quiet_pillow
from dreambooth_widget.images.sniff import PictureRefusedError
from dreambooth_widget.images.worker import inspect

from ..image_files import chunk, encoded, exif, inspect_here, noise, plain_png, scene, text_png, with_chunks


def test_text_chunks_of_all_three_kinds() -> None:
    """tEXt, zTXt and iTXt, in front of the pixels and behind them."""
    texts = {"prompt": "a dog", "notes": "z:" + "packed " * 50, "Title": "犬と海 🐕"}
    assert inspect_here(text_png(**texts)).text == texts
    data = plain_png(4, 4)
    assert inspect_here(data[:-12] + chunk(b"tEXt", b"seed\x0042") + data[-12:]).text == {"seed": "42"}
    packed = chunk(b"iTXt", b"prompt\0\1\0en\0\0" + zlib.compress(b"ein Hund"))
    assert inspect_here(with_chunks(plain_png(4, 4), packed)).text == {"prompt": "ein Hund"}


def test_comments_of_jpeg_and_gif() -> None:
    """Their one text is called "Comment"."""
    assert inspect_here(encoded(scene(), "JPEG", comment="grüß Gott")).text == {"Comment": "grüß Gott"}
    long = b"seed: 7 " * 100
    assert inspect_here(encoded(scene(), "GIF", comment=long)).text["Comment"].encode() == long


def test_texts_are_described_once() -> None:
    """Prompt and seed are found here, under our names for them."""
    assert inspect_here(text_png(Prompt="a dog", seed="42")).facts == {"prompt": "a dog", "seed": "42"}


def test_texts_are_bounded() -> None:
    """64 texts of 65,536 characters, 262,144 in all."""
    info = PngImagePlugin.PngInfo()
    for number in range(200):
        info.add_text(f"key {number}", "x" * 100_000)
    text = inspect_here(encoded(scene(), pnginfo=info)).text
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
    found = inspect_here(data)
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
    found = inspect_here(encoded(scene(), "JPEG", exif=exif(1, raw, order=order)))
    assert found.text == {"UserComment": "a dog, Steps: 20"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_exif_is_found_in_every_format(kind: str) -> None:
    """Each keeps the block in a place of its own."""
    found = inspect_here(encoded(scene(), kind, exif=exif(6, b"ASCII\0\0\0a dog")))
    assert (found.width, found.height) == ((64, 96) if kind != "AVIF" else (found.width, found.height))
    assert found.text == {"UserComment": "a dog"}


@pytest.mark.parametrize("block", [exif(0), exif(9), exif(6)[:20], b"Exif\0\0" + b"nonsense" * 9, b"Exif\0\0II*\0"])
def test_damaged_orientation_is_upright(block: bytes) -> None:
    """A damaged block, or a value that is none, turns nothing and costs nothing."""
    assert inspect_here(encoded(scene(), "JPEG", exif=block)).width == 96


def test_a_cut_block_still_turns() -> None:
    """Pillow reads the orientation of a block whose end is missing."""
    assert inspect_here(encoded(scene(), "JPEG", exif=exif(6, b"ASCII\0\0\0a dog")[:40])).width == 64


def test_pillows_globals_are_left_alone() -> None:
    """In a thread of the kernel the settings are the user's."""
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK
    with quiet_pillow, quiet_pillow:
        inspect(encoded(scene((2300, 1900))), max_pixels=10**8)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK)


def test_user_settings_pass_no_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """`LOAD_TRUNCATED_IMAGES` of the notebook fills up half a file with grey; not one of ours."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for kind in ("PNG", "JPEG"):
        data = encoded(noise((300, 300)), kind)
        with pytest.raises(PictureRefusedError, match="truncated"):
            inspect_here(data[: len(data) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES
