"""How picture bytes reach the browser: as buffers of custom messages, small ones first, originals when asked for.

Never as traits: a bytes trait is written into the notebook.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..client.download import in_picture_thread
from ..images.picture import Picture, file_name, shrink, thumbnail, zip_bytes
from .kernel_loop import Tasks

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ImageSender", "Kind"]

Kind = Literal["thumbnail", "preview", "original"]
_Small = tuple[str, bytes]
"""Media type and bytes of a thumbnail or preview."""
Send = Callable[[dict[str, Any], list[bytes]], None]

_EDGES: dict[str, int] = {"thumbnail": 384, "preview": 1024}
"""The longest side in pixels."""

_MOST_PREVIEWS = 8
"""Previews are sent unasked for at most so many pictures; more are asked for one by one."""

_LANES = 2
"""Pictures that are worked on at once: as many as there are picture threads, so that a wish waits for two at most."""

_ROOM = 32 * 1024 * 1024
"""Bytes of thumbnails and previews that are kept for further views."""

_PIECE = 1024 * 1024
"""Bytes of one message: a larger one holds up every other output of the kernel."""


_GONE = "the kernel's file of it is gone"
"""Somebody has cleaned up the temporary folder."""


class ImageSender:
    """Sends the pictures of one widget to all of its views. Lives on the widget's loop."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._small: dict[tuple[Kind, str], _Small] = {}
        self._kept = 0
        self._making: dict[str, asyncio.Lock] = {}
        self._tasks = Tasks("sending a picture to the browser")

    def prepare(self, pictures: Sequence[Picture]) -> None:
        """Make what the first screen shows while its view is still loading."""
        self._tasks.run(self._prepare(tuple(pictures[:_MOST_PREVIEWS])))

    def push(self, picture: Picture, name: str) -> None:
        """Send the thumbnail of a picture that has just become ready."""
        self._tasks.run(self._send_small("thumbnail", picture, name))

    def push_all(self, pictures: Sequence[Picture], request_id: str, *, have: Iterable[str] = ()) -> None:
        """Send every thumbnail whose digest is not in `have`, and then the previews of a small gallery."""
        self._tasks.run(self._send_all(tuple(pictures), request_id, frozenset(have)))

    def send(self, kind: Kind, picture: Picture, name: str) -> None:
        """Send one picture in the size that a view needs."""
        if kind == "original":
            self._tasks.run(self._send_original(picture, name))
        else:
            self._tasks.run(self._send_small(kind, picture, name))

    def send_zip(self, files: Sequence[tuple[str, Picture]], name: str, token: str) -> None:
        """Send the original files, by their names, as one zip, under the token that the view chose."""
        self._tasks.run(self._send_zip(tuple(files), name, token))

    def unavailable(self, kind: str, index: int, token: str, reason: str) -> None:
        """Tell the views that something they asked for is not to be had."""
        self._send({"type": "unavailable", "kind": kind, "id": token, "index": index, "reason": reason}, [])

    def close(self) -> None:
        """Send nothing more."""
        self._tasks.cancel()
        self._small.clear()

    async def _prepare(self, pictures: tuple[Picture, ...]) -> None:
        small = (self._small_file("thumbnail", picture) for picture in pictures)
        await asyncio.gather(*small, return_exceptions=True)  # who asks for one that failed is told so

    async def _send_all(self, pictures: tuple[Picture, ...], request_id: str, have: frozenset[str]) -> None:
        named = [(picture, file_name(request_id, picture.index, picture.extension)) for picture in pictures]
        await self._send_each("thumbnail", [each for each in named if each[0].digest not in have])
        if len(named) <= _MOST_PREVIEWS:
            await self._send_each("preview", named)

    async def _send_each(self, kind: Kind, named: Sequence[tuple[Picture, str]]) -> None:
        """In their order, a few at a time."""
        queue = iter(named)

        async def lane() -> None:
            for picture, name in queue:
                await self._send_small(kind, picture, name)

        await asyncio.gather(*(lane() for _ in range(_LANES)))

    async def _send_small(self, kind: Kind, picture: Picture, name: str) -> None:
        try:
            mime, data = await self._small_file(kind, picture)
        except OSError:
            self.unavailable(kind, picture.index, picture.digest, _GONE)
        else:
            await self._in_pieces(kind, picture.index, picture.digest, mime, name, data)

    async def _small_file(self, kind: Kind, picture: Picture) -> _Small:
        # A preview that is being made together with its thumbnail is waited for, not made twice.
        async with self._making.setdefault(picture.digest, asyncio.Lock()):
            if (kind, picture.digest) not in self._small:
                # Who sees few pictures sees their previews next, which cost little once a picture is decoded.
                both = kind == "thumbnail" and len(self._small) < 2 * _MOST_PREVIEWS
                made = await in_picture_thread(_make_both if both else _make_one, picture, kind)
                for each, small in made.items():
                    self._keep((each, picture.digest), small)
            return self._small[kind, picture.digest]

    def _keep(self, place: tuple[Kind, str], small: _Small) -> None:
        """Keep one for the next view. The oldest go beyond `_ROOM`, to be made again if they are asked for."""
        self._kept += len(small[1]) - len(self._small.pop(place, ("", b""))[1])
        self._small[place] = small
        for old in [*self._small]:
            if self._kept <= _ROOM or old[1] == place[1]:
                return
            self._kept -= len(self._small.pop(old)[1])
            self._making.pop(old[1], None)

    async def _send_original(self, picture: Picture, name: str) -> None:
        try:
            data = await in_picture_thread(picture.original.read)
        except OSError:
            self.unavailable("original", picture.index, picture.digest, _GONE)
            return
        await self._in_pieces("original", picture.index, picture.digest, picture.mime, name, data)

    async def _send_zip(self, files: tuple[tuple[str, Picture], ...], name: str, token: str) -> None:
        try:
            data = await in_picture_thread(zip_bytes, files)
        except OSError:
            self.unavailable("zip", -1, token, _GONE)
            return
        await self._in_pieces("zip", -1, token, "application/zip", name, data)

    async def _in_pieces(self, kind: str, index: int, token: str, mime: str, name: str, data: bytes) -> None:
        parts = max(1, -(-len(data) // _PIECE))
        facts = {"type": "picture", "kind": kind, "id": token, "index": index, "mime": mime, "name": name}
        for part in range(parts):
            piece = data[part * _PIECE : (part + 1) * _PIECE]
            self._send({**facts, "part": part, "parts": parts}, [piece])
            await asyncio.sleep(0)  # the loop's other work comes in between


def _make_one(picture: Picture, kind: Kind) -> dict[Kind, _Small]:
    if kind == "preview":
        return {kind: _preview(shrink(picture, _EDGES[kind]))}
    return {kind: ("image/webp", thumbnail(picture, _EDGES[kind]))}


def _make_both(picture: Picture, kind: Kind) -> dict[Kind, _Small]:
    """Thumbnail and preview from one decoding; the thumbnail alone where the preview would hold it up."""
    from ..images.renditions import fit  # with Pillow: not before there are pictures

    large = shrink(picture, _EDGES["preview"])
    # Two pixels are averaged before the slow, good filter: a third of the time, and no eye sees it.
    halved = large.reduce(2) if max(large.size) >= 2 * _EDGES[kind] else large
    made: dict[Kind, _Small] = {kind: _encoded(fit(halved, _EDGES[kind]), "WEBP", 80)}
    if large.mode == "RGB":
        made["preview"] = _preview(large)
    return made


def _preview(image: Image.Image) -> _Small:
    """As JPEG: twice the bytes of WebP in a thirtieth of the time. Not where something shines through."""
    return _encoded(image, "JPEG", 85) if image.mode == "RGB" else _encoded(image, "WEBP", 80)


def _encoded(image: Image.Image, file_format: str, quality: int) -> _Small:
    file = io.BytesIO()
    image.save(file, file_format, quality=quality, method=2)  # WebP's effort, of 6: half of the usual time
    return f"image/{file_format.lower()}", file.getvalue()
