"""Texts that are shown are saved with the notebook, and links in them may be signed. Pure."""

from __future__ import annotations

import re

__all__ = ["unsigned"]

_SIGNATURE = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s?#]*)[?#]\S*", re.IGNORECASE)
"""The query of a link: who has a signed link has the picture."""


def unsigned(text: str) -> str:
    """`text` without the queries of the links in it."""
    return _SIGNATURE.sub(r"\1", text)
