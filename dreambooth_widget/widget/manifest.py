"""The outcome of a batch as records: one for each picture, and one for each request without any."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..client.state import FetchState
from ..images.cache_folder import is_fact
from ..images.files import file_name, write_atomically
from .signed_links import strip_url_queries

__all__ = ["COLUMNS", "NAMES", "Record", "make_frame", "read_records", "write_manifest"]

Record = Mapping[str, Any]

COLUMNS = (
    "caption", "request_id", "status", "error", "picture", "file", "format", "width", "height", "bytes",
    "seed", "prompt", "negative_prompt", "model", "steps", "seconds",
)  # fmt: skip
"""`picture` counts from 1, `width` and `height` are in pixels, `seconds` from the first poll to the last byte."""

_DTYPES: Mapping[str, str] = {
    **dict.fromkeys(("picture", "width", "height", "bytes"), "Int64"),
    "seconds": "Float64",
}
"""pandas' nullable types, which keep whole numbers whole beside a request that has none."""

NAMES = ("manifest.csv", "manifest.json")

_FORMULA = re.compile(r"[\t\r\n]|[\s\0-\x1f\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""What begins a formula in a spreadsheet, in full width too. Prompts and the pictures' own texts come from anywhere."""

_WORDS, _NUMBERS = ("prompt", "negative_prompt"), ("seed", "steps")


def read_records(states: Iterable[FetchState]) -> Iterator[Record]:
    """Yield the records of each request, with None for what is not known. They hold no signed link and no key."""
    for state in states:
        caption = strip_url_queries(state.caption)
        common: dict[str, Any] = {"caption": caption, "request_id": state.request_id, "status": state.status}
        if state.status != "success":
            error = None if state.error is None else strip_url_queries(str(state.error))
            yield _record({**common, "error": error})
            continue
        if state.duration is not None:
            common["seconds"] = round(state.duration, 1)
        known = {name: value for name, value in state.meta.items() if is_fact(value)}
        for picture in (entry.picture for entry in state.pictures if entry.picture is not None):
            facts = {**known, **picture.facts}  # the file's own text is about this very picture
            yield _record({
                **common,
                **{name: facts.get(name) for name in _WORDS},
                **{name: _number(facts.get(name)) for name in _NUMBERS},
                "model": facts.get("model_id", facts.get("model")),
                "picture": picture.index + 1,
                "file": file_name(state.request_id, picture.index, picture.extension),
                "format": picture.format,
                "width": picture.width,
                "height": picture.height,
                "bytes": picture.nbytes,
            })  # fmt: skip
        for entry in state.pictures:
            if entry.picture is None:
                yield _record({**common, "picture": entry.index + 1, "error": entry.reason})


def write_manifest(folder: Path, records: Sequence[Record], *, overwrite: bool = False) -> list[Path]:
    """Write the records as `manifest.csv` and `manifest.json`, each atomically, and return the two paths.

    In the CSV, a text that a spreadsheet would run as a formula begins with an apostrophe; the JSON has it as it came.

    Raises:
        FileExistsError: If one of the files exists and `overwrite` is False.
    """
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _disarm(value) for name, value in record.items()} for record in records)
    texts = (table.getvalue(), json.dumps(list(records), indent=1, ensure_ascii=False) + "\n")
    paths = [folder / name for name in NAMES]
    for path, text in zip(paths, texts, strict=True):
        write_atomically(path, text.encode("utf-8", "replace"), overwrite=overwrite)
    return paths


def make_frame(pandas: Any, records: Sequence[Record]) -> Any:
    """Return the records as a data frame of the given pandas module, numbers in columns of nullable types."""
    frame = pandas.DataFrame(list(records), columns=COLUMNS, dtype=object)  # a float would round a seed
    whole = {name: "Int64" for name in _NUMBERS if all(_is_whole(record[name]) for record in records)}
    return frame.astype({**_DTYPES, **whole})


def _is_whole(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)


def _disarm(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _number(value: object) -> object:
    """Return a number in text as an int: a file has its seed as text, and an answer as a number."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value) else value


def _record(values: Mapping[str, Any]) -> Record:
    return {column: values.get(column) for column in COLUMNS}
