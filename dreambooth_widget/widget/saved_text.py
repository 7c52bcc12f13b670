"""Texts that are shown are saved with the notebook, and links in them may be signed. Pure."""

from __future__ import annotations

import re

__all__ = ["strip_url_queries"]

_LINK = re.compile(r"(://[^\s?#]*)(?:[?#]\S*)?")
"""A link from its "://" on, then its query: who has a signed link has the picture.

Whatever stands before, so that no scheme is too long or too strange; and a link without a query matches too, so that
no part of a text is looked at twice.
"""


def strip_url_queries(text: str) -> str:
    """`text` without the queries of the links in it."""
    return _LINK.sub(r"\1", text)
