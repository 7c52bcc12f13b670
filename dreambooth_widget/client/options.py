"""How one job fetches its request: `FetchOptions`, the `Policies` that many jobs share, and resume tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from ..credentials import without_frames
from ..protocol.endpoint import V4, check_endpoint, check_request_id, is_trusted_address, is_vendor_address
from ..protocol.generation import read_count, read_generation
from .arguments import check_int, check_seconds
from .schedule import PollSchedule, Retry
from .state import FetchState, PictureState

if TYPE_CHECKING:
    from ..protocol.answer_types import Finished
    from ..protocol.parsing import PictureLink, Redact

__all__ = ["FetchOptions", "Limits", "Policies"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may cost: bytes on the wire and decoded pixels."""

    max_bytes: int = 100 * 1024 * 1024
    max_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels"):
            object.__setattr__(self, name, check_int(name, getattr(self, name), least=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """How requests are fetched, whichever they are.

    `deadline` is in seconds; None stands for the default. `watch_links` says whether links that are announced before
    the pictures are there may be probed.
    """

    schedule: PollSchedule = PollSchedule()
    retry: Retry = Retry()
    limits: Limits = Limits()
    deadline: float | None = None
    watch_links: bool = True

    def __post_init__(self) -> None:
        """Refuse what would fail in the middle of a job."""
        for name, kind in (("schedule", PollSchedule), ("retry", Retry)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__}(…), not {type(value).__name__}")
        object.__setattr__(self, "deadline", check_seconds("deadline", self.deadline))


@dataclass(frozen=True, slots=True)
class FetchOptions(Policies):
    """What one job is to do: the request, what is known of it, and the policies by which it is fetched.

    `answer` is the final answer if the generation call already gave it. `expected` is the number of pictures to come
    (0: unknown). `started_at` is the Unix time at which an earlier job for the same request began, `polls` the number
    of polls it made. `caption` is a text for the card's header. `endpoint` is the address that the service named for
    this request, or None. `links` are those at which it announced the pictures. They are never synced or saved.
    """

    request_id: str
    eta: float | None = None
    answer: Finished | None = None
    expected: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)
    started_at: float | None = None
    polls: int = 0
    caption: str = ""
    endpoint: str | None = None
    links: tuple[PictureLink, ...] = field(default=(), repr=False)

    @classmethod
    @without_frames
    def for_response(cls, response: object, redact: Redact = str) -> FetchOptions:
        """Read the whole answer of a generation call.

        Args:
            response: The answer as a dict, JSON text or bytes, or the response object of `requests` or `httpx`.
            redact: Removes the API key from a text.

        Raises:
            TypeError: `response` is something else.
            ValueError: The answer is an error, or names no request.
        """
        generation = read_generation(response, redact=redact)
        return cls(
            generation.request_id,
            eta=generation.eta,
            answer=generation.finished,
            expected=generation.expected,
            meta=generation.meta,
            endpoint=generation.endpoint,
            links=generation.answer.links if generation.finished is None else (),
        )

    @classmethod
    @without_frames
    def for_token(cls, token: str, endpoint: str | None = None) -> FetchOptions:
        """Read a resume token. It has no deadline: a resumed job gets one of its own.

        Args:
            token: What `FetchOptions.token` gave. Untrusted: it may come from another user.
            endpoint: The address that the caller polls; None to poll that of the token, if the key may be sent there.

        Raises:
            ValueError: `token` is no resume token, belongs to another address than `endpoint`, or names one to which
                the key is not sent by itself.
        """
        try:
            facts = json.loads(token)
            options = cls(
                check_request_id(facts["request_id"]),
                eta=check_seconds("eta", facts.get("eta")),
                started_at=check_seconds("started_at", facts.get("started_at")),
                endpoint=check_endpoint(facts["endpoint"]),
            )
        except (TypeError, LookupError, AttributeError, ValueError, RecursionError) as error:
            raise ValueError("this is not a resume token: pass the text that `resume_token` gave") from error
        if endpoint is None and not is_trusted_address(options.endpoint or ""):
            raise ValueError(
                f"the token is for {options.endpoint}, which is not the service's own address: "
                "pass the same as endpoint= if your API key may be sent there"
            )
        if endpoint is not None and options.endpoint_at(endpoint) != options.endpoint:
            raise ValueError(f"the token is for {options.endpoint}, not for {endpoint}")
        return options

    def token(self, endpoint: str, state: FetchState) -> str:
        """Return JSON text from which another process continues this request: endpoint, id and times, no key."""
        facts = {"endpoint": endpoint, "request_id": self.request_id}
        return json.dumps({"version": 1, **facts, "eta": state.eta, "started_at": state.started_at})

    def with_policies(self, policies: Policies) -> FetchOptions:
        """Return this request with the schedule, retries, limits and deadline of `policies`."""
        return replace(self, **{policy.name: getattr(policies, policy.name) for policy in fields(Policies)})

    def endpoint_at(self, endpoint: str) -> str:
        """Return the address to poll this request at, by a client whose address is `endpoint`.

        The default address does not serve the requests of other API versions, so the one that the service named with
        the request is preferred to it, if that is on a host of the vendor. The key is never sent to any other host.
        """
        if endpoint == V4 and self.endpoint is not None and is_vendor_address(self.endpoint):
            return self.endpoint
        return endpoint

    def first_state(self) -> FetchState:
        """Return what is known of the job before it starts."""
        return FetchState(
            self.request_id,
            eta=self.eta,
            meta=self.meta,
            pictures=self.announced(),
            started_at=self.started_at,
            polls=self.polls,
            caption=self.caption,
        )

    def announced(self) -> tuple[PictureState, ...]:
        """Return a waiting entry for each expected picture, in the announced size."""
        width, height = read_count(self.meta, "W", "width"), read_count(self.meta, "H", "height")
        return tuple(PictureState(index, width=width, height=height) for index in range(self.expected))
