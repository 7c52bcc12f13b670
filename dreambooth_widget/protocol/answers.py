"""Read what the service answers to a poll. Pure and total: any status, headers and bytes give an `Answer`.

::

    status, headers, body ── read_answer ──▸ Processing | Finished | Refused | Busy

The body decides before the HTTP status does: older API versions send their errors inside HTTP 200. An answer is JSON,
`{"status": …, "id": …, "output": …, "message": …}`, and each of its fields may be absent, null, "" or of another type.

===========================================================  =======================  ==============================
Answer                                                       Meaning                  Value
===========================================================  =======================  ==============================
status "success", "completed", "ok", true, …, or none, with  the pictures are there   Finished(links)
links in `output`, else in another field
status "success" and the like, without a link                not there yet, or none   Finished(())
status "processing", whatever else it holds                  not ready                Processing(eta)
any other status word, such as "in the oven"                 not ready                Processing(status=word)
status "failed"                                              the job is dead          Refused(GenerationFailedError)
status "error", or HTTP 4xx and 5xx, by code, words, HTTP:
- 429, "rate limit", "spam filter"                           too many requests        Busy(rate_limited=True)
- 401, "Invalid Api Key"                                     the key                  Refused(InvalidKeyError)
- 402, 403, "monthly limit exceeded", "subscription"         the account              Refused(AccountError)
- 405, 410, "The route … could not be found"                 wrong endpoint           Refused(EndpointMovedError)
- 404, "Request not found"                                   unknown, or just queued  Refused(RequestNotFoundError)
- 408, 5xx, no message, "try again", "unavailable",          passes                   Busy()
  "timeout", "out of memory", "in queue"
- "Model not found", an object of fields, anything else      wrong request            Refused(InvalidRequestError)
HTTP 403, 407 without a word as `status` or `code`           a firewall or proxy      Busy(bounded=True)
HTTP 404 with a page, or the JSON of another server          wrong endpoint           Busy(unexpected, bounded)
HTTP 3xx: not followed, because the key would go along       moved                    Refused(EndpointMovedError)
empty, HTML, no JSON, no object, too large                   some other server        Busy(unexpected=True)
===========================================================  =======================  ==============================

`messege` is `message` misspelled by the service. `eta` (seconds) is a hint, never a deadline. `tip` and `tips` are
advertising that may contain links and the word "processing".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from ..errors import (
    DreamboothError,
    EndpointMovedError,
    EndpointUnreachableError,
    InvalidKeyError,
    InvalidRequestError,
    RateLimitedError,
    RequestNotFoundError,
)
from .answer_types import Answer, Busy, Finished, Processing, Refused
from .endpoint import V6
from .error_mapping import (
    classify_error,
    http_of,
    is_from_service,
    kind_of_http,
    message_of,
    named_wait,
    sentence,
    wait_in_words,
)
from .headers import read_location, read_sender, read_wait
from .parsing import (
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

__all__ = ["read_answer", "read_record"]

_LONGEST_ETA: Final = 7 * 86_400.0
"""Maximum ETA in seconds. A longer one is nonsense, and no estimate is better."""

_SLOW_DOWN: Final = "the service asks for fewer requests"

_LONGEST_PAGE: Final = 64 * 1024
"""Maximum number of bytes that are read of a body that is not JSON."""

_REQUEST: Final = re.compile(r"\bid\b|request|job|task|generation", re.IGNORECASE)
"""What a 404 of the service names; that of a web server names nothing, or a path."""

_DONE: Final = frozenset(
    {"success", "succeeded", "successful", "completed", "complete", "ok", "true", "done", "finished", "ready"}
)
_WAITING: Final = frozenset({"processing", "queued", "pending", "in progress", "in_progress", "running", "starting"})
_DEAD: Final = frozenset({"failed", "failure", "fail", "canceled", "cancelled", "aborted"})
_ERROR: Final = frozenset({"error", "errored", "false"})


def read_answer(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    redact: Redact = str,
    endpoint: str = "",
) -> Answer:
    """Return what an HTTP answer means.

    Args:
        status: The HTTP status.
        headers: The HTTP headers, their names in any case.
        body: The inflated body.
        redact: Takes the key out of a text; applied to every text that may be shown.
        endpoint: The address that was polled; a relative redirect is resolved against it.
    """
    context = _Context(status, read_wait(headers), redact, endpoint, read_sender(headers, redact))
    if 300 <= status < 400:  # not followed, because the key would go along
        location = read_location(headers, endpoint, redact)
        return Refused(EndpointMovedError, "The service's address has moved.", f"HTTP {status}", location)
    try:
        record = read_object(body)
    except UnreadableBodyError as error:
        return _read_unreadable(body, str(error), context)
    return _read(record, context)


def read_record(record: Mapping[str, Any], redact: Redact) -> Answer:
    """Return what a parsed object means, without the headers that it came with. `redact` as in `read_answer`."""
    return _read(record, _Context(200, None, redact))


@dataclass(frozen=True, slots=True)
class _Context:
    """What is known of an answer beside its body: the arguments of `read_answer`, and the server that sent it."""

    status: int
    wait: float | None
    redact: Redact
    endpoint: str = ""
    sender: str = ""


def _read(record: Mapping[str, Any], context: _Context) -> Answer:
    word = _status_word(record, context.redact)
    if word in _DONE:
        return _finished(record, context.redact)
    http = http_of(context.status, record)
    if word in _ERROR or word in _DEAD or (http >= 400 and (word not in _WAITING or http == 429)):
        return _read_error(record, word, context)
    if word:
        message = spoken(message_of(record), context.redact, 300)
        links = read_links(record.get("future_links"), None, redact=context.redact)
        return Processing(message, number(record.get("eta"), largest=_LONGEST_ETA) or None, word, links)
    return _read_without_status(record, context)


def _status_word(record: Mapping[str, Any], redact: Redact) -> str:
    """Return the status in lower case; "" if there is none, or a number."""
    value = record.get("status")
    if value is None and isinstance(record.get("success"), bool):
        value = record["success"]
    if isinstance(value, bool):
        return str(value).lower()
    word = shown(value, redact, 60).lower()
    return "" if word.isdigit() else word


def _finished(record: Mapping[str, Any], redact: Redact) -> Finished:
    links = _links_of(record, redact)
    flags = record.get("nsfw_content_detected")
    if isinstance(flags, list):
        flagged = tuple(flag is True for flag in (*flags[: len(links)], *[False] * (len(links) - len(flags))))
    else:
        flagged = (flags,) * len(links) if isinstance(flags, bool) else ()
    seconds = number(record.get("generationTime", record.get("generation_time")), largest=_LONGEST_ETA)
    return Finished(links, read_meta(record.get("meta"), redact), seconds, flagged)


def _links_of(record: Mapping[str, Any], redact: Redact) -> tuple[PictureLink, ...]:
    """Return the links in `output`, else those in the first of the other fields that has any."""
    links = read_links(record.get("output"), record.get("proxy_links"), redact)
    others = (read_links(record.get(name), None, redact) for name in ("future_links", "images", "links"))
    return links or next(filter(None, others), ())


def _read_without_status(record: Mapping[str, Any], context: _Context) -> Answer:
    """Read JSON without a status word: pictures, or an error that is known; otherwise it is not the protocol."""
    links = _links_of(record, context.redact)
    pictures = any(link.url.lower().startswith(("http://", "https://", "data:")) for link in links)
    if pictures and not record.get("eta"):
        return _finished(record, context.redact)
    message = spoken(message_of(record), context.redact, 300)
    recognized = message and classify_error(record, context.status, "", context.redact) is not InvalidRequestError
    if recognized or record.get("error") or record.get("code"):
        return _read_error(record, "", context)
    reason = "the service answered with something else than its protocol"
    return Busy(reason, context.wait, unexpected=True, details=message)


# -- errors ----------------------------------------------------------------------------------------------------------


def _read_error(record: Mapping[str, Any], word: str, context: _Context) -> Answer:
    words = spoken(message_of(record), context.redact)
    http = http_of(context.status, record)
    kind = classify_error(record, context.status, "failed" if word in _DEAD else word, context.redact)
    limited = kind is RateLimitedError
    wait = max(named_wait(record, context.redact, limited=limited) or 0.0, context.wait or 0.0) or None
    if limited:
        return Busy(_SLOW_DOWN, wait, rate_limited=True, details=words)
    if http == 407 or (http == 403 and kind is not InvalidKeyError and not is_from_service(record)):
        return _refused_between(http, words, context)
    if kind is EndpointUnreachableError:
        return Busy(_reason(http, words), wait, details=words)
    if http == 404 and kind is RequestNotFoundError and not is_from_service(record) and not _REQUEST.search(words):
        return _no_such_address(http, words, context)
    return _final(kind, words, context)


def _read_unreadable(body: bytes, reason: str, context: _Context) -> Answer:
    """Read what is not JSON: a proxy, a firewall or a failing server answered. Only the HTTP status is believed."""
    status, wait = context.status, context.wait
    details = shown(body[:_LONGEST_PAGE].decode("utf-8", "replace"), context.redact, 300)
    kind = kind_of_http(status)
    if kind is RateLimitedError:
        named = max(wait or 0.0, wait_in_words(details) or 0.0) or None
        return Busy(_SLOW_DOWN, named, rate_limited=True, details=details)
    if kind is EndpointUnreachableError:
        return Busy(_reason(status), wait, details=details)
    if status in (403, 407):
        return _refused_between(status, details, context)
    if status == 404:
        return _no_such_address(status, details, context, reason)
    if kind is not None:
        return _final(kind, "", context, details)
    return Busy(f"{reason} (HTTP {status})" if status >= 400 else reason, wait, unexpected=True, details=details)


def _final(kind: type[DreamboothError], words: str, context: _Context, details: str = "") -> Refused:
    """Return the refusal of this kind; one of the endpoint names V6, unless that was polled."""
    location = V6 if kind is EndpointMovedError and context.endpoint != V6 else ""
    return Refused(kind, sentence(kind, words), details or words, location)


def _refused_between(status: int, details: str, context: _Context) -> Busy:
    """Read a 403 or 407 that is not the service's. It means nothing for the account."""
    sender = f" ({context.sender})" if context.sender else ""
    kind = "a proxy" if status == 407 else "a firewall or a proxy"
    reason = f"{kind} on the way to the service{sender} refuses the request (HTTP {status})"
    return Busy(reason, context.wait, details=details, bounded=True)


def _no_such_address(status: int, details: str, context: _Context, reason: str = "the endpoint was not found") -> Busy:
    """Read a 404 that is not the service's. It means nothing for the request id."""
    return Busy(f"{reason} (HTTP {status})", context.wait, unexpected=True, details=details, bounded=True)


def _reason(status: int, words: str = "") -> str:
    """Return the clause for the status line of an error that passes."""
    if kind_of_http(status) is EndpointUnreachableError:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Server error"
        return f"{phrase.capitalize()} ({status})"
    return f"the service answered {shown(words, str, 100)!r}" if words else "the service gave an error without a reason"
