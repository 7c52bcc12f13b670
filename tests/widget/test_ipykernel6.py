"""On ipykernel 6 a cell that awaits holds back the messages of views; the widget takes its own out of the queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from dreambooth_widget.widget.ipykernel6 import _is_for, handle_messages

from ..endpoint import CANARY, PROCESSING, Endpoint, ThreadedEndpoint
from ..kernels import kernel

SET_UP = """
import asyncio
from dreambooth_widget import DreamboothWidget, PollSchedule
slow = PollSchedule(shortest=600, longest=600, longest_silence=600)
widget = DreamboothWidget({key!r}, 13443927, endpoint={url!r}, schedule=slow)
"""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A scripted endpoint on a loop of its own."""
    with ThreadedEndpoint(Endpoint(PROCESSING)) as endpoint:
        yield endpoint


def test_stop_reaches_an_awaiting_cell(endpoint: Endpoint) -> None:
    """The view's message is handled at once, and other cells stay in the queue, in their order."""
    with kernel("6.31.0") as running:
        assert running.execute(SET_UP.format(key=CANARY, url=endpoint.url)).status == "ok"
        model_id = running.execute("widget.model_id").text.strip("'")
        waiting = running.begin("try:\n    await widget\nexcept Exception as error:\n    print(repr(error))")
        later = running.begin("print('later', widget.status)")
        running.send_from_view(model_id, {"type": "stop"})
        assert "StoppedError" in running.ended(waiting).text
        assert running.ended(later).text.strip() == "later stopped"


async def test_other_kernels_are_left_alone() -> None:
    """Without ipykernel 6 the context does nothing."""
    async with handle_messages("some-id"):
        pass


def item(*frames: bytes) -> Any:
    """An item of the kernel's queue with such frames."""
    return (0, 0, ([SimpleNamespace(bytes=frame) for frame in frames],))


def comm_message(comm_id: str = "a", method: str = "custom", kind: str = "comm_msg") -> Any:
    """A message of a view, as ipykernel queues it."""
    header, content = {"msg_type": kind}, {"comm_id": comm_id, "data": {"method": method}}
    return item(b"id", b"<IDS|MSG>", b"sig", json.dumps(header).encode(), b"{}", b"{}", json.dumps(content).encode())


@pytest.mark.parametrize(
    ("queued", "taken"),
    [
        (comm_message(), True),
        (comm_message("b"), False),
        (comm_message(method="update"), False),
        (comm_message(kind="execute_request"), False),
        (item(), False),
        (item(b"<IDS|MSG>"), False),
        (item(b"<IDS|MSG>", b"sig", b"not JSON", b"", b"", b"[]"), False),
        ((0, 0), False),
        (None, False),
    ],
)
def test_only_own_messages_are_taken(queued: Any, taken: bool) -> None:
    """Whatever is queued and however it looks."""
    assert _is_for("a", queued) is taken
