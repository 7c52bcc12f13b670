"""What the worker makes of a file: a verdict with format and size, or a refusal with the reason."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dreambooth_widget.images import decoding, worker
from dreambooth_widget.images.inspection import Inspection
from dreambooth_widget.images.sniff import ImageFormat, PictureRefusedError

from ..image_files import (
    FORMATS,
    announcing,
    chunk,
    encoded,
    exif,
    inspect_here,
    near,
    noise,
    pixel,
    plain_png,
    scene,
    small,
    with_chunks,
)


@pytest.mark.parametrize("size", [(1, 1), (300, 7), (5, 640)])
@pytest.mark.parametrize("kind", FORMATS)
def test_format_and_size_are_found(kind: ImageFormat, size: tuple[int, int]) -> None:
    """They come from the bytes, in every format."""
    found = inspect_here(encoded(scene(size), kind))
    assert (found.format, found.width, found.height) == (kind, *size)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0"}], ids=["VP8", "VP8L", "VP8X"])
def test_all_kinds_of_webp(options: dict[str, object]) -> None:
    """Lossy, lossless and extended files are pictures."""
    assert inspect_here(encoded(scene((301, 47)), "WEBP", **options)).width == 301


def test_progressive_jpeg_is_a_picture() -> None:
    """Its pixels come in several scans."""
    assert inspect_here(encoded(scene((301, 47)), "JPEG", progressive=True)).height == 47


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_too_many_pixels_are_refused(kind: ImageFormat) -> None:
    """A header that announces more than the limit is all that is read; the reason says how to raise the limit."""
    reason = r"240 megapixels are more than the 50 allowed: Client\(max_pixels=…\) allows more"
    with pytest.raises(PictureRefusedError, match=reason):
        inspect_here(announcing(kind, 16_000, 15_000))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])  # a JPEG that ends early is filled up by every decoder
def test_lies_about_the_size_are_refused(kind: ImageFormat) -> None:
    """A header that announces more pixels than the file has is not believed."""
    with pytest.raises(PictureRefusedError):
        inspect_here(announcing(kind, 2000, 1000))


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_file_is_truncated(kind: ImageFormat) -> None:
    """No half picture passes for a whole one, and a later download may bring the whole."""
    data = encoded(noise((300, 300), "L" if kind == "GIF" else "RGB"), kind)
    with pytest.raises(PictureRefusedError) as refused:
        inspect_here(data[: len(data) // 2])
    assert "truncated" in str(refused.value) or kind in ("WEBP", "AVIF")  # whose libraries do not say so
    assert refused.value.retryable


def test_png_without_end_is_picture() -> None:
    """All pixels are there, and Pillow and browsers show it."""
    data = encoded(scene())
    assert inspect_here(data[:-12]).width == 96


def test_damage_behind_the_end_is_ignored() -> None:
    """Some hosts append bytes to JPEG and PNG files."""
    for kind in ("JPEG", "PNG"):
        assert inspect_here(encoded(scene(), kind) + os.urandom(500)).width == 96


@pytest.mark.parametrize("kind", FORMATS)
def test_nonsense_between_head_and_tail(kind: ImageFormat) -> None:
    """A file with nonsense in its middle is refused or decoded, and raises nothing else."""
    data = bytearray(encoded(noise((60, 40), "L" if kind == "GIF" else "RGB"), kind))
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    try:
        inspect_here(bytes(data))
        refused = False
    except PictureRefusedError:
        refused = True
    assert refused or kind != "PNG"  # the other formats have no checksum


def test_no_pixels_are_refused() -> None:
    """A picture of no width is none."""
    for kind in ("PNG", "JPEG", "GIF"):
        data = announcing(kind, 0, 5)
        with pytest.raises(PictureRefusedError):
            inspect_here(data[:6] + bytes(4) + data[10:] if kind == "GIF" else data)


def test_pillow_without_avif_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow can be built without AVIF: the reason names it and the way out."""
    data = encoded(scene(), "AVIF")
    monkeypatch.delitem(decoding.READERS, "AVIF")
    with pytest.raises(PictureRefusedError, match="built without AVIF; open its link"):
        inspect_here(data)


def test_animations_are_their_first_frame() -> None:
    """GIF, WebP, PNG and AVIF animations are pictures of their first moment."""
    frames = [Image.new("RGB", (40, 30), name) for name in ("red", "blue", "lime")]
    for kind in ("GIF", "WEBP", "PNG", "AVIF"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        assert near(pixel(small(inspect_here(data)).convert("RGB"), (5, 5)), (255, 0, 0), 20)


def test_a_broken_animation_header_costs_nothing() -> None:
    """The first picture is fine."""
    assert inspect_here(with_chunks(plain_png(8, 8), chunk(b"acTL", bytes(8)))).width == 8


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FORMATS), st.integers(0, 3000), st.binary(min_size=1, max_size=6), st.booleans())
def test_damaged_files_are_decoded_or_refused(kind: ImageFormat, at: int, patch: bytes, insert: bool) -> None:
    """Bytes exchanged or inserted anywhere in a real file raise nothing but a refusal with a reason."""
    data = encoded(noise((24, 24), "L"), kind) if kind == "GIF" else encoded(noise((24, 24)), kind, exif=exif(6))
    at %= len(data)
    check(data[:at] + patch + data[at + (0 if insert else len(patch)) :])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_decoded_or_refused(data: bytes) -> None:
    """Behind the first bytes of each format, too."""
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF....WEBPVP8 ", b"\0\0\0 ftypavif"):
        check(start + data)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"acTL", b"fcTL"]), st.binary())
def test_any_chunk_costs_no_picture(kind: bytes, content: bytes) -> None:
    """Nothing in a chunk of metadata raises, and all texts are strings."""
    found = inspect_here(with_chunks(plain_png(2, 2), chunk(kind, content)))
    assert all(isinstance(part, str) for pair in found.text.items() for part in pair)


def check(data: bytes) -> None:
    """Inspect, and unpack what was found."""
    try:
        found = inspect_here(data, max_pixels=1_000_000)
    except PictureRefusedError as refused:
        assert str(refused)  # noqa: PT017 - both ways out are right
    else:
        assert Inspection.unpack(found.pack()) == found


def test_next_crop_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the last pictures; of too many the longest unused goes, and all make room for what may need the memory."""
    files = [encoded(Image.new("RGB", (60, 40), (index, 0, 99))) for index in range(worker._MAX_KEPT + 1)]
    decoded: list[bytes] = []
    decode = worker.decode

    def noted(data: bytes, *rest: Any, **named: Any) -> Any:
        decoded.append(data)
        return decode(data, *rest, **named)

    monkeypatch.setattr(worker, "decode", noted)
    kept: worker.Kept = {}

    def answer(number: int, max_pixels: int = 2400, **more: object) -> bytes:
        header, payload = worker.answer({"max_pixels": max_pixels, **more}, files[number], kept)
        assert "refused" not in header
        return payload

    box = (10, 10, 30, 20)
    assert answer(0, box=box) == answer(0, box=box)
    assert decoded == files[:1]
    for number in range(1, len(files)):
        answer(number, box=box)
        answer(1, box=box)
    assert len(kept) == worker._MAX_KEPT
    decoded.clear()
    answer(1, box=box)
    answer(0, box=box)
    assert decoded == files[:1]
    answer(0, max_pixels=worker._MAX_KEPT_PIXELS + 1, box=box)
    assert kept == {}
    answer(0, box=box)
    answer(1)
    assert kept == {}
