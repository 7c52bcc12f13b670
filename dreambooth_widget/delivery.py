"""How picture bytes reach the browser: as buffers of custom messages, small ones first, originals when asked for.

Never as traits: a bytes trait is written into the notebook.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Literal

from .download import in_picture_thread
from .pictures import Picture, file_name, file_stem, thumbnail, zip_bytes

__all__ = ["Delivery", "Kind"]

log = logging.getLogger(__name__)

Kind = Literal["thumbnail", "preview", "original"]
Send = Callable[[dict[str, Any], list[bytes]], None]

_EDGES: dict[str, int] = {"thumbnail": 384, "preview": 1024}
"""The longest side in pixels."""

_MOST_PREVIEWS = 8
"""Previews are sent unasked for at most so many pictures; more are asked for one by one."""

_PIECE = 1024 * 1024
"""Bytes of one message: a larger one holds up every other output of the kernel."""


class Delivery:
    """Sends the pictures of one widget to all of its views. Lives on the widget's loop."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._small: dict[tuple[Kind, str], bytes] = {}
        # The loop holds tasks only weakly; an unreferenced one is collected in mid-flight.
        self._tasks: set[asyncio.Task[None]] = set()

    def push(self, picture: Picture, name: str) -> None:
        """Send the thumbnail of a picture that has just become ready."""
        self._run(self._send_small("thumbnail", picture, name))

    def push_all(self, pictures: Sequence[Picture], request_id: str, *, have: Iterable[str] = ()) -> None:
        """Send every thumbnail whose digest is not in `have`, and then the previews of a small gallery."""
        self._run(self._send_all(tuple(pictures), request_id, frozenset(have)))

    def send(self, kind: Kind, picture: Picture, name: str) -> None:
        """Send one picture in the size that a view needs."""
        if kind == "original":
            self._run(self._send_original(picture, name))
        else:
            self._run(self._send_small(kind, picture, name))

    def send_zip(self, pictures: Sequence[Picture], request_id: str, token: str) -> None:
        """Send the original files as one zip, under the token that the view chose."""
        self._run(self._send_zip(tuple(pictures), request_id, token))

    def unavailable(self, kind: str, index: int, token: str, reason: str) -> None:
        """Tell the views that something they asked for is not to be had."""
        self._send({"type": "unavailable", "kind": kind, "id": token, "index": index, "reason": reason}, [])

    def close(self) -> None:
        """Send nothing more."""
        for task in tuple(self._tasks):
            task.cancel()
        self._small.clear()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a picture could not be sent to the browser", exc_info=task.exception())

    async def _send_all(self, pictures: tuple[Picture, ...], request_id: str, have: frozenset[str]) -> None:
        named = [(picture, file_name(request_id, picture.index, picture.extension)) for picture in pictures]
        for picture, name in named:
            if picture.digest not in have:
                await self._send_small("thumbnail", picture, name)
        if len(named) <= _MOST_PREVIEWS:
            for picture, name in named:
                await self._send_small("preview", picture, name)

    async def _send_small(self, kind: Kind, picture: Picture, name: str) -> None:
        data = self._small.get((kind, picture.digest))
        if data is None:
            data = await in_picture_thread(thumbnail, picture, _EDGES[kind])
            self._small[kind, picture.digest] = data
        await self._in_pieces(kind, picture.index, picture.digest, "image/webp", name, data)

    async def _send_original(self, picture: Picture, name: str) -> None:
        await self._in_pieces("original", picture.index, picture.digest, picture.mime, name, picture.data)

    async def _send_zip(self, pictures: tuple[Picture, ...], request_id: str, token: str) -> None:
        data = await in_picture_thread(zip_bytes, pictures, request_id)
        await self._in_pieces("zip", -1, token, "application/zip", f"{file_stem(request_id)}-pictures.zip", data)

    async def _in_pieces(self, kind: str, index: int, token: str, mime: str, name: str, data: bytes) -> None:
        parts = max(1, -(-len(data) // _PIECE))
        facts = {"type": "picture", "kind": kind, "id": token, "index": index, "mime": mime, "name": name}
        for part in range(parts):
            piece = data[part * _PIECE : (part + 1) * _PIECE]
            self._send({**facts, "part": part, "parts": parts}, [piece])
            await asyncio.sleep(0)  # the loop's other work comes in between
