"""A browser's side of a widget's comm, for tests without a browser."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest


class View:
    """A browser's side of the comm: what the kernel sent it, and a way to send back."""

    def __init__(self, widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widget = widget
        self.custom: list[dict[str, Any]] = []
        self.buffers: list[bytes] = []
        self.updates: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        monkeypatch.setattr(widget, "_send", self._receive)

    def _receive(self, message: dict[str, Any], buffers: Any = None) -> None:
        if message["method"] == "custom":
            self.custom.append(message["content"])
            self.buffers.append(b"".join(bytes(buffer) for buffer in buffers or ()))
        elif message["method"] == "update":
            self.updates.append(message["state"])
        self._arrived.set()

    def send(self, content: Any) -> None:
        """Send a custom message to the kernel."""
        self.widget._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def set(self, **state: Any) -> None:
        """Set traits, as a view does."""
        self.widget._handle_msg(
            {"content": {"data": {"method": "update", "state": state, "buffer_paths": []}}, "buffers": []}
        )

    async def until(self, found: Any) -> Any:
        """Wait until `found(message)` is true for a custom message, and return the message."""
        while True:
            for message in self.custom:
                if found(message):
                    return message
            self._arrived.clear()
            await asyncio.wait_for(self._arrived.wait(), 20)

    async def whole(self, kind: str, token: str) -> bytes:
        """Wait for all pieces of a picture or zip, and return its bytes."""
        last = await self.until(
            lambda m: m.get("kind") == kind and m.get("id") == token and m.get("part", -2) == m.get("parts", 0) - 1
        )
        pairs = zip(self.custom, self.buffers, strict=True)
        pieces = [data for message, data in pairs if message.get("kind") == kind and message.get("id") == token]
        assert len(pieces) == last["parts"]
        assert all(len(piece) <= 2**20 for piece in pieces)
        return b"".join(pieces)
