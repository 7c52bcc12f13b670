"""The answer of a generation call, which users pass in whole: queued with an estimate, or finished. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .answer_types import Busy, Finished, Processing, Refused
from .answers import read_record
from .endpoint import check_request_id, read_fetch_address
from .parsing import Redact, UnreadableBodyError, number, read_meta, read_object, shown

__all__ = ["Generation", "read_count", "read_generation"]


@dataclass(frozen=True, slots=True)
class Generation:
    """The answer of a generation call: the request to fetch, what is known of it, and the `answer` it already holds.

    `eta` is in seconds from the call, `expected` the number of pictures to come (0: unknown). `endpoint` is the
    vendor's address for this request, or None.
    """

    request_id: str
    eta: float | None
    expected: int
    meta: Mapping[str, Any]
    answer: Processing | Finished
    endpoint: str | None = None

    @property
    def finished(self) -> Finished | None:
        """The answer, if it already has the pictures."""
        return self.answer if isinstance(self.answer, Finished) and self.answer.links else None


def read_generation(response: object, *, redact: Redact = str) -> Generation:
    """Read the whole answer of a generation call, queued or finished.

    The request id is `id`, else `request_id`, else the last part of `fetch_result`, whose number may be another one.

    Args:
        response: The answer as a dict, JSON text or bytes, or the response object of `requests` or `httpx`.
        redact: Removes the API key from a text.

    Raises:
        TypeError: `response` is something else.
        ValueError: The answer is an error, or names no request.
    """
    record = _as_record(response)
    answer = read_record(record, redact)
    if isinstance(answer, Refused):
        details = f" ({answer.details})" if answer.details and answer.details not in answer.message else ""
        raise ValueError(f"the generation call failed: {answer.message}{details}")
    if isinstance(answer, Busy):
        details = answer.details or answer.reason
        raise ValueError(f"this is not what a generation call answers when it has queued a request: {details}")
    meta = read_meta(record.get("meta"), redact)
    return Generation(
        request_id=_generation_id(record, redact),
        eta=None if isinstance(answer, Finished) else answer.eta,
        expected=len(answer.links) or read_count(meta, "n_samples", "samples", largest=64) or 0,
        meta=meta,
        answer=answer,
        endpoint=read_fetch_address(shown(record.get("fetch_result"), redact)),
    )


def _as_record(response: object) -> Mapping[str, Any]:
    if isinstance(response, Mapping):
        return response
    body = getattr(response, "content", response)  # `requests` and `httpx`
    if isinstance(body, str):
        body = body.encode("utf-8", "replace")
    if not isinstance(body, (bytes, bytearray)):
        raise TypeError(
            f"response must be a dict, JSON text or a response of requests or httpx, not {type(response).__name__}"
        )
    try:
        return read_object(bytes(body))
    except UnreadableBodyError:
        raise ValueError("response is not the JSON object that a generation call answers") from None


def _generation_id(record: Mapping[str, Any], redact: Redact) -> str:
    for name in ("id", "request_id"):
        value = record.get(name)
        if isinstance(value, str) and not value.strip():
            continue
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            request_id = check_request_id(value)
            if redact(request_id) != request_id:
                raise ValueError("response names no request: its id repeats the API key")
            return request_id
    tail = re.search(r"/([0-9]{1,40})/?$", shown(record.get("fetch_result"), redact))
    if tail is None:
        raise ValueError("response names no request: it has no id")
    return tail[1]


def read_count(meta: Mapping[str, Any], *names: str, largest: int = 100_000) -> int | None:
    """Return the first of the named entries that is a number from 1 to `largest`, or the text of one; else None."""
    counts = (int(number(meta.get(name), largest=largest) or 0) for name in names)
    return next(filter(None, counts), None)
