"""How picture bytes reach the browser: as buffers of custom messages, small ones first, originals on request.

Never as traits: a bytes trait is written into the notebook.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from ..images.files import file_name, zip_bytes
from ..images.inspection import Box
from ..images.picture import Picture
from ..images.pool import WorkerPool
from ..images.sniff import PictureRefusedError
from ..images.threads import in_picture_thread
from .kernel_loop import Tasks

__all__ = ["ImageSender", "PictureSize", "check_box", "crop_token"]

PictureSize = Literal["thumbnail", "preview", "original"]
Send = Callable[[dict[str, Any], list[bytes]], None]

_MOST_PREVIEWS = 8
"""Previews are sent by themselves for at most so many pictures; of more, one by one on request."""

_MOST_CROPS = 128
"""Crops that wait at most; a view requests the next one of a picture when it has the last."""

_MAX_CROP_EDGE = 2048
"""Pixels: the largest width and height of a crop."""

_CROPS_AT_ONCE = 2
"""As many as there are child processes. More would stand in the way of pictures that are being downloaded."""

_PIECE = 1024 * 1024
"""Bytes of one message: a larger one holds up every other output of the kernel."""

_GONE = "the kernel's file of it is gone"
"""The temporary folder has been cleaned up."""


class ImageSender:
    """Sends the pictures of one widget to all of its views. Lives on the widget's loop."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._tasks = Tasks("sending a picture to the browser")
        self._crops: dict[str, tuple[Picture, Box]] = {}  # by token, oldest first
        self._croppers = 0

    def send_gallery(self, pictures: Sequence[Picture], request_id: str, *, have: Iterable[str] = ()) -> None:
        """Send every thumbnail whose digest is not in `have`, and then the previews of a small gallery."""
        self._tasks.run(self._send_gallery(tuple(pictures), request_id, frozenset(have)))

    def send(self, kind: PictureSize, picture: Picture, request_id: str) -> None:
        """Send one picture in the given size."""
        self._tasks.run(self._send_picture(kind, picture, request_id))

    def send_crop(self, picture: Picture, box: Box) -> None:
        """Send a part of the original, in its own pixels, once those that wait already are sent."""
        self._crops[crop_token(picture.digest, box)] = picture, box
        if len(self._crops) > _MOST_CROPS:
            token = next(iter(self._crops))
            del self._crops[token]
            self.unavailable("crop", token, "too many parts were requested at once")
        if self._croppers < _CROPS_AT_ONCE:
            self._croppers += 1
            self._tasks.run(self._send_crops())

    def send_zip(self, files: Sequence[tuple[str, Picture]], name: str, token: str) -> None:
        """Send the original files, by their names, as one zip, under the token that the view chose."""
        self._tasks.run(self._send_zip(tuple(files), name, token))

    def unavailable(self, kind: str, token: str, reason: str) -> None:
        """Answer a request of a view for something that is not there."""
        self._send({"type": "unavailable", "kind": kind, "id": token, "reason": reason}, [])

    def close(self) -> None:
        """Send nothing more."""
        self._crops.clear()
        self._tasks.cancel()

    async def _send_gallery(self, pictures: tuple[Picture, ...], request_id: str, have: frozenset[str]) -> None:
        for picture in pictures:
            if picture.digest not in have:
                await self._send_picture("thumbnail", picture, request_id)
        if len(pictures) <= _MOST_PREVIEWS:
            for picture in pictures:
                await self._send_picture("preview", picture, request_id)

    async def _send_picture(self, kind: PictureSize, picture: Picture, request_id: str) -> None:
        try:
            if kind == "original":
                mime, data = picture.mime, await in_picture_thread(picture.original.read)
            else:
                mime, data = await in_picture_thread(picture.rendition, kind)
        except (OSError, LookupError):
            self.unavailable(kind, picture.digest, _GONE)
        else:
            name = file_name(request_id, picture.index, picture.extension)
            await self._in_pieces(kind, picture.digest, mime, name, data)

    async def _send_crops(self) -> None:
        try:
            while self._crops:
                token = next(iter(self._crops))
                await self._send_crop(token, *self._crops.pop(token))
        finally:
            self._croppers -= 1

    async def _send_crop(self, token: str, picture: Picture, box: Box) -> None:
        try:
            data = await in_picture_thread(picture.original.read)
            mime, crop = await WorkerPool.shared().crop(data, box, max_pixels=picture.width * picture.height)
        except OSError:
            self.unavailable("crop", token, _GONE)
        except PictureRefusedError as error:
            self.unavailable("crop", token, str(error))
        else:
            await self._in_pieces("crop", token, mime, "", crop)

    async def _send_zip(self, files: tuple[tuple[str, Picture], ...], name: str, token: str) -> None:
        try:
            data = await in_picture_thread(zip_bytes, files)
        except OSError:
            self.unavailable("zip", token, _GONE)
            return
        await self._in_pieces("zip", token, "application/zip", name, data)

    async def _in_pieces(self, kind: str, token: str, mime: str, name: str, data: bytes) -> None:
        parts = max(1, -(-len(data) // _PIECE))
        facts = {"type": "picture", "kind": kind, "id": token, "mime": mime, "name": name}
        for part in range(parts):
            piece = data[part * _PIECE : (part + 1) * _PIECE]
            self._send({**facts, "part": part, "parts": parts}, [piece])
            await asyncio.sleep(0)  # the loop's other work comes in between


def crop_token(digest: str, box: Iterable[object]) -> str:
    """Return the token under which a view expects the crop that it requested."""
    return f"{digest}/{','.join(map(str, box))}"


def check_box(box: object, picture: Picture) -> Box:
    """Return the box of a view's message: left, top, right and bottom in pixels of the picture.

    Raises:
        ValueError: These are not four whole numbers of a part of the picture, of at most 2048 pixels each way.
    """
    if isinstance(box, list) and len(box) == 4 and all(type(edge) is int for edge in box):
        left, top, right, bottom = box
        inside = 0 <= left < right <= picture.width and 0 <= top < bottom <= picture.height
        if inside and max(right - left, bottom - top) <= _MAX_CROP_EDGE:
            return left, top, right, bottom
    raise ValueError("There is no such part of the picture.")
