"""Read the HTTP headers of an answer: how long to wait, where it moved, what server sent it. Pure and total."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from .error_mapping import LONGEST_WAIT
from .parsing import Redact, shown

__all__ = ["parse_retry_after", "read_location", "read_sender", "read_wait"]


def read_location(headers: Mapping[str, str], endpoint: str, redact: Redact) -> str:
    """Return the absolute address of a redirect, a relative one resolved against `endpoint`.

    Returns "" without another address, for one that is malformed or not http(s), and for one with credentials.
    """
    location = shown(_header(headers, "location"), redact, 500)
    try:
        location = urljoin(endpoint, location) if location else ""
        parts = urlsplit(location)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a malformed host or port
        return ""
    return location if known and "@" not in parts.netloc and location != endpoint else ""


def read_sender(headers: Mapping[str, str], redact: Redact) -> str:
    """Return what the headers `Server` and `Via` reveal of the server that answered."""
    found = ((name, shown(_header(headers, name), redact, 60)) for name in ("server", "via"))
    return ", ".join(f"{name}: {value}" for name, value in found if value)


def read_wait(headers: Mapping[str, str]) -> float | None:
    """Return the wait in seconds of `Retry-After`; a date is measured from the answer's own `Date`."""
    return parse_retry_after(_header(headers, "retry-after"), _date(_header(headers, "date")))


def parse_retry_after(value: str | None, now: float | None) -> float | None:
    """Return the wait in seconds of a `Retry-After` header, from 0 to a day; None if it is nonsense.

    Args:
        value: The header, seconds or an HTTP date.
        now: Unix time in seconds that a date is measured from.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text):
        return min(float(text), LONGEST_WAIT)
    moment = _date(text)
    return None if moment is None or now is None else min(max(moment - now, 0.0), LONGEST_WAIT)


def _date(text: str) -> float | None:
    if not 0 < len(text) <= 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((str(value) for key, value in headers.items() if str(key).lower() == name), "")
