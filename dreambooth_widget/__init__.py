"""Fetch queued DreamBooth pictures by their request id, live in a notebook cell.

>>> from dreambooth_widget import DreamboothWidget
>>> DreamboothWidget(key, request_id)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .client.schedule import PollSchedule, Retry
from .client.state import FetchResult, FetchState
from .errors import (
    AccountError,
    DeadlineExceededError,
    DreamboothError,
    EmptyResultError,
    EndpointMovedError,
    EndpointUnreachableError,
    GenerationFailedError,
    InvalidKeyError,
    InvalidRequestError,
    PictureError,
    RateLimitedError,
    RequestNotFoundError,
    StoppedError,
    UnexpectedAnswerError,
)
from .protocol.endpoint import V4, V6

if TYPE_CHECKING:
    from .client.client import Client, fetch
    from .client.job import FetchJob
    from .client.sync import fetch_sync
    from .images.picture import Picture
    from .widget.batch import DreamboothBatch
    from .widget.single import DreamboothWidget

__all__ = [
    "V4",
    "V6",
    "AccountError",
    "Client",
    "DeadlineExceededError",
    "DreamboothBatch",
    "DreamboothError",
    "DreamboothWidget",
    "EmptyResultError",
    "EndpointMovedError",
    "EndpointUnreachableError",
    "FetchJob",
    "FetchResult",
    "FetchState",
    "GenerationFailedError",
    "InvalidKeyError",
    "InvalidRequestError",
    "Picture",
    "PictureError",
    "PollSchedule",
    "RateLimitedError",
    "RequestNotFoundError",
    "Retry",
    "StoppedError",
    "UnexpectedAnswerError",
    "__version__",
    "fetch",
    "fetch_sync",
]

_LATER = {
    "Client": "client.client",
    "DreamboothBatch": "widget.batch",
    "DreamboothWidget": "widget.single",
    "FetchJob": "client.job",
    "Picture": "images.picture",
    "fetch": "client.client",
    "fetch_sync": "client.sync",
}
"""The modules of the names that are imported on first use: the widget without asyncio, `fetch` without Jupyter."""


def __getattr__(name: str) -> Any:
    """Import a public name now."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
