"""The markup of the static copy: the small HTML gallery that stays in the notebook without kernel and links.

It is read in three ways: in a trusted notebook (styles work), in an untrusted one (inline styles alone) and on GitHub
(no styles). So it is made of plain tables of `data:` thumbnails with captions and one `<details>`, and styles only
polish it. It holds no link, no path, no key and no query string; texts are escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from ..client.state import capitalized, counted
from .justified_rows import Placed, justify
from .static_content import StaticContent, shorten
from .static_images import jpeg_uri, sizes_to_try

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["render_content"]

_WIDTH = 824
"""Pixels of a full row: four pictures of 200 pixels with their gaps."""

_HEIGHT, _ALONE = 200, 512
"""Pixels of the height of a row, and of the longest side of one picture alone."""

_PAD = 4
"""Pixels around a picture."""

_NARROW = 96
"""Pixels of a column at least, for its caption."""

_ROOMY, _BRIEF = 150, 60
"""Under pictures lower than 150 px, cut captions to 60 characters; the tooltip has the rest."""

_STYLE = """<style>
{page}:has({card} {live}) {copy},
{page}:has({card} {live}) {output}:has({copy}):not(:has({card})) {{ display: none }}
{output}:has(.jupyter-widgets, .jupyter-widgets-view, .dreambooth-card):has(+ {output} {copy}):not(
  :has({card} {live})) {{ display: none }}
{more}</style>"""
"""The card with the same id hides the copy while it lives. A dead one leaves an error line above the copy, or with
saved widget state a card without pictures: the copy hides them. All is tied to one card's id."""

_PAGE = ":is(.jp-Notebook, .jp-CodeConsole, .jp-LinkedOutputView, :root:not(:has(.jp-Notebook, .jp-CodeConsole)))"
"""One document: JupyterLab may show a copy of the notebook file in another tab of the same page."""

_OUTPUT = ":is(.jp-OutputArea-child, .output_area, .output_container)"
"""One output of a cell in JupyterLab and Notebook 7, in nbclassic, and in VS Code."""

_PATIENT = """@media screen {{ {copy} {{ animation: dreambooth-patient 1s }} }}
@keyframes dreambooth-patient {{ from, to {{ max-height: 0; overflow: hidden }} }}
"""
"""Hide the running line for one second, so that it does not flash before the card."""

_FINISHED = """{page}:has({copy}) .dreambooth-copy-{card_id}.dreambooth-running {{ display: none }}
"""
"""VS Code may keep an old "running" line. Hide it once the finished copy exists."""

_LIVE = {"pictures": ":is(img, [data-alive])", "running": "*", "ended": "*"}
_LIVE["batch"] = _LIVE["pictures"]
"""CSS selectors for what replaces each kind of copy inside a live card. While one matches, the copy is hidden. A card
whose kernel lives has its pictures or gets them in a moment; without a kernel, those that it has beat the copy's."""

_BOX = "border:1px solid #88888866;border-radius:4px;padding:8px 12px;margin:4px 0;max-width:640px"


def render_content(content: StaticContent, images: Sequence[Image.Image], budget: int, card_id: str = "") -> str:
    """Return the HTML for `content`, with those of its pictures that fit; the others are counted.

    Args:
        content: What is shown.
        images: Its pictures, small.
        budget: Bytes that the HTML may cost in the .ipynb.
        card_id: The model id of the card that hides the HTML while it is there.
    """
    if content.empty:
        return ""
    frame = _page(content, "", len(content.pictures), card_id)
    rows, kept = _fit(content, images, budget - _cost(frame))
    return _page(content, rows, len(content.pictures) - kept, card_id)


# -- pictures in rows ------------------------------------------------------------------------------------------


def _fit(content: StaticContent, images: Sequence[Image.Image], budget: int) -> tuple[str, int]:
    """Return the rows that fit into `budget`, and the number of pictures in them: all of them if any size allows it."""
    count = len(content.pictures)
    html, kept = "", 0
    for edge, quality in sizes_to_try(count) if count else ():
        left, uris = budget, []
        for index, image in enumerate(images):
            uris.append(jpeg_uri(image, edge, quality))
            left -= _cost(uris[-1]) + _cost(_cell(content, Placed(index, 999, 999), "", 99))
            if left < 0:
                uris.pop()
                break
        kept = len(uris)
        html = _rows(content, uris, min(edge, _ALONE if count == 1 else _HEIGHT))
        if kept == count:
            break
    while kept and _cost(html) > budget:  # the rows themselves
        kept -= 1
        html = _rows(content, uris[:kept], min(edge, _HEIGHT))
    return html, kept


def _rows(content: StaticContent, uris: Sequence[str], height: int) -> str:
    sizes = [(picture.width, picture.height) for picture in content.pictures[: len(uris)]]
    if len(sizes) == 1:  # a panorama alone is as wide as a square
        height = min(height, max(1, round(_ALONE * sizes[0][1] / max(sizes[0]))))
    rows = justify(sizes, width=_WIDTH, height=height, gap=2 * _PAD) if sizes else []
    return "".join(_row(content, row, uris) for row in rows)


def _row(content: StaticContent, row: Sequence[Placed], uris: Sequence[str]) -> str:
    """Return one row as a table of its own, since the columns of two rows differ; it shrinks in a narrow window."""
    columns = [max(box.width, _NARROW) + 2 * _PAD for box in row]
    total = sum(columns)
    cells = "".join(
        _cell(content, box, uris[box.index], round(100 * column / total, 2))
        for box, column in zip(row, columns, strict=True)
    )
    style = f"border:none;border-collapse:collapse;margin:0;table-layout:fixed;width:{total}px;max-width:100%"
    none = "background:transparent;border:none"
    return f"<table style='{style}'><tbody><tr style='{none}'>{cells}</tr></tbody></table>"


def _cell(content: StaticContent, box: Placed, uri: str, percent: float) -> str:
    label = content.labels[box.index] if box.index < len(content.labels) else ""
    title = f" title='{escape(label)}'" if len(label) > _BRIEF and box.height < _ROOMY else ""
    text = escape(shorten(label, _BRIEF) if title else label)
    caption = f"<br><small style='opacity:.75;overflow-wrap:anywhere'>{text}</small>" if label else ""
    return (
        f"<td style='width:{percent}%;padding:{_PAD}px;text-align:center;vertical-align:top;border:none'>"
        f"<img src='{uri}' alt='{escape(_alt(content, box.index))}' width='{box.width}' height='{box.height}'{title}"
        f" style='max-width:100%;height:auto;border-radius:2px'>{caption}</td>"
    )


def _alt(content: StaticContent, index: int) -> str:
    picture = content.pictures[index]
    own = picture.facts
    seed = shorten(own.get("seed") or (content.facts.get("Seed", "") if len(content.pictures) == 1 else ""), 24)
    prompt = shorten(own.get("prompt") or content.facts.get("Prompt", ""), 160)
    return f"Picture {picture.index + 1}" + (f", seed {seed}" if seed else "") + (f": {prompt}" if prompt else "")


# -- the page --------------------------------------------------------------------------------------------------


def _page(content: StaticContent, rows: str, unsaved: int, card_id: str) -> str:
    """Return the whole copy: caption or notice, rows of pictures, and what there is to know."""
    body = "".join(_head(content))
    if content.pictures or content.missing or content.facts:
        body += rows + _details(content, unsaved)
    classes = f"dreambooth-copy dreambooth-{content.kind}"
    if not card_id:
        return f"<div class='{classes}'>{body}</div>"
    copy, card = f".dreambooth-copy-{card_id}.dreambooth-{content.kind}", f".dreambooth-card-{card_id}"
    more = (_PATIENT if content.kind == "running" else _FINISHED).format(copy=copy, page=_PAGE, card_id=card_id)
    style = _STYLE.format(card=card, copy=copy, live=_LIVE[content.kind], page=_PAGE, output=_OUTPUT, more=more)
    return f"<div class='{classes} dreambooth-copy-{card_id}'>{style}{body}</div>"


def _head(content: StaticContent) -> Iterator[str]:
    notice = content.notice
    if notice is None:
        if content.caption:
            yield f"<p style='margin:4px'>{escape(content.caption)}</p>"
        return
    if content.pictures and not notice.title:
        yield f"<p>{escape(notice.text)}</p>"
        return
    yield f"<div style='{_BOX}'>"
    if notice.title:
        yield f"<b>{escape(notice.title)}</b><br>"
    yield escape(notice.text)
    if notice.details:
        yield f"<br>Details: {escape(notice.details)}"
    if content.caption:
        yield f"<br>{escape(content.caption)}"
    about = [] if content.name in notice.text else [capitalized(content.name)]
    if content.expected:
        about.append(counted(content.expected, "picture"))
    yield f"<br><small style='opacity:.75'>{escape(' · '.join(about))}</small></div>" if about else "</div>"


def _details(content: StaticContent, unsaved: int) -> str:
    rows = "".join(f"<dt><b>{escape(label)}</b></dt><dd>{escape(value)}</dd>" for label, value in content.facts.items())
    return f"<details><summary>{escape(content.summary(unsaved))}</summary><dl>{rows}</dl></details>"


def _cost(html: str) -> int:
    """Return the bytes that `html` takes in the .ipynb, which is JSON in UTF-8."""
    return len(json.dumps(html, ensure_ascii=False).encode("utf-8", "replace"))
