"""The small HTML gallery that stays in the notebook when the kernel and the links have gone.

It has to survive three readers: a trusted notebook (styles work), an untrusted one (inline styles only) and
GitHub (none at all). So it is a plain table of `data:` thumbnails with captions and one `<details>`, and the styles
only polish it. It holds no link, no path, no key and no query string; texts are escaped.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from ..client.state import FetchResult, FetchState, PictureState
from ..images.picture import Picture, small_image
from .saved_text import strip_url_queries

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["LARGEST", "SAMPLE", "USUAL", "render", "render_many"]

USUAL = 128 * 1024
"""Bytes in the .ipynb for up to four pictures."""

LARGEST = 512 * 1024
"""Bytes in the .ipynb, whatever the number of pictures."""

SAMPLE = 192 * 1024
"""Bytes in the .ipynb for the copy of a batch with more than `_MANY` pictures, which can only be a sample.

JupyterLab takes a copy in two pieces of work, each without a pause: it renders it, and it sanitizes it to look for
headings for its table of contents. The second kept the page busy for 90 to 180 ms where the copy had 450 kB.
"""

_MANY = 200
"""Pictures: fifty requests of four keep the large copy."""

_STEPS = ((256, 85), (224, 80), (192, 78), (160, 75), (128, 72), (96, 68))
"""Longest edge in pixels and JPEG quality of the thumbnails: the first step that fits the budget is taken."""

_FEW = ((384, 85), (320, 85), *_STEPS)
"""The same for up to four pictures, which are worth more."""

_ALONE = ((512, 85), *_FEW)
"""The same for one picture alone, which is shown larger."""

_MOST = 160
"""More thumbnails than this never fit, so more are not even made."""

_STYLE = """<style>
.jp-OutputArea-child:has(+ .jp-OutputArea-child .{copy}):not(:has(.dreambooth-card {live})) {{ display: none }}
.jp-OutputArea-child:has(.dreambooth-card {live}) + .jp-OutputArea-child:has(.{copy}) {{ display: none }}
</style>"""
"""A dead widget leaves an error line above the copy, or with saved widget state a card without pictures, which goes.
A live one shows the pictures, so the copy goes. Styles hold for the whole notebook: each kind of copy names itself."""

_LIVE = {"pictures": "img", "words": "*", "batch": ".dreambooth-tile"}
"""What selects, in a card, that which each kind of copy stands for: while it is there, the copy is hidden."""

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

_ROOMY = 160
"""Pixels: below smaller thumbnails is no room for more than the beginning of a prompt."""

_WIDE, _NARROW = 96, 64
"""Pixels of a column, for its caption: at least so many where there is room, and where there is none."""

_MOST_FAILURES = 40
"""Failed requests of a batch that are named in its copy."""


def render(source: FetchResult | FetchState, *, budget: int | None = None) -> str:
    """The HTML for a result or a state, "" for a state that is not final. Makes thumbnails: call it in a thread.

    `budget` is the most it may cost in the .ipynb, in bytes; by default `USUAL` for up to four
    pictures and then as much more for each, at most `LARGEST`. Pictures that do not fit are counted
    ("3 more were not saved"). ValueError for a negative budget.
    """
    if budget is not None and budget < 0:
        raise ValueError(f"budget must not be negative, but is {budget}")
    copy = _read(source)
    return _render(copy, "pictures" if copy.pictures else "words", budget)


def render_many(requests: Iterable[tuple[str, FetchResult | FetchState]], said: str = "") -> str:
    """The HTML for the (caption, result or final state) of many requests; `said` is one line about all of them."""
    copies = [(caption, _read(source)) for caption, source in requests]
    shown = [(caption or copy.whose, picture) for caption, copy in copies for picture in copy.pictures]
    facts = {caption or copy.whose: copy.said for caption, copy in copies if copy.said}
    whole = _Copy(
        f"{len(copies)} request{'' if len(copies) == 1 else 's'}",
        [picture for _, picture in shown],
        [],
        {},
        said if facts or not shown else "",
        captions=[_safe(caption, 80) for caption, _ in shown],
        facts={_safe(label, 120): _safe(text, 300) for label, text in list(facts.items())[:_MOST_FAILURES]},
    )
    return _render(whole, "batch", SAMPLE if len(shown) > _MANY else None)


def _render(copy: _Copy, kind: str, budget: int | None) -> str:
    if not copy.pictures:
        return _page(_statement(copy), kind) if copy.said or copy.missing else ""
    if budget is None:
        budget = min(LARGEST, max(USUAL, USUAL // 4 * len(copy.pictures)))
    frame = _page(_statement(copy) + _table([], 0, 0) + _details(copy, 0), kind)
    cells, shown = _fit(copy, budget - _cost(frame) - 64 * min(len(copy.pictures), _MOST))
    widest = max((_size(picture, shown)[0] for picture in copy.pictures[: len(cells)]), default=0)
    table = _table(cells, _across(len(copy.pictures), shown), widest)
    body = _statement(copy) + table + _details(copy, len(copy.pictures) - len(cells))
    return _page(body, kind)


@dataclass(frozen=True)
class _Copy:
    """What a result and a state have in common: what there is to keep. `captions` go with the pictures, if any."""

    whose: str
    pictures: Sequence[Picture]
    missing: Sequence[PictureState]
    meta: Mapping[str, Any]
    said: str = ""
    seconds: float | None = None
    captions: Sequence[str] = ()
    facts: dict[str, str] = field(default_factory=dict)


def _read(source: FetchResult | FetchState) -> _Copy:
    whose = f"request {_safe(source.request_id, 100)}"
    if isinstance(source, FetchResult):
        said = "" if source.pictures else "No pictures."
        copy = _Copy(whose, source.pictures, source.missing, source.meta, said, source.duration)
    else:
        pictures = [entry.picture for entry in source.pictures if entry.picture is not None]
        missing = [entry for entry in source.pictures if entry.status == "missing"]
        seconds = source.finished_at - source.started_at if source.finished_at and source.started_at else None
        shown = pictures if source.final else []
        copy = _Copy(whose, shown, missing if source.final else [], source.meta, _said(source), seconds)
    copy.facts.update(_facts(copy))
    return copy


def _said(state: FetchState) -> str:
    """One line about a state that is final without being a success."""
    if state.status == "success" or not state.final:
        return ""
    if state.error is not None:
        mark = "✕ " if state.status == "error" else ""
        told = " ".join(state.error.details.split()) if state.status == "error" else ""
        details = f" Details: {_safe(told, 300)}" if told else ""
        return f"{mark}{state.error.title}: {state.error}{details}"
    words = {
        "stopped": "Stopped waiting: the job goes on at the service.",
        "timed_out": "Still processing: checking again resumes.",
    }
    return words.get(state.status, f"✕ Failed: {state.message}")


def _facts(copy: _Copy) -> dict[str, str]:
    """The known facts, from the first picture that tells them and from the answer, by their labels."""
    found: dict[str, str] = {}
    told = copy.pictures[0].facts if copy.pictures else {}
    for name, label in _FACTS.items():
        value = copy.meta.get(name, told.get(name))
        if isinstance(value, (str, int, float)) and str(value).strip():
            found.setdefault(label, _safe(str(value)))
    return found


def _safe(text: str, longest: int = _LONGEST_FACT) -> str:
    """`text` without the queries of links in it, not endless."""
    text = strip_url_queries(text[: longest * 4])
    return text if len(text) <= longest else text[: longest - 1] + "…"


# -- thumbnails ------------------------------------------------------------------------------------------------


def _fit(copy: _Copy, budget: int) -> tuple[list[str], int]:
    """The table cells that fit into `budget`: all in the largest size that allows it, else as many as go.

    With the pixels that their pictures are wide or high at most.
    """
    count = len(copy.pictures)
    steps = _ALONE if count == 1 else _FEW if count <= 4 else _STEPS
    small = [small_image(picture, steps[0][0]) for picture in copy.pictures[:_MOST]]
    cells, shown = [], 0
    for edge, quality in steps if count <= _MOST else steps[-1:]:  # more never fit, in whatever size
        shown = min(edge, 512 if count == 1 else 200)
        cells = list(_cells(copy, small, edge, quality, shown, budget))
        if len(cells) == count:
            break
    return cells, shown


def _cells(copy: _Copy, small: list[Image.Image], edge: int, quality: int, shown: int, budget: int) -> Iterator[str]:
    captions = copy.captions or [""] * len(copy.pictures)
    for picture, image, caption in zip(copy.pictures, small, captions, strict=False):
        cell = _cell(copy, picture, _data_uri(image, edge, quality), shown, caption)
        budget -= _cost(cell)
        if budget < 0:
            return
        yield cell


def _data_uri(image: Image.Image, edge: int, quality: int) -> str:
    out = io.BytesIO()
    fitted = image.copy()
    fitted.thumbnail((edge, edge))
    fitted.save(out, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def _size(picture: Picture, shown: int) -> tuple[int, int]:
    """Width and height on the page, in pixels."""
    scale = min(1, shown / max(picture.width, picture.height))
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))


def _cell(copy: _Copy, picture: Picture, uri: str, shown: int, told: str) -> str:
    width, height = _size(picture, shown)
    own = picture.facts
    seed = own.get("seed") or (copy.facts.get("Seed", "") if len(copy.pictures) == 1 else "")
    prompt = _safe(own.get("prompt") or copy.facts.get("Prompt", ""), 160)
    seed = _safe(seed, 24)
    alt = f"Picture {picture.index + 1}" + (f", seed {seed}" if seed else "") + (f": {prompt}" if prompt else "")
    if shown < _ROOMY:
        told, seed = _safe(told, 40), ""
    caption = " · ".join(part for part in (told, f"{picture.index + 1}", f"seed {seed}" if seed else "") if part)
    return (
        f"<td style='padding:4px;text-align:center;vertical-align:top'><img src='{uri}' alt='{escape(alt)}'"
        f" width='{width}' height='{height}' style='max-width:100%;height:auto;border-radius:2px'>"
        f"<br><small style='opacity:.75'>{escape(caption)}</small></td>"
    )


# -- the page --------------------------------------------------------------------------------------------------


def _page(body: str, kind: str) -> str:
    copy = f"dreambooth-{kind}"
    return f"<div class='dreambooth-copy {copy}'>{_STYLE.format(copy=copy, live=_LIVE[kind])}{body}</div>"


def _statement(copy: _Copy) -> str:
    if not copy.said:
        return ""
    return f"<p>{escape(_safe(copy.said))} <small>{escape(copy.whose[:1].upper() + copy.whose[1:])}</small></p>"


def _across(count: int, shown: int) -> int:
    """Pictures in a row: four, or six small ones; three rows of three and the like rather than one widow."""
    if count > 9:
        return 4 if shown >= _ROOMY else 6
    return min(count, 4) if count % 4 in (0, 3) or count < 5 else 3


def _table(cells: list[str], across: int, widest: int) -> str:
    """Columns of one width, as the widest picture needs it, whatever the captions; narrower in a narrow window."""
    rows = [cells[at : at + across] for at in range(0, len(cells), max(1, across))]
    style = "background:transparent;border:none"
    inside = "".join(f"<tr style='{style}'>{''.join(row)}</tr>" for row in rows)
    widths = f"width:{across * (max(widest, _WIDE) + 8)}px;min-width:{across * _NARROW}px;max-width:100%"
    even = f"table-layout:fixed;{widths};overflow-wrap:break-word"
    return f"<table style='border:none;border-collapse:collapse;margin:0;{even}'><tbody>{inside}</tbody></table>"


def _details(copy: _Copy, unsaved: int) -> str:
    count = len(copy.pictures)
    parts = [f"{count} picture{'' if count == 1 else 's'}"]
    if unsaved:
        parts.append(f"{unsaved} more {'was' if unsaved == 1 else 'were'} not saved")
        parts[0] = f"{count - unsaved} of {parts[0]}"
    if copy.missing:
        parts.append(f"{len(copy.missing)} could not be loaded")
    if copy.seconds is not None:
        parts.append(f"{int(copy.seconds) // 60}:{int(copy.seconds) % 60:02d}")
    parts.append(copy.whose)
    facts = dict(copy.facts)
    for entry in copy.missing[:8]:
        facts[f"Picture {entry.index + 1} is missing"] = _safe(entry.reason, 200)
    rows = "".join(f"<dt><b>{escape(label)}</b></dt><dd>{escape(value)}</dd>" for label, value in facts.items())
    return f"<details><summary>{escape(' · '.join(parts))}</summary><dl>{rows}</dl></details>"


def _cost(html: str) -> int:
    """Bytes that `html` takes in the .ipynb, which is JSON in UTF-8."""
    return len(json.dumps(html, ensure_ascii=False).encode("utf-8", "replace"))
