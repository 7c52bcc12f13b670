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

_SLOW_DOWN = re.compile(
    r"rate[\s_-]*limit|spam[\s_-]*filter|throttl|slow down"
    r"|too many(?: (?:\w+ ){0,2}(?:request|call|attempt|time|connection|job)s|\W*$)",
    re.IGNORECASE,
)

_MODEL = r"\b(?:\w+_)?(?:model|lora|vae|scheduler|sampler|embedding|controlnet|checkpoint)s?(?:_\w+)?\b"
_MISSING = r"(?:not[\s_-]*(?:be[\s_-]*)?found|(?:does(?: not|n't)|not) exist|no such)"
_MACHINE = r"(?:memory|vram|ram|gpus?|resources?|capacity|disk|compute|workers?)\b"

# The first that matches. Rate limits are tested before the account: "Rate limit exceeded" contains "limit exceeded".
_WORDS: Final[tuple[tuple[re.Pattern[str], Kind], ...]] = (
    (_SLOW_DOWN, RateLimitedError),
    *(
        (re.compile(pattern, re.IGNORECASE), kind)
        for pattern, kind in (
            (
                r"\b(?:invalid|wrong|incorrect|missing|unknown|expired|bad)\b.{0,20}\bkey\b"
                r"|\bkey\b.{0,20}\b(?:invalid|wrong|incorrect|missing|unknown|expired|required|not\b)"
                r"|unauthenticated|unauthori[sz]ed",
                InvalidKeyError,
            ),
            # A shortage of the machine's, not of the account's.
            (rf"insufficient.{{0,20}}\b{_MACHINE}|\b(?:memory|time) limit", EndpointUnreachableError),
            (
                r"limit (?:exceeded|reached)|insufficient|subscri|quota|\bcredits?\b|\bbalance\b|payment|forbidden"
                r"|upgrade your|(?:account|user) (?:\w+ ){0,3}(?:suspended|disabled|blocked|banned|inactive)",
                AccountError,
            ),
            (
                r"\b(?:route|endpoint|page|requested url)\b.{0,120}\b(?:not (?:be )?found|not exist|deprecated|retired)"
                r"|\b(?:endpoint|api version|version of the api)\b.{0,60}\b(?:deprecated|retired|removed|no longer)"
                r"|\b(?:no|unknown|invalid|no such) (?:route|endpoint)\b|\bmethod\b.{0,30}\bnot (?:allowed|supported)"
                r"|^cannot (?:post|get) /",
                EndpointMovedError,
            ),
            (
                rf"{_MODEL}.{{0,80}}\b{_MISSING}|\b(?:no such|unknown|(?:not|n't) find) (?:\w+ ){{0,2}}{_MODEL}",
                InvalidRequestError,
            ),
            (_MISSING + r"|unknown request", RequestNotFoundError),
            (
                r"temporar|unavailable|\bbusy\b|overload|maintenance|upstream|gateway|internal (?:server )?error"
                r"|server error|time[sd]?[\s_-]?out|deadline exceeded|out of (?:\w+ )?memory|\bcuda\b|\boom\b"
                r"|\bin (?:the |our |a )?queue|queued|being (?:processed|generated)|still (?:processing|running)"
                r"|in progress|not (?:yet )?ready|\bcapacity\b|load balancer|connection (?:error|reset|refused|lost)"
                r"|went wrong|(?:unknown|unexpected) error|error occurred",
                EndpointUnreachableError,
            ),
            (
                r"\b(?:invalid|malformed|required|unsupported|nsfw|prohibited|inappropriate|violat\w+|exceeds?)\b"
                r"|\bmust\b|not (?:allowed|supported|valid|permitted|accepted)|too (?:long|large|short|small|big|many)",
                InvalidRequestError,
            ),
            (r"try (?:\w+ )?again|\bretry\b|\blater\b|please wait", EndpointUnreachableError),
            (r"generation failed|^failed\b", GenerationFailedError),
        )
    ),
)

_SENTENCES: Final[Mapping[Kind, str]] = {
    InvalidKeyError: "The service refused the API key.",
    AccountError: "The service refused: the account lacks the credit, the subscription or the right to this.",
    RequestNotFoundError: "The service does not know this request id.",
    GenerationFailedError: "The generation failed at the service.",
    EndpointMovedError: "The endpoint is wrong or retired: the service has no such address.",
}

_NAMED_WAIT = re.compile(r"\b([0-9]{1,6}(?:\.[0-9]{1,6})?)[ -]?(s|secs?|seconds?|mins?|minutes?)\b", re.IGNORECASE)

_MESSAGE_NAMES: Final = ("message", "messege", "error", "errors", "error_message", "detail", "msg", "reason")


def message_of(record: Mapping[str, Any], depth: int = 0) -> Any:
    """Return what the answer says: `message`, `messege` or another name of it; a string, an object of lists, or None.

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
    if by_code is None and by_http is EndpointUnreachableError:  # a failing server knows little of the job
        return refuses_caller or EndpointUnreachableError
    if by_code is RequestNotFoundError and by_words in (EndpointMovedError, InvalidRequestError):
        return by_words  # the words say what was not found: a route, a model
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


def named_wait(record: Mapping[str, Any], redact: Redact) -> float | None:
    """Return the longest wait in seconds that the answer names, as `retry_after` or in words; None without one."""
    fields = [record.get(name) for name in ("retry_after", "retryAfter", "retry-after")]
    texts = [message_of(record), _tips(record, redact), *(field for field in fields if isinstance(field, str))]
    in_words = wait_in_words(spoken(texts, redact)) or 0.0
    return max(in_words, *(number(field, largest=LONGEST_WAIT) or 0.0 for field in fields)) or None


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
    said = shown(words, str, 200)
    return f"The service did not accept the request: {said}{'' if said[-1] in '.!?…' else '.'}"
