"""The widget in Python: arguments, traits, results. The browser's side is in `tests/browser`."""

from __future__ import annotations

import asyncio
import json
import weakref
from pathlib import Path
from typing import Any

import pytest
import traitlets
from ipywidgets.widgets import widget as registry

import dreambooth_widget as dw
from dreambooth_widget import V4, V6, DreamboothWidget, FetchJob

from ..endpoint import CANARY, FAILED, PROCESSING, Endpoint, Reply, png
from ..waiting import until_gone
from ..widgets import FAST, OPTIONS, QUICK, from_response, make

pytestmark = pytest.mark.usefixtures("alone")


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
    ("arguments", "error", "reason"),
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
        ({"request_id": '{"status": "processing", "id": 7}'}, TypeError, "from_response"),
        ({"schedule": 5}, TypeError, "schedule must be a PollSchedule"),
        ({"retry": 3}, TypeError, "retry must be a Retry"),
        ({"client": "https://example.com"}, TypeError, "client must be a Client"),
        ({"key": "  "}, ValueError, "key"),
    ],
)
def test_wrong_argument_is_named(arguments: dict[str, Any], error: type[Exception], reason: str) -> None:
    """`TypeError` or `ValueError` at construction, naming the argument, never the key."""
    with pytest.raises(error, match=reason) as caught:
        DreamboothWidget(**{"key": CANARY, "request_id": 1, **arguments})
    assert CANARY not in str(caught.value)


def test_idle_without_a_loop() -> None:
    """In a plain script construction raises nothing; starting raises with advice."""
    widget = DreamboothWidget(CANARY, 1)
    assert widget.status == "idle"
    assert widget.images == []
    with pytest.raises(RuntimeError, match=r"asyncio\.run"):
        widget.start()


async def test_final_error_is_explained(endpoint: Endpoint) -> None:
    """In the traits, in `widget.error`, and raised by the await."""
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


@pytest.mark.parametrize("kind", [DreamboothWidget, dw.DreamboothBatch])
async def test_waiting_in_another_thread_is_refused(endpoint: Endpoint, kind: Any) -> None:
    """The job begins on the loop where the widget was made; awaiting on a loop in another thread raises."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    widget = kind(CANARY, "1" if kind is DreamboothWidget else ["1"], endpoint=endpoint.url, autostart=False)

    async def elsewhere() -> None:
        await widget

    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, elsewhere())
    await widget
    assert widget.status == "success"


async def test_the_key_from_the_environment(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DREAMBOOTH_API_KEY` serves when no argument is given."""
    monkeypatch.setenv("DREAMBOOTH_API_KEY", CANARY)
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
    await DreamboothWidget(request_id="7", endpoint=endpoint.url)
    assert json.loads(endpoint.polls[0].body) == {"key": CANARY, "request_id": "7"}


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


async def test_state_is_small_and_safe(endpoint: Endpoint) -> None:
    """What is saved with the notebook: small JSON, whatever the pictures weigh."""
    link = endpoint.serve("1.png", png()) + "?signature=secret-token"
    widget = make(endpoint, endpoint.success(link, meta={"prompt": "a dog", "init_image": link}))
    await widget
    state = widget.get_state()
    text = json.dumps(state)  # bytes would not be JSON
    assert CANARY not in text
    assert "secret-token" not in text
    assert "127.0.0.1" not in json.dumps(state["pictures"])


async def test_key_cannot_be_read(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
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
    things = [
        widget,
        client,
        job,
        job.state,
        error,
        widget._options,
        widget._fetcher,
        widget._key,
        client.fetcher.transport,
    ]
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
    for intent in (widget.start, widget.check_now):
        with pytest.raises(dw.StoppedError, match="was closed"):
            intent()
    assert len(endpoint.polls) == 1


async def test_selected_is_kept_in_order(endpoint: Endpoint) -> None:
    """Indices, ascending, each once; nonsense is refused by the trait."""
    widget = make(endpoint, PROCESSING)
    widget.selected = [3, 1, 1]
    for wrong in ("one", -2):
        with pytest.raises(traitlets.TraitError):
            widget.selected = [wrong]
    assert widget.selected == [1, 3]


async def test_saving_says_why_not(endpoint: Endpoint, tmp_path: Path) -> None:
    """Without pictures: wait, or what ended the job, or make a new widget; a token needs a request id."""
    widget = make(endpoint, FAILED)
    with pytest.raises(dw.DreamboothError, match=r"no pictures yet.*await widget"):
        widget.save(tmp_path)
    with pytest.raises(dw.GenerationFailedError):
        await widget
    for act in (lambda: widget.save(tmp_path), widget.contact_sheet):
        with pytest.raises(dw.GenerationFailedError, match="Submit the generation again"):
            act()
    widget.close()
    with pytest.raises(dw.StoppedError, match="was closed"):
        widget.save(tmp_path)
    with pytest.raises(dw.DreamboothError, match="no request id yet"):
        _ = DreamboothWidget(CANARY).resume_token
    assert not list(tmp_path.iterdir())


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


async def test_a_token_with_a_client(endpoint: Endpoint) -> None:
    """A client may bring its key and its endpoint, to which the token has to belong."""
    token = make(endpoint, endpoint.success(endpoint.serve("1.png", png())), autostart=False).resume_token
    async with dw.Client(CANARY, endpoint=endpoint.url) as client, dw.Client(CANARY) as other:
        assert len(await DreamboothWidget.resume(token, client=client)) == 1
        with pytest.raises(ValueError, match="the token is for"):
            DreamboothWidget.resume(token, client=other)


def test_token_of_another_endpoint() -> None:
    """The endpoint that is passed has to be the token's, as with a client; None stands for the token's own."""
    facts = {"version": 1, "endpoint": V6, "request_id": "7"}
    token = json.dumps(facts)
    other = json.dumps({**facts, "endpoint": V4})
    with pytest.raises(ValueError, match=f"the token is for {V4}, not for {V6}"):
        DreamboothWidget.resume(other, CANARY, endpoint=V6)
    with pytest.raises(ValueError, match="must not contain credentials") as caught:
        DreamboothWidget.resume(token, CANARY, endpoint=f"https://example.com/{CANARY}")
    assert CANARY not in str(caught.value)
    for endpoint in (None, V6, f" {V6}\n", V4):  # the default address does not serve version 6: as with a client
        widget = DreamboothWidget.resume(token, CANARY, endpoint=endpoint, autostart=False)
        assert json.loads(widget.resume_token)["endpoint"] == V6


async def test_strangers_token_gets_no_key(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that names a strange host is refused, with the key from the call or the environment."""
    monkeypatch.setenv("DREAMBOOTH_API_KEY", CANARY)
    token = make(endpoint, PROCESSING, autostart=False).resume_token.replace("127.0.0.1", "evil.example")
    for key in (None, CANARY):
        with pytest.raises(ValueError, match=r"evil\.example.*pass the same as endpoint="):
            DreamboothWidget.resume(token, key)
    address = json.loads(token)["endpoint"]
    named = DreamboothWidget.resume(token, CANARY, endpoint=address, autostart=False)
    assert json.loads(named.resume_token)["endpoint"] == address


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


async def test_client_brings_its_policies(endpoint: Endpoint) -> None:
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
    """The vendor's address for this request is taken from the answer, unless `endpoint=` names another."""
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


async def test_closed_widgets_leave_nothing(endpoint: Endpoint) -> None:
    """A hundred times in mid-job: no task, no widget in ipywidgets' list, no job in memory."""
    endpoint.answers = [PROCESSING]
    jobs: list[weakref.ref[FetchJob]] = []
    for number in range(100):
        widget = DreamboothWidget(CANARY, number, endpoint=endpoint.url, schedule=FAST)
        widget._repr_mimebundle_()
        assert widget._job is not None
        jobs.append(weakref.ref(widget._job))
        await asyncio.sleep(0)
        widget.close()
        del widget
    while [task for task in asyncio.all_tasks() if "dreambooth" in task.get_name()]:
        await asyncio.gather(*(task for task in asyncio.all_tasks() if "dreambooth" in task.get_name()))
    assert not [one for one in registry._instances.values() if isinstance(one, DreamboothWidget)]

    await until_gone(lambda: all(job() is None for job in jobs))
