"""How pictures reach the browser: which files are made, in which order, how often a picture is decoded."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dreambooth_widget.images.picture import Picture, read_picture, shrink
from dreambooth_widget.widget import image_sender as module
from dreambooth_widget.widget.image_sender import ImageSender, Kind

from ..image_files import encoded, noise


def picture(index: int, image: Image.Image) -> Picture:
    """A believed picture of that image."""
    return read_picture(encoded(image), index=index, url="", max_pixels=10**8)


def pictures(count: int) -> list[Picture]:
    """Different pictures, larger than a thumbnail and smaller than a preview."""
    return [picture(index, Image.new("RGB", (800, 600), (index, 0, 99))) for index in range(count)]


class Sent:
    """What a `ImageSender` sends."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.delivery = ImageSender(self._send)

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.messages.append({**content, "data": b"".join(buffers)})

    async def done(self) -> list[tuple[str, int]]:
        """Kind and index of all that was sent, when nothing more is on its way."""
        await self.delivery._tasks.settle()
        return [(message["kind"], message["index"]) for message in self.messages]


@pytest.fixture
def shrunk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The index of each picture that was decoded, once for each time."""
    indices: list[int] = []

    def counted(picture: Picture, edge: int) -> Image.Image:
        indices.append(picture.index)
        return shrink(picture, edge)

    monkeypatch.setattr(module, "shrink", counted)
    return indices


async def test_a_few_pictures_are_decoded_once(shrunk: list[int]) -> None:
    """A view that appears gets all thumbnails before the first preview; both come from one decoding."""
    sent = Sent()
    sent.delivery.push_all(pictures(4), "7")
    kinds = await sent.done()
    assert sorted(kinds[:4]) == [("thumbnail", index) for index in range(4)]
    assert sorted(kinds[4:]) == [("preview", index) for index in range(4)]
    assert sorted(shrunk) == [0, 1, 2, 3]


async def test_previews_wait_for_their_thumbnails_on_the_way(shrunk: list[int]) -> None:
    """The end of the job comes while thumbnails are still being made: nothing is decoded twice."""
    sent, four = Sent(), pictures(4)
    for each in four:
        sent.delivery.push(each, "a.png")
    sent.delivery.push_all(four, "7", have=[each.digest for each in four])
    kinds = await sent.done()
    assert sorted(kinds) == [(kind, index) for kind in ("preview", "thumbnail") for index in range(4)]
    assert sorted(shrunk) == [0, 1, 2, 3]


async def test_a_large_gallery_gets_thumbnails_alone() -> None:
    """Each once, and no previews unasked."""
    sent = Sent()
    sent.delivery.push_all(pictures(20), "7")
    assert sorted(await sent.done()) == [("thumbnail", index) for index in range(20)]


async def test_what_is_made_small() -> None:
    """Thumbnails are WebP of 384 pixels; previews JPEG of 1024, but WebP where something shines through."""
    sent = Sent()
    glass = noise((1200, 900), "RGBA")
    sent.delivery.push_all([picture(0, glass.convert("RGB")), picture(1, glass)], "7")
    await sent.done()
    found = {}
    for kind, index, mime in {(each["kind"], each["index"], each["mime"]) for each in sent.messages}:
        parts = [each["data"] for each in sent.messages if (each["kind"], each["index"]) == (kind, index)]
        image = Image.open(io.BytesIO(b"".join(parts)))
        assert mime == f"image/{(image.format or '').lower()}"
        found[kind, index] = (image.format, image.size, image.mode)
    assert found == {
        ("thumbnail", 0): ("WEBP", (384, 288), "RGB"),
        ("thumbnail", 1): ("WEBP", (384, 288), "RGBA"),
        ("preview", 0): ("JPEG", (1024, 768), "RGB"),
        ("preview", 1): ("WEBP", (1024, 768), "RGBA"),
    }


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch, shrunk: list[int]) -> None:
    """The oldest go beyond the bound and are made again when asked for; the newest are not made twice."""
    monkeypatch.setattr(module, "_ROOM", 2000)
    monkeypatch.setattr(module, "_MOST_PREVIEWS", 0)
    sent, many = Sent(), pictures(30)
    for each in many:
        sent.delivery.send("thumbnail", each, "a.png")
    await sent.done()
    held = sent.delivery._small
    assert 1 <= len(held) < 30
    assert sent.delivery._kept == sum(len(data) for _, data in held.values()) <= 2000
    assert set(sent.delivery._making) == {digest for _, digest in held}
    monkeypatch.setattr(module, "thumbnail", lambda *_: shrunk.append(1) or b"")
    shrunk.clear()
    sent.delivery.send("thumbnail", many[-1], "a.png")
    await sent.done()
    assert shrunk == []
    sent.delivery.send("thumbnail", many[0], "a.png")
    await sent.done()
    assert shrunk == [1]


async def test_what_is_made_again_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview that is there when its thumbnail is made anew does not use up the bound twice."""
    sent, (one,) = Sent(), pictures(1)
    sent.delivery.send("preview", one, "a.png")
    await sent.done()
    sent.delivery.send("thumbnail", one, "a.png")
    await sent.done()
    assert len(sent.delivery._small) == 2
    assert sent.delivery._kept == sum(len(data) for _, data in sent.delivery._small.values())


@pytest.mark.parametrize("kind", ["thumbnail", "preview", "original"])
async def test_a_picture_whose_file_is_gone(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    """The view is told that it is not to be had; the others come, and nothing is logged as our fault."""
    sent, (gone, here) = Sent(), pictures(2)
    gone.original.move_to(Path("/nowhere/at/all"), None)
    sent.delivery.send(kind, gone, "a.png")
    sent.delivery.send(kind, here, "b.png")
    sent.delivery.send_zip([("a.png", gone)], "all.zip", "token")
    await sent.done()
    told = {(each["type"], each["kind"], each["id"]) for each in sent.messages}
    assert told == {
        ("unavailable", kind, gone.digest),
        ("picture", kind, here.digest),
        ("unavailable", "zip", "token"),
    }
    assert not caplog.records
