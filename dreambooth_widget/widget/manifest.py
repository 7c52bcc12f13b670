"""What a batch gave, as records: one for each picture, and one for each request without any."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..client.state import FetchResult, FetchState
from ..images.cache import is_fact
from ..images.files import file_name, write_atomically
from ..images.picture import describe
from .signed_links import strip_url_queries

__all__ = ["NAMES", "Record", "read_records", "write_manifest"]

Record = Mapping[str, Any]

COLUMNS = (
    "caption", "request_id", "status", "error", "picture", "file", "format", "width", "height", "bytes",
    "seed", "prompt", "negative_prompt", "model", "steps", "seconds",
)  # fmt: skip
"""`picture` counts from 1, `width` and `height` are in pixels, `seconds` from the first poll to the last byte."""

NAMES = ("manifest.csv", "manifest.json")

_WORDS, _NUMBERS = ("prompt", "negative_prompt"), ("seed", "steps")


def read_records(requests: Iterable[tuple[str, FetchState, FetchResult | None]]) -> Iterator[Record]:
    """The records for (caption, state, result) of each request; what is not known is None. No signed link, no key."""
    for caption, state, result in requests:
        common: dict[str, Any] = {
            "caption": strip_url_queries(caption),
            "request_id": state.request_id,
            "status": state.status,
        }
        if result is None:
            yield _record({**common, "error": None if state.error is None else str(state.error)})
            continue
        common["seconds"] = round(result.duration, 1)
        known = {name: value for name, value in result.meta.items() if is_fact(value)}
        for picture in result:
            told = {**known, **describe(picture.text)}  # what the file says of itself is about this very picture
            yield _record({
                **common,
                **{name: told.get(name) for name in _WORDS},
                **{name: _number(told.get(name)) for name in _NUMBERS},
                "model": told.get("model_id", told.get("model")),
                "picture": picture.index + 1,
                "file": file_name(state.request_id, picture.index, picture.extension),
                "format": picture.format,
                "width": picture.width,
                "height": picture.height,
                "bytes": picture.nbytes,
            })  # fmt: skip
        for entry in result.missing:
            yield _record({**common, "picture": entry.index + 1, "error": entry.reason})


def write_manifest(folder: Path, records: Sequence[Record], *, overwrite: bool = False) -> list[Path]:
    """Write the records as `manifest.csv` and `manifest.json`, atomically; their paths. `FileExistsError`."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    writer.writerows(records)
    texts = (table.getvalue(), json.dumps(list(records), indent=1, ensure_ascii=False) + "\n")
    paths = [folder / name for name in NAMES]
    for path, text in zip(paths, texts, strict=True):
        write_atomically(path, text.encode("utf-8", "replace"), overwrite=overwrite)
    return paths


def _number(value: object) -> object:
    """A file knows its seed as text and an answer as a number: one column, one kind."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value) else value


def _record(values: Mapping[str, Any]) -> Record:
    return {column: values.get(column) for column in COLUMNS}
