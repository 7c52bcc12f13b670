"""What callers pass becomes `FetchOptions` or, for many requests, `RequestSpec`: ids, pairs, whole answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

from ..credentials import ApiKey, find_key, looks_swapped, redactor, without_frames
from ..errors import DreamboothError, InvalidRequestError
from ..protocol.endpoint import check_request_id
from ..protocol.parsing import Redact
from .arguments import check_seconds
from .options import FetchOptions
from .state import capitalized

if TYPE_CHECKING:
    from .client import Client

__all__ = [
    "Request", "RequestSpec", "Requests",
    "choose_key", "read_call", "read_request_id", "read_requests",
]  # fmt: skip

Request: TypeAlias = int | str | SupportsIndex | tuple[int | str, float | None] | Mapping[str, Any]
"""An id, `(id, eta)`, or the whole answer of a generation call (a dict or its JSON text).

The ETA is in seconds; None or NaN stands for an unknown one.
"""

Requests: TypeAlias = Iterable[Request] | Mapping[str, Request]
"""Requests in order, or by their captions (prompts, for example)."""

_FIELDS = frozenset({"status", "id", "eta", "message", "messege", "output", "fetch_result", "meta"})
"""The fields of a generation call's answer. A mapping with a `status` text and another of these is one whole answer."""

_ADVICE = "Look at the answer of the generation call; it may have to be made again."
_SWAPPED = "the request id looks like an API key: pass the key first, then what to fetch"


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """One of many requests: the options to fetch it with, or the `error` that its generation call ended in."""

    options: FetchOptions
    error: DreamboothError | None = None


def choose_key(key: ApiKey | None, client: Client | None) -> ApiKey | None:
    """Return the key that is sent: that of the client, if there is one.

    Raises:
        TypeError: `client` is something else.
    """
    if client is None:
        return key
    if not hasattr(client, "fetcher"):
        raise TypeError(f"client must be a Client, not {type(client).__name__}")
    return client.fetcher.transport.key


@without_frames
def read_call(
    key: object, request: object, client: Client | None = None, *, eta: object = None
) -> tuple[ApiKey | None, FetchOptions]:
    """Read what a call is for: the API key and the request.

    Args:
        key: The key, or None to take it from the environment.
        request: The request id, or options that were read before.
        client: The client whose key is used instead, if there is one.
        eta: The expected duration in seconds from now; None for that of the options.

    Raises:
        TypeError: One of them is of a wrong type.
        ValueError: One of them cannot be right, or they are swapped. Neither is in the message or in a frame.
    """
    found, seconds = find_key(key), check_seconds("eta", eta)
    secret = choose_key(found, client)
    if isinstance(request, FetchOptions):
        return secret, request if seconds is None else replace(request, eta=seconds)
    request = read_request_id(request, redactor(secret))
    if looks_swapped(found, request):
        raise ValueError(_SWAPPED)
    return secret, FetchOptions(request, seconds)


@without_frames
def read_request_id(value: Any, redact: Redact = str) -> str:
    """Return a request id as text.

    Raises:
        TypeError: `value` is neither an int nor a str.
        ValueError: `value` cannot be an id, or contains the API key, also that which the environment names.
    """
    request_id = check_request_id(value)
    if redact(request_id) != request_id or looks_swapped(None, request_id):
        raise ValueError(_SWAPPED)
    return request_id


@without_frames
def read_requests(requests: Requests, redact: Redact = str) -> list[RequestSpec]:
    """Read many requests.

    The caption of each is the key of the mapping, else the prompt in the answer of its generation call, else "". A
    generation call that was answered with an error is one failed request among the others.

    Raises:
        TypeError: `requests` or one of them is of a wrong type. The message has its index.
        ValueError: One of them cannot be a request. The message has its index.
    """
    specs = []
    for index, (caption, request) in enumerate(_pairs(requests)):
        try:
            specs.append(_read(redact(str(caption)), request, redact))
        except (TypeError, ValueError) as error:
            raise (TypeError if isinstance(error, TypeError) else ValueError)(f"request {index}: {error}") from None
    return specs


def _pairs(requests: Requests) -> Iterable[tuple[object, Any]]:
    if hasattr(requests, "columns"):
        raise TypeError("requests is a whole table: pass its column of ids, or dict(zip(its prompts, its ids))")
    if not _is_collection(requests):
        raise TypeError("requests must be a list of requests ([one] for one), or a mapping from captions to them")
    if isinstance(requests, Mapping):
        return requests.items()
    return (("", request) for request in requests)


def _read(caption: str, request: Any, redact: Redact) -> RequestSpec:
    if isinstance(request, Mapping) or (isinstance(request, str) and request.lstrip().startswith("{")):
        try:
            options = FetchOptions.for_response(request, redact)
        except ValueError as error:
            message = f"{capitalized(str(error)).rstrip('.')}."
            return RequestSpec(FetchOptions("", caption=caption), InvalidRequestError(message, advice=_ADVICE))
        prompt = options.meta.get("prompt")
        return RequestSpec(replace(options, caption=caption or (prompt if isinstance(prompt, str) else "")))
    eta = None
    if isinstance(request, (tuple, list)):
        if len(request) != 2:
            raise ValueError(f"a pair must be (id, eta), not {len(request)} values")
        request, eta = request
        if isinstance(eta, Real) and eta != eta:  # noqa: PLR0124 - NaN, which tables have for unknown
            eta = None
    return RequestSpec(FetchOptions(read_request_id(request, redact), check_seconds("eta", eta), caption=caption))


def _is_collection(requests: object) -> bool:
    """Whether these are requests: not one text, read letter by letter, and not one answer, read field by field."""
    if isinstance(requests, Mapping):
        return not (isinstance(requests.get("status"), str) and len(_FIELDS & requests.keys()) > 1)
    return isinstance(requests, Iterable) and not isinstance(requests, (str, bytes))
