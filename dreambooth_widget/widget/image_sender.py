"""How picture bytes reach the browser: as buffers of custom messages, small ones first, originals on request.

Never as traits: a bytes trait is written into the notebook.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from ..images.files import file_name, zip_bytes
from ..images.picture import Picture
from ..images.threads import in_picture_thread
from .kernel_loop import Tasks

__all__ = ["ImageSender", "Kind"]

Kind = Literal["thumbnail", "preview", "original"]
Send = Callable[[dict[str, Any], list[bytes]], None]

_MOST_PREVIEWS = 8
"""Previews are sent by themselves for at most so many pictures; of more, one by one on request."""

_PIECE = 1024 * 1024
"""Bytes of one message: a larger one holds up every other output of the kernel."""


_GONE = "the kernel's file of it is gone"
"""The temporary folder has been cleaned up."""


class ImageSender:
    """Sends the pictures of one widget to all of its views. Lives on the widget's loop."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._tasks = Tasks("sending a picture to the browser")

    def send_gallery(self, pictures: Sequence[Picture], request_id: str, *, have: Iterable[str] = ()) -> None:
        """Send every thumbnail whose digest is not in `have`, and then the previews of a small gallery."""
        self._tasks.run(self._send_gallery(tuple(pictures), request_id, frozenset(have)))

    def send(self, kind: Kind, picture: Picture, request_id: str) -> None:
        """Send one picture in the given size."""
        if kind == "original":
            self._tasks.run(self._send_original(picture, request_id))
        else:
            self._tasks.run(self._send_small(kind, picture, request_id))

    def send_zip(self, files: Sequence[tuple[str, Picture]], name: str, token: str) -> None:
        """Send the original files, by their names, as one zip, under the token that the view chose."""
        self._tasks.run(self._send_zip(tuple(files), name, token))

    def unavailable(self, kind: str, index: int, token: str, reason: str) -> None:
        """Answer a request of a view for something that is not there."""
        self._send({"type": "unavailable", "kind": kind, "id": token, "index": index, "reason": reason}, [])

    def close(self) -> None:
        """Send nothing more."""
        self._tasks.cancel()

    async def _send_gallery(self, pictures: tuple[Picture, ...], request_id: str, have: frozenset[str]) -> None:
        for picture in pictures:
            if picture.digest not in have:
                await self._send_small("thumbnail", picture, request_id)
        if len(pictures) <= _MOST_PREVIEWS:
            for picture in pictures:
                await self._send_small("preview", picture, request_id)

    async def _send_small(self, kind: Literal["thumbnail", "preview"], picture: Picture, request_id: str) -> None:
        try:
            mime, data = await in_picture_thread(picture.rendition, kind)
        except (OSError, LookupError):
            self.unavailable(kind, picture.index, picture.digest, _GONE)
        else:
            name = file_name(request_id, picture.index, picture.extension)
            await self._in_pieces(kind, picture.index, picture.digest, mime, name, data)

    async def _send_original(self, picture: Picture, request_id: str) -> None:
        try:
            data = await in_picture_thread(picture.original.read)
        except OSError:
            self.unavailable("original", picture.index, picture.digest, _GONE)
            return
        name = file_name(request_id, picture.index, picture.extension)
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
