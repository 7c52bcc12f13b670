"""Fetch queued DreamBooth pictures by their request id, live in a notebook cell.

>>> from dreambooth_widget import DreamboothWidget
>>> DreamboothWidget(key, request_id)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__
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
from .request import V4, V6
from .schedule import PollSchedule, Retry
from .state import FetchResult, FetchState

if TYPE_CHECKING:
    from .batch import DreamboothBatch
    from .blocking import fetch_sync
    from .client import Client, fetch
    from .job import FetchJob
    from .pictures import Picture
    from .widget import DreamboothWidget

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
    "Client": "client",
    "DreamboothBatch": "batch",
    "DreamboothWidget": "widget",
    "FetchJob": "job",
    "Picture": "pictures",
    "fetch": "client",
    "fetch_sync": "blocking",
}
"""Where those names are that come when asked for: the widget without asyncio, `fetch` without Jupyter."""


def __getattr__(name: str) -> Any:
    """A public name, imported now."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
