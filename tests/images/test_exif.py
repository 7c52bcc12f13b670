"""Orientation and UserComment of an EXIF block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dreambooth_widget.images.exif import orientation, user_comment

from ..image_files import exif


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [True, False])
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation(order: str, prefix: bool, value: int) -> None:
    """All eight are read, in both byte orders, with and without the JPEG prefix."""
    assert orientation(exif(value, order=order, prefix=prefix)) == value


def test_orientation_as_pillow_writes_it() -> None:
    """A block from a real writer is understood."""
    block = Image.Exif()
    block[0x0112] = 6
    assert orientation(block.tobytes()) == 6


@pytest.mark.parametrize("block", [b"", b"Exif\0\0", b"II*\0", exif(0), exif(9), exif(6)[:20], b"nonsense" * 9])
def test_nonsense_is_upright(block: bytes) -> None:
    """A damaged block, or a value that is none, turns nothing."""
    assert orientation(block) == 1


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
def test_user_comment(raw: bytes, order: str) -> None:
    """The comment is text in each of its encodings."""
    assert user_comment(exif(1, raw, order=order)) == "a dog, Steps: 20"


@given(st.binary(), st.integers(0, 80))
def test_any_block_gives_an_answer(noise: bytes, at: int) -> None:
    """Damage never raises: the picture matters more."""
    block = exif(6, b"ASCII\0\0\0hello")
    for damaged in (noise, b"II*\0" + noise, block[:at] + noise, block[:at] + noise + block[at + len(noise) :]):
        assert 1 <= orientation(damaged) <= 8
        assert isinstance(user_comment(damaged), str)
