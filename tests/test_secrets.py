"""The key and signed links, looked for in everything that reaches a disk or a wire. Browser parts: `browser/`."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, DreamboothWidget, PollSchedule, Retry
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey

from .endpoint import CANARY, PROCESSING, Endpoint, Reply, ThreadedEndpoint, png
from .frames import shows
from .kernels import EVERY_WARNING, Kernel, kernel
from .notebooks.programs import Workshop

SIGNATURE = "X-Amz-Signature=5ec2e7-t0ken"
"""The query of a picture's link. Whoever has it has the picture, so it is a secret too."""

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)


def has_secret(text: str | bytes) -> list[str]:
    """The secrets that stand in a text."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return [secret for secret in (CANARY, "5ec2e7-t0ken") if secret in text]


@pytest.fixture
def threaded() -> Iterator[Endpoint]:
    """An endpoint for kernels and programs: one picture behind a signed link, and the key echoed in `meta`."""
    with ThreadedEndpoint(Endpoint()) as endpoint:
        link = f"{endpoint.serve('1.png', png(prompt='a dog'))}?{SIGNATURE}"
        meta = {"prompt": f"a dog {link}", "key": CANARY, "init_image": link}
        endpoint.answers = [PROCESSING, endpoint.success(link, meta=meta, tip=CANARY)]
        yield endpoint


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """The same on the test's own loop."""
    async with Endpoint() as endpoint:
        link = f"{endpoint.serve('1.png', png(prompt='a dog'))}?{SIGNATURE}"
        endpoint.answers = [PROCESSING, endpoint.success(link, meta={"prompt": "a dog", "key": CANARY, "image": link})]
        yield endpoint
        DreamboothWidget.close_all()


# -- real kernels --------------------------------------------------------------------------------------------------

WRONG = {
    "an unknown argument": "DreamboothWidget(key, 1, nonsense=1)",
    "a wrong request id": "DreamboothWidget(key, 1.5)",
    "a wrong endpoint": "DreamboothWidget(key, 1, endpoint='ftp://x')",
    "a wrong deadline": "DreamboothWidget(key, 1, deadline='soon')",
    "a wrong cache": "DreamboothWidget(key, 1, cache=5)",
    "a client's wrong limits": "Client(key, max_bytes=0)",
    "a client without connections": "Client(key, connections=0)",
    "an error as the answer": "DreamboothWidget.from_response({'status': 'error', 'message': 'no'}, key)",
    "a token that is none": "DreamboothWidget.resume('{}', key)",
    "a key that is refused": "await DreamboothWidget(key, 1, endpoint=url, retry=quick)",
    "a fetch of nothing": "await fetch(key, None)",
    "a fetch that fails": "await fetch(key, 1, endpoint=url, retry=quick)",
    "a check that fails": "await Client(key, endpoint=url).check(object())",
    "a check that times out": "await asyncio.wait_for(Client(key, endpoint=url + '/silent').check(1), .7)",
    "a job of the client": "await Client(key, endpoint=url, retry=quick).fetch(1)",
    "a batch's wrong request": "DreamboothBatch(key, [1, 1.5])",
    "a batch's wrong addition": "DreamboothBatch(key, [], endpoint=url).add([None])",
    "a batch without a folder": "DreamboothBatch(key, [], endpoint=url).save(None)",
    "a client's wrong requests": "await Client(key, endpoint=url).fetch_all([(1, 'soon')])",
    "a batch of the key": "DreamboothBatch('777777', key)",
    "a batch with the key among its requests": "DreamboothBatch('777777', [1, (key,)])",
    "a key in bytes as the request": "DreamboothWidget('777777', key.encode())",
    "a key in bytes": "Client(key.encode())",
    "a key in a tuple": "DreamboothWidget((key, 1), 1)",
    "a key as the answer": "DreamboothWidget.from_response(key)",
    "an answer with the key in it": "Client(key).fetch_response({'status': 'error', 'message': key})",
    "a key as the token": "DreamboothWidget.resume(key)",
    "a client's key as the token": "Client('777777').resume(key)",
    "a blocking fetch of nothing": "fetch_sync(key, None)",
    "a blocking fetch that fails": "fetch_sync(key, 1, endpoint=url, retry=quick)",
    "a key as an unknown argument": "Client('777777', eta=key)",
    "a key as the endpoint of a client": "Client('777777', endpoint=key)",
    "a key as the endpoint of a widget": "DreamboothWidget('777777', 1, endpoint=key)",
    "a key as the endpoint of a batch": "DreamboothBatch('777777', [1], endpoint=key)",
    "a key as the endpoint of a fetch": "await fetch('777777', 1, endpoint=key)",
    "a key as the endpoint of a blocking fetch": "fetch_sync('777777', 1, endpoint=key)",
    "a key as the port of an endpoint": "Client('777777', endpoint='http://h:' + key)",
    "a key in the endpoint of a client": "Client(key, endpoint='https://h.example/?key=' + key)",
    "a key in the endpoint of a widget": "DreamboothWidget(key, 1, endpoint='https://h.example/?key=' + key)",
    "a key in the endpoint of a fetch": "await fetch(key, 1, endpoint='https://h.example/?key=' + key)",
    "a key as the proxy": "Client(key, proxy=key)",
    "a key as the ETA of a widget": "DreamboothWidget('777777', 1, eta=key)",
    "a key as the ETA of a job": "Client('777777').fetch(1, eta=key)",
    "a key as the ETA of a fetch": "await fetch('777777', 1, eta=key)",
    "a key as the ETA of a blocking fetch": "fetch_sync('777777', 1, eta=key)",
    "a key as the ETA of one of many": "DreamboothBatch('777777', [(1, key)])",
    "a key as the deadline of a widget": "DreamboothWidget('777777', 1, deadline=key)",
    "a key as the deadline of a batch": "DreamboothBatch('777777', [1], deadline=key)",
    "a key as the deadline of a fetch": "await fetch('777777', 1, deadline=key)",
    "a key as the deadline of a blocking fetch": "fetch_sync('777777', 1, deadline=key)",
    "a key as the deadline of many": "await Client('777777').fetch_all([1], deadline=key)",
    "a key as the number of pictures": "DreamboothWidget('777777', 1, samples=key)",
    "a key as a limit of pictures": "Client('777777', max_bytes=key)",
    "a key as a rate": "Client('777777', rate=key)",
    "a key as an argument of a resumed job": "DreamboothWidget.resume('{}', '777777', eta=key)",
}
"""What goes wrong, by names of the notebook: `key` is a function's argument there, as in `login(key)`."""

VERBOSE = f"""
%xmode Verbose
import asyncio, os
from dreambooth_widget import Client, DreamboothBatch, DreamboothWidget, Retry, fetch, fetch_sync
url = {{url!r}}
quick = Retry(attempts=1, first=0.01)
class Vault:
    "Gives the key without showing it: the notebook's own variables are not ours to hide."
    def __repr__(self): return "Vault()"
    def __call__(self): return {"".join(reversed(CANARY))!r}[::-1]
vault = Vault()
"""


@pytest.fixture(scope="module")
def verbose_kernel() -> Iterator[tuple[Kernel, Endpoint]]:
    """A kernel whose tracebacks print the local variables of every frame, and an endpoint that refuses the key."""
    refusal = {"status": "error", "message": f"Invalid Api Key {CANARY}"}
    refusing = Endpoint()
    refusing.when = lambda seen: Reply(refusal, delay=30 if seen.path.endswith("/silent") else 0)
    with ThreadedEndpoint(refusing) as endpoint, kernel() as running:
        made = running.execute(VERBOSE.replace("{url!r}", repr(endpoint.url)))
        assert made.status == "ok", made.error
        yield running, endpoint


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_verbose_traceback(verbose_kernel: tuple[Kernel, Endpoint], call: str) -> None:
    """`%xmode Verbose` prints the variables of our frames: the key is none of them."""
    running, _ = verbose_kernel
    failed = running.execute(call.replace("key", "vault()"))
    assert failed.status == "error", failed.text
    assert "Traceback" in failed.error
    assert has_secret(failed.error + failed.text + running.log) == []


def test_the_verbose_mode_would_show_it(verbose_kernel: tuple[Kernel, Endpoint]) -> None:
    """The test above can fail: a frame that holds the key as text does print it."""
    running, _ = verbose_kernel
    failed = running.execute("def login(key):\n    raise ValueError(len(key))\nlogin(vault())")
    assert has_secret(failed.error) == [CANARY]


def test_store_magic(threaded: Endpoint, tmp_path: Path) -> None:
    """`%store` writes what pickles into IPython's database: of ours nothing with the key does."""
    with kernel(IPYTHONDIR=str(tmp_path), DREAMBOOTH_API_KEY=CANARY) as running:
        made = running.execute(
            "from dreambooth_widget import Client, DreamboothWidget, PollSchedule\n"
            f"w = DreamboothWidget(request_id=7, endpoint={threaded.url!r}, schedule=PollSchedule(shortest=0.1))\n"
            f"c = Client(endpoint={threaded.url!r})\nj = c.fetch(7)\nr = await w\ns = w._shown\nt = w.resume_token\n"
            "await j"
        )
        assert made.status == "ok", made.error
        for name in "wcjrst":
            running.execute(f"%store {name}")
        assert has_secret(running.log) == []
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"request_id" in data for data in written)  # the token is there: storing was tried
    assert CANARY not in str(has_secret(b"".join(written)))


def test_debug_logs_hide_the_key(threaded: Endpoint, tmp_path: Path) -> None:
    """Everything that logs, at DEBUG, through a job that works and one that is refused."""
    log = tmp_path / "debug.log"
    code = f"""
import logging, asyncio
logging.basicConfig(filename={str(log)!r}, level=0, force=True)
{EVERY_WARNING}
asyncio.get_running_loop().set_debug(True)
asyncio.get_running_loop().slow_callback_duration = 0
from dreambooth_widget import DreamboothWidget, PollSchedule, Retry
o = dict(endpoint={threaded.url!r}, schedule=PollSchedule(shortest=0.1), retry=Retry(attempts=2, first=0.1))
print(len(await DreamboothWidget(request_id=7, **o)))
"""
    with kernel(DREAMBOOTH_API_KEY=CANARY) as running:
        done = running.execute(code)
        assert done.text.strip() == "1", done.error
        threaded.answers = [Reply({"status": "error", "message": f"Invalid Api Key {CANARY}"})]
        failed = running.execute("await DreamboothWidget(request_id=8, **o)")
        assert failed.status == "error"
        threaded.answers = [Reply(b"", drop=True)]
        assert running.execute("await DreamboothWidget(request_id=9, deadline=1, **o)").status == "error"
        running.shut_down()
        written = log.read_text()
        assert "dreambooth" in written
        assert "Executing" in written  # asyncio's debug mode was on
        assert has_secret(written + running.log + failed.error + done.text) == []


# -- notebooks on disk ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_executed_notebooks_and_pages(threaded: Endpoint, tmp_path: Path) -> None:
    """Executed with widget state (as nbclient, papermill and Colab embed it), without it, and exported to HTML."""
    workshop = Workshop(tmp_path, {"DREAMBOOTH_API_KEY": CANARY})
    cells = [
        "from dreambooth_widget import DreamboothWidget, PollSchedule",
        f"w = DreamboothWidget(request_id=7, endpoint={threaded.url!r}, schedule=PollSchedule(shortest=0.1))\nw",
        "await w",
        "w.result.meta.keys(), w, w.resume_token, w.result[0], w.to_html()",
    ]
    for program in ("nbclient", "papermill"):
        executed = workshop.execute(workshop.write(cells), program)  # type: ignore[arg-type]  # two of the three
        assert "data:image/jpeg" in executed.text
        assert executed.states()[0]["status"] == "success"
        assert has_secret(executed.text) == []
        assert has_secret(workshop.convert(executed.path)) == []
        bare = json.loads(executed.text)
        del bare["metadata"]["widgets"]
        assert has_secret(json.dumps(bare)) == []


# -- objects, messages, requests -----------------------------------------------------------------------------------


def duplicates(thing: object) -> Iterator[str | bytes]:
    """What `pickle` and `copy` make of something, where they make anything."""
    # Deep copies of these would copy the running event loop, which leaves half a loop behind.
    alive = isinstance(thing, (DreamboothWidget, Client, dw.FetchJob, Transport))
    for make in (pickle.dumps, copy.copy) if alive else (pickle.dumps, copy.copy, copy.deepcopy):
        try:
            made: Any = make(thing)  # type: ignore[operator]  # three functions of one argument
        except Exception as error:  # what refuses to be copied gives nothing away but its words
            made = error
        yield made if isinstance(made, bytes) else f"{made!r} {made} {getattr(made, '__dict__', '')}"


async def test_pickles_and_copies(endpoint: Endpoint) -> None:
    """Nothing that can be pickled or copied holds the key in a form that can be read."""
    widget = DreamboothWidget(CANARY, 7, endpoint=endpoint.url, schedule=FAST, retry=QUICK)
    result = await widget
    client = Client(CANARY, endpoint=endpoint.url, retry=QUICK)
    endpoint.answers = [{"status": "error", "message": f"Invalid Api Key {CANARY}"}]
    job = client.fetch(8)
    with pytest.raises(dw.InvalidKeyError) as caught:
        await job
    for thing in (
        widget,
        widget._key,
        widget._options,
        client,
        client.fetcher.transport,
        job,
        job.state,
        caught.value,
        result,
    ):
        for made in duplicates(thing):
            assert CANARY not in str(has_secret(made)), type(thing)
    await client.close()


async def test_error_frames_hide_the_key(endpoint: Endpoint) -> None:
    """Whoever walks an error's traceback, causes and contexts finds the key in no local variable."""
    endpoint.answers = [{"status": "error", "message": f"Invalid Api Key {CANARY}"}]
    calls: list[Callable[[], Any]] = [
        lambda: DreamboothWidget(ApiKey(CANARY), 1.5),  # type: ignore[arg-type]  # raises at once
        lambda: dw.fetch(ApiKey(CANARY), 1, endpoint=endpoint.url, retry=QUICK),
    ]
    for call in calls:
        with pytest.raises((TypeError, dw.DreamboothError)) as caught:
            await call()
        assert shows(caught.value, CANARY) == []


async def test_messages_to_the_browser(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every comm message of a life: the form, a refused key, a typed one, pictures, originals, a zip, the end."""
    sent: list[str] = []
    zipped = asyncio.Event()

    def record(self: Any, message: Any, buffers: Any = None) -> None:
        if "'zip'" in repr(message):
            zipped.set()
        sent.append(repr(message) + "".join(bytes(part).decode("latin-1") for part in buffers or ()))

    monkeypatch.setattr(DreamboothWidget, "_send", record)
    finished = endpoint.answers
    endpoint.answers = [{"status": "error", "message": f"Invalid Api Key {CANARY}", "tip": CANARY}]
    widget = DreamboothWidget(endpoint=endpoint.url, schedule=FAST, retry=QUICK)

    def send(**content: Any) -> None:
        widget._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    widget._repr_mimebundle_()
    send(type="ready", have=[])
    send(type="start", key=CANARY, request_id="")
    send(type="start", key=CANARY, request_id="7")
    with pytest.raises(dw.InvalidKeyError):
        await widget
    endpoint.answers = finished
    send(type="start", key=CANARY)
    await widget
    digest = widget.pictures[0]["id"]
    send(type="ready", have=[])
    send(type="get_picture", kind="original", index=0, id=digest)
    send(type="get_picture", kind="original", index=5, id=CANARY[:0])
    send(type="zip", indices=[0], id="token")
    await asyncio.wait_for(zipped.wait(), 20)
    assert len(sent) > 10
    assert has_secret("".join(sent)) == []
    assert has_secret(json.dumps(widget.get_state())) == []


async def test_requests_to_the_hosts_of_pictures(endpoint: Endpoint) -> None:
    """The key is in the body of the POST, and in no header, path or body of any other request."""
    await dw.fetch(CANARY, 7, endpoint=endpoint.url, schedule=FAST)
    assert endpoint.polls
    assert endpoint.gets
    for seen in endpoint.seen:
        head = f"{seen.path} {dict(seen.headers)}"
        assert CANARY not in head
        assert (CANARY.encode() in seen.body) == (seen.method == "POST")
        assert "Referer" not in seen.headers
        assert "Cookie" not in seen.headers


async def test_tokens_html_and_cache(endpoint: Endpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is meant to be kept and passed on: resume tokens, the static gallery, the cache."""
    caplog.set_level(logging.DEBUG)
    widget = DreamboothWidget(CANARY, 7, endpoint=endpoint.url, schedule=FAST, cache=tmp_path)
    token_before = widget.resume_token
    await widget
    kept = b"".join(bytes(path) + path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"a dog" in kept
    log = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]  # the endpoint's own
    assert log
    for text in (token_before, widget.resume_token, widget.to_html(), "\n".join(log), kept):
        assert has_secret(text) == []


async def test_pasted_answer_loses_the_key(endpoint: Endpoint) -> None:
    """Wherever the key is: an answer that repeats it shows it nowhere."""
    answer = {"status": "processing", "id": 7, "eta": 900, "meta": {"prompt": f"a dog {CANARY}"}}
    async with Client(CANARY, endpoint=endpoint.url) as client:
        widget = DreamboothWidget.from_response(answer, client=client, autostart=False)
    assert widget._card["meta"] == {"prompt": "a dog [key]"}
