"""`manifest.csv` and `manifest.json`: what a batch gave, for other programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from dreambooth_widget.client.state import FetchResult, FetchState, PictureState
from dreambooth_widget.errors import EndpointMovedError, GenerationFailedError
from dreambooth_widget.images.picture import Picture
from dreambooth_widget.widget.manifest import COLUMNS, NAMES, make_frame, read_records, write_manifest

from ..copies import state_of
from ..endpoint import png
from ..image_files import encoded, read_picture, scene

HARD = 'a dog, "sks",\nin the rain; über 犬 🐕\t=1+1'
"""A caption with everything that a table may stumble over."""

LINK = "https://cdn.example.org/a.png?X-Signature=5ec2e7"


def picture(index: int = 0, **text: str) -> Picture:
    """A picture from a signed link."""
    return read_picture(png(**text), index=index, url=LINK)


def records(*results: FetchResult, caption: str = "a dog") -> list[dict[str, Any]]:
    """The records of requests that succeeded."""
    return [dict(each) for each in read_records(state_of(result, caption) for result in results)]


def test_a_record_for_each_picture() -> None:
    """Where its file is, what it is, and what is known of it; numbers stay numbers."""
    result = FetchResult("7", [picture(0), picture(2)], meta={"seed": 5, "steps": 30, "model_id": "m"}, duration=12.34)
    first, second = records(result)
    assert first == {
        **dict.fromkeys(COLUMNS),
        "caption": "a dog",
        "request_id": "7",
        "status": "success",
        "picture": 1,
        "file": "7-1.png",
        "format": "PNG",
        "width": 64,
        "height": 48,
        "bytes": len(png()),
        "seed": 5,
        "model": "m",
        "steps": 30,
        "seconds": 12.3,
    }
    assert (second["picture"], second["file"]) == (3, "7-3.png")


def test_own_text_wins() -> None:
    """The seed in a picture's own text is that picture's; the answer's is the first one's."""
    result = FetchResult("7", [picture(seed="8", prompt="mine")], meta={"seed": 5, "prompt": "theirs", "steps": 30})
    (record,) = records(result)
    assert (record["seed"], record["prompt"], record["steps"]) == (8, "mine", 30)


@pytest.mark.parametrize(
    ("text", "value"), [("-1", -1), ("0", 0), ("2 of 3", "2 of 3"), ("٣", "٣"), ("9" * 30, "9" * 30)]
)
def test_numbers_given_as_text(text: str, value: object) -> None:
    """Seeds and steps are whole numbers wherever they come from; what is none stays as it came."""
    (record,) = records(FetchResult("7", [picture(seed=text, prompt="12")]))
    assert (record["seed"], record["prompt"]) == (value, "12")


def test_missing_pictures_have_records() -> None:
    """With its reason and no file; and so has a request without any picture."""
    result = FetchResult("7", [picture()], [PictureState(1, "missing", "the link answered 404")])
    _, missing = records(result)
    assert (missing["picture"], missing["error"], missing["file"]) == (2, "the link answered 404", None)
    error = GenerationFailedError("The job failed.", request_id="8", advice="Try again.")
    states = [FetchState("8", "error", error=error), FetchState("9", "processing"), FetchState("")]
    entries = list(read_records(states))
    assert [(each["request_id"], each["status"], each["picture"]) for each in entries] == [
        ("8", "error", None),
        ("9", "processing", None),
        ("", "idle", None),
    ]
    assert str(entries[0]["error"]).startswith("The job failed.")
    assert entries[1]["error"] is None


def test_links_are_no_facts() -> None:
    """A link may be signed, so none of them is written."""
    result = FetchResult("7", [picture()], meta={"prompt": LINK, "seed": LINK, "model_id": LINK, "steps": [LINK]})
    assert "5ec2e7" not in str(records(result, caption=f"a dog like {LINK}"))
    moved = FetchState("7", "error", error=EndpointMovedError("It moved.", location=LINK), caption="a dog")
    (failed,) = read_records([moved])
    assert "5ec2e7" not in str(failed)
    assert failed["error"].startswith("It moved.")


def test_both_files_say_the_same(tmp_path: Path) -> None:
    """Commas, quotes, line breaks and every script come back as they went in."""
    entries = records(FetchResult("x/y", [picture(seed="1")], meta={"prompt": HARD}, duration=1.0), caption=HARD)
    paths = write_manifest(tmp_path, entries)
    assert [path.name for path in paths] == list(NAMES)
    assert json.loads(paths[1].read_text(encoding="utf-8")) == entries
    with paths[0].open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    assert rows == [{name: "" if value is None else str(value) for name, value in each.items()} for each in entries]
    assert rows[0]["caption"] == HARD


FORMULAS = [
    "=1+1",
    "+1",
    "-1 dog",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n1",
    " =1",
    "\ufeff=1",
    "\uff1d1",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_holds_no_formulas(tmp_path: Path, text: str) -> None:
    """Captions, prompts, models and errors begin with an apostrophe in the CSV; numbers and the JSON stay raw."""
    result = FetchResult("7", [picture()], [PictureState(1, "missing", text)], meta={"prompt": text, "model_id": text})
    records_ = [{**each, "seed": -5} for each in records(result, caption=text)]
    table, listed = write_manifest(tmp_path, records_)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [rows[0][name] for name in ("caption", "prompt", "model", "seed")] == [f"'{text}"] * 3 + ["-5"]
    assert rows[1]["error"] == f"'{text}"
    assert json.loads(listed.read_text(encoding="utf-8"))[0]["prompt"] == text


def test_frame_keeps_whole_numbers() -> None:
    """Beside a failed request, without numbers, none becomes a fraction or a text."""
    pandas = pytest.importorskip("pandas")
    result = FetchResult("7", [picture(seed="9007199254740993")], meta={"steps": 30}, duration=1.5)
    frame = make_frame(pandas, list(read_records([FetchState("8", "error"), state_of(result, "a dog")])))
    assert [str(frame[name].dtype) for name in ("picture", "width", "seed", "steps")] == ["Int64"] * 4
    assert frame["seed"][1] == 9007199254740993
    assert frame["seed"].isna().tolist() == [True, False]
    assert frame.to_csv(index=False).splitlines()[2].endswith(",9007199254740993,,,,30,1.5")
    odd = make_frame(pandas, records(FetchResult("7", [picture(seed="2 of 3"), picture(seed="5")])))
    assert odd["seed"].tolist() == ["2 of 3", 5]
    assert make_frame(pandas, []).columns.tolist() == list(COLUMNS)


def test_empty_table_has_a_header(tmp_path: Path) -> None:
    """An empty batch gives files that read as empty."""
    table, listed = write_manifest(tmp_path, [])
    assert table.read_text(encoding="utf-8").strip() == ",".join(COLUMNS)
    assert json.loads(listed.read_text(encoding="utf-8")) == []


def test_lone_surrogate_is_replaced(tmp_path: Path) -> None:
    """Prompts come from anywhere; a lone surrogate is replaced, and the rest is written."""
    for path in write_manifest(tmp_path, records(FetchResult("1", [picture()]), caption="a \ud83d dog")):
        assert "a ? dog" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_replaced_unasked(tmp_path: Path, name: str) -> None:
    """`FileExistsError`, unless `overwrite=True`."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=name):
        write_manifest(tmp_path, [])
    assert (tmp_path / name).read_text() == "mine"
    write_manifest(tmp_path, [], overwrite=True)
    assert (tmp_path / name).read_text() != "mine"


def test_sizes_need_no_reading() -> None:
    """The records are made without reading a file."""
    shown = Picture(0, "", encoded(scene()), "PNG", 96, 64)
    shown.original.move_to(Path("/nowhere/at/all"), None)
    (record,) = records(FetchResult("7", [shown]))
    assert record["bytes"] == len(encoded(scene()))
