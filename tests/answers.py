"""The literal answers of the service, as captured or documented, and what each is read as."""

from __future__ import annotations

import json
from typing import Any

from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answer_types import Answer, Busy, Finished, Refused
from dreambooth_widget.protocol.answers import read_answer
from dreambooth_widget.protocol.parsing import PictureLink

from .endpoint import CANARY

KEY = ApiKey(CANARY)
KEY_TEXT = CANARY

# The literal bodies of the service, as captured or documented.
DONE = '{"status":"success","id":13443927,"output":["https://pub-1.r2.dev/generations/6ef3.png"]}'
DONE_WITH_META = (
    '{"status":"success","generationTime":2.92,"id":302455,"output":["https://cdn.example/1.png"],'
    '"meta":{"H":512,"W":512,"seed":1793745243,"steps":20,"n_samples":1}}'
)
WAITING = (
    '{"status":"processing","messege":"try again later.","output":"",'
    '"tip":"Get 20x faster image generation using enterprise plan. Click here : https://example.com"}'
)
WAITING_SHORT = '{"status":"processing","message":"Try Again","output":""}'
QUEUED = (
    '{"status":"processing","tip":"Your image is processing in background, please use fetch api","eta":20.94,'
    '"messege":"Try to fetch request after seconds estimated","webhook_status":"",'
    '"fetch_result":"https://stablediffusionapi.com/api/v3/dreambooth/fetch/99999999","id":32798037,"output":[],'
    '"meta":{},"future_links":["https://cdn.example/0-55b7.png"]}'
)
RATE_LIMIT = (
    '{"status":"error","message":"Rate limit exceeded","tips":"you are sending same request multiple times, '
    'spam filter is enabled, please wait for 30 seconds and try again"}'
)
BAD_KEY = (
    '{"status":"error","message":"Invalid Api Key",'
    '"tip":"1. Make sure you are passing Content-Type: application/json in header. 2. Your key has a rate limit."}'
)
BAD_FIELD = '{"status":"error","message":{"prompt":["The prompt field is required."]}}'
SOME_ERROR = '{"status":"error","messege":"Error message"}'
FAILED = '{"status":"failed","id":"","message":"Failed, Try Again","output":""}'
RATE_LIMIT_2026 = '{"status":"error","code":"rate_limited","message":"Slow down.","retry_after":30}'
LITERAL = [
    *(DONE, DONE_WITH_META, WAITING, WAITING_SHORT, QUEUED, RATE_LIMIT, BAD_KEY, BAD_FIELD, SOME_ERROR, FAILED),
    RATE_LIMIT_2026,
]


def read(body: Any, status: int = 200, headers: dict[str, str] | None = None, **options: Any) -> Answer:
    """The answer that a body means, given as bytes, JSON text or an object."""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return read_answer(status, headers or {}, body, **options)


def refused(body: Any, status: int = 200, **options: Any) -> Refused:
    """The refusal that a body means."""
    answer = read(body, status, **options)
    assert isinstance(answer, Refused), answer
    return answer


def busy(body: Any, status: int = 200, headers: dict[str, str] | None = None, **options: Any) -> Busy:
    """The "try again later" that a body means."""
    answer = read(body, status, headers, **options)
    assert isinstance(answer, Busy), answer
    return answer


def finished(body: Any, status: int = 200, **options: Any) -> Finished:
    """The success that a body means."""
    answer = read(body, status, **options)
    assert isinstance(answer, Finished), answer
    return answer


def success(output: Any, **fields: Any) -> tuple[PictureLink, ...]:
    """The links of a success with this `output`."""
    return finished({"status": "success", "output": output, **fields}).links
