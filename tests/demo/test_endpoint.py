"""The stand-in endpoint, over real sockets and with the package's own client."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from dreambooth_widget import Client, GenerationFailedError, InvalidKeyError, RequestNotFoundError, Retry
from dreambooth_widget.demo import DemoEndpoint, start_demo

from ..kernels import kernel
from ..waiting import until

QUICK = Retry(attempts=4, first=0.01, longest=0.05, rate_limit_wait=0.1)
SMALL = {"eta": 0.5, "width": 64, "height": 64}


@pytest.fixture
async def demo() -> AsyncIterator[DemoEndpoint]:
    """A stand-in on a free port."""
    async with await start_demo() as endpoint:
        yield endpoint


async def post(url: str, body: Any) -> dict[str, Any]:
    """One call, as JSON or as raw bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with aiohttp.ClientSession() as session, session.post(url, data=raw) as response:
        answer = await response.json()
        assert isinstance(answer, dict)
        return answer


async def test_generation_leads_to_pictures(demo: DemoEndpoint) -> None:
    """The package's own client fetches what was ordered: pictures of the size, with prompt and seeds."""
    answer = demo.generate("a photo of sks dog", samples=3, **SMALL)
    async with Client(demo.key, endpoint=demo.url) as client:
        result = await client.fetch(answer["id"], eta=answer["eta"])
    assert [(picture.format, picture.width, picture.height) for picture in result] == [("PNG", 64, 64)] * 3
    assert [picture.text["prompt"] for picture in result] == ["a photo of sks dog"] * 3
    assert [picture.url for picture in result] == answer["future_links"]
    assert [int(picture.text["seed"]) - result.meta["seed"] for picture in result] == [0, 1, 2]


async def test_wrong_key_gives_no_pictures(demo: DemoEndpoint) -> None:
    """It is refused as the service refuses it: a typing error must never quietly show demo pictures."""
    answer = demo.generate(**SMALL)
    async with Client("another-key", endpoint=demo.url) as client:
        with pytest.raises(InvalidKeyError):
            await client.fetch(answer["id"])
    assert (await post(demo.url, {"request_id": answer["id"]}))["message"] == "Invalid Api Key"


async def test_unknown_id_is_not_found(demo: DemoEndpoint) -> None:
    """The answer is the service's own."""
    async with Client(demo.key, endpoint=demo.url, retry=QUICK) as client:
        with pytest.raises(RequestNotFoundError):
            await client.fetch(1)


async def test_failures_on_demand(demo: DemoEndpoint) -> None:
    """A job that dies, and one whose last picture is gone."""
    dead, torn = (demo.generate(samples=2, fail=fail, **SMALL)["id"] for fail in ("failed", "missing"))
    async with Client(demo.key, endpoint=demo.url, retry=QUICK) as client:
        with pytest.raises(GenerationFailedError):
            await client.fetch(dead)
        result = await client.fetch(torn)
    assert (len(result), [entry.index for entry in result.missing]) == (1, [1])


@pytest.mark.parametrize("path", ["/api/v6/images/fetch", "/api/v4/dreambooth/fetch/{id}"])
async def test_other_addresses_work_too(demo: DemoEndpoint, path: str) -> None:
    """The newer address and the path form answer, too."""
    request_id = demo.generate(eta=0)["id"]
    url = demo.origin + path.format(id=request_id)
    body = {"key": demo.key} if "{id}" in path else {"key": demo.key, "request_id": str(request_id)}
    assert (await post(url, body))["status"] == "success"


@pytest.mark.parametrize("body", [b"", b"[1]", b"nonsense", b"\xff\xfe", {"key": 1}, {"request_id": 3}])
async def test_invalid_bodies_are_refused(demo: DemoEndpoint, body: Any) -> None:
    """They lack the key, which is what the answer names."""
    assert (await post(demo.url, body))["message"] == "Invalid Api Key"


async def test_other_programs_can_order(demo: DemoEndpoint) -> None:
    """The generation call works over HTTP, and names what it lacks."""
    url = f"{demo.origin}/api/v4/dreambooth"
    queued = await post(
        url, {"key": demo.key, "prompt": "a dog", "samples": "2", "eta": 0, "width": "64", "height": 64}
    )
    assert (queued["status"], len(queued["future_links"])) == ("processing", 2)
    assert (await post(demo.url, {"key": demo.key, "request_id": queued["id"]}))["status"] == "success"
    assert (await post(url, {"key": demo.key}))["message"] == {"prompt": ["The prompt field is required."]}
    assert (await post(url, {"prompt": "a dog"}))["message"] == "Invalid Api Key"
    assert "samples" in (await post(url, {"key": demo.key, "prompt": "a dog", "samples": 99}))["message"]
    assert (await post(url, {"key": demo.key, "prompt": "a dog", "samples": "many"}))["status"] == "error"
    assert (await post(demo.url, {"key": demo.key}))["message"] == {"request_id": ["The request id field is required."]}


async def test_links_are_dead_until_ready(demo: DemoEndpoint) -> None:
    """A future link gives 404 until the job is ready, and unknown ones always do."""
    early, late = demo.generate(eta=600), demo.generate(eta=0, width=64, height=64)
    async with aiohttp.ClientSession() as session:
        for url, wanted in (
            (early["future_links"][0], 404),
            (late["future_links"][0], 200),
            (late["future_links"][0].replace("-0.png", "-9.png"), 404),
            (demo.origin + "/generations/x.png", 404),
        ):
            assert await status(session, url) == wanted


async def test_answers_while_cell_blocks(demo: DemoEndpoint) -> None:
    """It lives on its own thread, so that a busy kernel does not stop the demonstration."""
    answers = []

    def poll() -> None:
        answers.append(asyncio.run(post(demo.url, {"key": demo.key, "request_id": demo.generate(eta=0)["id"]})))

    thread = threading.Thread(target=poll)
    thread.start()
    thread.join(30)  # holds this loop, as a blocking cell does
    assert answers[0]["status"] == "success"


async def test_answers_while_drawing(demo: DemoEndpoint) -> None:
    """A poll is answered before eight large pictures are drawn."""
    answer = demo.generate(samples=8, eta=0, seed=800)
    async with aiohttp.ClientSession() as session:
        loading = [asyncio.create_task(status(session, link)) for link in answer["future_links"]]
        await asyncio.wait(loading, return_when=asyncio.FIRST_COMPLETED)
        assert (await post(demo.url, {"key": demo.key, "request_id": answer["id"]}))["status"] == "success"
        assert not all(task.done() for task in loading)
        assert set(await asyncio.gather(*loading)) == {200}


def serving() -> int:
    """How many threads serve a stand-in."""
    return sum(thread.name == "dreambooth-demo" for thread in threading.enumerate())


async def status(session: aiohttp.ClientSession, link: str) -> int:
    """The HTTP status of a link, once all of it has come."""
    async with session.get(link) as response:
        await response.read()
        return response.status


async def test_close_leaves_nothing_behind(demo: DemoEndpoint) -> None:
    """Nothing listens afterwards, no thread stays, and closing again does nothing."""
    port = int(demo.origin.rsplit(":", 1)[1])
    await demo.close()
    await demo.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert serving() == 0


async def test_close_with_open_connections(demo: DemoEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither kept-alive connections nor pictures that wait for their turn to be drawn hold it up."""
    began, drawn = threading.Event(), []

    def draw(seed: int, *_: object) -> bytes:
        began.set()
        time.sleep(1)
        drawn.append(seed)
        return b""

    monkeypatch.setattr("dreambooth_widget.demo.endpoint._draw", draw)
    async with aiohttp.ClientSession() as session:
        async with session.post(demo.url, data=b"{}"):
            pass
        links = demo.generate(samples=8, eta=0)["future_links"]
        loading = [asyncio.create_task(status(session, link)) for link in links]
        await asyncio.to_thread(began.wait)
        await asyncio.sleep(0.3)  # until the others wait for their turn
        start = time.monotonic()
        await demo.close()
        assert time.monotonic() - start < 5
        await until(lambda: not serving())
        assert len(drawn) < 8
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)


async def test_taken_port_is_an_error(demo: DemoEndpoint) -> None:
    """`start_demo` raises the OSError, and no thread stays behind."""
    port = int(demo.origin.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="address already in use"):
        await start_demo(port)
    assert serving() == 1


@pytest.mark.parametrize("pace", [0, -1, float("nan")])
async def test_pace_must_be_positive(pace: float) -> None:
    """Time runs forward."""
    with pytest.raises(ValueError, match="pace"):
        await start_demo(pace=pace)


async def test_generate_checks_its_arguments(demo: DemoEndpoint) -> None:
    """The call itself raises."""
    with pytest.raises(ValueError, match="samples"):
        demo.generate(samples=0)


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a Python with all its warnings on."""
    command = [sys.executable, "-X", "dev", "-W", "error", *options, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


LEFT_OPEN = """
import asyncio, logging
from dreambooth_widget.demo import start_demo
logging.basicConfig(level="WARNING")
logging.getLogger("asyncio").setLevel("ERROR")  # its debug mode logs slow callbacks
async def main():
    import aiohttp
    endpoint = await start_demo()
    async with aiohttp.ClientSession() as session:
        async with session.post(endpoint.url, json={"key": endpoint.key}) as response:
            print((await response.json())["status"])
asyncio.run(main())
"""


def test_unclosed_script_ends_quietly() -> None:
    """No hanging process, no warning, no traceback."""
    done = run(LEFT_OPEN)
    assert (done.returncode, done.stdout, done.stderr) == (0, "error\n", "")


def test_unclosed_kernel_ends_quietly() -> None:
    """Started in a cell, used, and left to the kernel's shutdown."""
    with kernel() as running:
        running.execute("from dreambooth_widget.demo import start_demo\nendpoint = await start_demo(pace=0.1)")
        seen = running.execute(
            "from dreambooth_widget import fetch\nanswer = endpoint.generate(eta=1, width=64, height=64)\n"
            "print(len(await fetch(endpoint.key, answer['id'], endpoint=endpoint.url)))"
        )
        assert seen.text == "4\n", seen.error
        running.shut_down()
        assert not re.search("Traceback|Unclosed|never retrieved|was destroyed|Warning", running.log)


def test_import_loads_no_jupyter() -> None:
    """The stand-in serves programs that have no notebook."""
    code = "import sys, dreambooth_widget.demo; print({'IPython', 'ipywidgets'} & set(sys.modules))"
    assert run(code).stdout == "set()\n"
