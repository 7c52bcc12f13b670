"""Fetch queued DreamBooth pictures by their request id, live in a notebook cell.

>>> from dreambooth_widget import DreamboothWidget
>>> DreamboothWidget(key, request_id)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .blocking import fetch_sync
from .client import Client, fetch
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
from .job import FetchJob
from .pictures import Picture
from .request import V4, V6
from .schedule import PollSchedule, Retry
from .state import FetchResult, FetchState

if TYPE_CHECKING:
    from .batch import DreamboothBatch
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

_WITH_JUPYTER = {"DreamboothBatch": ".batch", "DreamboothWidget": ".widget"}


def __getattr__(name: str) -> Any:
    """The widgets come when they are asked for: `fetch` and `Client` need no Jupyter."""
    if name in _WITH_JUPYTER:
        return getattr(import_module(_WITH_JUPYTER[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
