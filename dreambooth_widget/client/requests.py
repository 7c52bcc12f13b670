"""What people hand to a batch, request by request: ids, ids with an ETA, or whole answers of generation calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex, TypeAlias

from ..errors import DreamboothError, InvalidRequestError
from ..protocol.endpoint import check_request_id
from .options import FetchOptions, check_seconds

__all__ = ["Request", "RequestSpec", "Requests", "read_requests"]

Request: TypeAlias = "int | str | SupportsIndex | tuple[int | str, float | None] | Mapping[str, Any]"
"""An id, `(id, eta)` with the ETA in seconds, or the whole answer of a generation call (a dict or its JSON text)."""

Requests: TypeAlias = "Iterable[Request] | Mapping[str, Request]"
"""Requests one after the other, or by their captions (prompts, say)."""

_FIELDS = frozenset({"status", "id", "eta", "message", "messege", "output", "fetch_result", "meta"})
"""What generation calls answer with. A mapping with a status in words and another of these is one whole answer."""

_ADVICE = "Look at what the generation call answered; it may have to be made again."


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """One request of a batch: the plan to fetch it by, or the `error` that its generation call has already ended in."""

    caption: str
    plan: FetchOptions
    error: DreamboothError | None = None


def read_requests(requests: Requests, redact: Callable[[str], str] = str) -> Iterator[RequestSpec]:
    """Each request with its caption: the mapping's, else the prompt that a generation's answer names, else "".

    Raises `TypeError` or `ValueError`, naming the place, for what cannot be a request. A generation call that was
    answered with an error is one failed request among the others.
    """
    if hasattr(requests, "columns"):
        raise TypeError("requests is a whole table: pass its column of ids, or dict(zip(its prompts, its ids))")
    if not _are_several(requests):
        raise TypeError("requests must be a list of requests ([one] for one), or a mapping from captions to them")
    if isinstance(requests, Mapping):
        pairs: Iterable[tuple[object, Any]] = requests.items()
    else:
        pairs = (("", request) for request in requests)
    for place, (caption, request) in enumerate(pairs):
        try:
            yield _read(str(caption), request, redact)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"request {place}: {error}") from None


def _read(caption: str, request: Any, redact: Callable[[str], str]) -> RequestSpec:
    if isinstance(request, Mapping) or (isinstance(request, str) and request.lstrip().startswith("{")):
        try:
            plan = FetchOptions.for_response(request, redact)
        except ValueError as error:
            return RequestSpec(caption, FetchOptions(""), InvalidRequestError(str(error), advice=_ADVICE))
        prompt = plan.meta.get("prompt")
        return RequestSpec(caption or (prompt if isinstance(prompt, str) else ""), plan)
    eta = None
    if isinstance(request, (tuple, list)):
        if len(request) != 2:
            raise ValueError(f"a pair must be (id, eta), not {len(request)} values")
        request, eta = request
    return RequestSpec(caption, FetchOptions(check_request_id(request), eta=check_seconds("eta", eta)))


def _are_several(requests: object) -> bool:
    """Not one text, which would be read letter by letter, nor one answer, field by field."""
    if isinstance(requests, Mapping):
        return not (isinstance(requests.get("status"), str) and len(_FIELDS & requests.keys()) > 1)
    return isinstance(requests, Iterable) and not isinstance(requests, (str, bytes))
