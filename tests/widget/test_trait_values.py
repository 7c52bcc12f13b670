"""From the state of a job to small JSON: what is left out, cut and redacted."""

from __future__ import annotations

import json
from typing import Any

from dreambooth_widget.client.state import FetchState, PictureState
from dreambooth_widget.errors import EndpointMovedError, GenerationFailedError, StoppedError
from dreambooth_widget.widget.trait_values import card_values, row_values

LINK = "https://x.example/a/b.png"
SIGNED = f"{LINK}?X-Amz-Signature=5ec2e7&b=1"


def row(caption: str = "", **facts: Any) -> dict[str, Any]:
    """The row of a request in some state, as the browser reads it."""
    read: dict[str, Any] = json.loads(json.dumps(row_values(3, FetchState("7", caption=caption, **facts))))
    return read


def test_a_row() -> None:
    """Where it stands, and the pictures that are announced."""
    values = row(
        "a dog",
        status="processing",
        message="attempt 2 of 6 in 1 s: it broke",
        activity="retrying",
        eta=20.0,
        started_at=5.0,
        next_poll_at=9.0,
        pictures=(PictureState(0, width=64, height=48),),
        meta={"seed": 7, "nested": {"a": 1}, "list": [1], "empty": "", "none": None},
    )
    (picture,) = values.pop("pictures")
    assert (picture["status"], picture["width"], picture["id"], picture["size"]) == ("waiting", 64, "", 0)
    assert values == {
        "request": 3,
        "id": "7",
        "caption": "a dog",
        "status": "processing",
        "activity": "retrying",
        "note": "attempt 2 of 6 in 1 s: it broke",
        "title": "",
        "eta": 20.0,
        "started_at": 5.0,
        "finished_at": None,
        "next_poll_at": 9.0,
        "meta": {"seed": "7"},
    }


def test_only_a_failure_has_a_title() -> None:
    """A stopped request has an error too, but nothing has failed."""
    failed = row(status="error", message="no", error=GenerationFailedError("The job failed.", advice="Try again."))
    assert (failed["title"], failed["note"]) == ("Job failed", "The job failed. Try again.")
    stopped = row(status="stopped", message="the job goes on", error=StoppedError("Waiting was stopped."))
    assert (stopped["title"], stopped["note"]) == ("", "the job goes on")


def test_signatures_of_links_stay_here() -> None:
    """In captions, notes and facts: a signed link gives access to the picture, and what is shown is saved."""
    moved = EndpointMovedError(f"The endpoint moved to {SIGNED}.", location=SIGNED)
    values = row(f"like {SIGNED}", status="error", error=moved, meta={"init_image": SIGNED, "prompt": f"as {SIGNED}"})
    assert "5ec2e7" not in json.dumps(values)
    assert values["caption"] == f"like {LINK}"
    assert values["meta"] == {"init_image": LINK, "prompt": f"as {LINK}"}
    state = FetchState("7", "error", error=moved, meta={"init_image": SIGNED})
    card = card_values(state, form=False, has_key=True)
    assert "5ec2e7" not in json.dumps(card)
    assert LINK in card["error"]["advice"]


def test_nothing_is_endless() -> None:
    """A caption, a note, a fact and its name are cut; a thousand of them still make messages of sensible size."""
    long = "very " * 5000
    error = GenerationFailedError(long)
    values = row(long, status="error", error=error, meta={long: long})
    assert max(len(value) for value in (values["caption"], values["note"], *values["meta"].values())) == 2000
    assert [len(name) for name in values["meta"]] == [100]
