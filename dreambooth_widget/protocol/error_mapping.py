"""Map an answer that is neither a success nor "processing" to the error that it means. Pure.

Three sources, most reliable first: the `code` of the newest API version, the words of the message, the HTTP status.
`tip` and `tips` are advertising; only a request to slow down is taken from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ..errors import (
    AccountError,
    DreamboothError,
    EndpointMovedError,
    EndpointUnreachableError,
    GenerationFailedError,
    InvalidKeyError,
    InvalidRequestError,
    RateLimitedError,
    RequestNotFoundError,
)
from .parsing import Redact, number, shown, spoken

__all__ = [
    "LONGEST_WAIT",
    "classify_error",
    "http_of",
    "is_from_service",
    "kind_of_http",
    "message_of",
    "named_wait",
    "sentence",
    "wait_in_words",
]

Kind = type[DreamboothError]
"""The error that an answer means. `RateLimitedError` and `EndpointUnreachableError` stand for "try again later",
`EndpointMovedError` for a wrong or retired endpoint."""

LONGEST_WAIT: Final = 86_400.0
"""Maximum wait in seconds that is taken from a header or a field."""

_LONGEST_NAMED_WAIT: Final = 600.0
"""Maximum wait in seconds that is taken from prose, where a long time may mean something else ("100 per 24 hours")."""

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


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_SLOW_DOWN = _any_of(
    r"rate[\s_-]*limit|spam[\s_-]*filter|throttl|slow down|too (?:fast|frequent|often)",
    r"too many(?: (?:\w+ ){0,2}(?:request|call|attempt|time|connection|job)s|\W*$)",
)
_KEY = _any_of(
    r"\b(?:invalid|wrong|incorrect|missing|unknown|expired|bad)\b.{0,20}\bkey\b",
    r"\bkey\b.{0,20}\b(?:invalid|wrong|incorrect|missing|unknown|expired|required|not|no longer|disabled|revoked)\b",
    r"unauthenticated|unauthori[sz]ed",
)
_SHORTAGE = _any_of(  # of the machines, not of the account
    r"\b(?:insufficient|not enough|out of|no) (?:\w+ ){0,2}(?:memory|v?ram|gpus?|resources|capacity|disk|workers?)\b",
    r"\bno space left|\b(?:memory|time|queue|concurren\w+)\b.{0,10}\blimit",
)
_ACCOUNT = _any_of(
    r"(?<!token )(?<!character )limit (?:exceeded|reached)|\b(?:daily|weekly|monthly|usage)\b.{0,20}\blimit",
    r"insufficient|subscri|quota|\bcredits?\b|\bbalance\b|payment|\b(?:your|upgrade) plan\b",
    r"forbidden|(?:access|permission) denied|\bpermissions?\b",
    r"(?:account|user) (?:\w+ ){0,3}(?:suspended|disabled|blocked|banned|inactive)",
)
_ENDPOINT = _any_of(
    r"\b(?:route|endpoint|page|requested url)\b.{0,120}\b(?:not (?:be )?found|not exist)",
    r"\b(?:endpoint|api|api version)\b.{0,60}\b(?:deprecated|retired|removed|discontinued|no longer)",
    r"\b(?:no|no such|unknown|invalid|wrong) (?:route|endpoint)\b|\bmethod\b.{0,30}\bnot (?:allowed|supported)",
    r"^cannot (?:post|get) /",
)
_MISSING = r"(?:not[\s_-]*(?:be[\s_-]*)?found|(?:does(?: not|n't)|not) exist|no such)"
_A_MODEL = r"\b(?:\w+_)?(?:model|lora|vae|scheduler|sampler|embedding|controlnet|checkpoint)s?(?:_\w+)?\b"
_MISSING_MODEL = _any_of(
    rf"{_A_MODEL}.{{0,80}}\b{_MISSING}", rf"\b(?:no such|unknown|(?:not|n't) find) (?:\w+ ){{0,2}}{_A_MODEL}"
)
_MISSING_REQUEST = _any_of(_MISSING, r"unknown request|\bno (?:request|job|task)\b.{0,20}\bfound")
_PASSING = _any_of(
    r"temporar|unavailable|currently not available|\bbusy\b|overload|maintenance|high (?:demand|traffic|load)",
    r"upstream|gateway|load balancer|(?:internal|server) error|went wrong|(?:unknown|unexpected) error|error occurred",
    r"time[sd]?[\s_-]?out|deadline exceeded|execution time|connection (?:error|reset|refused|lost)|fetch failed",
    r"\be(?:conn|pipe|timedout|ai_again)\w*|socket hang up|broken pipe|sqlstate|\bdatabase\b|crashed|\bdied\b",
    r"out ?of ?memory|\bcuda\b|\boom\b|\bcapacity\b",
    r"\bin (?:the |our |a )?queue|queued|\bpending\b|in process\b|in progress|being (?:processed|generated|loaded)",
    r"still (?:processing|running|generating)|is loading|warming up|not (?:\w+ ){0,2}(?:yet|ready)\b",
)
_UNACCEPTED = _any_of(
    r"\b(?:invalid|malformed|required|unsupported|nsfw|prohibited|inappropriate|violat\w+|exceeds?|must)\b",
    r"not (?:allowed|supported|valid|permitted|accepted)|too (?:long|large|short|small|big|many)",
)
_TRY_AGAIN = _any_of(r"try (?:\w+ )?(?:again|after|in)\b|\bretry\b|\blater\b|\bwait\b")
_GENERATION_FAILED = _any_of(r"generation failed|^failed\b|error (?:while |in )?generating")

_WORDS: Final[tuple[tuple[re.Pattern[str], Kind], ...]] = (
    (_SLOW_DOWN, RateLimitedError),  # before the account: "Rate limit exceeded" contains "limit exceeded"
    (_KEY, InvalidKeyError),
    (_SHORTAGE, EndpointUnreachableError),
    (_ACCOUNT, AccountError),
    (_ENDPOINT, EndpointMovedError),
    (_MISSING_MODEL, InvalidRequestError),
    (_MISSING_REQUEST, RequestNotFoundError),
    (_PASSING, EndpointUnreachableError),
    (_UNACCEPTED, InvalidRequestError),  # before "try again": "The prompt is too long, try again with a shorter one"
    (_TRY_AGAIN, EndpointUnreachableError),
    (_GENERATION_FAILED, GenerationFailedError),
)
"""What the words of a message mean; the first pattern that matches counts."""

_SENTENCES: Final[Mapping[Kind, str]] = {
    InvalidKeyError: "The service refused the API key.",
    AccountError: "The service refused: the account lacks the credit, the subscription or the right to this.",
    RequestNotFoundError: "The service does not know this request id.",
    GenerationFailedError: "The generation failed at the service.",
    EndpointMovedError: "The endpoint is wrong or retired: the service has no such address.",
}

_NAMED_WAIT = re.compile(r"\b([0-9]{1,6}(?:\.[0-9]{1,6})?)[ -]?(s|secs?|seconds?|mins?|minutes?)\b", re.IGNORECASE)
_ASKED_WAIT = re.compile(r"\b(?:wait|again|retry|try)\b[^0-9]{0,30}[0-9.]+[ -]?[a-z]+", re.IGNORECASE)

_MESSAGE_NAMES: Final = ("message", "messege", "error", "errors", "error_message", "detail", "msg", "reason")


def message_of(record: Mapping[str, Any], depth: int = 0) -> Any:
    """Return the message of an answer: `message`, `messege` or another field; a string, an object of lists, or None.

    An object that holds a message itself (`{"error": {"message": …}}`) is opened.
    """
    for name in _MESSAGE_NAMES:
        value = record.get(name)
        if isinstance(value, Mapping) and depth < 3:
            inner = message_of(value, depth + 1)
            value = inner if isinstance(inner, str) else value
        if value and value is not True and (not isinstance(value, str) or value.strip()):
            return value
    return None


def http_of(status: int, record: Mapping[str, Any]) -> int:
    """Return the HTTP status, or the one that an answer inside HTTP 200 carries as its `code` or `status`."""
    if status >= 400:
        return status
    inner = (number(record.get(name), largest=599) for name in ("code", "status"))
    return next((int(code) for code in inner if code is not None and code >= 400), status)


def is_from_service(record: Mapping[str, Any]) -> bool:
    """Return whether the JSON is the service's own: it has a word as `status` or `code`, not a number or nothing."""
    words = (record.get("status"), record.get("code"))
    return any(isinstance(word, str) and word.strip() and not word.strip().isdigit() for word in words)


def kind_of_http(status: int) -> Kind | None:
    """Return what the HTTP status means by itself, if anything."""
    if status == 429:
        return RateLimitedError
    if status in (408, 425) or status >= 500:
        return EndpointUnreachableError
    if status in (405, 410):
        return EndpointMovedError
    return {401: InvalidKeyError, 402: AccountError, 403: AccountError, 404: RequestNotFoundError}.get(status)


def classify_error(record: Mapping[str, Any], status: int, word: str, redact: Redact) -> Kind:
    """Return the error that `record` means.

    Args:
        record: The parsed answer.
        status: Its HTTP status.
        word: Its status word, "error" or "failed", or "" without one.
        redact: Takes the key out of a text.
    """
    by_code = _kind_of_code(record, redact)
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
    if by_code is None and by_http is EndpointUnreachableError:  # the words of a failing server mean little
        return refuses_caller or EndpointUnreachableError
    if by_code is RequestNotFoundError and by_words in (EndpointMovedError, InvalidRequestError):
        return by_words  # the words name what was not found: a route, a model
    if by_code is None and by_words is None and _SLOW_DOWN.search(_tips(record, redact)):
        return RateLimitedError
    silent = None if spoken(message, redact) else EndpointUnreachableError
    return by_code or by_words or by_http or silent or InvalidRequestError


def _kind_of_code(record: Mapping[str, Any], redact: Redact) -> Kind | None:
    """Return what the `code` means: a documented one, or the words of another (`gpu_out_of_memory`)."""
    code = record.get("code")
    nested = record.get("error")
    if code is None and isinstance(nested, Mapping):
        code = nested.get("code")
    if not isinstance(code, str):
        return None
    words = re.sub(r"[\s_-]+", " ", code[:100]).strip().lower()
    return _CODES.get(words.replace(" ", "_")) or _kind_of_words(words, redact)


def _kind_of_words(message: Any, redact: Redact) -> Kind | None:
    words = spoken(message, redact)
    return next((kind for pattern, kind in _WORDS if pattern.search(words)), None)


def _kind_of_fields(message: Mapping[str, Any], redact: Redact) -> Kind:
    """Classify an object message. It names fields that were not accepted; "too many words" is about the prompt."""
    if _SLOW_DOWN.search(spoken(message, redact)):
        return RateLimitedError
    return InvalidKeyError if message.keys() & {"key", "api_key"} else InvalidRequestError


def _tips(record: Mapping[str, Any], redact: Redact) -> str:
    return spoken([record.get(name) for name in ("tips", "tip", "tip_1")], redact)


def named_wait(record: Mapping[str, Any], redact: Redact, *, limited: bool) -> float | None:
    """Return the longest wait in seconds that the answer names, as `retry_after` or in words; None without one.

    Of a rate limit (`limited`) any time in its words counts, of other errors only one that is a request to wait: not
    "timed out after 300 seconds".
    """
    fields = [record.get(name) for name in ("retry_after", "retryAfter", "retry-after")]
    words = spoken([message_of(record), _tips(record, redact)], redact)
    if not limited:
        words = " ".join(_ASKED_WAIT.findall(words))
    named = [wait_in_words(text) for text in (words, *(shown(field, redact) for field in fields))]
    numbers = [number(field, largest=LONGEST_WAIT) for field in fields]
    return max((wait for wait in (*named, *numbers) if wait), default=None)


def wait_in_words(words: str) -> float | None:
    """Return the longest wait in seconds that a text names ("wait for 30 seconds"), 600 at most; None without one."""
    named = (float(amount) * (60 if unit[0] in "mM" else 1) for amount, unit in _NAMED_WAIT.findall(words))
    return min(max(named, default=0.0), _LONGEST_NAMED_WAIT) or None


def sentence(kind: Kind, words: str) -> str:
    """Return what happened, for the user; with the service's own words where nothing else is known."""
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if not words:
        return "The service answered with an error and gave no reason."
    quoted = shown(words, str, 200)
    return f"The service did not accept the request: {quoted}{'' if quoted[-1] in '.!?…' else '.'}"
