"""The body of an answer as what it is: text that a stranger wrote. JSON within limits, and what may be taken out of it.

Pure and total: nothing here raises but `read_object`, and that only `UnreadableBodyError`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
"""Takes the API key out of a text that the service may have echoed it in."""

LARGEST_BODY: Final = 12 * 1024 * 1024
"""Bytes of a body that is read at all: pictures as base64 inside it are the only reason for more than a few kB."""

# `json.loads` holds the interpreter's lock to its end, and with it the kernel. Measured on one slow core: 1 MB of the
# worst strings takes 5 ms and 4,000 members 3 ms with all that follows, but 8 MB of strings 35 ms and 100,000 members
# 40 ms. So long base64 goes around the parser (8 MB: 6 ms), and what is left must be small.
_LARGEST_JSON: Final = 1024 * 1024
_MOST_MEMBERS: Final = 4000
_LONG_STRING: Final = 16 * 1024
_LONGEST_ESCAPED: Final = 5 * 1024 * 1024

# Integers cost the square of their length; Python's own limit (4,300 digits) still allows 150 ms for 8 MB of them.
_LONGEST_NUMBER: Final = 40

_MOST_LINKS: Final = 256
_MOST_META: Final = 100
_LONGEST_LINK: Final = 8192
"""Characters of a link that is an address; a longer one holds the picture itself."""

_LONGEST_TEXT: Final = 256 * 1024
"""Characters of a text that are looked at, far more than are shown: a key cut in half at this end stays unseen."""

_INLINE_START = re.compile(rb"[A-Za-z0-9+/=]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SECRET_NAMES = frozenset({"key", "api_key", "apikey"})


class UnreadableBodyError(ValueError):
    """The body is no JSON object. The text is a clause for the status line."""


@dataclass(frozen=True, slots=True)
class PictureLink:
    """One picture: `url` is an http(s) address, a `data:` URI or raw base64; `fallback` its entry in `proxy_links`."""

    url: str
    fallback: str | None = None


# -- JSON ------------------------------------------------------------------------------------------------------------


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, whatever it is made of; endless integers stay text.

    Raises `UnreadableBodyError` for everything else. Protocol row: "non-JSON or HTML or empty body".
    """
    if len(body) > LARGEST_BODY:
        raise UnreadableBodyError("the service's answer is too large")
    if not body.strip():
        raise UnreadableBodyError("the service answered with an empty body")
    small, long_strings = _without_long_strings(body)
    if len(small) > _LARGEST_JSON or sum(map(small.count, (b",", b"[", b"{"))) > _MOST_MEMBERS:
        raise UnreadableBodyError("the service's answer is too large")
    try:
        value = json.loads(_decoded(small), parse_int=_integer)
    except (ValueError, RecursionError):
        page = small.lstrip()[:1] == b"<"
        raise UnreadableBodyError(f"the service answered with {'a web page' if page else 'no JSON'}") from None
    if not isinstance(value, dict):
        raise UnreadableBodyError("the service answered with something else than its protocol")
    return _put_back(value, long_strings) if long_strings else value


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")  # one stray byte in a prompt must not cost the pictures that are paid for


def _without_long_strings(body: bytes) -> tuple[bytes, dict[str, str]]:
    """`body` with every long plain string replaced by a short mark, and the strings by their marks.

    Cut at the quotes, a piece that begins like base64 is the inside of a string: outside of one, JSON goes on
    with `,`, `:`, a bracket or white space.
    """
    if len(body) <= _LARGEST_JSON:
        return body, {}
    strings: dict[str, str] = {}
    pieces = body.split(b'"', _MOST_MEMBERS)
    for position in range(1, len(pieces) - 1):
        piece = pieces[position]
        text = _plain(piece) if len(piece) >= _LONG_STRING and _INLINE_START.match(piece) else None
        if text is not None:
            mark = f"\uf8ff{position}\uf8ff"
            strings[mark] = text
            pieces[position] = mark.encode()
    return b'"'.join(pieces), strings


def _plain(piece: bytes) -> str | None:
    """The text that the inside of a JSON string stands for, None if it is not such a thing as base64."""
    if not piece.isascii():
        return None
    if b"\\" not in piece:
        return piece.decode("ascii")
    if len(piece) > _LONGEST_ESCAPED:
        return None
    try:  # PHP escapes every slash, others break the lines; the parser is quicker at this than `bytes.replace`
        return str(json.loads(b'"' + piece + b'"'))
    except ValueError:  # cut at an escaped quote
        return None


def _put_back(value: Any, strings: Mapping[str, str], depth: int = 0) -> Any:
    """`value` with the long strings in their places, three levels deep: links lie no deeper."""
    if isinstance(value, str):
        return strings.get(value, value)
    if depth < 3 and isinstance(value, dict):
        return {name: _put_back(entry, strings, depth + 1) for name, entry in value.items()}
    if depth < 3 and isinstance(value, list):
        return [_put_back(entry, strings, depth + 1) for entry in value]
    return value


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


# -- values ----------------------------------------------------------------------------------------------------------


def number(value: Any, *, largest: float) -> float | None:
    """`value` as a finite number from 0 to `largest`, also when it came as text; else None."""
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= largest:
        return None
    return float(value)


def shown(value: Any, redact: Redact, limit: int = 2000, *, one_line: bool = True) -> str:
    """A string of the answer as it may be shown: without the key, control characters and half surrogates, and cut.

    The key is redacted before the text is cut, otherwise half of it could stay at the cut.
    """
    if not isinstance(value, str):
        return ""
    text = redact(value[:_LONGEST_TEXT])[: limit * 4]
    text = " ".join(text.split()) if one_line else text.strip()
    text = _CONTROLS.sub("\ufffd", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def spoken(value: Any, redact: Redact, limit: int = 2000) -> str:
    """What a `message` says: a string as it is, a list joined, an object as "field: text" for each."""
    return shown("; ".join(_sentences(value, 0)), redact, limit)


def _sentences(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
    elif depth < 4 and isinstance(value, list):
        for entry in value[:50]:
            yield from _sentences(entry, depth + 1)
    elif depth < 4 and isinstance(value, dict):
        for name, entry in list(value.items())[:50]:
            text = "; ".join(_sentences(entry, depth + 1))
            yield f"{name}: {text}" if text else str(name)


def read_meta(value: Any, redact: Redact) -> dict[str, Any]:
    """The entries of `meta` that are worth keeping: numbers, truths and texts (prompt, seed, steps, …), cut to size."""
    if not isinstance(value, Mapping):
        return {}
    meta: dict[str, Any] = {}
    for name, entry in value.items():
        if len(meta) >= _MOST_META:
            break
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
    if isinstance(value, int):  # also a truth
        return value if abs(value) < 10**_LONGEST_NUMBER else None
    return None


# -- links -----------------------------------------------------------------------------------------------------------


def read_links(output: Any, proxies: Any, redact: Redact) -> tuple[PictureLink, ...]:
    """The links in `output` in their order, with what `proxy_links` holds for the same place as their fallbacks.

    Both come as a list, an object (in the order of its keys, "10" after "2"), one string, "" or null. Protocol
    rows: "success with at least one link", "output a string / object".
    """
    spare = dict(_entries(proxies, redact))
    by_name = isinstance(output, dict) and isinstance(proxies, dict)
    links = []
    for position, (name, url) in enumerate(_entries(output, redact)):
        fallback = spare.get(name if by_name else str(position), "")
        if url or fallback:
            links.append(PictureLink(url or fallback, fallback if url and fallback != url and fallback else None))
    return tuple(links[:_MOST_LINKS])


def _entries(value: Any, redact: Redact) -> list[tuple[str, str]]:
    """Each place of `value` with its link, "" where there is none: the places of the others must not shift."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, (list, tuple)):
        return [(str(position), _link(entry, redact)) for position, entry in enumerate(value)]
    if isinstance(value, Mapping):
        names = sorted((name for name in value if isinstance(name, str)), key=_natural)
        return [(name, _link(value[name], redact)) for name in names]
    return []


def _natural(name: str) -> str:
    """A key to sort by that puts "10" after "2"."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(20), name[:100])


def _link(entry: Any, redact: Redact) -> str:
    if not isinstance(entry, str):
        return ""
    link = entry.strip()
    if len(link) > _LONGEST_LINK:
        return link
    # The key is never sent to an image host, not even when the service itself put it into the link.
    return _CONTROLS.sub("\ufffd", redact(link))
