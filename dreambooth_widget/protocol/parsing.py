"""Parse the untrusted body of an answer: bounded JSON, and the links, numbers and texts in it.

Pure and total: only `read_object` raises, and only `UnreadableBodyError`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

__all__ = [
    "LARGEST_BODY",
    "PictureLink",
    "Redact",
    "UnreadableBodyError",
    "number",
    "read_links",
    "read_meta",
    "read_object",
    "shown",
    "spoken",
]

Redact = Callable[[str], str]
"""Takes the API key out of a text, in case the service has echoed it."""

LARGEST_BODY: Final = 48 * 1024 * 1024
"""Maximum size of an answer in bytes, after inflation. Only pictures inline as base64 need more than a few kB."""

_MOST_MEMBERS: Final = 20_000
"""Maximum number of members, counted by brackets and commas. `json.loads` holds the interpreter's lock: it takes 2 ms
for as many members and 2 ms per MB of strings, but seconds and gigabytes for 48 MiB of empty lists."""

_LONGEST_NUMBER: Final = 40
"""Maximum number of digits. The time that Python takes to read an integer grows with the square of its length."""

_MOST_LINKS: Final = 256
_MOST_META: Final = 200
_LONGEST_LINK: Final = 8192
"""Maximum number of characters of a text that is treated as an address without looking like one."""

_LONGEST_TEXT: Final = 32 * 1024
"""Maximum number of characters that are read of a text."""

_LONGEST_KEY: Final = 4096
"""Characters at the end of a text that was cut: they may be a part of the key, and are never shown."""

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_MARKUP = re.compile(r"[\s\ufeff]*<[!/?a-z]", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?:)?//|https?:", re.IGNORECASE)
_PICTURE = re.compile(r"https?://|data:", re.IGNORECASE)
_URL_NAMES: Final = ("url", "link", "image_url", "image", "src", "href", "b64_json", "base64")
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " ", "hellip": "…"}
_SECRET_NAMES = frozenset({"key", "api_key", "apikey"})


class UnreadableBodyError(ValueError):
    """The body is not a JSON object. The text is a clause for the status line."""


@dataclass(frozen=True, slots=True)
class PictureLink:
    """One picture: `url` is an http(s) address, a `data:` URI or raw base64; `fallback` its entry in `proxy_links`."""

    url: str
    fallback: str | None = None


# -- JSON ------------------------------------------------------------------------------------------------------------


def read_object(body: bytes) -> dict[str, Any]:
    """Parse `body` as a JSON object. Integers of more than 40 digits become None.

    Raises:
        UnreadableBodyError: The body is empty, too large, not JSON, or not an object.
    """
    if len(body) > LARGEST_BODY or _has_too_many_members(body):
        raise UnreadableBodyError("the service's answer is too large")
    if not body.strip():
        raise UnreadableBodyError("the service answered with an empty body")
    try:
        value = json.loads(_decoded(body), parse_int=_integer)
    except (ValueError, RecursionError):
        page = body.lstrip()[:1] == b"<"
        raise UnreadableBodyError(f"the service answered with {'a web page' if page else 'no JSON'}") from None
    if not isinstance(value, dict):
        raise UnreadableBodyError("the service answered with something else than its protocol")
    return value


def _has_too_many_members(body: bytes) -> bool:
    members = 0
    for mark in (b",", b"[", b"{"):
        index = body.find(mark)  # `find` skips megabytes of base64 at once; `count` looks at each byte
        while index >= 0:
            members += 1
            if members > _MOST_MEMBERS:
                return True
            index = body.find(mark, index + 1)
    return False


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")  # one stray byte in a prompt must not cost the pictures that are paid for


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


# -- values ----------------------------------------------------------------------------------------------------------


def number(value: Any, *, largest: float) -> float | None:
    """Return `value`, a number or the text of one, as a finite number from 0 to `largest`; else None."""
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= largest:
        return None
    return float(value)


def shown(value: Any, redact: Redact, limit: int = 2000, *, one_line: bool = True) -> str:
    """Return a string of the answer as it may be shown; "" for other types.

    The key is redacted before the text is cut to `limit` characters, so that no part of it stays at a cut. Control
    characters and lone surrogates are replaced. Of an HTML page, the title or the first words are returned.
    """
    if not isinstance(value, str):
        return ""
    text = redact(value[:_LONGEST_TEXT])
    if len(value) > _LONGEST_TEXT:
        text = text[:-_LONGEST_KEY]
    if one_line and _MARKUP.match(text):
        text = redact(_page_text(text))  # once more: entities may have hidden the key
    text = text[: limit * 4]
    text = " ".join(text.split()) if one_line else text.strip()
    text = _CONTROLS.sub("\ufffd", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _page_text(page: str) -> str:
    """Return the title of an HTML page, or its first words without markup."""
    page = page[:16_384].lstrip("\ufeff \r\n\t")
    title = re.search(r"<title[^<>]*>([^<]*)", page, re.IGNORECASE)
    if title and title[1].strip():
        return _unescape(title[1])
    page = re.sub(
        r"<(?:script|style|!--).*?(?:</(?:script|style)[^<>]*>?|-->|$)", " ", page, flags=re.IGNORECASE | re.DOTALL
    )
    return _unescape(re.sub(r"<[^<>]*>?", " ", page))


def _unescape(text: str) -> str:
    return re.sub(r"&(\w{2,6});", lambda name: _ENTITIES.get(name[1].lower(), name[0]), text)


def spoken(value: Any, redact: Redact, limit: int = 2000) -> str:
    """Return the text of a `message`: a string as it is, a list joined, an object as "field: text" for each field."""
    return shown("; ".join(_sentences(value, 0)), redact, limit)


def _sentences(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        text = value[: _LONGEST_TEXT + 1]
        if text.strip():
            yield text
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
    elif depth < 4 and isinstance(value, list):
        for entry in value[:50]:
            yield from _sentences(entry, depth + 1)
    elif depth < 4 and isinstance(value, dict):
        for name, entry in islice(value.items(), 50):
            text = "; ".join(_sentences(entry, depth + 1))
            field = str(name)[: _LONGEST_TEXT + 1]
            yield f"{field}: {text}" if text else field


def read_meta(value: Any, redact: Redact) -> dict[str, Any]:
    """Return the entries of `meta` that are worth keeping: numbers, booleans and texts, cut to size."""
    if not isinstance(value, Mapping):
        return {}
    meta: dict[str, Any] = {}
    for name, entry in islice(value.items(), _MOST_META):
        if not isinstance(name, str) or name.lower() in _SECRET_NAMES:
            continue
        kept = _scalar(entry, redact)
        if kept is not None and kept != "":
            meta[shown(name, redact, 100)] = kept
    return meta


def _scalar(value: Any, redact: Redact) -> str | int | float | bool | None:
    if isinstance(value, str):
        return shown(value, redact, 4000, one_line=False)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):  # also a bool
        return value if abs(value) < 10**_LONGEST_NUMBER else None
    return None


# -- links -----------------------------------------------------------------------------------------------------------


def read_links(output: Any, proxies: Any, redact: Redact) -> tuple[PictureLink, ...]:
    """Return the links in `output` in their order, each with the entry of `proxies` at the same index as fallback.

    Both may be a list, nested lists, a list of objects with a `url`, an object (read in the order of its keys, "10"
    after "2"), one string, the JSON text of any of these, "" or null. Where `output` has no link, those of `proxies`
    are returned.
    """
    proxies = _unpacked(proxies)
    output = _unpacked(output)
    spare = dict(_entries(proxies, redact))
    found = _entries(output, redact)
    if not any(url for _, url in found):
        return tuple(PictureLink(url) for url in spare.values() if url)[:_MOST_LINKS]
    by_name = isinstance(output, Mapping) and isinstance(proxies, Mapping)
    links = []
    for index, (name, url) in enumerate(found):
        fallback = spare.get(name if by_name else str(index), "")
        if url or fallback:
            links.append(PictureLink(url or fallback, fallback if url and fallback != url and fallback else None))
    return tuple(links[:_MOST_LINKS])


def _unpacked(value: Any) -> Any:
    """Parse the JSON text of a list or an object; no link begins like one. Return anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        too_large = _has_too_many_members(value.encode("utf-8", "surrogatepass"))
        return None if too_large else json.loads(value, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _entries(value: Any, redact: Redact) -> list[tuple[str, str]]:
    """Return each index or key of `value` with its link, "" where there is none: the other indices must not shift."""
    if isinstance(value, Mapping) and not isinstance(value.get("url"), (str, list)):
        return [
            (f"{name}/{index}" if index else name, link)
            for name in sorted((name for name in value if isinstance(name, str)), key=_natural)[:_MOST_LINKS]
            for index, link in enumerate(_links(value[name], redact, 1))
        ]
    if isinstance(value, (str, list, tuple, Mapping)):
        return [(str(index), link) for index, link in enumerate(_links(value, redact, 0))]
    return []


def _natural(name: str) -> str:
    """Return a sort key that puts "10" after "2"."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(20), name[:100])


def _links(value: Any, redact: Redact, depth: int) -> list[str]:
    """Return the links in a string, a list or an object; [""] where there is none."""
    if isinstance(value, (list, tuple)) and depth < 4:
        return [link for entry in value[:_MOST_LINKS] for link in _links(entry, redact, depth + 1)] or [""]
    if isinstance(value, Mapping) and depth < 4:
        names = [name for name in _URL_NAMES if value.get(name)]
        if names:
            return _links(value[names[0]], redact, depth + 1)
        texts = (entry for entry in value.values() if isinstance(entry, str) and _PICTURE.match(entry.strip()))
        return [_link(next(texts, ""), redact)]
    return [_link(value, redact)]


def _link(entry: Any, redact: Redact) -> str:
    if not isinstance(entry, str):
        return ""
    link = entry.strip()
    if link.startswith("//"):
        link = f"https:{link}"
    if _ADDRESS.match(link) or len(link) <= _LONGEST_LINK:
        # The key is never sent to a picture host, not even when the service itself has put it into the link.
        link = redact(link) if len(link) <= _LONGEST_TEXT else ""
    elif link.isascii():
        return link
    else:
        link = link[:_LONGEST_LINK]  # neither base64 nor an address
    return _CONTROLS.sub("\ufffd", link)
