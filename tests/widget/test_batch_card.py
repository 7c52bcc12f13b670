"""The messages of a batch's views, and what they are sent."""

from __future__ import annotations

import io
import json
import pickle
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, DreamboothBatch, PollSchedule, Retry

from ..endpoint import CANARY, Endpoint, Reply, Seen, Service, png
from .batches import FAST, QUICK, SIGNATURE, BatchView, short, until

pytestmark = pytest.mark.usefixtures("alone")


async def test_view_gets_rows_then_changes(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole snapshot in pieces of a hundred, its first marked; afterwards only what has changed."""
    batch = DreamboothBatch(requests={f"prompt {n}": f"r{n}" for n in range(250)}, client=client)
    view = BatchView(batch, monkeypatch)
    await until(batch, lambda: batch.next_poll_at)
    assert not view.custom  # there is no view
    view.send({"type": "ready", "have": []})
    rows = await view.until_rows(lambda rows: len(rows) == 250)
    sent = [message for message in view.custom if message["type"] == "rows"]
    wanted = [list(range(100)), list(range(100, 200)), list(range(200, 250))]  # rows that change may come in between
    pieces = [piece for piece in sent if [row["request"] for row in piece["rows"]] in wanted][:3]
    assert [(piece["first"], len(piece["rows"])) for piece in pieces] == [(True, 100), (False, 100), (False, 50)]
    assert [row["request"] for piece in pieces for row in piece["rows"]] == list(range(250))
    assert sent[0] is pieces[0]
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


async def test_held_thumbnails_are_not_resent(
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
    """A picture of one request in any size; what is not there is answered as unavailable."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await batch
    view, ids = BatchView(batch, monkeypatch), [picture.digest for picture in batch.pictures]
    view.send({"type": "get_picture", "kind": "original", "request": 1, "index": 0, "id": ids[1]})
    assert await view.whole("original", ids[1]) == png(prompt="b")
    view.send({"type": "get_picture", "kind": "preview", "request": 0, "index": 0, "id": ids[0]})
    assert await view.whole("preview", ids[0])
    view.send({"type": "get_link", "request": 1, "index": 0, "id": ids[1]})
    assert (await view.until(lambda message: message["type"] == "link"))["url"] == batch.pictures[1].url
    view.send({"type": "get_crop", "request": 1, "index": 0, "id": ids[1], "box": [1, 1, 6, 6]})
    assert await view.whole("crop", f"{ids[1]}/1,1,6,6")
    for index, token in ((0, ids[1]), (5, ids[0]), ("x", ids[0])):
        view.custom.clear()
        view.buffers.clear()
        view.send({"type": "get_picture", "kind": "original", "request": 0, "index": index, "id": token})
        answer = await view.until(lambda message: message["type"] == "unavailable")
        assert (answer["id"], answer["kind"]) == (token, "original")
    assert view.refused() == []


async def test_zip_by_index_pairs(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Originals of several requests under the names that `save` gives; twice the same is once in it."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a", "b", "a"], client=client)
    await batch
    view = BatchView(batch, monkeypatch)
    pairs = [[1, 0], [0, 0], [2, 0], [0, 0], [9, 0], [0, 9], ["a", 0], [0], None]
    view.send({"type": "zip", "pictures": pairs, "id": "token"})
    with zipfile.ZipFile(io.BytesIO(await view.whole("zip", "token"))) as archive:
        assert archive.namelist() == ["b-1.png", "a-1.png"]
        assert archive.read("a-1.png") == png(prompt="a")
    assert view.custom[-1]["name"] == "batch-pictures.zip"
    for nothing in ([], [[7, 7]], "all", None):
        view.send({"type": "zip", "pictures": nothing, "id": str(nothing)})
        await view.until(lambda message, t=str(nothing): message["type"] == "unavailable" and message["id"] == t)


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
    assert service.poll_count("a") == 1 + batch._jobs[0].polls - 1
    assert view.refused() == []


async def test_a_missing_picture_again(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tile's Retry loads that picture; its row is sent to the view."""
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
        {"type": "get_crop", "request": 9, "index": 0, "id": "", "box": [0, 0, 1, 1]},
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
async def test_wrong_message_is_refused(
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


async def test_changes_are_sent_together(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_additions_are_sent_together(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one in a loop: Python sees each at once, the browser gets them together."""
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


async def test_outage_loses_nothing(service: Service) -> None:
    """All jobs finish after it is back, and the card shows it meanwhile."""
    retry = Retry(attempts=40, first=0.05, longest=0.1)
    schedule = PollSchedule(shortest=0.1, longest=0.1, longest_silence=0.1)
    ids = [f"r{n}" for n in range(30)]
    async with Client(CANARY, endpoint=service.url, retry=retry, schedule=schedule, rate=1000, burst=1000) as client:
        batch = DreamboothBatch(requests=ids, client=client)
        await service.saw(35)
        troubles: list[tuple[str, str]] = []
        batch.observe(lambda change: troubles.append((change["new"]["activity"], change["new"]["trouble"])), "_card")
        await service.__aexit__()
        await until(batch, lambda: any("being tried again" in trouble for _, trouble in troubles))
        assert batch.status == "processing"
        service.ready = set(ids)
        await service.__aenter__()
        assert [short(each) for each in await batch] == ids
    activity, trouble = next(each for each in troubles if each[1])
    assert activity == "retrying"
    assert "The connection " in trouble
    assert batch._card["trouble"] == batch._card["activity"] == ""


async def test_rate_limit_is_shown(service: Service, client: Client) -> None:
    """In one line with the number of those that wait."""
    service.when = lambda seen: Reply({"status": "error", "message": "Rate limit exceeded"}, 429, {"Retry-After": "60"})
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await until(batch, lambda: batch._card["trouble"].startswith("The service asked to wait: 2 requests"))
    assert batch._card["activity"] == "rate_limited"
    batch.stop()
    await batch


async def test_lost_file_is_unavailable(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The temporary folder was cleaned up: the view gets an answer instead of waiting for ever."""
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
    view.send({"type": "zip", "pictures": [[0, 0]], "id": "token"})
    await view.until(lambda message: message["type"] == "unavailable" and message["id"] == "token")


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
    view.send({"type": "zip", "pictures": [[0, 0]], "id": "token"})
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


async def test_stale_selection_is_dropped(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A view may show another state than the kernel has: what it selects there and is not here is dropped, silently."""
    service.ready = {"a", "b"}
    batch = DreamboothBatch(requests=["a", "b"], client=client)
    await batch
    view = BatchView(batch, monkeypatch)
    view.set(
        selected=[[1, 0], [2, 0], [-1, 0], [0, 1], [0], [0, 0, 0], 0, None, [0, "0"], [False, 0], [[0], 0], [0, 0]]
    )
    assert batch.selected == [[0, 0], [1, 0]]
    view.set(selected="everything")
    assert batch.selected == []
    assert not caplog.records
