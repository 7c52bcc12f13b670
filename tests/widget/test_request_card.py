"""The messages of one request's views, and what they are sent."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import DreamboothWidget

from ..endpoint import CANARY, PROCESSING, Endpoint, png
from ..views import View
from ..widgets import OPTIONS, make

pytestmark = pytest.mark.usefixtures("alone")


async def test_stop_then_check_again_resumes(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The button "Stop waiting" in the view stops, "Check again" goes on with the same clock and count."""
    widget = make(endpoint, PROCESSING)
    view = View(widget, monkeypatch)
    await endpoint.saw(2)
    view.send({"type": "stop"})
    with pytest.raises(dw.StoppedError):
        await widget
    assert widget.status == "stopped"
    started, polls = widget.started_at, widget.polls
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    view.send({"type": "poll_now"})
    assert len(await widget) == 1
    assert widget.started_at == started
    assert widget.polls == polls + 1


async def test_observer_starts_again_at_the_end(endpoint: Endpoint) -> None:
    """The notebook keeps the line of the job that runs, not the error of the one before it."""
    widget = make(endpoint, {"status": "failed"}, autostart=False)

    def begin_again(change: Any) -> None:
        if change["new"] == "error":
            endpoint.answers = [PROCESSING]
            widget.start()

    widget.observe(begin_again, "status")
    widget.start()
    await endpoint.saw(2)
    await widget._kernel_loop.tasks.settle()
    assert "Still generating" in widget._outputs._copy["text/html"]
    widget.stop()


async def test_ready_view_gets_whole_state(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose connection stood too late has missed changes: its view gets every trait but the front end."""
    widget = make(endpoint, endpoint.success(endpoint.serve("1.png", png("red"))))
    await widget
    view = View(widget, monkeypatch)
    view.send({"type": "ready", "have": []})
    state = {name: value for update in view.updates for name, value in update.items()}
    assert (state["status"], state["polls"], len(state["pictures"])) == ("success", 1, 1)
    assert not {"_esm", "_css"} & set(state)


async def test_messages_hop_to_the_loop(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """ipykernel 7 calls handlers on subshell threads; a task made on such a thread's own loop dies with it."""
    widget = make(endpoint, endpoint.success(endpoint.serve("1.png", png("red"))))
    await widget
    view = View(widget, monkeypatch)
    threads: list[int] = []
    monkeypatch.setattr(widget._sender, "send", lambda *_: threads.append(threading.get_ident()))
    monkeypatch.setattr(widget, "stop", lambda: threads.append(threading.get_ident()))

    async def subshell() -> None:
        view.send({"type": "get_picture", "kind": "preview", "index": 0, "id": widget.pictures[0]["id"]})
        view.send({"type": "stop"})

    await asyncio.to_thread(asyncio.run, subshell())
    await asyncio.sleep(0)
    assert threads == [threading.get_ident()] * 2


async def test_next_card_expects_as_many_pictures(endpoint: Endpoint) -> None:
    """A request that does not say how many will come gets the room of this kernel's last job; traits claim nothing."""
    links = [endpoint.serve(f"{index}.png", png(size=(64, 96))) for index in range(3)]
    await make(endpoint, endpoint.success(*links))
    widget = DreamboothWidget(CANARY, 7, endpoint=endpoint.url, autostart=False)
    assert widget._card["expected"] == {"count": 3, "width": 64, "height": 96}
    assert widget.pictures == []


async def test_form_starts_with_key(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the card shows the form; what it sends starts the job, and the key goes no further."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    widget = DreamboothWidget(endpoint=endpoint.url, **OPTIONS)
    view = View(widget, monkeypatch)
    assert widget.status == "idle"
    assert widget._card["form"]
    with pytest.raises(dw.InvalidKeyError):
        await widget
    view.send({"type": "start", "key": CANARY, "request_id": " 42 "})
    assert len(await widget) == 1
    assert json.loads(endpoint.polls[0].body) == {"key": CANARY, "request_id": "42"}
    assert not widget._card["form"]
    assert CANARY not in json.dumps([view.custom, view.updates]) + json.dumps(widget.get_state())


async def test_incomplete_form_is_refused(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing id is an error for the view, and nothing is sent to the service."""
    widget = DreamboothWidget(endpoint=endpoint.url)
    view = View(widget, monkeypatch)
    view.send({"type": "start", "key": CANARY})
    refused = await view.until(lambda message: message["type"] == "error")
    assert "request id" in refused["reason"]
    assert CANARY not in refused["reason"]
    assert not endpoint.seen


async def test_new_key_after_refusal(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The button "Edit key" sends another key for the same request."""
    widget = make(endpoint, {"status": "error", "message": "Invalid Api Key"})
    with pytest.raises(dw.InvalidKeyError):
        await widget
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    View(widget, monkeypatch).send({"type": "start", "key": "another-key-0001"})
    assert len(await widget) == 1
    assert json.loads(endpoint.polls[-1].body) == {"key": "another-key-0001", "request_id": "13443927"}


async def test_view_gets_renditions_in_order(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that sends "ready" gets what it lacks; an original crosses in pieces of at most 1 MiB, byte for byte."""
    import random

    from PIL import Image

    noise = Image.frombytes("RGB", (900, 900), random.Random(1).randbytes(900 * 900 * 3))
    import io

    out = io.BytesIO()
    noise.save(out, "PNG")
    big, small = out.getvalue(), png("red")
    assert len(big) > 2**20
    widget = make(endpoint, endpoint.success(endpoint.serve("1.png", big), endpoint.serve("2.png", small)))
    await widget
    ids = [entry["id"] for entry in widget.pictures]
    view = View(widget, monkeypatch)
    view.send({"type": "ready", "have": [ids[1]]})
    thumbnail = await view.whole("thumbnail", ids[0])
    assert thumbnail[8:12] == b"WEBP"
    await view.whole("preview", ids[1])
    sent = [(message["kind"], message["id"]) for message in view.custom]
    assert sent == [("thumbnail", ids[0]), ("preview", ids[0]), ("preview", ids[1])]
    view.send({"type": "get_picture", "kind": "original", "index": 0, "id": ids[0]})
    assert await view.whole("original", ids[0]) == big
    view.send({"type": "get_picture", "kind": "original", "index": 0, "id": "something else"})
    await view.until(lambda message: message["type"] == "unavailable")
    view.send({"type": "get_crop", "index": 1, "id": ids[1], "box": [0, 0, 10, 10]})
    assert await view.whole("crop", f"{ids[1]}/0,0,10,10")
    view.send({"type": "get_crop", "index": 1, "id": ids[0], "box": [0, 0, 10, 10]})
    await view.until(lambda message: message["type"] == "unavailable" and message["id"] == f"{ids[0]}/0,0,10,10")


async def test_links_go_out_on_request(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed link opens the file for anyone: only the menu of a view gets it, and not when it has expired."""
    signed, dead = "?X-Amz-Signature=5ec2e7", "?Expires=1&Signature=5ec2e7"
    endpoint.serve("1.png", png("red"))
    endpoint.serve("2.png", png("blue"))
    links = [endpoint.link("1.png") + signed, endpoint.link("2.png") + dead]
    widget = make(endpoint, endpoint.success(*links))
    await widget
    view = View(widget, monkeypatch)
    ids = [entry["id"] for entry in widget.pictures]
    for index, token in enumerate([*ids, "nothing"]):
        view.send({"type": "get_link", "index": index, "id": token})
        await view.until(lambda message, token=token: message.get("id") == token)
    assert [(message["type"], message["url"]) for message in view.custom] == [("link", links[0]), *[("link", "")] * 2]
    assert "5ec2e7" not in json.dumps(widget.get_state(), default=str)


async def test_a_zip_of_the_originals(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made in the kernel, under the names that `save` gives; nothing chosen is answered too."""
    import io
    import zipfile

    links = endpoint.serve("1.png", png("red")), endpoint.serve("2.png", png("blue"))
    widget = make(endpoint, endpoint.success(*links))
    await widget
    view = View(widget, monkeypatch)
    view.send({"type": "zip", "indices": [1, 1], "id": "token-1"})
    with zipfile.ZipFile(io.BytesIO(await view.whole("zip", "token-1"))) as archive:
        assert archive.namelist() == ["13443927-2.png"]
        assert archive.read("13443927-2.png") == png("blue")
    view.send({"type": "zip", "indices": [], "id": "token-2"})
    await view.until(lambda message: message["type"] == "unavailable" and message["id"] == "token-2")


@pytest.mark.parametrize(
    "content",
    [
        {"type": "get_picture", "kind": "everything", "index": 0, "id": ""},
        {"type": "get_picture", "kind": "thumbnail", "index": "x", "id": ""},
        {"type": "get_link", "index": "x"},
        {"type": "get_crop", "index": 0, "id": "", "box": [0, 0, 9, 9]},
        {"type": "get_crop", "index": 99, "id": 7, "box": "everything"},
        {"type": "get_crop"},
        {"type": "retry", "index": 99},
        {"type": "retry"},
        {"type": "ready", "have": 5},
        {"type": "zip", "indices": "all"},
        {"type": "zip", "indices": [None, "1", 99]},
        {"type": "unheard of"},
        {"type": ["stop"]},
        {},
        "stop",
        None,
    ],
)
async def test_strange_messages_do_no_harm(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, content: Any
) -> None:
    """Whatever a page sends, nothing raises and the job goes on."""
    widget = make(endpoint, endpoint.success(endpoint.serve("1.png", png())))
    View(widget, monkeypatch).send(content)
    assert len(await widget) == 1
    assert not caplog.records


async def test_stale_selection_is_dropped(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A view may show another state than the kernel has: what it selects there and is not here is dropped, silently."""
    links = [endpoint.serve(f"{index}.png", png()) for index in range(2)]
    widget = make(endpoint, PROCESSING, endpoint.success(*links))
    view = View(widget, monkeypatch)
    view.set(selected=[9, -1, 1])
    assert widget.selected == [1, 9]
    await widget
    view.set(selected=[1, 0, 2, -1, None, "1", [0], {}, 0.0, True, 0])
    assert widget.selected == [0, 1]
    assert view.updates[-1] == {"selected": [0, 1]}
    for selected in ("01", None, {"0": 1}, 5):
        view.set(selected=[1])
        view.set(selected=selected)
        assert widget.selected == []
    assert not caplog.records


async def test_tile_retries_missing_picture(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status stays `success`; the tile's Retry loads that one picture."""
    widget = make(endpoint, endpoint.success(endpoint.serve("1.png", png()), endpoint.link("late.png")))
    result = await widget
    assert len(result) == 1
    assert widget.status == "success"
    assert widget.message == "1 of 2 pictures, 1 could not be loaded"
    endpoint.serve("late.png", png("gold"))
    complete = asyncio.Event()
    widget.observe(lambda change: complete.set() if change["new"] == "2 pictures" else None, "message")
    View(widget, monkeypatch).send({"type": "retry", "index": 1})
    await asyncio.wait_for(complete.wait(), 10)
    assert len(widget.images) == 2


async def test_swapped_in_the_form(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the field of the request id is refused; it reaches no trait and no message."""
    widget = DreamboothWidget(endpoint=endpoint.url)
    view = View(widget, monkeypatch)
    view.send({"type": "start", "key": "32798037", "request_id": CANARY})
    view.send({"type": "start", "key": CANARY, "request_id": CANARY})
    assert [message["type"] for message in view.custom].count("error") == 2
    assert widget.request_id == ""
    assert CANARY not in json.dumps(view.custom) + json.dumps(widget.get_state())
    assert not endpoint.seen
