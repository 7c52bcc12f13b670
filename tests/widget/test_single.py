"""The widget in Python: arguments, traits, messages of views. The browser's side is in `tests/browser`."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import traitlets

import dreambooth_widget as dw
from dreambooth_widget import DreamboothWidget, PollSchedule, Retry

from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, png
from ..views import View

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)
OPTIONS: dict[str, Any] = {"schedule": FAST, "retry": QUICK}

pytestmark = pytest.mark.usefixtures("alone")


def make(endpoint: Endpoint, *answers: Any, **options: Any) -> DreamboothWidget:
    """A widget of the endpoint, which answers `answers`."""
    if answers:
        endpoint.answers = list(answers)
    return DreamboothWidget(CANARY, 13443927, endpoint=endpoint.url, **{**OPTIONS, **options})


async def test_a_request_id_becomes_pictures(endpoint: Endpoint, tmp_path: Path) -> None:
    """Waiting at once, then the pictures: traits, PIL images, original files."""
    data = png("red", (80, 60), seed="7", prompt="a dog")
    widget = make(endpoint, PROCESSING, endpoint.success(endpoint.serve("1.png", data)))
    assert widget.status == "processing"
    seen: list[str] = []
    widget.observe(lambda change: seen.append(change["new"]), "status")
    result = await widget
    assert seen == ["downloading", "success"]
    assert widget.result is not None
    assert list(result) == list(widget.result)
    assert widget.images[0].size == (80, 60)
    assert widget.contact_sheet().size[0] > 0
    (entry,) = widget.pictures
    assert entry["status"] == "ready"
    assert (entry["width"], entry["height"], entry["size"]) == (80, 60, len(data))
    assert entry["text"] == {"seed": "7", "prompt": "a dog"}
    assert entry["name"] == "13443927-1.png"
    (path,) = widget.save(tmp_path)
    assert path.name == "13443927-1.png"
    assert path.read_bytes() == data
    with pytest.raises(FileExistsError):
        widget.save(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"nonsense": 1}, TypeError, "nonsense"),
        ({"request_id": ""}, ValueError, "request_id|request id"),
        ({"request_id": True}, TypeError, "bool"),
        ({"request_id": 1.5}, TypeError, "float"),
        ({"endpoint": "ftp://example.com"}, ValueError, "http"),
        ({"endpoint": "example.com"}, ValueError, "http"),
        ({"endpoint": 5}, TypeError, "endpoint"),
        ({"eta": -1}, ValueError, "eta"),
        ({"eta": "soon"}, TypeError, "eta"),
        ({"deadline": -0.5}, ValueError, "deadline"),
        ({"deadline": float("nan")}, ValueError, "deadline"),
        ({"key": 5}, TypeError, "key"),
        ({"key": "  "}, ValueError, "key"),
    ],
)
def test_a_wrong_argument_says_which_and_why(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    """`TypeError` or `ValueError` at construction, naming the argument, never the key."""
    with pytest.raises(error, match=says) as caught:
        DreamboothWidget(**{"key": CANARY, "request_id": 1, **arguments})
    assert CANARY not in str(caught.value)


def test_without_a_loop_the_widget_stays_idle() -> None:
    """In a plain script construction raises nothing; starting says what to do instead."""
    widget = DreamboothWidget(CANARY, 1)
    assert widget.status == "idle"
    assert widget.images == []
    with pytest.raises(RuntimeError, match=r"asyncio\.run"):
        widget.start()


async def test_a_final_error_says_what_happened_and_what_to_do(endpoint: Endpoint) -> None:
    """In the traits, in `widget.error`, and raised for who awaits."""
    widget = make(endpoint, {"status": "error", "message": f"Invalid Api Key {CANARY}"})
    with pytest.raises(dw.InvalidKeyError) as caught:
        await widget
    assert widget.status == "error"
    assert widget.error is caught.value
    shown = widget._card["error"]
    assert shown["kind"] == "InvalidKeyError"
    assert shown["title"] == "Key refused"
    assert shown["message"]
    assert shown["advice"]
    assert CANARY not in json.dumps(widget._card)


async def test_stop_then_check_again_resumes(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Stop waiting" in the view stops, "Check again" goes on with the same clock and count."""
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


async def test_messages_on_another_thread_hop_to_the_loop(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize("kind", [DreamboothWidget, dw.DreamboothBatch])
async def test_waiting_in_another_thread_is_refused(endpoint: Endpoint, kind: Any) -> None:
    """The job begins on the loop where the widget was made; a loop in another thread is told that it cannot wait."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    widget = kind(CANARY, "1" if kind is DreamboothWidget else ["1"], endpoint=endpoint.url, autostart=False)

    async def elsewhere() -> None:
        await widget

    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, elsewhere())
    await widget
    assert widget.status == "success"


async def test_the_form_starts_with_the_typed_key(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_wrong_form_is_refused_with_a_reason(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing id is told to the view, and nothing is sent to the service."""
    widget = DreamboothWidget(endpoint=endpoint.url)
    view = View(widget, monkeypatch)
    view.send({"type": "start", "key": CANARY})
    refused = await view.until(lambda message: message["type"] == "error")
    assert "request id" in refused["reason"]
    assert CANARY not in refused["reason"]
    assert not endpoint.seen


async def test_a_new_key_after_a_refused_one(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Edit key" sends another key for the same request."""
    widget = make(endpoint, {"status": "error", "message": "Invalid Api Key"})
    with pytest.raises(dw.InvalidKeyError):
        await widget
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    View(widget, monkeypatch).send({"type": "start", "key": "another-key-0001"})
    assert len(await widget) == 1
    assert json.loads(endpoint.polls[-1].body) == {"key": "another-key-0001", "request_id": "13443927"}


async def test_the_key_from_the_environment(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DREAMBOOTH_API_KEY` serves when no argument is given."""
    monkeypatch.setenv("DREAMBOOTH_API_KEY", CANARY)
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    await DreamboothWidget(request_id="7", endpoint=endpoint.url)
    assert json.loads(endpoint.polls[0].body) == {"key": CANARY, "request_id": "7"}


async def test_a_view_gets_thumbnails_then_previews_and_originals_on_request(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view that says "ready" gets what it lacks; an original crosses in pieces of at most 1 MiB, byte for byte."""
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
    kinds = [(message["kind"], message["index"]) for message in view.custom]
    assert kinds == [("thumbnail", 0), ("preview", 0), ("preview", 1)]
    view.send({"type": "get_picture", "kind": "original", "index": 0, "id": ids[0]})
    assert await view.whole("original", ids[0]) == big
    view.send({"type": "get_picture", "kind": "original", "index": 0, "id": "something else"})
    await view.until(lambda message: message["type"] == "unavailable")


async def test_a_zip_of_the_originals(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made in the kernel, under the names that `save` gives; nothing chosen is answered too."""
    import io
    import zipfile

    links = endpoint.serve("1.png", png("red")), endpoint.serve("2.png", png("blue"))
    widget = make(endpoint, endpoint.success(*links))
    await widget
    view = View(widget, monkeypatch)
    view.send({"type": "zip", "indices": [1], "id": "token-1"})
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


async def test_a_missing_picture_is_retried_by_its_tile(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_from_response_takes_the_whole_answer(endpoint: Endpoint) -> None:
    """Queued: eta and placeholders. Finished: no poll at all. An error: `ValueError`."""
    link = endpoint.serve("1.png", png())
    endpoint.answers = [PROCESSING, endpoint.success(link)]
    queued = {"status": "processing", "id": 5, "eta": 20.5, "output": [], "meta": {"W": 512, "H": 512, "n_samples": 3}}
    widget = DreamboothWidget.from_response(queued, CANARY, endpoint=endpoint.url, **OPTIONS)
    assert (widget.request_id, widget.eta, widget.status) == ("5", 20.5, "processing")
    assert len(await widget) == 1
    endpoint.seen.clear()
    finished = DreamboothWidget.from_response(
        json.dumps(endpoint.success(link)), CANARY, endpoint=endpoint.url, **OPTIONS
    )
    assert len(await finished) == 1
    assert not endpoint.polls
    with pytest.raises(ValueError, match=r"."):
        DreamboothWidget.from_response({"status": "error", "message": "no"}, CANARY)


async def test_the_state_has_no_bytes_no_links_and_no_key(endpoint: Endpoint) -> None:
    """What is saved with the notebook: small JSON, whatever the pictures weigh."""
    link = endpoint.serve("1.png", png()) + "?signature=secret-token"
    widget = make(endpoint, endpoint.success(link, meta={"prompt": "a dog", "init_image": link}))
    await widget
    state = widget.get_state()
    text = json.dumps(state)  # bytes would not be JSON
    assert CANARY not in text
    assert "secret-token" not in text
    assert "127.0.0.1" not in json.dumps(state["pictures"])


async def test_the_key_is_nowhere_to_be_read(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    """Not in repr, str, vars, traits, errors or logs at DEBUG of anything public."""
    caplog.set_level("DEBUG")
    asyncio.get_running_loop().set_debug(True)
    echo = f"you sent {CANARY}"
    widget = make(endpoint, {"status": "error", "message": echo, "tip": CANARY})
    with pytest.raises(dw.DreamboothError) as caught:
        await widget
    client = dw.Client(CANARY, endpoint=endpoint.url, retry=QUICK)
    job = client.fetch(1)
    with pytest.raises(dw.DreamboothError):
        await job
    await client.close()
    error = caught.value
    things = [widget, client, job, job.state, error, widget._options, widget._client, widget._key, client._transport]
    for thing in things:
        assert CANARY not in repr(thing) + str(thing) + repr(getattr(thing, "__dict__", ""))
    assert CANARY not in repr(error.details) + repr(error.args)
    assert CANARY not in caplog.text
    assert CANARY not in repr(widget.trait_values()) + repr(widget.keys)


async def test_closing_stops_the_job(endpoint: Endpoint) -> None:
    """A closed widget polls no more and leaves no task."""
    widget = make(endpoint, PROCESSING)
    await endpoint.saw(1)
    job = widget._job
    assert job is not None
    widget.close()
    with pytest.raises(dw.StoppedError):
        await job
    assert not [task for task in asyncio.all_tasks() if "dreambooth" in task.get_name()]


async def test_selected_is_kept_in_order(endpoint: Endpoint) -> None:
    """Indices, ascending, each once; nonsense is refused by the trait."""
    widget = make(endpoint, PROCESSING)
    widget.selected = [3, 1, 1, -2]
    assert widget.selected == [1, 3]
    with pytest.raises(traitlets.TraitError):
        widget.selected = ["one"]


async def test_selected_fits_the_pictures(endpoint: Endpoint) -> None:
    """As soon as the number of pictures is known, what exceeds it is dropped, and refused from then on."""
    links = [endpoint.serve(f"{index}.png", png()) for index in range(2)]
    widget = make(endpoint, PROCESSING, endpoint.success(*links))
    widget.selected = [1, 9]
    await widget
    assert widget.selected == [1]
    with pytest.raises(traitlets.TraitError, match="no picture with index 9: the request has 2"):
        widget.selected = [0, 9]
    assert widget.selected == [1]


async def test_the_jobs_traits_are_read_only(endpoint: Endpoint) -> None:
    """`widget.status = …` is an error, not a lie."""
    widget = make(endpoint, PROCESSING)
    with pytest.raises(traitlets.TraitError):
        widget.status = "success"


async def test_the_deadline_is_resumable(endpoint: Endpoint) -> None:
    """`timed_out`, and `check_now()` goes on."""
    widget = make(endpoint, PROCESSING, deadline=0.1)
    with pytest.raises(TimeoutError):
        await widget
    assert widget.status == "timed_out"
    endpoint.answers = [Reply(endpoint.success(endpoint.serve("1.png", png())))]
    widget.check_now()
    assert len(await widget) == 1


async def test_a_token_brings_the_request_back(endpoint: Endpoint) -> None:
    """`resume` goes on with the same request, clock and estimate; the key is given anew."""
    widget = make(endpoint, PROCESSING, eta=100)
    await endpoint.saw(1)
    token = widget.resume_token
    assert CANARY not in token
    started = widget.started_at
    widget.close()
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    again = DreamboothWidget.resume(token, CANARY, **OPTIONS)
    assert (again.request_id, again.started_at, again.eta) == ("13443927", started, 100)
    assert len(await again) == 1
    with pytest.raises(ValueError, match="token"):
        DreamboothWidget.resume("{}", CANARY)


async def test_the_selection_as_images(endpoint: Endpoint) -> None:
    """`selected_images` has the selected pictures, in their order."""
    links = endpoint.serve("1.png", png("red", (10, 10))), endpoint.serve("2.png", png("blue", (20, 20)))
    widget = make(endpoint, endpoint.success(*links))
    await widget
    assert widget.selected_images == []
    widget.selected = [1]
    assert [image.size for image in widget.selected_images] == [(20, 20)]


async def test_the_static_gallery_as_text(endpoint: Endpoint) -> None:
    """`to_html` gives the pictures after success, and one line before."""
    widget = make(endpoint, PROCESSING, endpoint.success(endpoint.serve("1.png", png())))
    assert "<img" not in widget.to_html()
    await widget
    assert "data:image/jpeg;base64," in widget.to_html()


async def test_a_client_brings_key_endpoint_and_policies(endpoint: Endpoint) -> None:
    """Widgets that share a client share its connections, and its schedule holds."""
    endpoint.answers = [PROCESSING, endpoint.success(endpoint.serve("1.png", png()))]
    async with dw.Client(CANARY, endpoint=endpoint.url, schedule=FAST, retry=QUICK) as client:
        widget = DreamboothWidget(request_id=1, client=client)
        assert len(await widget) == 1
        assert json.loads(widget.resume_token)["endpoint"] == endpoint.url
    assert endpoint.polls[1].time - endpoint.polls[0].time < 1


async def test_stop_and_check_in_one_step(endpoint: Endpoint) -> None:
    """The status is true right after `stop()`, so that `check_now()` in the same cell resumes."""
    widget = make(endpoint, PROCESSING)
    await endpoint.saw(2)
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    widget.stop()
    assert widget.status == "stopped"
    assert isinstance(widget.error, dw.StoppedError)
    started, polls = widget.started_at, widget.polls
    widget.check_now()
    assert widget.status == "processing"
    assert len(await widget) == 1
    assert (widget.started_at, widget.polls) == (started, polls + 1)


def from_response(response: Any, **options: Any) -> DreamboothWidget:
    """Return a widget for a response that does not start by itself."""
    return DreamboothWidget.from_response(response, CANARY, autostart=False, **options)


async def test_unknown_arguments_are_named(endpoint: Endpoint) -> None:
    """An unknown keyword argument is a `TypeError` with its name, through every constructor."""
    token = make(endpoint, PROCESSING, autostart=False).resume_token
    makers = (
        lambda **options: DreamboothWidget(CANARY, 1, **options),
        lambda **options: DreamboothWidget.from_response(PROCESSING | {"id": 1}, CANARY, **options),
        lambda **options: DreamboothWidget.resume(token, CANARY, **options),
        lambda **options: dw.DreamboothBatch(CANARY, [1], **options),
    )
    for maker in makers:
        with pytest.raises(TypeError, match="dead_line"):
            maker(dead_line=5)


async def test_samples_and_caption(endpoint: Endpoint) -> None:
    """`samples` announces pictures before the service does; `caption` is in the card, without signed links."""
    widget = make(endpoint, autostart=False, samples=3, caption="a dog https://h/a.png?X-Amz-Signature=1")
    assert [entry["status"] for entry in widget.pictures] == ["waiting"] * 3
    assert widget._card["caption"].startswith("a dog https://h/a.png")
    assert "Signature" not in widget._card["caption"]
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    assert len(await widget) == len(widget.pictures) == 1
    assert widget._card["caption"].startswith("a dog")


async def test_address_of_a_response() -> None:
    """The vendor's address for this request is taken from the answer, unless `endpoint=` says another."""
    followed = "https://modelslab.com/api/v6/images/fetch/{request_id}"
    response = {"status": "processing", "id": 65919758, "fetch_result": followed.replace("{request_id}", "65919758")}
    assert json.loads(from_response(response).resume_token)["endpoint"] == followed
    for endpoint in (dw.V4, "https://proxy.example/fetch"):
        assert json.loads(from_response(response, endpoint=endpoint).resume_token)["endpoint"] == endpoint
    response["fetch_result"] = "https://modelslab.com.evil.example/api/v6/images/fetch/65919758"
    assert json.loads(from_response(response).resume_token)["endpoint"] == dw.V4


async def test_resumed_widget_has_its_own_deadline(endpoint: Endpoint) -> None:
    """A widget that resumes after a deadline of a moment waits on, or as long as it is given."""
    widget = make(endpoint, PROCESSING, deadline=0.1)
    with pytest.raises(dw.DeadlineExceededError):
        await widget
    resumed = DreamboothWidget.resume(widget.resume_token, CANARY, **OPTIONS)
    short = DreamboothWidget.resume(widget.resume_token, CANARY, deadline=0.1, **OPTIONS)
    with pytest.raises(dw.DeadlineExceededError):
        await short
    assert resumed.status == "processing"
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    assert len(await resumed) == 1
    assert resumed.started_at == widget.started_at


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
