"""`Client` and `fetch`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dreambooth_widget import (
    Client,
    DeadlineExceededError,
    DreamboothWidget,
    PollSchedule,
    Retry,
    fetch,
)

from ..endpoint import CANARY, PROCESSING, Endpoint, png

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=1, first=0.01, longest=0.05)

pytestmark = pytest.mark.usefixtures("alone", "finished")


async def test_resumed_job_has_its_own_deadline(endpoint: Endpoint) -> None:
    """After a deadline that was too short, the resumed job waits on, or as long as it is given."""
    endpoint.answers = [PROCESSING]
    async with Client(CANARY, endpoint=endpoint.url, schedule=FAST, retry=QUICK) as client:
        job = client.fetch(1, deadline=0.1)
        with pytest.raises(DeadlineExceededError):
            await job
        resumed = client.resume(job.resume_token())
        with pytest.raises(DeadlineExceededError):
            await client.resume(job.resume_token(), deadline=0.1)
        polls = len(endpoint.polls)
        await endpoint.saw(polls + 3)
        assert resumed.state.status == "processing"
        endpoint.answers = [endpoint.success(endpoint.link("1.png"))]
        assert len(await resumed) == 1
        assert resumed.state.started_at == job.state.started_at


@pytest.mark.parametrize("kind", [bytes, dict, "response"])
async def test_fetch_response_takes_every_form(endpoint: Endpoint, kind: Any) -> None:
    """A dict, bytes, and the response of `requests` or `httpx`."""
    answer = {"status": "processing", "id": 7, "eta": 0}
    text = json.dumps(answer).encode()
    forms = {bytes: text, dict: answer, "response": SimpleNamespace(content=text)}
    async with Client(CANARY, endpoint=endpoint.url, schedule=FAST) as client:
        result = await client.fetch_response(forms[kind], deadline=30)
    assert result.request_id == "7"


async def test_fetch_opens_one_client(endpoint: Endpoint) -> None:
    """`fetch` closes the client that it made, and leaves the caller's open."""
    seen: list[str] = []
    result = await fetch(CANARY, 7, endpoint=endpoint.url, eta=1, on_update=lambda state: seen.append(state.status))
    assert (len(result), seen[-1]) == (1, "success")
    async with Client(CANARY, endpoint=endpoint.url) as client:
        await fetch(request_id=8, client=client)
        await fetch(request_id=9, client=client)
        assert len({poll.peer for poll in endpoint.polls}) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"rate": "fast"},
        {"burst": None},
        {"connections": "8"},
        {"memory": "all"},
        {"proxy": 8080},
        {"schedule": None},
        {"retry": 3},
    ],
    ids=str,
)
def test_wrong_argument_is_named(arguments: dict[str, Any]) -> None:
    """A `TypeError` that names the argument, at construction."""
    with pytest.raises(TypeError, match=f"{next(iter(arguments))} must be"):
        Client(CANARY, **arguments)


def test_numbers_of_numpy_limit() -> None:
    """As those of Python do."""
    numpy = pytest.importorskip("numpy")
    three, half = numpy.int64(3), numpy.float32(0.5)
    schedule, retry = PollSchedule(shortest=half, longest=three), Retry(attempts=three)
    Client(CANARY, rate=half, burst=three, connections=three, max_bytes=three, max_pixels=three, memory=three)
    kept = (schedule.shortest, schedule.longest, retry.attempts)
    assert (kept, *map(type, kept)) == ((0.5, 3, 3), float, float, int)
    Client(CANARY, memory=float("inf"))  # whatever there is
    for name in ("connections", "memory", "rate", "max_bytes"):
        arguments: dict[str, Any] = {name: numpy.bool_(True)}
        with pytest.raises(TypeError, match=f"^{name} must be"):
            Client(CANARY, **arguments)


async def test_wrong_callback_is_refused(endpoint: Endpoint) -> None:
    """`on_update` is called many times: what cannot be called is refused at once, and no job goes on."""
    wrong: Any = 5
    async with Client(CANARY, endpoint=endpoint.url) as client:
        with pytest.raises(TypeError, match="on_update must be a function"):
            await fetch(request_id=1, client=client, on_update=wrong)
        with pytest.raises(TypeError, match="on_update must be a function"):
            await client.fetch_all([1], on_update=wrong)
        with pytest.raises(TypeError, match="listener must be a function"):
            client.fetch(1).subscribe(wrong)
        with pytest.raises(TypeError, match="client must be a Client, not int"):
            await fetch(CANARY, 1, client=wrong)


async def test_check_waits_for_its_turn(endpoint: Endpoint) -> None:
    """A single poll keeps to the client's rate, and one that is cancelled before its turn is not sent."""
    async with Client(CANARY, endpoint=endpoint.url, rate=0.001, burst=1) as client:
        await client.check(1)
        waiting = asyncio.create_task(client.check(2))
        await asyncio.sleep(0)  # begins to wait
        queue = client.fetcher.transport.queue
        assert len(queue._line) == 1
        waiting.cancel()
        await asyncio.wait({waiting})
        assert queue._line == []
    assert len(endpoint.polls) == 1


def test_fetch_needs_a_loop() -> None:
    """In plain Python it names what works there."""
    with pytest.raises(RuntimeError, match="fetch_sync"):
        Client(CANARY).fetch(1)


async def test_result_is_saved(endpoint: Endpoint, tmp_path: Path) -> None:
    """`result.save` and `widget.save` write all pictures, or those of the indices; wrong ones are named."""
    links = [endpoint.serve(f"{index}.png", png(seed=str(index))) for index in range(3)]
    endpoint.answers = [endpoint.success(*links)]
    widget = DreamboothWidget(CANARY, 7, endpoint=endpoint.url)
    result = await widget
    assert [path.name for path in result.save(tmp_path / "all")] == ["7-1.png", "7-2.png", "7-3.png"]
    widget.selected = [0, 2]
    assert [path.name for path in widget.save(tmp_path / "some", widget.selected)] == ["7-1.png", "7-3.png"]
    assert (tmp_path / "some" / "7-3.png").read_bytes() == result[2].data
    for indices, kind in (
        ([3], IndexError),
        ([-1], IndexError),
        ([True], IndexError),
        ([[0]], IndexError),
        ("12", ValueError),
    ):
        with pytest.raises(kind, match=r"no picture with index|list of picture indices"):
            result.save(tmp_path / "none", indices)
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="pass a folder"):
        result.save(tmp_path / "file")
    with pytest.raises(IsADirectoryError, match="pass the name of a file"):
        result[0].save(tmp_path, overwrite=True)
