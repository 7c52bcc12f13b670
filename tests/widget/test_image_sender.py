"""How pictures reach the browser: which files are sent, in which order, and that nothing is decoded for it."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dreambooth_widget.images.picture import Picture
from dreambooth_widget.widget import image_sender
from dreambooth_widget.widget.image_sender import ImageSender, PictureSize, check_box, crop_token

from ..image_files import encoded, read_picture


def picture(index: int, image: Image.Image) -> Picture:
    """A believed picture of that image."""
    return read_picture(encoded(image), index=index)


def pictures(count: int) -> list[Picture]:
    """Different pictures, larger than a thumbnail and smaller than a preview."""
    return [picture(index, Image.new("RGB", (800, 600), (index, 0, 99))) for index in range(count)]


class Sent:
    """What a `ImageSender` sends."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.sender = ImageSender(self._send)

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.messages.append({**content, "data": b"".join(buffers)})

    async def done(self) -> list[tuple[str, str]]:
        """Kind and id of all that was sent, when nothing more is on its way."""
        await self.sender._tasks.settle()
        return [(message["kind"], message["id"]) for message in self.messages]


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when an original is decoded for a view: all is there already."""
    monkeypatch.setattr(Picture, "data", property(lambda picture: pytest.fail("an original was read")))


@pytest.mark.usefixtures("undecoded")
async def test_thumbnails_come_before_previews() -> None:
    """A view that appears gets all thumbnails before the first preview, as they are stored."""
    sent, four = Sent(), pictures(4)
    sent.sender.send_gallery(four, "7")
    expected = [(kind, each) for kind in ("thumbnail", "preview") for each in four]
    assert await sent.done() == [(kind, each.digest) for kind, each in expected]
    for message, (kind, each) in zip(sent.messages, expected, strict=True):
        assert (message["mime"], message["data"]) == each.rendition(kind)


@pytest.mark.usefixtures("undecoded")
async def test_held_thumbnails_are_not_resent() -> None:
    """It names the thumbnails that it has."""
    sent, four = Sent(), pictures(4)
    sent.sender.send("thumbnail", four[2], "7")
    sent.sender.send_gallery(four, "7", have=[each.digest for each in four])
    expected = [*(("preview", each.digest) for each in four), ("thumbnail", four[2].digest)]
    assert sorted(await sent.done()) == sorted(expected)


@pytest.mark.usefixtures("undecoded")
async def test_a_large_gallery_gets_thumbnails_alone() -> None:
    """Each once, and no previews unasked."""
    sent, twenty = Sent(), pictures(20)
    sent.sender.send_gallery(twenty, "7")
    assert await sent.done() == [("thumbnail", each.digest) for each in twenty]


@pytest.mark.parametrize("kind", ["thumbnail", "preview", "original"])
async def test_picture_with_lost_file(kind: PictureSize, caplog: pytest.LogCaptureFixture) -> None:
    """The view gets an answer; the others come, and nothing is logged as our fault."""
    sent, (gone, here) = Sent(), pictures(2)
    gone.original.move_to(Path("/nowhere/at/all"), None)
    sent.sender.send(kind, gone, "7")
    sent.sender.send(kind, here, "7")
    sent.sender.send_zip([("a.png", gone)], "all.zip", "token")
    sent.sender.send_crop(gone, (0, 0, 9, 9))
    await sent.done()
    answers = {(each["type"], each["kind"], each["id"]) for each in sent.messages}
    assert answers == {
        ("unavailable", kind, gone.digest),
        ("picture", kind, here.digest),
        ("unavailable", "zip", "token"),
        ("unavailable", "crop", crop_token(gone.digest, (0, 0, 9, 9))),
    }
    assert not caplog.records


async def test_crop_has_pixels_of_the_original() -> None:
    """As many as the box, and those that lie there; the view knows it by the picture and the box."""
    image = Image.new("RGB", (800, 600), "navy")
    image.paste("gold", (400, 0, 800, 300))
    sent, drawn = Sent(), picture(3, image)
    sent.sender.send_crop(drawn, (300, 200, 500, 360))
    assert await sent.done() == [("crop", f"{drawn.digest}/300,200,500,360")]
    (message,) = sent.messages
    crop = Image.open(io.BytesIO(message["data"])).convert("RGB")
    assert crop.size == (200, 160)
    seen = [crop.getpixel(place) for place in ((10, 10), (190, 10), (190, 150))]
    assert [colour[0] > 128 for colour in seen] == [False, True, False]


async def test_flood_of_crops_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest wait, and every other request is answered at once, so that no view waits for it."""
    monkeypatch.setattr(image_sender, "_MOST_CROPS", 8)
    sent, (one,) = Sent(), pictures(1)
    boxes = [(left, 0, left + 100, 100) for left in range(100)]
    for box in boxes:
        sent.sender.send_crop(one, box)
    dropped = [message["id"] for message in sent.messages]
    assert dropped == [crop_token(one.digest, box) for box in boxes[:-8]]
    await sent.done()
    came = [message["id"] for message in sent.messages if message["type"] == "picture"]
    assert sorted(came) == sorted(crop_token(one.digest, box) for box in boxes[-8:])
    sent.sender.send_crop(one, boxes[0])
    assert (await sent.done())[-1] == ("crop", crop_token(one.digest, boxes[0]))


async def test_closing_drops_waiting_crops() -> None:
    """A closed widget sends nothing more."""
    sent, (one,) = Sent(), pictures(1)
    for left in range(20):
        sent.sender.send_crop(one, (left, 0, left + 100, 100))
    sent.sender.close()
    assert await sent.done() == []


@pytest.mark.parametrize(
    "box",
    [
        *(None, 7, "0,0,9,9", {}, [], [0, 0, 9], [0, 0, 9, 9, 9], ["0", "0", "9", "9"], [0, 0, None, 9]),
        *([0.0, 0, 9, 9], [0, 0, math.nan, 9], [0, 0, math.inf, 9], [True, False, True, True], [0, 0, 9, [9]]),
        *([-1, 0, 9, 9], [0, -1, 9, 9], [9, 0, 9, 9], [9, 9, 0, 0], [0, 0, 10**40, 9]),
        *([0, 0, 3001, 9], [0, 0, 9, 101], [0, 0, 2049, 9]),
    ],
)
def test_strange_box_is_refused(box: object) -> None:
    """Four whole numbers of a part of the picture, of at most 2048 pixels each way, and nothing else."""
    wide = picture(0, Image.new("RGB", (3000, 100)))
    with pytest.raises(ValueError, match="no such part"):
        check_box(box, wide)
    assert check_box([952, 0, 3000, 100], wide) == (952, 0, 3000, 100)
