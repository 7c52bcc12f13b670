"""Which error an answer means that is not "success" and not "processing". Pure.

Three witnesses, in the order of how much they know: the `code` of the newest API version, the words of the message,
the HTTP status. `tip` and `tips` are advertising; only a request to slow down is believed of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ..errors import (
    AccountError,
    DreamboothError,
    EndpointUnreachableError,
    GenerationFailedError,
    InvalidKeyError,
    InvalidRequestError,
    RateLimitedError,
    RequestNotFoundError,
)
from .parsing import Redact, number, shown, spoken

__all__ = ["LONGEST_WAIT", "classify_error", "http_of", "kind_of_http", "message_of", "named_wait", "sentence"]

Kind = type[DreamboothError]
"""The error a refusal means. `RateLimitedError` and `EndpointUnreachableError` stand for "try again later"."""

LONGEST_WAIT: Final = 86_400.0
"""Seconds; a service that asks to wait longer is believed this much."""

_LONGEST_NAMED_WAIT: Final = 600.0
"""Seconds; prose may mean something else by a long time ("100 requests per 24 hours")."""

_CODES: Final[Mapping[str, Kind]] = {
    "validation_error": InvalidRequestError,
    "invalid_api_key": InvalidKeyError,
    "unauthenticated": InvalidKeyError,
    "insufficient_balance": AccountError,
    "no_subscription": AccountError,
    "forbidden": AccountError,
    "not_found": RequestNotFoundError,
    "rate_limited": RateLimitedError,
    "upstream_unavailable": EndpointUnreachableError,
    "provider_error": EndpointUnreachableError,
}

_SLOW_DOWN = re.compile(r"rate[\s_-]*limit|spam[\s_-]*filter|too many(?: (?:request|call|attempt|time)s|\W*$)", re.I)

# The first that matches. "Rate limit exceeded" holds "limit exceeded": the rate limit is tested before the account.
_WORDS: Final[tuple[tuple[re.Pattern[str], Kind], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"rate[\s_-]*limit|spam[\s_-]*filter|too many", RateLimitedError),
        (
            r"\b(?:invalid|wrong|incorrect|missing|unknown|expired|bad)\b.{0,20}\bkey\b"
            r"|\bkey\b.{0,20}\b(?:invalid|wrong|incorrect|missing|unknown|expired|required|not\b)"
            r"|unauthenticated|unauthori[sz]ed",
            InvalidKeyError,
        ),
        (r"limit (?:exceeded|reached)|insufficient|subscri|quota|credits|balance|payment|forbidden", AccountError),
        (r"not[\s_-]*found|does(?: not|n't) exist|no such|unknown request", RequestNotFoundError),
        (r"generation failed|^failed\b", GenerationFailedError),
    )
)

_SENTENCES: Final[Mapping[Kind, str]] = {
    InvalidKeyError: "The service refused the API key.",
    AccountError: "The service refused: the account lacks the credit, the subscription or the right to this.",
    RequestNotFoundError: "The service does not know this request id.",
    GenerationFailedError: "The generation failed at the service.",
}

_NAMED_WAIT = re.compile(r"\b([0-9]{1,6}(?:\.[0-9]{1,6})?) ?(s|secs?|seconds?|mins?|minutes?)\b", re.I)


def message_of(record: Mapping[str, Any]) -> Any:
    """What the answer says, as it is: `message` or `messege`, a string, an object of lists, or None."""
    names = ("message", "messege", "error", "errors", "error_message", "detail", "msg")
    return next((record[name] for name in names if record.get(name)), None)


def http_of(status: int, record: Mapping[str, Any]) -> int:
    """The HTTP status, or the one that an answer inside HTTP 200 carries as its `code` or `status`."""
    if status >= 400:
        return status
    inner = (number(record.get(name), largest=599) for name in ("code", "status"))
    return next((int(code) for code in inner if code is not None and code >= 400), status)


def kind_of_http(status: int) -> Kind | None:
    """What the HTTP status alone says, if anything."""
    if status == 429:
        return RateLimitedError
    if status in (408, 425) or status >= 500:
        return EndpointUnreachableError
    return {401: InvalidKeyError, 402: AccountError, 403: AccountError, 404: RequestNotFoundError}.get(status)


def classify_error(record: Mapping[str, Any], status: int, word: str, redact: Redact) -> Kind:
    """The error that `record` means, an answer with the status word `word` ("error", "failed") under HTTP `status`."""
    code = record.get("code")
    by_code = _CODES.get(re.sub(r"[\s-]+", "_", code[:40].strip().lower())) if isinstance(code, str) else None
    by_http = kind_of_http(http_of(status, record))
    if RateLimitedError in (by_code, by_http):
        return RateLimitedError
    message = message_of(record)
    by_words = _kind_of_fields(message, redact) if isinstance(message, Mapping) else _kind_of_words(message, redact)
    if by_words is RateLimitedError:
        return RateLimitedError
    refuses_caller = next((kind for kind in (by_code, by_words) if kind in (InvalidKeyError, AccountError)), None)
    if word == "failed":  # the job is dead, unless it was the key that was refused
        return InvalidKeyError if refuses_caller is InvalidKeyError else GenerationFailedError
    if by_code is None and by_http is EndpointUnreachableError:  # a failing server knows little of the job
        return refuses_caller or EndpointUnreachableError
    if by_code is None and by_words is None and _SLOW_DOWN.search(_tips(record, redact)):
        return RateLimitedError
    return by_code or by_words or by_http or InvalidRequestError


def _kind_of_words(message: Any, redact: Redact) -> Kind | None:
    words = spoken(message, redact)
    return next((kind for pattern, kind in _WORDS if pattern.search(words)), None)


def _kind_of_fields(message: Mapping[str, Any], redact: Redact) -> Kind:
    """An object message names fields that were not accepted; "too many words" there is about the prompt."""
    if _SLOW_DOWN.search(spoken(message, redact)):
        return RateLimitedError
    return InvalidKeyError if message.keys() & {"key", "api_key"} else InvalidRequestError


def _tips(record: Mapping[str, Any], redact: Redact) -> str:
    return spoken([record.get(name) for name in ("tips", "tip", "tip_1")], redact)


def named_wait(record: Mapping[str, Any], redact: Redact) -> float | None:
    """The longest wait in seconds that the answer names, as `retry_after` or in its words ("wait for 30 seconds")."""
    words = spoken([message_of(record), _tips(record, redact)], redact)
    named = [float(amount) * (60 if unit[0] in "mM" else 1) for amount, unit in _NAMED_WAIT.findall(words)]
    longest_named = min(max(named, default=0.0), _LONGEST_NAMED_WAIT)
    return max(longest_named, number(record.get("retry_after"), largest=LONGEST_WAIT) or 0.0) or None


def sentence(kind: Kind, words: str) -> str:
    """What happened, for the user; where the service's own words are all that is known, with these."""
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if not words:
        return "The service answered with an error and gave no reason."
    said = shown(words, str, 200)
    return f"The service did not accept the request: {said}{'' if said[-1] in '.!?…' else '.'}"
