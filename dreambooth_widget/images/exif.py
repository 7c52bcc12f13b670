"""The two things of an EXIF block that matter here: which way is up, and the comment with the prompt.

Pillow's reader warns on the console about damaged blocks, from whatever cell ran last; this one never does.
"""

from __future__ import annotations

import struct

__all__ = ["orientation", "user_comment"]

_ORIENTATION = 0x0112
_EXIF_DIRECTORY = 0x8769
_USER_COMMENT = 0x9286
_SHORT, _LONG, _UNDEFINED = 3, 4, 7


def orientation(block: bytes) -> int:
    """EXIF orientation, 1 to 8; 1 (upright) when the block is damaged or does not say."""
    try:
        value = _Block(block).number(_ORIENTATION)
    except (struct.error, ValueError):
        return 1
    return value if value is not None and 1 <= value <= 8 else 1


def user_comment(block: bytes) -> str:
    """The UserComment as text, or "". Image generators keep prompt and seed in it where PNG has text chunks."""
    try:
        raw = _Block(block).comment()
    except (struct.error, ValueError):
        return ""
    code, text = raw[:8], raw[8:]
    if code == b"UNICODE\0":
        # The standard leaves the byte order open; text that is mostly Latin shows it.
        little = text[1::2].count(0) > text[::2].count(0)
        return text.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\0 \ufeff")
    if code in (b"ASCII\0\0\0", b"\0" * 8):
        return text.decode("utf-8", "replace").strip("\0 ")
    return raw.decode("utf-8", "replace").strip("\0 ")


class _Block:
    """A TIFF directory. struct.error or ValueError on every kind of damage."""

    def __init__(self, block: bytes) -> None:
        self.data = block.removeprefix(b"Exif\0\0")
        orders = {b"II*\0": "<", b"MM\0*": ">"}
        order = orders.get(self.data[:4])
        if order is None:
            raise ValueError("no TIFF header")
        self.order = order

    def number(self, tag: int, directory: int | None = None) -> int | None:
        entry = self._entry(tag, directory)
        if entry is None:
            return None
        kind, _, at = entry
        if kind == _SHORT:
            return int(struct.unpack_from(self.order + "H", self.data, at)[0])
        return int(struct.unpack_from(self.order + "I", self.data, at)[0]) if kind == _LONG else None

    def comment(self) -> bytes:
        directory = self.number(_EXIF_DIRECTORY)
        entry = None if directory is None else self._entry(_USER_COMMENT, directory)
        if entry is None or entry[0] != _UNDEFINED:
            return b""
        _, count, at = entry
        if count > 4:
            at = struct.unpack_from(self.order + "I", self.data, at)[0]
        return self.data[at : at + count]

    def _entry(self, tag: int, directory: int | None) -> tuple[int, int, int] | None:
        """(type, count, where the value or its offset stands) of `tag`."""
        if directory is None:
            directory = struct.unpack_from(self.order + "I", self.data, 4)[0]
        count = struct.unpack_from(self.order + "H", self.data, directory)[0]
        for at in range(directory + 2, directory + 2 + 12 * count, 12):
            found, kind, number = struct.unpack_from(self.order + "HHI", self.data, at)
            if found == tag:
                return kind, number, at + 8
        return None
