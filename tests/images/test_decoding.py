"""Untrusted bytes in Pillow: believed only whole, by no global of the user's, and never holding the GIL for long."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from dreambooth_widget.images import decoding
from dreambooth_widget.images.decoding import decode
from dreambooth_widget.images.files import named
from dreambooth_widget.images.image_layout import read_layout
from dreambooth_widget.images.picture import Picture, contact_sheet, read_picture, thumbnail, zip_bytes
from dreambooth_widget.images.sniff import ImageFormat, PictureRefusedError, identify, unwrap

from ..gil import longest_hold
from ..image_files import FORMATS, encoded, noise, plain_png, scene

LARGE = (2300, 1900)
"""More pixels than are decoded in one piece with the GIL held."""


def decoded(data: bytes, edge: int | None = None) -> Image.Image:
    """The image in a file."""
    kind = identify(data)
    return decode(data, kind, read_layout(data, kind), edge=edge)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_pixels_are_those_of_the_file(kind: ImageFormat) -> None:
    """What is decoded from a part of the bytes is what Pillow decodes from all of them."""
    data = encoded(scene(), kind, **({"quality": 95} if kind != "PNG" else {}))
    with Image.open(io.BytesIO(data)) as whole:
        assert decoded(data).convert("RGBA").tobytes() == whole.convert("RGBA").tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_large_png_files(mode: str) -> None:
    """Large ones get their memory in another way, and hold the same pixels."""
    image = scene(LARGE).convert(mode)
    data = encoded(image, compress_level=1)
    assert decoded(data).convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


def test_a_large_gif() -> None:
    """So do large GIF files, with their palette."""
    image = scene(LARGE).quantize(32)
    assert decoded(encoded(image, "GIF")).convert("RGB").tobytes() == image.convert("RGB").tobytes()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("edge", [None, 100, 1500])
def test_a_large_jpeg_comes_smaller(mode: str, edge: int | None) -> None:
    """A JPEG decodes itself at a scale that still leaves twice the wanted size, and keeps its look."""
    image = decoded(encoded(scene(LARGE).convert(mode), "JPEG", quality=90), edge)
    assert image.mode == mode
    assert image.width * image.height <= 5_000_000
    assert max(image.size) >= 2 * min(edge or 0, 1150)
    assert abs(image.width / image.height - LARGE[0] / LARGE[1]) < 0.01


def test_a_wide_jpeg_keeps_its_height() -> None:
    """A strip is not scaled down until it vanishes."""
    assert decoded(encoded(scene((3000, 20)), "JPEG"), 100).size == (375, 3)


@pytest.mark.parametrize(
    ("kind", "mode"), [("WEBP", "RGB"), ("WEBP", "RGBA"), ("PNG", "I;16")], ids=["WebP", "WebP with alpha", "16 bits"]
)
def test_the_child_process(kind: ImageFormat, mode: str) -> None:
    """What cannot be decoded beside a running loop comes from a child process, small and right."""
    large = scene(LARGE)
    if mode == "RGBA":
        large.putalpha(200)
    image = Image.new(mode, LARGE, 32768) if mode == "I;16" else large
    options = {"quality": 90} if kind == "WEBP" else {}
    small = decoded(encoded(image, kind, **options), 100)
    assert small.size == (100, 83)
    expected = Image.new("L", (100, 83), 128) if mode == "I;16" else large.resize((100, 83))
    difference = [abs(a - b) for a, b in zip(small.tobytes(), expected.tobytes(), strict=True)]
    assert max(difference) < 12


def test_the_child_process_sees_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It gets the file and the environment, but not DREAMBOOTH_API_KEY."""
    seen = tmp_path / "environment"
    program = f"import os, pathlib, sys\npathlib.Path({str(seen)!r}).write_text(repr(os.environ))\nsys.exit(7)"
    monkeypatch.setattr(decoding, "_PROGRAM", program)
    monkeypatch.setenv("DREAMBOOTH_API_KEY", "canary-key-canary-key")
    with pytest.raises(PictureRefusedError, match="decoding it failed"):
        decoded(encoded(noise(LARGE), "WEBP", method=0))
    assert "PATH" in seen.read_text()
    assert "canary" not in seen.read_text()


@pytest.mark.parametrize("program", ["import os; os._exit(139)", "import sys; sys.exit(1)", "nonsense ("])
def test_a_child_process_that_dies_is_a_refusal(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """A crash in an image library takes the child, not the kernel."""
    monkeypatch.setattr(decoding, "_PROGRAM", program)
    with pytest.raises(PictureRefusedError, match="decoding it failed"):
        decoded(encoded(scene(LARGE), "WEBP"))


def test_a_child_process_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a minute (here: less), and is gone afterwards."""
    monkeypatch.setattr(decoding, "_PROGRAM", "import time; time.sleep(600)")
    monkeypatch.setattr(decoding, "_CHILD_SECONDS", 0.2)
    with pytest.raises(PictureRefusedError, match="too long"):
        decoded(encoded(scene(LARGE), "WEBP"))


def test_damage_in_the_child_process_has_its_reason() -> None:
    """The reason comes back from there as it does from here."""
    data = bytearray(encoded(noise(LARGE), "WEBP", method=0))
    data[60:4000] = bytes(3940)
    with pytest.raises(PictureRefusedError, match="the file is damaged"):
        decoded(bytes(data))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_truncated_file_is_refused_whatever_the_user_has_set(
    kind: ImageFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notebooks often set LOAD_TRUNCATED_IMAGES for their training data: that makes no half picture a whole one."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded(noise((300, 300), "L" if kind == "GIF" else "RGB"), kind)
    for end in (len(data) // 2, len(data) - 20):
        with pytest.raises(PictureRefusedError, match="truncated"):
            read_picture(data[:end], index=0, url="", max_pixels=10**6)


def test_verify_is_not_enough() -> None:
    """A JPEG cut in half passes Pillow's `verify()`, and not ours."""
    data = encoded(noise((300, 300)), "JPEG")
    half = data[: len(data) // 2]
    with Image.open(io.BytesIO(half)) as image:
        image.verify()
    with pytest.raises(PictureRefusedError, match="truncated"):
        read_picture(half, index=0, url="", max_pixels=10**6)


@pytest.mark.parametrize("size", [(60, 40), LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", FORMATS)
def test_pixels_that_lie_are_found(kind: ImageFormat, size: tuple[int, int]) -> None:
    """A file with head and tail, and nonsense between, is refused or decoded, and raises nothing else."""
    data = bytearray(encoded(noise(size, "L" if kind == "GIF" else "RGB"), kind))
    middle = len(data) // 2
    data[middle : middle + 400] = os.urandom(400) if kind == "JPEG" else bytes(400)
    try:
        read_picture(bytes(data), index=0, url="", max_pixels=10**7)
        refused = False
    except PictureRefusedError:
        refused = True
    assert refused or kind in ("JPEG", "GIF", "WEBP")  # those formats have no checksum


def test_pillows_globals_are_left_alone() -> None:
    """Nothing here changes what the user has set, and nothing depends on it."""
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK
    thumbnail(read_picture(encoded(scene(LARGE)), index=0, url="", max_pixels=10**7))
    after = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK
    assert after == before


@pytest.mark.parametrize("limit", [100, None])
def test_the_users_pixel_limit_is_not_ours(limit: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`max_pixels` decides, with Image.MAX_IMAGE_PIXELS low (which would warn and refuse) or off."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    picture = read_picture(encoded(scene((300, 200))), index=0, url="", max_pixels=60_000)
    assert picture.image.size == (300, 200)
    with pytest.raises(PictureRefusedError, match="megapixels"):
        read_picture(encoded(scene((301, 200))), index=0, url="", max_pixels=60_000)


def whole_picture(data: bytes) -> Callable[[], object]:
    """Check it and make a thumbnail of it."""
    return lambda: thumbnail(read_picture(data, index=0, url="", max_pixels=50_000_000))


def many_pictures() -> Callable[[], object]:
    """A sheet and a zip of 64 pictures."""
    picture = read_picture(encoded(noise((512, 512))), index=0, url="", max_pixels=10**6)
    pictures = [Picture(n, "", picture.data, "PNG", 512, 512) for n in range(64)]
    return lambda: (contact_sheet(pictures), zip_bytes(named(pictures, "1")))


HEAVY: dict[str, Callable[[], Callable[[], object]]] = {
    "49 megapixels of zeros": lambda: whole_picture(plain_png(7000, 7000)),
    "49 megapixels of zeros with alpha": lambda: whole_picture(plain_png(7000, 7000, 6)),
    "a JPEG of 36 megapixels": lambda: whole_picture(encoded(noise((6000, 6000)), "JPEG", quality=60)),
    "a progressive one of 25": lambda: whole_picture(encoded(noise((5000, 5000)), "JPEG", progressive=True)),
    "a WebP of 25 megapixels": lambda: whole_picture(encoded(scene((5000, 5000)), "WEBP", method=0)),
    "a GIF of 25 megapixels": lambda: whole_picture(encoded(noise((5000, 5000), "L"), "GIF")),
    "sixteen bits, 9 megapixels": lambda: whole_picture(encoded(noise((3000, 3000), "I;16"), compress_level=1)),
    "64 pictures": many_pictures,
    "40 MB of base64": lambda: lambda: unwrap(b"iVBORw0KGgoA" + b"A" * 40_000_000, max_bytes=32 << 20),
}


@pytest.mark.parametrize("name", HEAVY)
async def test_nothing_holds_the_gil_for_long(name: str) -> None:
    """The heaviest inputs, in a thread, leave the loop free: it never stands still for 20 ms.

    A held GIL shows in every attempt, a busy machine only in some, so one good attempt is a proof.
    """
    work = HEAVY[name]()
    holds = []
    for _ in range(6):
        holds.append(await longest_hold(work))
        if holds[-1] < 0.02:
            return
    pytest.fail(f"the loop stood still for {min(holds) * 1000:.0f} ms at best")


def test_without_child_processes_the_thread_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be started, a large WebP is decoded here: a moment's freeze is better than no picture."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert decoded(encoded(scene(LARGE), "WEBP")).size == LARGE
