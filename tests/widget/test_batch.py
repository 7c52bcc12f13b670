"""The batch in Python: outcomes, traits, rows, messages of views, files. The browser's side is in `tests/browser`."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import pickle
import sys
import time
import weakref
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import traitlets

import dreambooth_widget as dw
from dreambooth_widget import Client, DreamboothBatch, FetchResult, PollSchedule, Retry

from ..endpoint import CANARY, Endpoint, Reply, Seen, Service, png
from ..views import View

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)
SIGNATURE = "X-Amz-Signature=5ec2e7-t0ken"

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    """A client of it that is in a hurry."""
    async with Client(CANARY, endpoint=service.url, schedule=FAST, retry=QUICK, rate=1000, burst=1000) as client:
        yield client


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test need not wait for a quarter of a second."""
    monkeypatch.setattr("dreambooth_widget.widget.batch_card._INTERVAL", 0.02)


class BatchView(View):
    """A browser's side of a batch."""

    @property
    def rows(self) -> dict[int, dict[str, Any]]:
        """What the view knows of each request."""
        known: dict[int, dict[str, Any]] = {}
        for message in self.custom:
            if message["type"] == "rows":
                if message["first"]:
                    known = {}
                known |= {row["request"]: row for row in message["rows"]}
        return known

    @property
    def state(self) -> dict[str, Any]:
        """What the view knows of the traits."""
        return {name: value for update in self.updates for name, value in update.items()}

    async def until_update(self, found: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until the traits are as a function says."""
        while not found(self.state):
            self._arrived.clear()
            await asyncio.wait_for(self._arrived.wait(), 20)

    async def until_rows(self, found: Callable[[dict[int, dict[str, Any]]], bool]) -> dict[int, dict[str, Any]]:
        """Wait until the rows are as a function says."""
        await self.until(lambda _: found(self.rows))
        return self.rows

    def pictures(self, kind: str) -> list[str]:
        """The ids of the pictures of a kind that were sent, in their order."""
        return [message["id"] for message in self.custom if message.get("kind") == kind]

    def refused(self) -> list[str]:
        """The reasons of the messages that were refused."""
        return [message["reason"] for message in self.custom if message["type"] == "error"]


async def until(batch: DreamboothBatch, condition: Callable[[], object]) -> None:
    """Wait until a change of the traits makes it true."""
    changed = asyncio.Event()
    batch.observe(lambda _: changed.set())
    while not condition():
        changed.clear()
        await asyncio.wait_for(changed.wait(), 20)


def short(outcome: object) -> str:
    """An outcome in a word: its picture's prompt, or its error."""
    return outcome[0].text["prompt"] if isinstance(outcome, FetchResult) else type(outcome).__name__


# -- for people ----------------------------------------------------------------------------------------------------


async def test_the_outcomes_in_the_order_asked(service: Service, client: Client) -> None:
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
    """Queued ones are fetched, finished ones are not asked for, failed ones are one failed request."""
    service.ready = {"a"}
    link = service.serve("done.png", png(prompt="done"))
    answers = [
        {"status": "processing", "id": "a", "eta": 0.01, "meta": {"prompt": "a fox", "n_samples": 1}},
        {"status": "success", "id": "x", "output": [link], "meta": {"prompt": "a cat"}},
        {"status": "error", "message": f"Invalid Api Key {CANARY}"},
    ]
    batch = DreamboothBatch(requests=answers, client=client)
    assert [short(each) for each in await batch] == ["a", "done", "InvalidRequestError"]
    assert service.asked("x") == 0
    assert CANARY not in str(batch.errors[0]) + repr(batch.errors)
    assert [row["caption"] for row in batch._records()] == ["a fox", "a cat", ""]


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
    assert [service.asked(each) for each in "abc"] == [1, 2, 2]


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
    assert service.asked("a") == 1


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
    ("arguments", "error", "says"),
    [
        ({"requests": ["1", 1.5]}, TypeError, "request 1: .*float"),
        ({"requests": {"a dog": ("1", -1)}}, ValueError, "request 0: eta"),
        ({"requests": "12"}, TypeError, "list of requests"),
        ({"requests": 12}, TypeError, "list of requests"),
        ({"endpoint": "ftp://example.com"}, ValueError, "http"),
        ({"deadline": -1}, ValueError, "deadline"),
        ({"key": 5}, TypeError, "key"),
        ({"cache": 5}, TypeError, "cache"),
        ({"nonsense": 1}, TypeError, "nonsense"),
    ],
)
async def test_a_wrong_argument_says_which_and_why(
    arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    """`TypeError` or `ValueError` at construction, never with the key."""
    with pytest.raises(error, match=says) as caught:
        DreamboothBatch(**{"key": CANARY, "requests": [1], **arguments})
    assert CANARY not in str(caught.value)


def test_without_a_loop_it_stays_idle(tmp_path: Path) -> None:
    """In a plain script: nothing is fetched, counts are right, and starting says what to do."""
    batch = DreamboothBatch(CANARY, ["a", "b"])
    batch.add(["c"])
    assert (batch.status, batch.total, batch.message) == ("idle", 3, "0 of 3 done")
    with pytest.raises(RuntimeError, match=r"asyncio\.run"):
        batch.start()
    with pytest.raises(dw.DreamboothError, match="no pictures yet"):  # an empty manifest would stand in the way later
        batch.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    batch.stop()


async def test_made_before_the_loop_and_awaited_in_it(service: Service, client: Client) -> None:
    """`asyncio.run` of a batch from a script works."""
    service.ready = {"a"}
    batch = await asyncio.to_thread(lambda: DreamboothBatch(requests=["a"], client=client))
    assert batch.status == "idle"
    assert [short(each) for each in await batch] == ["a"]


async def test_autostart_off(service: Service, client: Client) -> None:
    """Nothing is asked before `start()`; adding does not start it."""
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
    told = json.loads(paths[3].read_text(encoding="utf-8"))
    assert [(each["caption"], each["file"], each["status"]) for each in told] == [
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
    """All pictures with their captions, and who failed; nothing before there is anything."""
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


# -- the view's messages -------------------------------------------------------------------------------------------


async def test_a_view_gets_every_row_then_what_changes(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole snapshot in pieces of a hundred, its first marked; afterwards only what has changed."""
    batch = DreamboothBatch(requests={f"prompt {n}": f"r{n}" for n in range(250)}, client=client)
    view = BatchView(batch, monkeypatch)
    await until(batch, lambda: batch.next_poll_at)
    assert not view.custom  # nobody looks
    view.send({"type": "ready", "have": []})
    rows = await view.until_rows(lambda rows: len(rows) == 250)
    pieces = [message for message in view.custom if message["type"] == "rows"][:3]
    assert [(piece["first"], len(piece["rows"])) for piece in pieces] == [(True, 100), (False, 100), (False, 50)]
    assert [row["request"] for piece in pieces for row in piece["rows"]] == list(range(250))
    assert (rows[7]["id"], rows[7]["caption"], rows[7]["status"]) == ("r7", "prompt 7", "processing")
    service.ready = {"r9"}
    rows = await view.until_rows(lambda rows: rows[9]["status"] == "success")
    (entry,) = rows[9]["pictures"]
    assert (entry["status"], entry["name"], entry["width"]) == ("ready", "r9-1.png", 64)
    assert entry["id"] == batch.pictures[0].digest
    await view.until(lambda message: message.get("kind") == "thumbnail")
    assert view.pictures("thumbnail") == [entry["id"]]
    json.dumps(rows)
    batch.stop()


async def test_a_row_of_a_failed_request(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its title, and one line with what happened and what to do; those that did not fail have no title."""
    service.failing, service.ready = {"a"}, {"b"}
    batch = DreamboothBatch(requests=["a", "b", {"status": "error", "message": "no"}], client=client)
    await batch
    view = BatchView(batch, monkeypatch)
    view.send({"type": "ready"})
    rows = await view.until_rows(lambda rows: len(rows) == 3)
    assert rows[0]["title"] == "Job failed"
    assert rows[0]["note"] == str(batch.errors[0])
    assert rows[1]["title"] == ""
    assert rows[2]["status"] == "error"
    assert rows[2]["id"] == ""


async def test_a_reloaded_page_gets_no_thumbnail_that_it_has(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`have` names them; the first sixty others are sent unasked, and no previews."""
    service.ready = {f"r{n}" for n in range(70)}
    batch = DreamboothBatch(requests=[f"r{n}" for n in range(70)], client=client)
    await batch
    ids = [picture.digest for picture in batch.pictures]
    view = BatchView(batch, monkeypatch)
    view.send({"type": "ready", "have": []})
    await view.until(lambda _: len(view.pictures("thumbnail")) == 60)
    assert set(view.pictures("thumbnail")) == set(ids[:60])
    again = BatchView(batch, monkeypatch)
    again.send({"type": "ready", "have": ids[:58]})
    await again.until(lambda _: len(again.pictures("thumbnail")) == 2)
    again.send({"type": "get_picture", "kind": "thumbnail", "request": 69, "index": 0, "id": ids[69]})
    await again.until(lambda message: message.get("id") == ids[69])
    assert set(again.pictures("thumbnail")) == {*ids[58:60], ids[69]}
    assert again.pictures("preview") == []


async def test_what_a_view_needs(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of one request in any size; what there is not is said to be unavailable."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await batch
    view, ids = BatchView(batch, monkeypatch), [picture.digest for picture in batch.pictures]
    view.send({"type": "get_picture", "kind": "original", "request": 1, "index": 0, "id": ids[1]})
    assert await view.whole("original", ids[1]) == png(prompt="b")
    view.send({"type": "get_picture", "kind": "preview", "request": 0, "index": 0, "id": ids[0]})
    assert await view.whole("preview", ids[0])
    for index, token in ((0, ids[1]), (5, ids[0]), ("x", ids[0])):
        view.custom.clear()
        view.buffers.clear()
        view.send({"type": "get_picture", "kind": "original", "request": 0, "index": index, "id": token})
        told = await view.until(lambda message: message["type"] == "unavailable")
        assert (told["id"], told["kind"]) == (token, "original")
    assert view.refused() == []


async def test_a_zip_by_places(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Originals of several requests under the names that `save` gives; twice the same is once in it."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a", "b", "a"], client=client)
    await batch
    view = BatchView(batch, monkeypatch)
    places = [[1, 0], [0, 0], [2, 0], [0, 0], [9, 0], [0, 9], ["a", 0], [0], None]
    view.send({"type": "zip", "places": places, "id": "token"})
    with zipfile.ZipFile(io.BytesIO(await view.whole("zip", "token"))) as archive:
        assert archive.namelist() == ["b-1.png", "a-1.png"]
        assert archive.read("a-1.png") == png(prompt="a")
    assert view.custom[-1]["name"] == "batch-pictures.zip"
    for nothing in ([], [[7, 7]], "all", None):
        view.send({"type": "zip", "places": nothing, "id": str(nothing)})
        await view.until(lambda message, t=str(nothing): message["type"] == "unavailable" and message["id"] == t)


async def test_the_selection(service: Service, client: Client) -> None:
    """Pairs of places, sorted and once each, wherever they come from."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await batch
    batch.selected = [[1, 0], [0, 0], [1, 0], [-1, 0], [0]]
    assert batch.selected == [[0, 0], [1, 0]]
    for wrong in ([5, 0], [0, 1]):
        with pytest.raises(traitlets.TraitError, match=r"there is no (request with index 5|picture with index 1)"):
            batch.selected = [[0, 0], wrong]
    assert batch.selected == [[0, 0], [1, 0]]
    assert [image.size for image in batch.selected_images] == [(64, 48)] * 2


async def test_the_buttons(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop, check again, retry the failed, one again, one picture again: as the methods do."""
    service.failing = {"b"}
    batch = DreamboothBatch(requests=["a", "b", "c"], client=client)
    view = BatchView(batch, monkeypatch)
    await until(batch, lambda: batch.counts["error"] == 1)
    view.send({"type": "stop"})
    assert [short(each) for each in await batch] == ["StoppedError", "GenerationFailedError", "StoppedError"]
    service.ready, service.failing = {"a", "b", "c"}, set()
    view.send({"type": "again", "request": 2})
    await until(batch, lambda: batch.counts["success"] == 1)
    assert [short(each) for each in batch.outcomes] == ["StoppedError", "GenerationFailedError", "c"]
    view.send({"type": "poll_now"})
    await until(batch, lambda: batch.counts["success"] == 2)
    assert [short(each) for each in batch.outcomes] == ["a", "GenerationFailedError", "c"]
    view.send({"type": "retry_failed"})
    assert [short(each) for each in await batch] == ["a", "b", "c"]
    view.send({"type": "again", "request": 0})  # nothing: it has succeeded
    await batch
    assert service.asked("a") == 1 + batch._jobs[0].polls - 1
    assert view.refused() == []


async def test_a_missing_picture_again(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tile's Retry loads that picture; its row is told to the view."""
    service.when = None
    service.answers = [service.success(service.serve("1.png", png()), service.link("late.png"))]
    batch = DreamboothBatch(requests=["a"], client=client)
    await batch
    assert batch.status == "success"
    view = BatchView(batch, monkeypatch)
    view.send({"type": "ready", "have": []})
    service.serve("late.png", png("gold"))
    view.send({"type": "retry", "request": 0, "index": 1})
    await view.until_rows(lambda rows: bool(rows) and all(p["status"] == "ready" for p in rows[0]["pictures"]))
    assert len((await batch)[0]) == 2  # type: ignore[arg-type]  # a result


@pytest.mark.parametrize(
    "content",
    [
        {"type": "get_picture", "kind": "original", "request": 99, "index": 0, "id": ""},
        {"type": "get_picture", "kind": "everything", "request": 0, "index": 0, "id": ""},
        {"type": "again", "request": -1},
        {"type": "again"},
        {"type": "again", "request": "0"},
        {"type": "again", "request": 0.0},
        {"type": "retry", "request": 5, "index": 0},
        {"type": "start", "key": 7},
        {"type": "start", "key": "  "},
    ],
    ids=str,
)
async def test_a_wrong_message_is_refused_with_a_reason(
    service: Service,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    content: dict[str, Any],
) -> None:
    """No traceback, nothing in the log, and the jobs go on."""
    service.ready = {"a"}
    batch = DreamboothBatch(requests=["a"], client=client)
    view = BatchView(batch, monkeypatch)
    view.send(content)
    assert [bool(reason) for reason in view.refused()] == [True]
    assert [short(each) for each in await batch] == ["a"]
    assert not caplog.records


@pytest.mark.parametrize(
    "content",
    [
        {"type": "ready", "have": 5},
        {"type": "ready", "have": [None, {}, ["x"]]},
        {"type": "retry", "request": 0, "index": 99},
        {"type": "retry", "request": 0, "index": None},
        {"type": "unheard of"},
        {"type": ["stop"]},
        {},
        "stop",
        None,
    ],
    ids=str,
)
async def test_strange_messages_do_no_harm(
    service: Service,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    content: Any,
) -> None:
    """Whatever a page sends, nothing raises and the jobs go on."""
    service.ready = {"a"}
    batch = DreamboothBatch(requests=["a"], client=client)
    view = BatchView(batch, monkeypatch)
    view.send(content)
    assert [short(each) for each in await batch] == ["a"]
    assert view.refused() == []
    assert not caplog.records


async def test_the_form(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the card shows it; the typed key starts all, and goes no further."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a"], endpoint=service.url, schedule=FAST, retry=QUICK)
    view = BatchView(batch, monkeypatch)
    batch.add(["b"])
    assert batch.status == "idle"
    assert (batch._card["form"], batch._card["has_key"]) == (True, False)
    with pytest.raises(dw.InvalidKeyError, match="no API key"):
        await batch
    view.send({"type": "start"})
    assert "no API key" in view.refused()[0]
    assert not service.seen
    view.send({"type": "start", "key": CANARY})
    assert [short(each) for each in await batch] == ["a", "b"]
    assert (batch._card["form"], batch._card["has_key"]) == (False, True)
    assert {json.loads(poll.body)["key"] for poll in service.polls} == {CANARY}
    assert CANARY not in json.dumps([view.custom, view.updates]) + json.dumps(batch.get_state())


async def test_another_key_after_a_refused_one(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """All were refused for the key: with another one they are fetched once more, and what has succeeded is not."""
    right = "another-key-0001"

    def answer(seen: Seen) -> Reply:
        if json.loads(seen.body)["key"] != right:
            return Reply({"status": "error", "message": "Invalid Api Key"})
        return service._answer(seen)

    service.when, service.ready, service.failing = answer, {"a", "b"}, {"c"}
    batch = DreamboothBatch(CANARY, ["a", "b"], endpoint=service.url, schedule=FAST, retry=QUICK)
    view = BatchView(batch, monkeypatch)
    assert [short(each) for each in await batch] == ["InvalidKeyError"] * 2
    view.send({"type": "start", "key": right})
    assert [short(each) for each in await batch] == ["a", "b"]


# -- how much is said ----------------------------------------------------------------------------------------------


async def test_a_thousand_changes_are_a_few_messages(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand jobs that all move: about four messages with rows a second, and no more with traits."""
    monkeypatch.setattr("dreambooth_widget.widget.batch_card._INTERVAL", 0.25)
    service.when = lambda seen: Reply({"status": "failed", "message": "Failed, Try Again"})
    batch = DreamboothBatch(requests=[f"r{n}" for n in range(1000)], client=client, autostart=False)
    view = BatchView(batch, monkeypatch)
    view.send({"type": "ready", "have": []})
    await view.until_rows(lambda rows: len(rows) == 1000)
    view.custom.clear()
    view.updates.clear()
    began = time.monotonic()
    batch.start()
    await view.until_rows(lambda rows: len(rows) == 1000 and all(row["status"] == "error" for row in rows.values()))
    allowed = 4 * (time.monotonic() - began) + 4
    assert batch.status == "error"
    rows = [message for message in view.custom if message["type"] == "rows"]
    assert 10 <= len(rows) <= allowed
    assert max(len(message["rows"]) for message in rows) <= 100
    assert len(view.updates) <= allowed
    assert max(len(json.dumps(update)) for update in view.updates) < 2000


async def test_a_thousand_additions_are_a_few_messages(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one in a loop: Python sees each at once, the browser hears of them together."""
    batch = DreamboothBatch(client=client)
    view = BatchView(batch, monkeypatch)
    for number in range(1000):
        batch.add([f"r{number}"])
        assert batch.total == number + 1
    assert len(view.updates) < 5
    await view.until_update(lambda state: state.get("total") == 1000)
    assert len(view.updates) < 10
    batch.stop()
    assert len(await batch) == 1000
    assert view.state["status"] == "stopped"


async def test_the_traits_are_small_and_hold_no_rows(service: Service, client: Client) -> None:
    """What is saved with the notebook: counts and times, no pictures and no texts of requests."""
    service.ready = {f"r{n}" for n in range(40)}
    batch = DreamboothBatch(requests={f"prompt {n}": f"r{n}" for n in range(40)}, client=client)
    await batch
    state = {name: value for name, value in batch.get_state().items() if name not in ("_esm", "_css")}
    text = json.dumps(state)  # no bytes
    assert len(text) < 2500
    assert "prompt" not in text
    assert "r39" not in text


# -- trouble -------------------------------------------------------------------------------------------------------


async def test_an_endpoint_that_goes_away_for_a_while_loses_nothing(service: Service) -> None:
    """All jobs finish after it is back, and the card said so meanwhile."""
    retry = Retry(attempts=40, first=0.05, longest=0.1)
    schedule = PollSchedule(shortest=0.1, longest=0.1, longest_silence=0.1)
    ids = [f"r{n}" for n in range(30)]
    async with Client(CANARY, endpoint=service.url, retry=retry, schedule=schedule, rate=1000, burst=1000) as client:
        batch = DreamboothBatch(requests=ids, client=client)
        await service.saw(35)
        said: list[tuple[str, str]] = []
        batch.observe(lambda change: said.append((change["new"]["activity"], change["new"]["trouble"])), "_card")
        await service.__aexit__()
        await until(batch, lambda: any("being tried again" in trouble for _, trouble in said))
        assert batch.status == "processing"
        service.ready = set(ids)
        await service.__aenter__()
        assert [short(each) for each in await batch] == ids
    activity, trouble = next(each for each in said if each[1])
    assert activity == "retrying"
    assert "The connection " in trouble
    assert batch._card["trouble"] == batch._card["activity"] == ""


async def test_a_service_that_asks_to_wait_is_told(service: Service, client: Client) -> None:
    """In one line with the number of those that wait."""
    service.when = lambda seen: Reply({"status": "error", "message": "Rate limit exceeded"}, 429, {"Retry-After": "60"})
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await until(batch, lambda: batch._card["trouble"].startswith("The service asked to wait: 2 requests"))
    assert batch._card["activity"] == "rate_limited"
    batch.stop()
    await batch


async def test_a_file_that_is_gone_is_unavailable(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody cleaned up the temporary folder: the view is told, instead of waiting for ever."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    service.ready = {"a"}
    async with Client(CANARY, endpoint=service.url, memory=0) as client:
        batch = DreamboothBatch(requests=["a"], client=client)
        await batch
    for path in [*tmp_path.rglob("*.original"), *tmp_path.rglob("*.inspected")]:
        path.unlink()
    view = BatchView(batch, monkeypatch)
    for kind in ("original", "thumbnail"):
        view.send({"type": "get_picture", "kind": kind, "request": 0, "index": 0, "id": batch.pictures[0].digest})
        await view.until(lambda message, kind=kind: message["type"] == "unavailable" and message["kind"] == kind)
    view.send({"type": "zip", "places": [[0, 0]], "id": "token"})
    await view.until(lambda message: message["type"] == "unavailable" and message["id"] == "token")


# -- secrets -------------------------------------------------------------------------------------------------------


async def test_nothing_that_leaves_holds_a_secret(
    service: Endpoint, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The key and the signatures of links: not in traits, rows, files, copies, reprs, records or pickles."""
    caplog.set_level("DEBUG")
    link = f"{service.serve('1.png', png(prompt='a dog'))}?{SIGNATURE}"
    dead = f"{service.link('dead.png')}?{SIGNATURE}"
    meta = {"prompt": f"a dog {link}", "key": CANARY, "init_image": link, "seed": 7}
    finished = Reply({**service.success(link, dead, meta=meta), "tip": CANARY})
    refused = Reply({"status": "error", "message": f"Invalid Api Key {CANARY}"})
    service.when = lambda seen: refused if b'"bad"' in seen.body else finished
    answer = {"status": "processing", "id": "c", "meta": {"prompt": f"{link} {CANARY}"}}
    batch = DreamboothBatch(requests=["a", "bad", answer], client=client)
    view = BatchView(batch, monkeypatch)
    view.send({"type": "ready", "have": []})
    outcomes = await batch
    assert [type(each).__name__ for each in outcomes] == ["FetchResult", "InvalidKeyError", "FetchResult"]
    await view.until_rows(lambda rows: len(rows) == 3 and all(row["finished_at"] for row in rows.values()))
    view.send({"type": "zip", "places": [[0, 0]], "id": "token"})
    zipped = await view.whole("zip", "token")
    saved = b"".join(path.read_bytes() for path in batch.save(tmp_path))
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
    texts = {
        "traits": json.dumps(batch.get_state()),
        "messages": json.dumps([view.custom, view.updates]),
        "zip": zipped.decode("latin-1"),
        "files": saved.decode("latin-1"),
        "copy": batch.to_html(),
        "repr": repr(batch) + repr(batch.outcomes) + repr(vars(batch)) + repr(batch._jobs.states),
        "pickles": pickle.dumps(batch.outcomes).decode("latin-1"),
        "log": logged,
    }
    found = {name: [secret for secret in (CANARY, SIGNATURE) if secret in text] for name, text in texts.items()}
    assert {name for name, secrets in found.items() if secrets} <= {"pickles", "repr"}
    assert all(CANARY not in secrets for secrets in found.values())


async def test_a_batch_that_nobody_has_any_more_is_collected(service: Service, client: Client) -> None:
    """After `close`, nothing of ours keeps it or its pictures alive."""
    service.ready = {"a"}
    batch = DreamboothBatch(requests=["a"], client=client)
    picture = weakref.ref((await batch)[0][0].original)  # type: ignore[index]  # a result
    gone = weakref.ref(batch)
    batch.close()
    del batch
    end = time.monotonic() + 10
    while gone() is not None and time.monotonic() < end:
        await asyncio.sleep(0.01)  # the last message's time comes
        gc.collect()
    assert gone() is None
    assert picture() is None


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
