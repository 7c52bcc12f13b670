"""The batch in Python: outcomes, traits, files. The browser's side is in `tests/browser`."""

from __future__ import annotations

import asyncio
import json
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import traitlets

import dreambooth_widget as dw
from dreambooth_widget import Client, DreamboothBatch
from dreambooth_widget.widget.manifest import read_records

from ..endpoint import CANARY, Service, png
from ..waiting import until_gone
from .batches import FAST, QUICK, short, until

pytestmark = pytest.mark.usefixtures("alone")


async def test_outcomes_keep_the_order(service: Service, client: Client) -> None:
    """One that fails hides none of the others: `await`, `outcomes`, `results` and `errors`."""
    service.ready, service.failing = {"a", "c"}, {"b"}
    batch = DreamboothBatch(requests={"one": "a", "two": "b", "three": ("c", 0.01)}, client=client)
    assert (batch.status, batch.total, batch.outcomes) == ("processing", 3, [None, None, None])
    outcomes = await batch
    assert [short(each) for each in outcomes] == ["a", "GenerationFailedError", "c"]
    assert outcomes == batch.outcomes
    assert [short(each) for each in batch.results] == ["a", "c"]
    assert [error.request_id for error in batch.errors] == ["b"]
    assert [picture.text["prompt"] for picture in batch.pictures] == ["a", "c"]
    assert [image.size for image in batch.images] == [(64, 48)] * 2
    assert batch.contact_sheet().width > 64
    assert (batch.status, batch.message) == ("error", "2 of 3 done, 1 failed")
    assert batch.counts == {**dict.fromkeys(batch.counts, 0), "success": 2, "error": 1}
    assert batch.started_at is not None
    assert batch.finished_at >= batch.started_at
    assert batch.next_poll_at is batch.done_at is None
    assert repr(batch) == "<DreamboothBatch: 2 of 3 done, 1 failed>"


async def test_as_completed(service: Service, client: Client) -> None:
    """Each as it comes; and the notebook's copy is made before the loop ends."""
    batch = DreamboothBatch(requests=["a", "b", "c"], client=client)
    service.ready, seen = {"b"}, []
    async for outcome in batch.as_completed():
        seen.append(short(outcome))
        service.ready.add("ca"[len(seen) - 1 : len(seen)])
    assert seen == ["b", "c", "a"]
    assert batch.status == "success"
    assert [short(each) async for each in batch.as_completed()] == ["b", "c", "a"]


async def test_answers_of_generation_calls(service: Service, client: Client) -> None:
    """Queued ones are fetched, finished ones are not polled, failed ones are one failed request."""
    service.ready = {"a"}
    link = service.serve("done.png", png(prompt="done"))
    answers = [
        {"status": "processing", "id": "a", "eta": 0.01, "meta": {"prompt": "a fox", "n_samples": 1}},
        {"status": "success", "id": "x", "output": [link], "meta": {"prompt": "a cat"}},
        {"status": "error", "message": f"Invalid Api Key {CANARY}"},
    ]
    batch = DreamboothBatch(requests=answers, client=client)
    assert [short(each) for each in await batch] == ["a", "done", "InvalidRequestError"]
    assert service.poll_count("x") == 0
    assert CANARY not in str(batch.errors[0]) + repr(batch.errors)
    assert [row["caption"] for row in read_records(batch._jobs.states)] == ["a fox", "a cat", ""]
    failed = DreamboothBatch(requests={"a bird": answers[2]}, client=client)
    assert [row["caption"] for row in read_records(failed._jobs.states)] == ["a bird"]


async def test_add(service: Service, client: Client) -> None:
    """While the others run, and after their end."""
    service.ready = {"a", "b", "c"}
    batch = DreamboothBatch(requests=["a"], client=client)
    waiting = asyncio.ensure_future(batch._outcome())
    await asyncio.sleep(0)
    batch.add({"a dog": "b"})
    assert (batch.total, batch.message) == (2, "0 of 2 done")
    assert [short(each) for each in await waiting] == ["a", "b"]
    assert batch.status == "success"
    batch.add([("c", 0.01)])
    assert (batch.total, batch.status, batch.finished_at) == (3, "processing", None)
    assert [short(each) for each in await batch] == ["a", "b", "c"]
    with pytest.raises(TypeError, match="request 0"):
        batch.add([None])  # type: ignore[list-item]  # wrong on purpose
    assert batch.total == 3


async def test_an_empty_batch(service: Service, client: Client) -> None:
    """Waits for what is added, and has no pictures before."""
    batch = DreamboothBatch(client=client)
    assert (batch.status, batch.message, await batch) == ("idle", "No requests yet", [])
    with pytest.raises(dw.DreamboothError, match="no pictures yet"):
        batch.contact_sheet()
    service.ready = {"a"}
    batch.add(["a"])
    assert [short(each) for each in await batch] == ["a"]


async def test_retry_failed(service: Service, client: Client) -> None:
    """Those that failed, and no others; their clocks begin anew."""
    service.ready, service.failing = {"a"}, {"b", "c"}
    batch = DreamboothBatch(requests=["a", "b", "c"], client=client)
    await batch
    first = batch.results[0]
    service.failing, service.ready = {"c"}, {"a", "b"}
    batch.retry_failed()
    assert [short(each) for each in await batch] == ["a", "b", "GenerationFailedError"]
    assert batch.results[0] is first
    assert [service.poll_count(each) for each in "abc"] == [1, 2, 2]


async def test_stop_all_and_go_on(service: Service, client: Client) -> None:
    """What has ended stays; `check_now` goes on with the others, with their clocks and counts."""
    service.ready = {"a"}
    batch = DreamboothBatch(requests=["a", "b", "c"], client=client)
    await until(batch, lambda: batch.counts["success"] == 1)
    await service.saw(8)
    batch.stop()
    assert [short(each) for each in await batch] == ["a", "StoppedError", "StoppedError"]
    assert (batch.status, batch.message) == ("stopped", "1 of 3 done, 2 stopped")
    states, started = batch._jobs.states, batch.started_at
    service.ready = {"a", "b", "c"}
    batch.check_now()
    assert [short(each) for each in await batch] == ["a", "b", "c"]
    assert batch.started_at == started
    assert [state.polls for state in batch._jobs.states[1:]] == [state.polls + 1 for state in states[1:]]
    assert service.poll_count("a") == 1


async def test_a_deadline_for_each(service: Service) -> None:
    """Still processing is no failure; checking again goes on."""
    options: dict[str, Any] = {"endpoint": service.url, "schedule": FAST, "retry": QUICK}
    batch = DreamboothBatch(CANARY, ["a", "b"], deadline=0.2, **options)
    service.ready = {"a"}
    assert [short(each) for each in await batch] == ["a", "DeadlineExceededError"]
    assert (batch.status, batch.message) == ("timed_out", "1 of 2 done, 1 timed out")
    service.ready = {"b"}
    batch.check_now()
    assert [short(each) for each in await batch] == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        ({"requests": ["1", 1.5]}, TypeError, "request 1: .*float"),
        ({"requests": {"a dog": ("1", -1)}}, ValueError, "request 0: eta"),
        ({"requests": "12"}, TypeError, "list of requests"),
        ({"requests": 12}, TypeError, "list of requests"),
        ({"endpoint": "ftp://example.com"}, ValueError, "http"),
        ({"deadline": -1}, ValueError, "deadline"),
        ({"key": 5}, TypeError, "key"),
        ({"cache": 5}, TypeError, "cache"),
        ({"schedule": 5}, TypeError, "schedule must be a PollSchedule"),
        ({"client": 5}, TypeError, "client must be a Client"),
        ({"nonsense": 1}, TypeError, "nonsense"),
    ],
)
async def test_wrong_argument_is_named(arguments: dict[str, Any], error: type[Exception], reason: str) -> None:
    """`TypeError` or `ValueError` at construction, never with the key."""
    with pytest.raises(error, match=reason) as caught:
        DreamboothBatch(**{"key": CANARY, "requests": [1], **arguments})
    assert CANARY not in str(caught.value)


def test_without_a_loop_it_stays_idle(tmp_path: Path) -> None:
    """In a plain script: nothing is fetched, counts are right, and starting raises with advice."""
    batch = DreamboothBatch(CANARY, ["a", "b"])
    batch.add(["c"])
    assert (batch.status, batch.total, batch.message) == ("idle", 3, "0 of 3 done")
    with pytest.raises(RuntimeError, match=r"asyncio\.run"):
        batch.start()
    with pytest.raises(dw.DreamboothError, match="no pictures yet"):  # an empty manifest would stand in the way later
        batch.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    batch.stop()


async def test_made_before_the_loop(service: Service, client: Client) -> None:
    """`asyncio.run` of a batch from a script works."""
    service.ready = {"a"}
    batch = await asyncio.to_thread(lambda: DreamboothBatch(requests=["a"], client=client))
    assert batch.status == "idle"
    assert [short(each) for each in await batch] == ["a"]


async def test_autostart_off(service: Service, client: Client) -> None:
    """Nothing is polled before `start()`; adding does not start it."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a"], client=client, autostart=False)
    batch.add(["b"])
    await asyncio.sleep(0)
    assert (batch.status, batch.total) == ("idle", 2)
    assert not service.seen
    batch.start()
    batch.start()
    assert [short(each) for each in await batch] == ["a", "b"]
    assert len(service.polls) == 2
    other = DreamboothBatch(requests=["a"], client=client, autostart=False)
    other.check_now()
    assert other.status == "processing"
    await other
    with pytest.raises(dw.InvalidKeyError, match="no API key yet"):
        DreamboothBatch(requests=["a"]).check_now()


async def test_no_pictures_has_a_reason(service: Service, client: Client) -> None:
    """They may still come, or every request has failed."""
    service.failing = {"a"}
    batch = DreamboothBatch(requests=["a"], client=client)
    with pytest.raises(dw.DreamboothError, match=r"no pictures yet.*await batch"):
        batch.contact_sheet()
    await batch
    with pytest.raises(dw.DreamboothError, match=r"No request has succeeded.*errors"):
        batch.contact_sheet()


async def test_from_another_thread(service: Service, client: Client) -> None:
    """`add`, `stop`, `check_now` and `retry_failed` hop to the loop that owns the jobs."""
    service.failing = {"a"}
    batch = DreamboothBatch(requests=["a"], client=client)
    await batch
    service.failing, service.ready = set(), {"a", "b"}
    await asyncio.to_thread(batch.add, ["b"])
    await asyncio.to_thread(batch.retry_failed)
    await until(batch, lambda: batch.status == "success")
    assert [short(each) for each in await batch] == ["a", "b"]


async def test_save(service: Service, client: Client, tmp_path: Path) -> None:
    """The original files by name, and what is known of them in two manifests; nothing is replaced unasked."""
    service.ready, service.failing = {"a", "b"}, {"c"}
    batch = DreamboothBatch(requests={"one, two": "a", "b\n": "b", "three": "c", "again": "a"}, client=client)
    await batch
    paths = batch.save(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["a-1.png", "b-1.png", "manifest.csv", "manifest.json"]
    assert paths[0].read_bytes() == png(prompt="a")
    records = json.loads(paths[3].read_text(encoding="utf-8"))
    assert [(each["caption"], each["file"], each["status"]) for each in records] == [
        ("one, two", "a-1.png", "success"),
        ("b\n", "b-1.png", "success"),
        ("three", None, "error"),
        ("again", "a-1.png", "success"),
    ]
    with pytest.raises(FileExistsError, match=r"a-1\.png"):
        batch.save(tmp_path / "new" / "folder")
    assert len(batch.save(tmp_path / "new" / "folder", overwrite=True)) == 4
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"manifest\.csv"):
        batch.save(tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["manifest.csv"]


async def test_to_frame(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row for each picture, made by pandas, which is imported there and nowhere else."""
    service.ready, service.failing = {"a"}, {"b"}
    batch = DreamboothBatch(requests={"one": "a", "two": "b"}, client=client)
    await batch
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        batch.to_frame()
    monkeypatch.undo()
    frame = batch.to_frame()
    assert frame["caption"].tolist() == ["one", "two"]
    assert frame["status"].tolist() == ["success", "error"]
    assert (frame["picture"][0], frame["picture"].isna().tolist()) == (1, [False, True])


async def test_the_static_copy(service: Service, client: Client) -> None:
    """All pictures with their captions, and the failures; nothing before there is anything."""
    service.failing = {"b"}
    batch = DreamboothBatch(requests={"a <dog>": "a", "two": "b"}, client=client)
    await until(batch, lambda: batch.counts["error"] == 1)
    service.ready = {"a"}
    await batch
    html = batch.to_html()
    assert html.count("data:image/jpeg") == 1
    assert "a &lt;dog&gt;" in html
    assert "Job failed" in html
    assert "1 of 2 done, 1 failed" in html


async def test_closing_stops(service: Service, client: Client) -> None:
    """No job goes on for a batch that is closed."""
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await service.saw(3)
    batch.close()
    assert [short(each) for each in await batch._jobs.wait()] == ["StoppedError"] * 2
    for intent in (batch.start, batch.check_now, batch.retry_failed, lambda: batch.add(["c"]), batch.contact_sheet):
        with pytest.raises(dw.StoppedError, match="was closed"):
            intent()
    assert batch.total == 2


async def test_the_selection(service: Service, client: Client) -> None:
    """Index pairs, sorted and once each, wherever they come from."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await batch
    batch.selected = [[1, 0], [0, 0], [1, 0]]
    assert batch.selected == [[0, 0], [1, 0]]
    for wrong in ([5, 0], [0, 1], [-1, 0], [0, -1], [0]):
        with pytest.raises(traitlets.TraitError, match=r"there is no (request|picture) with index|a picture is \["):
            batch.selected = [[0, 0], wrong]
    assert batch.selected == [[0, 0], [1, 0]]
    assert [image.size for image in batch.selected_images] == [(64, 48)] * 2


async def test_traits_hold_no_rows(service: Service, client: Client) -> None:
    """What is saved with the notebook: counts and times, no pictures and no texts of requests."""
    service.ready = {f"r{n}" for n in range(40)}
    batch = DreamboothBatch(requests={f"prompt {n}": f"r{n}" for n in range(40)}, client=client)
    await batch
    state = {name: value for name, value in batch.get_state().items() if name not in ("_esm", "_css")}
    text = json.dumps(state)  # no bytes
    assert len(text) < 2500
    assert "prompt" not in text
    assert "r39" not in text


async def test_unreferenced_batch_is_collected(service: Service, client: Client) -> None:
    """After `close`, nothing of ours keeps it or its pictures alive."""
    service.ready = {"a"}
    batch = DreamboothBatch(requests=["a"], client=client)
    picture = weakref.ref((await batch)[0][0].original)  # type: ignore[index]  # a result
    gone = weakref.ref(batch)
    batch.close()
    del batch
    await until_gone(lambda: gone() is None and picture() is None)


async def test_stop_and_check_in_one_step(service: Service, client: Client) -> None:
    """The status is true right after `stop()`, so that `check_now()` in the same cell resumes all."""
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await service.saw(2)
    batch.stop()
    assert (batch.status, batch.message) == ("stopped", "0 of 2 done, 2 stopped")
    service.ready = {"a", "b"}
    batch.check_now()
    assert [short(each) for each in await batch] == ["a", "b"]


async def test_retry_failed_takes_every_error(service: Service) -> None:
    """Timed out and stopped requests stand in `errors`, so they are fetched once more too."""
    service.failing = {"failed"}
    async with Client(CANARY, endpoint=service.url, schedule=FAST, retry=QUICK) as client:
        batch = DreamboothBatch(requests=["failed", "late"], client=client, deadline=0.2)
        assert [short(each) for each in await batch] == ["GenerationFailedError", "DeadlineExceededError"]
        assert "processing" not in batch.message
        service.failing, service.ready = set(), {"failed", "late"}
        batch.retry_failed()
        assert [short(each) for each in await batch] == ["failed", "late"]
