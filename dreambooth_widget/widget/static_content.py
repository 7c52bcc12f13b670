"""What there is to keep of a request or a batch in its notebook: texts, facts and pictures. Pure.

All texts are free of signed links and bounded in length here, so that the markup and the plain text can show them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..client.state import FetchState, PictureState, capitalized, counted
from ..images.picture import Picture
from .signed_links import strip_url_queries

__all__ = ["CopyKind", "Notice", "StaticContent", "format_duration", "read_batch", "read_request", "shorten"]

CopyKind = Literal["pictures", "running", "ended", "batch"]
"""What a copy stands for: pictures, a job that runs, a job that ended without pictures, the pictures of a batch."""

_FACTS = {
    "prompt": "Prompt",
    "negative_prompt": "Negative prompt",
    "seed": "Seed",
    "steps": "Steps",
    "guidance_scale": "Guidance scale",
    "scheduler": "Scheduler",
    "sampler": "Sampler",
    "model_id": "Model",
    "model": "Model",
}
"""The facts that are kept, by their names in `meta` and in the pictures. Others may hold links and paths."""

_LONGEST_FACT = 1500
_LONGEST_CAPTION = 300

_MOST_FAILURES = 40
"""Failed requests of a batch that are named in its copy."""

_MOST_MISSING = 8
"""Missing pictures whose reasons are kept."""

_ENDS = {
    "stopped": ("■ Stopped waiting", "The job keeps running on the service."),
    "timed_out": ("⌛ Still running", "Not ready when the wait ended."),
}


@dataclass(frozen=True)
class Notice:
    """A state in words: a title of two words, and what it means for the reader of the notebook."""

    title: str
    text: str
    details: str = ""


@dataclass(frozen=True)
class StaticContent:
    """What a static copy shows. `labels` go with `pictures`, one each; `facts` are texts by their labels."""

    kind: CopyKind
    name: str
    """What the copy is of: "request 13443927" or "50 requests"."""
    caption: str = ""
    notice: Notice | None = None
    pictures: Sequence[Picture] = ()
    labels: Sequence[str] = ()
    expected: int = 0
    """Pictures that are announced, while the job runs."""
    missing: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.pictures or self.missing or self.notice)

    def summary(self, unsaved: int = 0) -> str:
        """Return one line: "4 pictures · took 31 s · seeds 5–8 · request 13443927"; "Details" without pictures."""
        total = len(self.pictures) + self.missing
        if not total:
            return "Details"
        there = len(self.pictures) - unsaved
        parts = [f"{there} of {counted(total, 'picture')}" if there < total else counted(total, "picture")]
        if unsaved:
            parts.append(f"{unsaved} more {'was' if unsaved == 1 else 'were'} not saved")
        if self.missing:
            parts.append(f"{self.missing} could not be loaded")
        if self.seconds is not None:
            parts.append(format_duration(self.seconds))
        return " · ".join([*parts, *self._seeds(), self.name])

    def _seeds(self) -> list[str]:
        seeds = [picture.facts.get("seed", "") for picture in self.pictures]
        if self.kind != "pictures" or len(seeds) < 2 or not all(seed.isdecimal() and len(seed) < 18 for seed in seeds):
            return []
        numbers = [int(seed) for seed in seeds]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return [f"seeds {numbers[0]}–{numbers[-1]}"]
        return []

    def plain(self) -> str:
        """Return the copy in one line of plain text, for LaTeX and other readers without HTML."""
        parts = [f"{self.caption}:"] if self.caption else []
        if self.notice is not None:
            title = self.notice.title.lstrip("✕■⌛ ")
            parts.append(f"{title}. {self.notice.text}" if title else self.notice.text)
        if self.pictures or self.missing:
            parts.append(f"{self.summary()}.")
        elif self.notice is not None and self.name not in self.notice.text:
            parts.append(f"({capitalized(self.name)})")
        return " ".join(parts)


def read_request(state: FetchState) -> StaticContent:
    """Return what there is to keep of a request."""
    name = f"request {shorten(state.request_id, 100)}" if state.request_id else "no request yet"
    if not state.final:
        return _read_running(state, name)
    pictures = [entry.picture for entry in state.pictures if entry.picture is not None]
    # After a success, one that is being loaded again is missing, too.
    lost = ("missing", "waiting") if state.status == "success" else ("missing",)
    missing = [entry for entry in state.pictures if entry.status in lost]
    facts = {**_read_facts(pictures, state.meta), **_read_missing(missing)}
    seeds = [picture.facts.get("seed", "") for picture in pictures]
    if len(pictures) == 1 and not seeds[0]:
        seeds = [facts.get("Seed", "")]
    return StaticContent(
        "pictures" if pictures else "ended",
        name,
        caption=_head(state.caption, {**state.meta, "prompt": facts.get("Prompt", "")}),
        notice=_read_end(state),
        pictures=pictures,
        labels=[f"seed {shorten(seed, 24)}" if seed else "" for seed in seeds],
        missing=len(missing),
        facts=facts,
        seconds=state.duration,
    )


def read_batch(states: Sequence[FetchState], message: str = "") -> StaticContent:
    """Return what there is to keep of many requests; `message` is one line about all of them."""
    contents = [(state.caption, read_request(state)) for state in states]
    running = {state.status for state in states if not state.final}
    shown = [
        (_label(caption or content.name, index, content), picture)
        for caption, content in contents
        for index, picture in enumerate(content.pictures)
    ]
    failures = {
        shorten(caption or content.name, 120): shorten(f"{content.notice.title}: {content.notice.text}", 300)
        for caption, content in contents
        if content.notice is not None and content.kind != "running"
    }
    name = counted(len(contents), "request")
    notice = None
    if running:
        activity = "Not started" if running == {"idle"} else "Still generating"
        notice = Notice("", f"{activity} when this was saved. Run the cell to fetch {name}.")
    elif message and (failures or not shown):
        notice = Notice("", message)
    return StaticContent(
        "batch" if shown else "running" if running else "ended",
        name,
        notice=notice,
        pictures=[picture for _, picture in shown],
        labels=[label for label, _ in shown],
        missing=sum(content.missing for _, content in contents),
        facts=dict(list(failures.items())[:_MOST_FAILURES]),
    )


def shorten(text: str, longest: int = _LONGEST_FACT) -> str:
    """Return `text` without signed links, at most `longest` characters."""
    text = strip_url_queries(text[: longest * 4])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def format_duration(seconds: float) -> str:
    """Return a duration as people write it: "took 46 s", "took 2 min 5 s"."""
    whole = max(0, round(seconds))
    return f"took {whole} s" if whole < 60 else f"took {whole // 60} min {whole % 60} s"


def _head(caption: str, meta: Mapping[str, Any]) -> str:
    prompt = meta.get("prompt")
    return shorten(" ".join((caption or (prompt if isinstance(prompt, str) else "")).split()), _LONGEST_CAPTION)


def _label(caption: str, index: int, content: StaticContent) -> str:
    """Return what stands under a picture of a batch: the caption in full, "2/4" where a request has several."""
    several = f"{index + 1}/{len(content.pictures)} " if len(content.pictures) > 1 else ""
    return several + shorten(caption, _LONGEST_CAPTION)


def _read_running(state: FetchState, name: str) -> StaticContent:
    activity = {"idle": "Not started", "downloading": "Still downloading"}.get(state.status, "Still generating")
    task = f"fetch {name}" if state.request_id else "enter a request id"
    notice = Notice("", f"{activity} when this was saved. Run the cell to {task}.")
    caption = _head(state.caption, state.meta)
    return StaticContent("running", name, caption=caption, notice=notice, expected=len(state.pictures))


def _read_end(state: FetchState) -> Notice | None:
    """Return the notice of a final state that is not a success."""
    error = state.error
    if state.status == "success":
        return None
    if state.status in _ENDS:
        title, text = _ENDS[state.status]
        if state.status == "timed_out" and error is not None:
            text = error.message
        return Notice(title, f"{shorten(text)} Run the cell to fetch request {shorten(state.request_id, 100)}.")
    if error is None:
        return Notice("✕ Failed", shorten(state.message))
    return Notice(f"✕ {error.title}", shorten(str(error)), shorten(" ".join(error.details.split()), 300))


def _read_facts(pictures: Sequence[Picture], meta: Mapping[str, Any]) -> dict[str, str]:
    """Return the known facts by their labels, from the answer or from the first picture that has them."""
    found: dict[str, str] = {}
    own = pictures[0].facts if pictures else {}
    for name, label in _FACTS.items():
        value = meta.get(name, own.get(name))
        if isinstance(value, (str, int, float)) and str(value).strip():
            found.setdefault(label, shorten(str(value)))
    return found


def _read_missing(missing: Sequence[PictureState]) -> dict[str, str]:
    return {f"Picture {entry.index + 1} is missing": shorten(entry.reason, 200) for entry in missing[:_MOST_MISSING]}
