"""Frames between kernel and worker, and on the cache's disk: whole, bounded, and no crash on nonsense."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.images.inspection import Inspection, Rendition, parse_json, read_frame, write_frame

FOUND = Inspection(
    "PNG",
    640,
    480,
    "0" * 64,
    {"seed": "42", "Title": "犬"},
    {"seed": "42"},
    {"thumbnail": Rendition("image/webp", b"thumbnail"), "preview": Rendition("image/jpeg", b"preview")},
)


def frame(header: Any, payload: bytes = b"thumbnailpreview") -> bytes:
    """Return a frame with any header."""
    text = json.dumps(header).encode()
    return struct.pack(">IQ", len(text), len(payload)) + text + payload


def test_an_inspection_comes_back_whole() -> None:
    """What was packed is unpacked, texts in every script and bytes alike."""
    assert Inspection.unpack(FOUND.pack()) == FOUND


def test_frames_follow_each_other() -> None:
    """A reader gets one after the other, and None at the end."""
    file = io.BytesIO()
    write_frame(file, {"a": 1}, b"bytes")
    write_frame(file, {"b": 2})
    file.seek(0)
    assert [read_frame(file) for _ in range(3)] == [({"a": 1}, b"bytes"), ({"b": 2}, b""), None]


BROKEN: dict[str, dict[str, Any]] = {
    "format": {"format": "EXE"},
    "zero width": {"width": 0},
    "negative height": {"height": -5},
    "width as text": {"width": "640"},
    "width as bool": {"width": True},
    "width that is no number": {"width": float("nan")},
    "endless height": {"height": float("inf")},
    "huge width": {"width": 1 << 40},
    "digest": {"sha256": "../../etc/passwd"},
    "texts as list": {"text": ["a"]},
    "number as text": {"text": {"a": 5}},
    "too many texts": {"text": {str(n): "" for n in range(65)}},
    "too long texts": {"facts": {"a": "x" * 600_000}},
    "no renditions": {"renditions": {}},
    "renditions as text": {"renditions": "ab"},
    "mime": {"renditions": {"thumbnail": ["text/html", 9], "preview": ["image/jpeg", 7]}},
    "size too small": {"renditions": {"thumbnail": ["image/webp", 9], "preview": ["image/jpeg", 6]}},
    "size too large": {"renditions": {"thumbnail": ["image/webp", 9], "preview": ["image/jpeg", 8000]}},
    "negative size": {"renditions": {"thumbnail": ["image/webp", -1], "preview": ["image/jpeg", 17]}},
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_inspections_are_refused(name: str) -> None:
    """Each field is checked: the worker may have been taken over, the cache may be poisoned."""
    with pytest.raises(ValueError, match=r"\w"):
        Inspection.unpack(frame({**FOUND.frame()[0], **BROKEN[name]}))
    assert Inspection.unpack(frame(FOUND.frame()[0])) == FOUND


@pytest.mark.parametrize("text", [b"", b"[]", b"5", b"{", b'{"a":' * 100_000, b"\xff"])
def test_hostile_json_is_refused(text: bytes) -> None:
    """No depth ends the interpreter, and nothing but an object is returned."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text)


@pytest.mark.parametrize("lengths", [(1 << 31, 0), (2, 1 << 62), (100, 5), (2, 500)])
def test_lengths_are_not_believed(lengths: tuple[int, int]) -> None:
    """A frame that announces more than there is, or than is allowed, is refused before memory is taken for it."""
    with pytest.raises(ValueError, match="frame"):
        read_frame(io.BytesIO(struct.pack(">IQ", *lengths) + b"{}" + b"abc"))


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_any_damage_is_a_refusal(at: int, patch: bytes) -> None:
    """Bytes exchanged anywhere give an inspection or ValueError."""
    packed = FOUND.pack()
    damaged = packed[:at] + patch + packed[at + len(patch) :]
    try:
        assert isinstance(Inspection.unpack(damaged), Inspection)
    except ValueError as refused:
        assert str(refused) is not None  # noqa: PT017 - both ways out are right
