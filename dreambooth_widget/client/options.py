"""What one job is to do, settled before it starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..protocol.endpoint import check_endpoint, check_request_id
from .schedule import PollSchedule, Retry
from .state import FetchState, PictureState

if TYPE_CHECKING:
    from ..protocol.answers import Finished

__all__ = ["FetchOptions", "Limits", "check_seconds"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may cost: bytes on the wire and decoded pixels."""

    max_bytes: int = 100 * 1024 * 1024
    max_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a positive int, not {value!r}")


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What one job is to do: the request and the policies it is fetched by. `deadline` is in seconds, None for ours.

    `answer` is what is known beforehand (a generation call that was finished at once), `expected` the
    number of pictures the generation announced, `size` their (width, height) in pixels, `started_at` the Unix time at
    which an earlier job for the same request began, `polls` how many it made.
    """

    request_id: str
    eta: float | None = None
    deadline: float | None = None
    schedule: PollSchedule = PollSchedule()
    retry: Retry = Retry()
    limits: Limits = Limits()
    answer: Finished | None = None
    expected: int = 0
    size: tuple[int | None, int | None] = (None, None)
    meta: Mapping[str, Any] = field(default_factory=dict)
    started_at: float | None = None
    polls: int = 0

    @classmethod
    def for_response(cls, response: Mapping[str, Any] | str, redact: Callable[[str], str] = str) -> FetchOptions:
        """The plan for the whole answer of a generation call. `ValueError` when it is an error or names no request."""
        from ..protocol.generation import (
            read_generation,  # here, so that a widget's import stays near that of ipywidgets
        )

        generation = read_generation(response, redact=redact)
        return cls(
            generation.request_id,
            eta=generation.eta,
            answer=generation.finished,
            expected=generation.expected,
            size=(generation.width, generation.height),
            meta=generation.meta,
        )

    @classmethod
    def for_token(cls, token: str) -> tuple[str, FetchOptions]:
        """(endpoint, plan) that a resume token names. `ValueError` when it is none."""
        try:
            facts = json.loads(token)
            plan = cls(
                check_request_id(facts["request_id"]),
                eta=check_seconds("eta", facts.get("eta")),
                deadline=check_seconds("deadline", facts.get("deadline")),
                started_at=check_seconds("started_at", facts.get("started_at")),
            )
            return check_endpoint(facts["endpoint"]), plan
        except (TypeError, LookupError, AttributeError, ValueError) as error:
            raise ValueError("this is no resume token") from error

    def token(self, endpoint: str, state: FetchState) -> str:
        """JSON text by which another process continues this request: endpoint, id and times, never the key."""
        facts = {"endpoint": endpoint, "request_id": self.request_id, "deadline": self.deadline}
        return json.dumps({"version": 1, **facts, "eta": state.eta, "started_at": state.started_at})

    def with_policies_of(self, other: FetchOptions) -> FetchOptions:
        """This request, fetched as `other` is: with its deadline, schedule, retries and limits."""
        return replace(self, deadline=other.deadline, schedule=other.schedule, retry=other.retry, limits=other.limits)

    def first_state(self) -> FetchState:
        """What is known of the job before it starts."""
        return FetchState(
            self.request_id,
            eta=self.eta,
            meta=self.meta,
            pictures=self.announced(),
            started_at=self.started_at,
            polls=self.polls,
        )

    def announced(self) -> tuple[PictureState, ...]:
        """Waiting entries for the pictures that are known to come, in the size that was announced."""
        width = self.size[0] or _pixels(self.meta.get("W"))
        height = self.size[1] or _pixels(self.meta.get("H"))
        return tuple(PictureState(index, width=width, height=height) for index in range(self.expected))


def _pixels(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 100_000 else None


def check_seconds(name: str, value: object) -> float | None:
    """`value` as a number of seconds, None for None. `TypeError`/`ValueError` say what is wrong with `name`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{name} must be 0 seconds or more, not {value!r}")
    return seconds
