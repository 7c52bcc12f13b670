"""What both widgets share: a user's observers, and words for views."""

from __future__ import annotations

from typing import Any

import pytest

from dreambooth_widget import DreamboothBatch, DreamboothWidget, PollSchedule

from ..endpoint import CANARY, PROCESSING, Endpoint, png

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)

pytestmark = pytest.mark.usefixtures("alone")


def fail(change: Any) -> None:
    """Raise, whatever the change."""
    raise ZeroDivisionError(change["name"])


@pytest.mark.parametrize("trait", ["status", "message", "pictures", "polls", "_card", "started_at"])
async def test_failing_observer_hurts_nothing(endpoint: Endpoint, caplog: pytest.LogCaptureFixture, trait: str) -> None:
    """Its exception is logged; the job, the other observers and every trait go on."""
    endpoint.answers = [PROCESSING, endpoint.success(endpoint.serve("1.png", png()))]
    widget = DreamboothWidget(CANARY, 1, endpoint=endpoint.url, schedule=FAST, autostart=False)
    seen: list[Any] = []
    widget.observe(fail, trait)
    widget.observe(seen.append, trait)
    widget.start()
    assert len(await widget) == 1
    assert (widget.status, widget.message, len(widget.pictures)) == ("success", "1 picture", 1)
    assert seen
    ours = [record for record in caplog.records if record.name.startswith("dreambooth_widget")]
    assert {record.getMessage() for record in ours} == {f"An observer of {trait!r} failed"}
    assert CANARY not in caplog.text


async def test_failing_observer_of_a_batch(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    """The batch ends as without it."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    batch = DreamboothBatch(CANARY, [1, 2], endpoint=endpoint.url, schedule=FAST, autostart=False)
    batch.observe(fail)
    batch.start()
    assert [len(result) for result in await batch] == [1, 1]  # type: ignore[arg-type]  # results
    assert batch.status == "success"
    assert "An observer of 'status' failed" in caplog.text


async def test_selection_survives_an_observer(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    """Setting `selected` selects."""
    widget = DreamboothWidget(CANARY, 1, endpoint=endpoint.url, autostart=False)
    widget.observe(fail, "selected")
    widget.selected = [2, 1]
    assert widget.selected == [1, 2]
    assert "An observer of 'selected' failed" in caplog.text


async def test_observers_can_be_removed(endpoint: Endpoint) -> None:
    """`unobserve` finds the function that `observe` was given."""
    widget = DreamboothWidget(CANARY, 1, endpoint=endpoint.url, autostart=False)
    seen: list[Any] = []
    widget.observe(seen.append, "selected")
    widget.observe(seen.append, "selected")  # once more is not twice
    widget.selected = [1]
    assert len(seen) == 1
    widget.unobserve(seen.append, "selected")
    widget.selected = [2]
    assert len(seen) == 1


@pytest.mark.parametrize("make", [DreamboothWidget, DreamboothBatch])
async def test_second_close_changes_nothing(endpoint: Endpoint, make: Any) -> None:
    """A card that was closed is closed once more when it is collected: no observer is called in whatever runs then."""
    card = make(CANARY, [1] if make is DreamboothBatch else 1, endpoint=endpoint.url, schedule=FAST)
    card.close()
    seen: list[Any] = []
    card.observe(seen.append)
    card.close()
    assert seen == []
