"""What signed links carry: the secret that is stripped from shown texts, and the time at which they die. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

__all__ = ["has_expired", "strip_url_queries"]

_WORD = re.compile(r"\S+")
_LINK = re.compile(r"[/.@]|%2f", re.IGNORECASE)
"""One of these is in every link."""
_QUERY = re.compile(r"[?#]|%3f", re.IGNORECASE)
_VALUE = re.compile(r"=|%3d", re.IGNORECASE)
_USER = re.compile(r"//[^/\s]*@")
_OPENING = "([{<\"'"
"""What may stand directly before a link."""


def strip_url_queries(text: str) -> str:
    """Return `text` with the links in it cut to their scheme, host and path.

    Queries, fragments and user names with passwords are removed, from links without a scheme too (`//host/path?sig=…`,
    `host/path?sig=…`). The time is linear in the length of the text.
    """
    return _WORD.sub(lambda match: _strip_word(match[0]), text)


def has_expired(url: str, now: float) -> bool:
    """Return whether the signature of a link says that it no longer opens; False where nothing is known.

    Args:
        url: The link, as S3, R2 and CloudFront sign it, or unsigned.
        now: Unix seconds.
    """
    try:
        query = {name.lower(): values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if "x-amz-date" in query:
            signed = datetime.strptime(query["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
            end = (signed + timedelta(seconds=int(query["x-amz-expires"]))).timestamp()
        else:
            end = int(query["expires"])
    except (KeyError, ValueError, OverflowError):
        return False
    return now >= end


def _strip_word(word: str) -> str:
    return _strip_user(_strip_query(word)) if _LINK.search(word) else word


def _strip_query(word: str) -> str:
    query = _QUERY.search(word)
    if query is None:
        return word
    before = word[: query.start()]
    scheme = word.find("://")
    if 0 <= scheme < query.start() or before.lstrip(_OPENING).startswith("//"):
        return before
    if _LINK.search(before) and _VALUE.search(word, query.end()):
        return before
    inner = _QUERY.search(word, scheme) if scheme >= 0 else None
    return word if inner is None else word[: inner.start()]


def _strip_user(word: str) -> str:
    user, at, host = word.partition("/")[0].rpartition("@")
    if at and ":" in user and ("/" in word or "." in host):
        word = word[len(user) + 1 :]
    return _USER.sub("//", word)
