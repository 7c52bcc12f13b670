"""The protocol of the fetch endpoint: what each answer means. Pure, and right under every row of it.

::

    status, headers, body ── read_answer ──▸ Answer
                                             ├── Processing   not ready; also under a status word nobody knows
                                             ├── Finished     "success" and its links (none: "success, no output")
                                             ├── Refused      final, with the error it ends in
                                             └── Busy         nothing learned; try again later

The body decides before the HTTP status does: errors of the older API versions come inside HTTP 200.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timezone
from typing import Any, Final, TypeAlias

from ..errors import (
    AccountError,
    DreamboothError,
    EndpointMovedError,
    EndpointUnreachableError,
    InvalidKeyError,
    InvalidRequestError,
    RateLimitedError,
    UnexpectedAnswerError,
)
from .error_mapping import LONGEST_WAIT, classify_error, http_of, kind_of_http, message_of, named_wait, sentence
from .parsing import (
    LARGEST_BODY,
    PictureLink,
    Redact,
    UnreadableBodyError,
    number,
    read_links,
    read_meta,
    read_object,
    shown,
    spoken,
)

__all__ = [
    "LARGEST_BODY",
    "Answer",
    "Busy",
    "Finished",
    "PictureLink",
    "Processing",
    "Refused",
    "parse_retry_after",
    "read_answer",
    "read_record",
]

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

    links: tuple[PictureLink, ...]
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


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, redact: Redact = str, now: float | None = None
) -> Answer:
    """What an HTTP answer means. Total: any status, headers and bytes give an `Answer`.

    `redact` takes the key out of every text that may be shown. `now` (Unix seconds) is what a `Retry-After` date is
    measured from; without it, the answer's own `Date`.
    """
    if 300 <= status < 400:
        return _moved(headers, redact)
    wait = _asked_to_wait(headers, now)
    try:
        record = read_object(body)
    except UnreadableBodyError as error:
        return _unreadable(status, body, str(error), wait, redact)
    return read_record(record, status, wait, redact)


def read_record(record: Mapping[str, Any], status: int, wait: float | None, redact: Redact) -> Answer:
    """What a parsed object means. `wait` is what the headers asked for, in seconds."""
    value = record.get("status")
    word = shown(value, redact, 60).lower()
    if word == "success":
        return _finished(record, redact)
    http = http_of(status, record)
    if word in ("error", "failed") or (http >= 400 and (word != "processing" or http == 429)):
        return _refusal(record, status, word, wait, redact)
    if word:
        message = spoken(message_of(record), redact, 300)
        return Processing(message, number(record.get("eta"), largest=_LONGEST_ETA) or None, word)
    return _without_status(record, status, wait, redact)


def _finished(record: Mapping[str, Any], redact: Redact) -> Finished:
    links = read_links(record.get("output"), record.get("proxy_links"), redact)
    flags = record.get("nsfw_content_detected")
    if isinstance(flags, list):
        flagged = tuple(flag is True for flag in (*flags[: len(links)], *[False] * (len(links) - len(flags))))
    else:
        flagged = (flags,) * len(links) if isinstance(flags, bool) else ()
    seconds = number(record.get("generationTime", record.get("generation_time")), largest=_LONGEST_ETA)
    return Finished(links, read_meta(record.get("meta"), redact), seconds, flagged)


def _refusal(record: Mapping[str, Any], status: int, word: str, wait: float | None, redact: Redact) -> Answer:
    words = spoken(message_of(record), redact)
    kind = classify_error(record, status, word, redact)
    if kind in (RateLimitedError, EndpointUnreachableError):
        limited = kind is RateLimitedError
        named = max(named_wait(record, redact) or 0.0, wait or 0.0) or None
        reason = _SLOW_DOWN if limited else _status_clause(status, words)
        return Busy(reason, named, rate_limited=limited, details=words)
    return Refused(kind, sentence(kind, words), words)


def _status_clause(status: int, words: str = "") -> str:
    if status >= 400 or not words:
        return f"the service answered {status}"
    return f"the service answered {shown(words, str, 100)!r}"


def _without_status(record: Mapping[str, Any], status: int, wait: float | None, redact: Redact) -> Answer:
    """JSON without a status word: an error, if it says one that we know; otherwise not the protocol."""
    known = classify_error(record, status, "", redact) is not InvalidRequestError
    if known or record.get("error") or record.get("code"):
        return _refusal(record, status, "", wait, redact)
    details = spoken(message_of(record), redact, 300)
    return Busy("the service answered with something else than its protocol", wait, unexpected=True, details=details)


def _unreadable(status: int, body: bytes, reason: str, wait: float | None, redact: Redact) -> Answer:
    """Not JSON: a proxy, a firewall or a failing server speaks. What HTTP says for sure is believed, no more."""
    details = shown(body[:16_384].decode("utf-8", "replace"), redact, 300)
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


def _moved(headers: Mapping[str, str], redact: Redact) -> Refused:
    """The row "3xx": not followed, because the key would go along."""
    location = shown(_header(headers, "location"), redact, 500)
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
    from email.utils import parsedate_to_datetime  # few services ever name a date, and all would wait at import

    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
