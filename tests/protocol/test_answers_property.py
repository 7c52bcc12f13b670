"""Arbitrary JSON, bytes, headers and statuses, by Hypothesis."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from dreambooth_widget.errors import (
    DreamboothError,
    InvalidKeyError,
)
from dreambooth_widget.protocol.answer_types import Busy, Finished, Processing, Refused
from dreambooth_widget.protocol.answers import read_answer
from dreambooth_widget.protocol.endpoint import V4
from dreambooth_widget.protocol.generation import read_generation

from ..answers import (
    KEY,
    KEY_TEXT,
    LITERAL,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**60)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=40)
    | st.sampled_from(
        [
            "success",
            "processing",
            "failed",
            "error",
            "",
            "0",
            "not_found",
            "wait 5 seconds",
            KEY_TEXT,
            f"//h/{KEY_TEXT[:9]}\n{KEY_TEXT[9:]}",
        ]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6) | st.just("0"), inner, max_size=5),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    [
        *("id", "status", "output", "proxy_links", "message", "messege", "error", "code", "eta", "meta", "tip", "tips"),
        *("proxy_links", "future_links", "success", "errors", "retryAfter"),
        *("retry_after", "generationTime", "nsfw_content_detected", "fetch_result", "future_links"),
    ]
)
RECORDS = st.builds(
    lambda word, fields: {"status": word, **fields} if word else fields,
    st.sampled_from(["success", "processing", "error", "failed", "queued", "completed", True, 403, None]),
    st.dictionaries(FIELDS, VALUES, max_size=8),
)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "date", "LOCATION", "server", "x"]), st.text(max_size=40), max_size=4
)
BODIES = (
    st.binary(max_size=200)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | RECORDS.map(lambda record: json.dumps(record).encode())
    | st.tuples(st.sampled_from(LITERAL), st.integers(0, 400), st.binary(max_size=8)).map(
        lambda parts: parts[0].encode()[: parts[1]] + parts[2] + parts[0].encode()[parts[1] :]
    )
)


@given(st.integers(0, 999), HEADERS, BODIES)
@example(200, {}, b"[" * 100_000)
@example(200, {}, b'{"status":' + b"9" * 10_000 + b"}")
@example(200, {}, b'{"status":"error","message":' + b"[" * 900 + b"]" * 900 + b"}")
@example(429, {"Retry-After": "Mon, 99 Foo 2026 99:99:99 GMT"}, b"")
@example(429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"}, b"")
def test_any_input_gives_answer(status: int, headers: dict[str, str], body: bytes) -> None:
    """Whatever the service sends is an `Answer`: fit to be shown, saved as JSON, and without the key."""
    answer = read_answer(status, headers, body, redact=KEY.redact, endpoint=V4)
    assert isinstance(answer, Processing | Finished | Refused | Busy)
    facts = asdict(answer)
    error = facts.pop("error", InvalidKeyError)
    assert issubclass(error, DreamboothError)
    text = json.dumps(facts, ensure_ascii=False, allow_nan=False)
    assert KEY_TEXT not in text.encode().decode()
    if isinstance(answer, Refused) and answer.location:
        assert answer.location.startswith(("https://", "http://"))
    if isinstance(answer, Busy) and answer.retry_after is not None:
        assert 0 <= answer.retry_after <= 86_400
    if isinstance(answer, Processing) and answer.eta is not None:
        assert 0 < answer.eta < math.inf
    if isinstance(answer, Finished):
        assert all(link.url and link.fallback != "" for link in answer.links)
        assert len(answer.flagged) in (0, len(answer.links))


@given(RECORDS | VALUES)
def test_any_generation_answer(record: Any) -> None:
    """The answer of a generation call gives a `Generation` or a sentence, as an object and as JSON text."""
    for response in (record, json.dumps(record)):
        try:
            generation = read_generation(response)
        except (TypeError, ValueError) as error:
            sentence = str(error)
            assert sentence
        else:
            assert generation.request_id
            assert isinstance(generation.answer, Processing | Finished)
