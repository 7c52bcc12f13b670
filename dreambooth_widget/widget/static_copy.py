"""The static copy as a MIME bundle: an HTML gallery, a contact sheet for LaTeX and PDF, and one line of text.

Making it takes thumbnails, and so time: call it in a thread.
"""

from __future__ import annotations

from .static_content import StaticContent
from .static_html import render_content
from .static_images import MOST, largest_edge, sheet_uri, small_images

__all__ = ["EMPTY", "LARGEST", "SAMPLE", "USUAL", "StaticCopy", "budget_for", "make_copy"]

StaticCopy = dict[str, str]
"""Texts by their media types; pictures in base64."""

EMPTY: StaticCopy = {"text/html": "", "text/plain": ""}

USUAL = 128 * 1024
"""Bytes in the .ipynb for up to four pictures."""

LARGEST = 512 * 1024
"""Bytes in the .ipynb, whatever the number of pictures."""

SAMPLE = 192 * 1024
"""Bytes in the .ipynb for the copy of a batch with more than `_MANY` pictures, which can only be a sample.

JupyterLab takes a copy in two pieces of work, each without a pause: it renders it, and it sanitizes it to find
headings for its table of contents. The second kept the page busy for 90 to 180 ms where the copy had 450 kB.
"""

_MANY = 200
"""Pictures: fifty requests of four keep the large copy."""

_SHEET = 0.25
"""Share of the budget for the contact sheet."""

_LARGEST_SHEET = 64 * 1024
"""Bytes of the contact sheet in the .ipynb, whatever the budget."""


def budget_for(content: StaticContent) -> int:
    """Return what a copy may cost in the .ipynb, in bytes: from the fifth picture on more for each, to a limit."""
    count = len(content.pictures)
    if content.kind == "batch" and count > _MANY:
        return SAMPLE
    return min(LARGEST, max(USUAL, USUAL // 4 * count))


def make_copy(content: StaticContent, card_id: str) -> StaticCopy:
    """Return the copy of `content`, which the card with the given model id hides while it is there."""
    if content.empty:
        return dict(EMPTY)
    budget = budget_for(content)
    images = small_images(content.pictures[:MOST], largest_edge(len(content.pictures)))
    sheet = sheet_uri(images, min(_LARGEST_SHEET, int(budget * _SHEET)))
    plain = content.plain()
    html = render_content(content, images, budget - len(sheet) - len(plain.encode()) - 256, card_id)
    copy = {"text/html": html, "text/plain": plain}
    return {**copy, "image/jpeg": sheet} if sheet else copy
