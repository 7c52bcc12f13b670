"""How pictures reach the browser: which files are sent, in which order, and that nothing is decoded for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dreambooth_widget.images.picture import Picture
from dreambooth_widget.widget.image_sender import ImageSender, Kind

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

    async def done(self) -> list[tuple[str, int]]:
        """Kind and index of all that was sent, when nothing more is on its way."""
        await self.sender._tasks.settle()
        return [(message["kind"], message["index"]) for message in self.messages]


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when an original is decoded for a view: all is there already."""
    monkeypatch.setattr(Picture, "data", property(lambda picture: pytest.fail("an original was read")))


@pytest.mark.usefixtures("undecoded")
async def test_thumbnails_come_before_previews() -> None:
    """A view that appears gets all thumbnails before the first preview, as they are stored."""
    sent, four = Sent(), pictures(4)
    sent.sender.send_gallery(four, "7")
    assert await sent.done() == [(kind, index) for kind in ("thumbnail", "preview") for index in range(4)]
    for message in sent.messages:
        rendition = four[message["index"]].rendition(message["kind"])
        assert (message["mime"], message["data"]) == rendition


@pytest.mark.usefixtures("undecoded")
async def test_held_thumbnails_are_not_resent() -> None:
    """It names the thumbnails that it has."""
    sent, four = Sent(), pictures(4)
    sent.sender.send("thumbnail", four[2], "7")
    sent.sender.send_gallery(four, "7", have=[each.digest for each in four])
    kinds = await sent.done()
    assert sorted(kinds) == [*(("preview", index) for index in range(4)), ("thumbnail", 2)]


@pytest.mark.usefixtures("undecoded")
async def test_a_large_gallery_gets_thumbnails_alone() -> None:
    """Each once, and no previews unasked."""
    sent = Sent()
    sent.sender.send_gallery(pictures(20), "7")
    assert sorted(await sent.done()) == [("thumbnail", index) for index in range(20)]


@pytest.mark.parametrize("kind", ["thumbnail", "preview", "original"])
async def test_picture_with_lost_file(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    """The view gets an answer; the others come, and nothing is logged as our fault."""
    sent, (gone, here) = Sent(), pictures(2)
    gone.original.move_to(Path("/nowhere/at/all"), None)
    sent.sender.send(kind, gone, "7")
    sent.sender.send(kind, here, "7")
    sent.sender.send_zip([("a.png", gone)], "all.zip", "token")
    await sent.done()
    answers = {(each["type"], each["kind"], each["id"]) for each in sent.messages}
    assert answers == {
        ("unavailable", kind, gone.digest),
        ("picture", kind, here.digest),
        ("unavailable", "zip", "token"),
    }
    assert not caplog.records
