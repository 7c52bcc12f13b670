"""`state`: how a job reads."""

from __future__ import annotations

from typing import Any

import pytest

from dreambooth_widget import FetchState

LINES: list[tuple[dict[str, Any], str]] = [
    ({}, "7 idle"),
    ({"status": "processing"}, "7 processing"),
    ({"status": "processing", "polls": 2}, "7 processing: poll 2"),
    ({"status": "processing", "polls": 2, "next_poll_at": 9.0}, "7 processing: waiting after poll 2"),
    ({"status": "processing", "polls": 2, "message": "it broke"}, "7 processing: it broke"),
    ({"status": "downloading", "polls": 3, "message": "1 of 4 pictures"}, "7 downloading: 1 of 4 pictures"),
    ({"status": "stopped", "polls": 3}, "7 stopped"),
]


@pytest.mark.parametrize(("known", "line"), LINES)
def test_a_state_is_one_line(known: dict[str, Any], line: str) -> None:
    """What `on_update=print` prints."""
    assert str(FetchState("7", **known)) == line
