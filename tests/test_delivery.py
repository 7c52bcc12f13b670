"""How pictures reach the browser: which files are made, in which order, how often a picture is decoded."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from PIL import Image

from dreambooth_widget import delivery as module
from dreambooth_widget.delivery import Delivery
from dreambooth_widget.pictures import Picture, read_picture, shrink

from .images import encoded, noise


def picture(index: int, image: Image.Image) -> Picture:
    """A believed picture of that image."""
    return read_picture(encoded(image), index=index, url="", max_pixels=10**8)


def pictures(count: int) -> list[Picture]:
    """Different pictures, larger than a thumbnail and smaller than a preview."""
    return [picture(index, Image.new("RGB", (800, 600), (index, 0, 99))) for index in range(count)]


class Sent:
    """What a `Delivery` sends."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.delivery = Delivery(self._send)

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.messages.append({**content, "data": b"".join(buffers)})

    async def done(self) -> list[tuple[str, int]]:
        """Kind and index of all that was sent, when nothing more is on its way."""
        while self.delivery._tasks:
            await asyncio.gather(*self.delivery._tasks)
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
