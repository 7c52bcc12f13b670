"""Size, completeness and the spans of an image file, read from its bytes."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.images.image_layout import Layout, read_layout
from dreambooth_widget.images.sniff import ImageFormat, PictureRefusedError

from ..image_files import FORMATS, announcing, chunk, encoded, plain_png, scene, with_chunks


def spans(data: bytes, layout: Layout) -> bytes:
    """The bytes that Pillow gets to see."""
    return b"".join(data[start:end] for start, end in layout.pixels)


@pytest.mark.parametrize("size", [(1, 1), (300, 7), (5, 640)])
@pytest.mark.parametrize("kind", FORMATS)
def test_sizes_are_read_from_the_header(kind: ImageFormat, size: tuple[int, int]) -> None:
    """Width and height agree with what was drawn, in every format."""
    layout = read_layout(encoded(scene(size), kind), kind)
    assert (layout.width, layout.height) == size
    assert layout.complete


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0"}], ids=["VP8", "VP8L", "VP8X"])
def test_the_three_headers_of_webp(options: dict[str, object]) -> None:
    """Lossy, lossless and extended WebP files have their sizes in three places."""
    layout = read_layout(encoded(scene((301, 47)), "WEBP", **options), "WEBP")
    assert (layout.width, layout.height) == (301, 47)


def test_a_progressive_jpeg() -> None:
    """Its size stands in another segment, and its end behind several scans."""
    data = encoded(scene((301, 47)), "JPEG", progressive=True)
    layout = read_layout(data, "JPEG")
    assert (layout.width, layout.height, layout.complete) == (301, 47, True)


def test_the_first_frame_of_a_gif_counts() -> None:
    """A frame larger than the screen announces its own size: that is what would be allocated."""
    data = bytearray(encoded(scene((16, 16)), "GIF"))
    struct.pack_into("<HH", data, 6, 1, 1)
    layout = read_layout(bytes(data), "GIF")
    assert (layout.width, layout.height) == (16, 16)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_missing_end_is_seen(kind: ImageFormat) -> None:
    """No prefix of a file passes for a whole one."""
    data = encoded(scene(), kind)
    for end in range(12 if kind == "WEBP" else 8, len(data) - 1):
        with contextlib.suppress(PictureRefusedError):
            assert not read_layout(data[:end], kind).complete


@pytest.mark.parametrize("kind", FORMATS)
def test_no_pixels_are_refused(kind: ImageFormat) -> None:
    """A picture of no width is none."""
    data = announcing(kind, 0, 5)
    if kind == "GIF":
        data = data[:6] + bytes(4) + data[10:]
    with pytest.raises(PictureRefusedError, match="no pixels"):
        read_layout(data, kind)


def test_a_gif_without_a_picture_is_refused() -> None:
    """Comments alone do not make a picture."""
    with pytest.raises(PictureRefusedError, match="without a picture"):
        read_layout(b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"!\xfe\x02hi\0;", "GIF")


def test_pillow_sees_only_what_holds_pixels() -> None:
    """Animation, text and unknown chunks of a PNG, and metadata of a JPEG, are kept from Pillow's readers."""
    plain = plain_png(8, 8)
    png = with_chunks(plain, chunk(b"acTL", bytes(8)), chunk(b"tEXt", b"a\0b"), chunk(b"teSt", b"x"))
    assert spans(png, read_layout(png, "PNG")) == plain
    jpeg = encoded(scene(), "JPEG", comment="hello", exif=b"Exif\0\0II*\0", icc_profile=b"profile")
    seen = spans(jpeg, read_layout(jpeg, "JPEG"))
    assert b"Exif" not in seen
    assert b"hello" not in seen
    assert b"ICC" not in seen


def test_only_the_first_frame_of_a_gif_is_decoded() -> None:
    """Comments go, the control block that belongs to the frame stays."""
    data = encoded(scene(), "GIF", comment=b"hello", transparency=0)
    seen = spans(data, read_layout(data, "GIF"))
    assert b"hello" not in seen
    assert b"!\xf9\x04" in seen


def test_a_file_in_too_many_parts_is_refused() -> None:
    """Millions of empty chunks cost memory for nothing."""
    with pytest.raises(PictureRefusedError, match="too many parts"):
        read_layout(with_chunks(plain_png(8, 8), chunk(b"teSt") * 20_001), "PNG")


def test_a_jpeg_with_too_many_scans_is_refused() -> None:
    """Each scan costs a pass over all pixels."""
    data = encoded(scene(), "JPEG", progressive=True)
    scan = data[data.index(b"\xff\xda") : -2]
    with pytest.raises(PictureRefusedError, match="too many scans"):
        read_layout(data[:-2] + scan * 100 + data[-2:], "JPEG")


@pytest.mark.parametrize("filler", [b"\xff" * 500_000, b"\0" * 5000], ids=["fill bytes", "garbage"])
def test_what_lies_between_segments_is_skipped(filler: bytes) -> None:
    """Fill bytes are legal in front of a marker, and garbage happens."""
    data = encoded(scene(), "JPEG")
    layout = read_layout(data[:2] + filler + data[2:], "JPEG")
    assert (layout.width, layout.height, layout.complete) == (96, 64, True)


@given(st.sampled_from(FORMATS), st.binary(max_size=200), st.integers(0, 400), st.binary(max_size=8))
def test_any_damage_gives_a_layout_or_a_refusal(kind: ImageFormat, tail: bytes, at: int, patch: bytes) -> None:
    """Bytes exchanged and appended anywhere never raise anything but a refusal."""
    data = encoded(scene((20, 20)), kind)
    at = min(at, len(data))
    for damaged in (data[:at] + patch + data[at + len(patch) :] + tail, data[:at] + tail):
        try:
            read_layout(damaged, kind)
        except PictureRefusedError as refused:
            assert str(refused)  # noqa: PT017 - both ways out are right
