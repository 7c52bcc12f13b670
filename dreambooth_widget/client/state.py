"""The state of a job: `FetchState` while it runs, `FetchResult` when it has succeeded.

Everything that is shown anywhere is drawn from a `FetchState`; nothing about a job is stored twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, overload

from ..images.files import save_all

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from ..errors import DreamboothError
    from ..images.picture import Picture

__all__ = [
    "FINAL",
    "Activity",
    "FetchResult",
    "FetchState",
    "PictureState",
    "Status",
    "capitalized",
    "counted",
    "describe_progress",
    "describe_result",
]

Status = Literal["idle", "processing", "downloading", "success", "error", "stopped", "timed_out"]
Activity = Literal["", "retrying", "rate_limited"]

FINAL: frozenset[Status] = frozenset({"success", "error", "stopped", "timed_out"})
"""The statuses after which nothing more happens until the request is checked again."""


@dataclass(frozen=True, slots=True)
class PictureState:
    """One link of the answer: `waiting`, `ready` with its `picture`, or `missing` with its `reason`.

    `width` and `height` are in pixels: the picture's own when it is ready, before that what the
    answer's `meta` announced, or None.
    """

    index: int
    status: Literal["waiting", "ready", "missing"] = "waiting"
    reason: str = ""
    picture: Picture | None = None
    width: int | None = None
    height: int | None = None
    url: str = field(default="", repr=False)
    """The picture's link, once there is one. A signed link opens the file for anyone: in Python alone, in no trait."""


@dataclass(frozen=True, slots=True)
class FetchState:
    """All that is known of a job at one moment. Times are Unix seconds, `eta` seconds.

    `activity` is what `processing` is busy with besides waiting: "" (nothing), "retrying" (the last
    call failed and is repeated at `next_poll_at`), "rate_limited" (the service asked to wait until then).
    `next_poll_at` is None while a call is under way and when no more are to come.
    `pictures` has one entry per link, in the answer's order.
    """

    request_id: str
    status: Status = "idle"
    message: str = ""
    eta: float | None = None
    polls: int = 0
    started_at: float | None = None
    next_poll_at: float | None = None
    finished_at: float | None = None
    pictures: tuple[PictureState, ...] = ()
    error: DreamboothError | None = None
    activity: Activity = ""
    waiting_since: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict, repr=False)
    caption: str = ""

    @property
    def final(self) -> bool:
        """Whether nothing more happens until the request is checked again."""
        return self.status in FINAL

    @property
    def duration(self) -> float | None:
        """Seconds from the first poll to the end; None without either of them."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at

    @property
    def count(self) -> int | None:
        """The number of pictures, missing ones too; None before the service has named them."""
        return len(self.pictures) if self.status in ("downloading", "success") else None

    def __str__(self) -> str:
        """One line: "13443927 processing: waiting after poll 2", "13443927 downloading: 3 of 4 pictures"."""
        text = self._waiting_text() if self.status == "processing" and self.polls else self.message
        if self.status == "downloading":
            late = (entry for entry in self.pictures if entry.status == "waiting" and entry.reason)
            text = " · ".join([text, *(f"picture {entry.index + 1}: {entry.reason}" for entry in late)])
        return f"{self.request_id} {self.status}" + (f": {text}" if text else "")

    def _waiting_text(self) -> str:
        if self.next_poll_at is None and (self.activity or not self.message):
            return f"poll {self.polls}"
        if not self.activity or self.next_poll_at is None:
            return self.message or f"waiting after poll {self.polls}"
        verb = "retrying" if self.activity == "retrying" else "checking again"
        seconds = self.next_poll_at - (self.waiting_since or self.next_poll_at)
        return f"{self.message} · {verb} in {seconds:.0f} s"


class FetchResult(Sequence["Picture"]):
    """The pictures that a job gave: a sequence of the ready ones, in the answer's order.

    `missing` names the links that could not be loaded (`PictureState` with its `reason`), `meta` is what
    the service reports about the job (prompt, seed, steps, …), `duration` the seconds from first poll to last byte.
    """

    __slots__ = ("duration", "meta", "missing", "pictures", "request_id")

    def __init__(
        self,
        request_id: str,
        pictures: Sequence[Picture],
        missing: Sequence[PictureState] = (),
        meta: Mapping[str, Any] | None = None,
        duration: float = 0.0,
    ) -> None:
        self.request_id = request_id
        self.pictures = tuple(pictures)
        self.missing = tuple(missing)
        self.meta = dict(meta or {})
        self.duration = duration

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Picture]: ...
    def __getitem__(self, index: int | slice) -> Picture | Sequence[Picture]:
        return self.pictures[index]

    def __len__(self) -> int:
        return len(self.pictures)

    def save(
        self, folder: str | os.PathLike[str], indices: Iterable[int] | None = None, *, overwrite: bool = False
    ) -> list[Path]:
        """Write the original files as `<request_id>-<n>.<ext>` into `folder`, which is made if need be.

        Args:
            folder: Where to.
            indices: The pictures to write, by their `index`; None for all.
            overwrite: Replace files that exist.

        Returns:
            The paths, in order. Each file is written atomically.

        Raises:
            FileExistsError: A file exists; nothing has been written.
            IndexError: There is no picture with one of the `indices`.
        """
        return save_all(self.pictures, folder, self.request_id, indices, overwrite=overwrite)

    def __repr__(self) -> str:
        sizes = sorted({f"{picture.width}×{picture.height} {picture.format}" for picture in self.pictures})
        missing = f", {len(self.missing)} missing" if self.missing else ""
        count = counted(len(self), "picture")
        return f"<FetchResult {self.request_id}: {count} ({', '.join(sizes)}){missing}, {self.duration:.1f} s>"


def counted(count: int, noun: str) -> str:
    """Return "1 picture", "2 pictures"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def capitalized(clause: str) -> str:
    """Return a clause as the beginning of a line; the rest of it stays as it is, unlike with `str.capitalize`."""
    return clause[:1].upper() + clause[1:]


def describe_progress(pictures: Sequence[PictureState]) -> str:
    """Return the line under a card that loads pictures: "2 of 4 pictures"."""
    loaded = sum(entry.status == "ready" for entry in pictures)
    return f"{loaded} of {counted(len(pictures), 'picture')}"


def describe_result(result: FetchResult) -> str:
    """Return the line under a card that has its pictures: "4 pictures"."""
    pictures = counted(len(result) + len(result.missing), "picture")
    if not result.missing:
        return pictures
    return f"{len(result)} of {pictures}, {len(result.missing)} could not be loaded"
