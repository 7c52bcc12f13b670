"""Trait values for the `FetchState` of a job: small JSON without bytes, signed links or the key."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..client.state import FetchState, PictureState
from ..errors import (
    AccountError,
    DreamboothError,
    GenerationFailedError,
    InvalidKeyError,
    InvalidRequestError,
    RequestNotFoundError,
)
from ..images.files import file_name
from .signed_links import strip_url_queries

__all__ = ["card_values", "row_values", "trait_values"]

_LONGEST_TEXT = 2000
"""Characters of one fact (a prompt, say) that are shown; the picture's own bytes keep all of it."""

_REMEDIES: dict[type[DreamboothError], str] = {
    InvalidKeyError: "key",
    AccountError: "edit",
    InvalidRequestError: "edit",
    RequestNotFoundError: "edit",
    GenerationFailedError: "prompt",
}
"""What the card offers after an error: the key field, key and request id, or the prompt to copy; else another check."""

_STATE_TRAITS = ("request_id", "message", "eta", "polls", "started_at", "next_poll_at", "finished_at")


def trait_values(state: FetchState) -> dict[str, Any]:
    """Return the public traits for a state; `status` is the last one, so that its observers find all others current."""
    values = {name: getattr(state, name) for name in _STATE_TRAITS}
    values["pictures"] = [_picture_values(entry, state.request_id) for entry in state.pictures]
    values["status"] = state.status
    return values


def card_values(
    state: FetchState, *, form: bool, has_key: bool, expected: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return what the card shows besides the public traits. `clock` is the kernel's time; clocks run in the browser.

    `expected` is a guess at the number of pictures to come and at their size in pixels, for what the request lacks.
    """
    return {
        "caption": _shown(state.caption),
        "activity": state.activity,
        "waiting_since": state.waiting_since,
        "error": _error_values(state.error) if state.status == "error" else None,
        "meta": _texts(state.meta),
        "clock": time.time(),
        "form": form,
        "has_key": has_key,
        "expected": expected,
    }


def row_values(index: int, state: FetchState) -> dict[str, Any]:
    """Return one request of a batch, as its card shows it."""
    error = state.error if state.status == "error" else None
    return {
        "request": index,
        "id": state.request_id,
        "caption": _shown(state.caption),
        "status": state.status,
        "activity": state.activity,
        "note": _shown(str(error) if error is not None else state.message),
        "title": "" if error is None else error.title,
        **{name: getattr(state, name) for name in ("eta", "started_at", "finished_at", "next_poll_at")},
        "meta": _texts(state.meta),
        "pictures": [_picture_values(entry, state.request_id) for entry in state.pictures],
    }


def _error_values(error: DreamboothError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {
        "kind": type(error).__name__,
        "remedy": _REMEDIES.get(type(error), "check"),
        "title": error.title,
        **{name: _shown(getattr(error, name)) for name in ("message", "advice", "details")},
    }


def _picture_values(entry: PictureState, request_id: str) -> dict[str, Any]:
    picture = entry.picture
    return {
        "index": entry.index,
        "status": entry.status,
        "reason": entry.reason,
        "id": picture.digest if picture else "",
        "name": file_name(request_id, entry.index, picture.extension) if picture else "",
        "format": picture.format if picture else "",
        "mime": picture.mime if picture else "",
        "width": entry.width,
        "height": entry.height,
        "size": picture.nbytes if picture else 0,
        "text": _texts(picture.facts) if picture else {},
    }


def _texts(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts as texts of bounded length, without nested and empty values."""
    texts = {}
    for name, value in facts.items():
        if value is None or value == "" or isinstance(value, (dict, list)):
            continue
        texts[str(name)[:100]] = _shown(str(value))
    return texts


def _shown(text: str) -> str:
    return strip_url_queries(text)[:_LONGEST_TEXT]
