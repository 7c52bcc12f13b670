"""The protocol of the fetch endpoint: what is sent, and what each answer means. Pure, and right under every row of it.

::

    status, headers, body ── read_answer ──▸ Answer
                                             ├── Processing   not ready; also under a status word nobody knows
                                             ├── Finished     "success" and its links (none: "success, no output")
                                             ├── Refused      final, with the error it ends in
                                             └── Busy         nothing learned; try again later

The body decides before the HTTP status does: errors of the older API versions come inside HTTP 200.
"""

from __future__ import annotations

import email.utils
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timezone
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlsplit

from .body import (
    LARGEST_BODY,
    Link,
    Strike,
    UnreadableBodyError,
    number,
    read_links,
    read_meta,
    read_object,
    shown,
    spoken,
)
from .errors import (
    AccountError,
    DreamboothError,
    EndpointMovedError,
    EndpointUnreachableError,
    InvalidKeyError,
    InvalidRequestError,
    RateLimitedError,
    UnexpectedAnswerError,
)
from .refusals import LONGEST_WAIT, http_of, kind_of_http, kind_of_refusal, message_of, named_wait, sentence

__all__ = [
    "LARGEST_BODY",
    "V4",
    "V6",
    "Answer",
    "Busy",
    "Finished",
    "Generation",
    "Link",
    "Processing",
    "Refused",
    "check_endpoint",
    "check_request_id",
    "compose_request",
    "parse_retry_after",
    "read_answer",
    "read_generation",
]

V4: Final = "https://stablediffusionapi.com/api/v4/dreambooth/fetch"
"""The "Dreambooth V4 Fetch Queued Images" address, the default."""

V6: Final = "https://modelslab.com/api/v6/images/fetch"
"""The address of the same protocol at the company's newer host."""

_PLACE: Final = "{request_id}"
_LONGEST_ID: Final = 4096
_LONGEST_ETA: Final = 7 * 86_400.0
"""Seconds; a longer estimate is nonsense, and no estimate is better."""

_SLOW_DOWN: Final = "the service asks for fewer requests"


@dataclass(frozen=True, slots=True)
class Processing:
    """Not ready yet. Protocol rows: "processing, whatever else it says", "eta", "unknown status word" (in `status`)."""

    message: str = ""
    eta: float | None = None
    status: str = "processing"


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is done. No links is the row "success, no output". `generation_time` is the service's own, in seconds.

    `flagged` says for each link whether the service's safety checker replaced that picture; () when it says nothing.
    """

    links: tuple[Link, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)
    generation_time: float | None = None
    flagged: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Final: `error` is what the job ends in, `message` a sentence for the user, `details` the service's own words.

    `RequestNotFoundError` becomes final only after a few more polls: the job may just have been queued.
    """

    error: type[DreamboothError]
    message: str
    details: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Busy:
    """Nothing learned, try again later. `reason` is a clause for the status line: "the service answered 503".

    `retry_after` is the longest wait in seconds that the service named, `unexpected` says that it did not speak
    its protocol at all, `details` are its own words.
    """

    reason: str
    retry_after: float | None = None
    rate_limited: bool = False
    unexpected: bool = False
    details: str = ""


Answer: TypeAlias = Processing | Finished | Refused | Busy


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


# -- the request -----------------------------------------------------------------------------------------------------


def check_endpoint(endpoint: str) -> str:
    """`endpoint` without white space around it, if the key may be sent there. `TypeError`/`ValueError` say why not."""
    if not isinstance(endpoint, str):
        raise TypeError(f"endpoint must be a str, not {type(endpoint).__name__}")
    endpoint = endpoint.strip()
    if not endpoint:
        raise ValueError("endpoint is empty")
    if re.search(r"[\s\\\x00-\x1f\x7f\ud800-\udfff]", endpoint):
        raise ValueError("endpoint contains white space, a backslash or a control character")
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname
        _ = parts.port  # raises for a port that is none
    except ValueError as error:
        raise ValueError("endpoint is not an address: its host or port is malformed") from error
    if parts.scheme not in ("http", "https"):
        raise ValueError("endpoint must begin with https:// or http://")
    if not host:
        raise ValueError("endpoint names no host")
    if "@" in parts.netloc:  # not repeated in the text: it may be a password
        raise ValueError("endpoint must not contain credentials; the key is passed as key=")
    if re.search(r"[{}]", endpoint.replace(parts.netloc, "", 1).replace(_PLACE, "")) or "{" in parts.netloc:
        raise ValueError(f"endpoint may contain {_PLACE} in its path, and no other braces")
    return endpoint


def check_request_id(value: object) -> str:
    """A request id as text, from an int or a str. `TypeError`/`ValueError` say what is wrong with it."""
    too_long = f"request_id is longer than {_LONGEST_ID} characters"
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"request_id must be an int or a str, not {type(value).__name__}")
    else:
        identifier = operator.index(value)  # also the integers of numpy and pandas
        if identifier < 0:
            raise ValueError("request_id is negative")
        if identifier.bit_length() > 10 * _LONGEST_ID // 3:  # before Python refuses to write it out
            raise ValueError(too_long)
        text = str(identifier)
    if not text:
        raise ValueError("request_id is empty")
    if len(text) > _LONGEST_ID:
        raise ValueError(too_long)
    if re.search("[\ud800-\udfff]", text):
        raise ValueError("request_id is not valid text: it holds half of a surrogate pair")
    return text


def compose_request(endpoint: str, request_id: str) -> tuple[str, dict[str, str]]:
    """The address and the JSON body, without the key, of one poll. Protocol: "id in the body" and "path form"."""
    if _PLACE in endpoint:
        return endpoint.replace(_PLACE, quote(request_id, safe="")), {}
    return endpoint, {"request_id": request_id}


# -- the answer ------------------------------------------------------------------------------------------------------


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, strike: Strike = str, now: float | None = None
) -> Answer:
    """What an HTTP answer means. Total: any status, headers and bytes give an `Answer`.

    `strike` takes the key out of every text that may be shown. `now` (Unix seconds) is what a `Retry-After` date is
    measured from; without it, the answer's own `Date`.
    """
    if 300 <= status < 400:
        return _moved(headers, strike)
    wait = _asked_to_wait(headers, now)
    try:
        record = read_object(body)
    except UnreadableBodyError as error:
        return _unreadable(status, body, str(error), wait, strike)
    return _read_record(record, status, wait, strike)


def _read_record(record: Mapping[str, Any], status: int, wait: float | None, strike: Strike) -> Answer:
    value = record.get("status")
    word = shown(value, strike, 60).lower()
    if word == "success":
        return _finished(record, strike)
    http = http_of(status, record)
    if word in ("error", "failed") or (http >= 400 and (word != "processing" or http == 429)):
        return _refusal(record, status, word, wait, strike)
    if word:
        message = spoken(message_of(record), strike, 300)
        return Processing(message, number(record.get("eta"), largest=_LONGEST_ETA) or None, word)
    return _without_status(record, status, wait, strike)


def _finished(record: Mapping[str, Any], strike: Strike) -> Finished:
    links = read_links(record.get("output"), record.get("proxy_links"), strike)
    flags = record.get("nsfw_content_detected")
    if isinstance(flags, list):
        flagged = tuple(flag is True for flag in (*flags[: len(links)], *[False] * (len(links) - len(flags))))
    else:
        flagged = (flags,) * len(links) if isinstance(flags, bool) else ()
    seconds = number(record.get("generationTime", record.get("generation_time")), largest=_LONGEST_ETA)
    return Finished(links, read_meta(record.get("meta"), strike), seconds, flagged)


def _refusal(record: Mapping[str, Any], status: int, word: str, wait: float | None, strike: Strike) -> Answer:
    words = spoken(message_of(record), strike)
    kind = kind_of_refusal(record, status, word, strike)
    if kind in (RateLimitedError, EndpointUnreachableError):
        limited = kind is RateLimitedError
        named = max(named_wait(record, strike) or 0.0, wait or 0.0) or None
        reason = _SLOW_DOWN if limited else _status_clause(status, words)
        return Busy(reason, named, rate_limited=limited, details=words)
    return Refused(kind, sentence(kind, words), words)


def _status_clause(status: int, words: str = "") -> str:
    if status >= 400 or not words:
        return f"the service answered {status}"
    return f"the service answered {shown(words, str, 100)!r}"


def _without_status(record: Mapping[str, Any], status: int, wait: float | None, strike: Strike) -> Answer:
    """JSON without a status word: an error, if it says one that we know; otherwise not the protocol."""
    known = kind_of_refusal(record, status, "", strike) is not InvalidRequestError
    if known or record.get("error") or record.get("code"):
        return _refusal(record, status, "", wait, strike)
    details = spoken(message_of(record), strike, 300)
    return Busy("the service answered with something else than its protocol", wait, unexpected=True, details=details)


def _unreadable(status: int, body: bytes, reason: str, wait: float | None, strike: Strike) -> Answer:
    """Not JSON: a proxy, a firewall or a failing server speaks. What HTTP says for sure is believed, no more."""
    details = shown(body[:16_384].decode("utf-8", "replace"), strike, 300)
    page = body.lstrip()[:1] == b"<"
    kind = kind_of_http(status) or UnexpectedAnswerError
    if kind is RateLimitedError:
        return Busy(_SLOW_DOWN, wait, rate_limited=True, details=details)
    if kind is InvalidKeyError or (kind is AccountError and (status == 402 or not page)):
        return Refused(kind, sentence(kind, ""), details)
    if kind is EndpointUnreachableError:
        return Busy(_status_clause(status), wait, details=details)
    if status >= 400:
        reason = f"{reason} (HTTP {status})"
    return Busy(reason, wait, unexpected=True, details=details)


def _moved(headers: Mapping[str, str], strike: Strike) -> Refused:
    """The row "3xx": not followed, because the key would go along."""
    location = shown(_header(headers, "location"), strike, 500)
    if "@" in location.partition("://")[2].partition("/")[0]:
        location = ""  # with credentials: nothing to repeat, nothing to recommend
    return Refused(EndpointMovedError, "The service's address has moved.", location=location)


# -- headers ---------------------------------------------------------------------------------------------------------


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((str(value) for key, value in headers.items() if str(key).lower() == name), "")


def _asked_to_wait(headers: Mapping[str, str], now: float | None) -> float | None:
    moment = _date(_header(headers, "date")) if now is None else now
    return parse_retry_after(_header(headers, "retry-after"), moment)


def parse_retry_after(value: str | None, now: float | None) -> float | None:
    """Seconds that a `Retry-After` header asks to wait, from seconds or an HTTP date; None for nonsense.

    `now` is in Unix seconds. Never negative, never more than a day.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text):
        return min(float(text), LONGEST_WAIT)
    moment = _date(text)
    return None if moment is None or now is None else min(max(moment - now, 0.0), LONGEST_WAIT)


def _date(text: str) -> float | None:
    if not 0 < len(text) <= 64:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


# -- the generation call ---------------------------------------------------------------------------------------------


def read_generation(response: Mapping[str, Any] | str, *, strike: Strike = str) -> Generation:
    """The whole answer of a generation call, queued or finished, as an object or its JSON text.

    `id` is the request id; only without one, `fetch_result` is asked, whose tail may name something else.
    Raises `TypeError` for anything else, `ValueError` when it is an error or names no request.
    """
    record = _as_record(response)
    answer = _read_record(record, 200, None, strike)
    if isinstance(answer, Refused):
        said = f" ({answer.details})" if answer.details and answer.details not in answer.message else ""
        raise ValueError(f"the generation call failed: {answer.message}{said}")
    if isinstance(answer, Busy):
        said = answer.details or answer.reason
        raise ValueError(f"this is not what a generation call answers when it has queued a request: {said}")
    meta = read_meta(record.get("meta"), strike)
    links = answer.links if isinstance(answer, Finished) else read_links(record.get("future_links"), None, strike)
    return Generation(
        request_id=_generation_id(record),
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


def _generation_id(record: Mapping[str, Any]) -> str:
    for name in ("id", "request_id"):
        value = record.get(name)
        if isinstance(value, str) and not value.strip():
            continue
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return check_request_id(value)
    tail = re.search(r"/([0-9]{1,40})/?$", shown(record.get("fetch_result"), str))
    if tail is None:
        raise ValueError("response names no request: it has no id")
    return tail[1]


def _count(meta: Mapping[str, Any], *names: str, largest: int = 100_000) -> int | None:
    numbers = (number(meta.get(name), largest=largest) for name in names)
    return next((int(value) for value in numbers if value), None)
