"""What an answer of the service can mean: `Processing`, `Finished`, `Refused` or `Busy`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..errors import DreamboothError
from .parsing import PictureLink

__all__ = ["Answer", "Busy", "Finished", "Processing", "Refused"]


@dataclass(frozen=True, slots=True)
class Processing:
    """The pictures are not ready yet.

    Attributes:
        message: The service's own words.
        eta: Estimated seconds until the pictures are ready, if the service gave an estimate.
        status: The status word, "processing" or one that is not known.
        links: Where the pictures are announced to be (`future_links`); a hint, as `eta` is.
    """

    message: str = ""
    eta: float | None = None
    status: str = "processing"
    links: tuple[PictureLink, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is done.

    Attributes:
        links: The pictures; () when the service reports success without any.
        meta: Prompt, seed, size and the like.
        generation_time: Seconds that the generation took at the service.
        flagged: For each link, whether the service's safety checker replaced the picture; () if not reported.
    """

    links: tuple[PictureLink, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)
    generation_time: float | None = None
    flagged: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A final answer, except that `RequestNotFoundError` becomes final only after a few more polls.

    Attributes:
        error: The error that the job ends in.
        message: A sentence for the user.
        details: The service's own words.
        location: Another address to use as the endpoint, or "".
    """

    error: type[DreamboothError]
    message: str
    details: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Busy:
    """No usable answer; try again later.

    Attributes:
        reason: A clause for the status line: "Service unavailable (503)".
        retry_after: The longest wait in seconds that the service named.
        rate_limited: Whether the service limits the rate of requests.
        unexpected: Whether the answer was not the service's protocol at all.
        details: The service's own words.
        bounded: Whether time is unlikely to help (a firewall, a wrong address): stop after a few such answers in
            succession, even if the endpoint has given usable ones before.
    """

    reason: str
    retry_after: float | None = None
    rate_limited: bool = False
    unexpected: bool = False
    details: str = ""
    bounded: bool = False


Answer: TypeAlias = Processing | Finished | Refused | Busy
