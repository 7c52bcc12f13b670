"""What there is to keep of a request or a batch: words, facts and counts, without markup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dreambooth_widget.client.state import FetchResult, FetchState, PictureState
from dreambooth_widget.errors import GenerationFailedError, StoppedError
from dreambooth_widget.images.picture import Picture
from dreambooth_widget.widget.static_content import format_duration, read_batch, read_request, shorten

from ..copies import state_of
from ..image_files import encoded, scene

DATA = encoded(scene((64, 48)))


def pictures(*seeds: str) -> list[Picture]:
    """Pictures with the given seeds in their text."""
    return [Picture(n, "", DATA, "PNG", 64, 48, {"seed": seed} if seed else {}) for n, seed in enumerate(seeds)]


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (("5", "6", "7"), "3 pictures · took 31 s · seeds 5–7 · request 7"),
        (("5", "7"), "2 pictures · took 31 s · request 7"),
        (("5",), "1 picture · took 31 s · request 7"),
        (("", "6"), "2 pictures · took 31 s · request 7"),
        (("9" * 30, "1"), "2 pictures · took 31 s · request 7"),
    ],
)
def test_summary_names_seeds_in_a_row(seeds: tuple[str, ...], words: str) -> None:
    """Neighbouring seeds are a range, other ones stand below their pictures."""
    assert read_request(state_of(FetchResult("7", pictures(*seeds), duration=31.4))).summary() == words


def test_summary_counts_what_is_lacking() -> None:
    """Missing pictures and those that did not fit."""
    result = FetchResult("7", pictures("1", "2", "3"), [PictureState(3, "missing", "gone")])
    content = read_request(state_of(result))
    assert content.summary(2).startswith("1 of 4 pictures · 2 more were not saved · 1 could not be loaded · took 0 s")


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "took 0 s"), (46.4, "took 46 s"), (125, "took 2 min 5 s")])
def test_durations_as_people_write_them(seconds: float, words: str) -> None:
    """Seconds, and minutes from 60 on."""
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            FetchState("7", "processing", meta={"prompt": "a dog"}),
            "a dog: Still generating when this was saved. Run the cell to fetch request 7.",
        ),
        (
            FetchState("7", "stopped", error=StoppedError("x")),
            "Stopped waiting. The job keeps running on the service. Run the cell to fetch request 7.",
        ),
        (
            FetchState("7", "error", error=GenerationFailedError("It broke.", advice="Submit it again.")),
            "Job failed. It broke. Submit it again. (Request 7)",
        ),
        (FetchResult("7", pictures("5"), duration=3), "1 picture · took 3 s · request 7."),
    ],
)
def test_plain_text_is_one_line(source: FetchState | FetchResult, words: str) -> None:
    """For LaTeX and terminals: the same in words, without marks that fonts lack."""
    assert read_request(state_of(source)).plain() == words


def test_caption_wins_over_the_prompt() -> None:
    """On one line, and not endless."""
    meta = {"prompt": "a dog\nin the rain"}
    assert read_request(FetchState("7", "processing", meta=meta)).caption == "a dog in the rain"
    assert read_request(FetchState("7", "processing", meta=meta, caption="mine")).caption == "mine"
    assert len(read_request(FetchState("7", "processing", meta={"prompt": "x" * 999})).caption) == 300
    assert read_request(FetchState("7", "processing", meta={"prompt": 5})).caption == ""


def test_texts_are_short_and_unsigned() -> None:
    """A megabyte of text with a signed link in it becomes a short one without."""
    assert shorten("see https://x/a?sig=5ec2e7 " + "x" * 10**6, 40) == "see https://x/a xxxxxxxxxxxxxxxxxxxxxxx…"


def batch(*states: Any, message: str = "") -> Any:
    """The content for requests in these states."""
    return read_batch([replace(state, caption=f"dog {n}") for n, state in enumerate(states)], message)


def test_running_batch_names_its_requests() -> None:
    """One line; what has failed already is named at the end."""
    content = batch(FetchState("1", "processing"), FetchState("2", "idle"))
    assert content.plain() == "Still generating when this was saved. Run the cell to fetch 2 requests."
    assert batch(FetchState("1"), FetchState("2")).plain().startswith("Not started when this was saved.")
    assert content.kind == "running"


def test_batch_without_pictures_has_its_line() -> None:
    """And the failures by their captions; an empty one has nothing to keep."""
    failed = FetchState("1", "error", error=GenerationFailedError("It broke.", advice=""))
    content = batch(failed, failed, message="0 of 2 done, 2 failed")
    assert (content.kind, content.notice.text) == ("ended", "0 of 2 done, 2 failed")
    assert dict(content.facts) == {"dog 0": "✕ Job failed: It broke.", "dog 1": "✕ Job failed: It broke."}
    assert read_batch([]).empty
