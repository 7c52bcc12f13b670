"""The static copy as a MIME bundle, within its budget."""

from __future__ import annotations

import json

import pytest

from dreambooth_widget.client.state import FetchResult, FetchState
from dreambooth_widget.images.picture import Picture
from dreambooth_widget.widget.static_content import read_batch, read_request
from dreambooth_widget.widget.static_copy import EMPTY, LARGEST, USUAL, make_copy

from ..copies import state_of
from ..image_files import encoded, noise


@pytest.mark.parametrize(("count", "budget"), [(1, USUAL), (4, USUAL), (40, LARGEST)])
def test_all_of_it_fits_the_budget(count: int, budget: int) -> None:
    """HTML, contact sheet and text together; every one of up to four pictures is in the HTML."""
    data = encoded(noise((1024, 1024)))
    result = FetchResult("7", [Picture(n, "", data, "PNG", 1024, 1024) for n in range(count)])
    copy = make_copy(read_request(state_of(result)), "a")
    assert set(copy) == {"text/html", "text/plain", "image/jpeg"}
    assert len(json.dumps(copy, ensure_ascii=False).encode()) <= budget
    assert copy["text/html"].count("<img") == count
    assert "dreambooth-copy-a" in copy["text/html"]


def test_line_has_no_sheet() -> None:
    """A job that runs is text alone, in HTML and plain."""
    copy = make_copy(read_request(FetchState("7", "processing")), "a")
    assert set(copy) == {"text/html", "text/plain"}
    assert "request 7" in copy["text/plain"]


def test_nothing_to_keep_is_empty() -> None:
    """An empty batch leaves an output that shows nothing."""
    assert make_copy(read_batch([]), "a") == EMPTY
