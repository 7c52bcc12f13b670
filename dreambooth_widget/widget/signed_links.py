"""What signed links carry: the secret that is stripped from shown texts, and the time at which they die. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

__all__ = ["has_expired", "strip_url_queries"]

_WORD = re.compile(r"\S+")
_QUERY = re.compile(r"[?#]")
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
    query = {name.lower(): values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    try:
        if "x-amz-date" in query:
            signed = datetime.strptime(query["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
            end = (signed + timedelta(seconds=int(query["x-amz-expires"]))).timestamp()
        else:
            end = int(query["expires"])
    except (KeyError, ValueError, OverflowError):
        return False
    return now >= end


def _strip_word(word: str) -> str:
    if "/" not in word:
        return word
    return _strip_user(_strip_query(word))


def _strip_query(word: str) -> str:
    query = _QUERY.search(word)
    if query is None:
        return word
    scheme = word.find("://")
    if 0 <= scheme < query.start() or word.lstrip(_OPENING).startswith("//"):
        return word[: query.start()]
    if "/" in word[: query.start()] and "=" in word[query.start() :]:
        return word[: query.start()]
    inner = _QUERY.search(word, scheme) if scheme >= 0 else None
    return word if inner is None else word[: inner.start()]


def _strip_user(word: str) -> str:
    slash = word.find("/")
    at = word.rfind("@", 0, slash)
    if ":" in word[: max(at, 0)]:
        word = word[at + 1 :]
    return _USER.sub("//", word)
