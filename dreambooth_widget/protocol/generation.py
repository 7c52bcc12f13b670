"""What the generation call answered, which people paste in whole: queued with an estimate, or finished. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .answers import Busy, Finished, Processing, Refused, read_record
from .endpoint import check_request_id
from .parsing import Redact, UnreadableBodyError, number, read_links, read_meta, read_object, shown

__all__ = ["Generation", "read_generation"]


@dataclass(frozen=True, slots=True)
class Generation:
    """What a generation call answered: the request to fetch, what is known of it, and the `answer` it already holds.

    `eta` is in seconds from the call, `expected` the number of pictures to come (0: not told), `width` and `height`
    their size in pixels.
    """

    request_id: str
    eta: float | None
    expected: int
    width: int | None
    height: int | None
    meta: Mapping[str, Any]
    answer: Processing | Finished

    @property
    def finished(self) -> Finished | None:
        """The answer, if the pictures are there already."""
        return self.answer if isinstance(self.answer, Finished) and self.answer.links else None


def read_generation(response: Mapping[str, Any] | str, *, redact: Redact = str) -> Generation:
    """The whole answer of a generation call, queued or finished, as an object or its JSON text.

    `id` is the request id; only without one, `fetch_result` is asked, whose tail may name something else.
    Raises `TypeError` for anything else, `ValueError` when it is an error or names no request.
    """
    record = _as_record(response)
    answer = read_record(record, 200, None, redact)
    if isinstance(answer, Refused):
        said = f" ({answer.details})" if answer.details and answer.details not in answer.message else ""
        raise ValueError(f"the generation call failed: {answer.message}{said}")
    if isinstance(answer, Busy):
        said = answer.details or answer.reason
        raise ValueError(f"this is not what a generation call answers when it has queued a request: {said}")
    meta = read_meta(record.get("meta"), redact)
    links = answer.links if isinstance(answer, Finished) else read_links(record.get("future_links"), None, redact)
    return Generation(
        request_id=_generation_id(record, redact),
        eta=None if isinstance(answer, Finished) else answer.eta,
        expected=len(links) or _count(meta, "n_samples", "samples", largest=64) or 0,
        width=_count(meta, "W", "width"),
        height=_count(meta, "H", "height"),
        meta=meta,
        answer=answer,
    )


def _as_record(response: object) -> Mapping[str, Any]:
    if isinstance(response, Mapping):
        return response
    if not isinstance(response, str):
        raise TypeError(f"response must be a dict or JSON text, not {type(response).__name__}")
    try:
        return read_object(response.encode("utf-8", "replace"))
    except UnreadableBodyError:
        raise ValueError("response is not the JSON object that a generation call answers") from None


def _generation_id(record: Mapping[str, Any], redact: Redact) -> str:
    for name in ("id", "request_id"):
        value = record.get(name)
        if isinstance(value, str) and not value.strip():
            continue
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return check_request_id(redact(check_request_id(value)))
    tail = re.search(r"/([0-9]{1,40})/?$", shown(record.get("fetch_result"), redact))
    if tail is None:
        raise ValueError("response names no request: it has no id")
    return tail[1]


def _count(meta: Mapping[str, Any], *names: str, largest: int = 100_000) -> int | None:
    numbers = (number(meta.get(name), largest=largest) for name in names)
    return next((int(value) for value in numbers if value), None)
