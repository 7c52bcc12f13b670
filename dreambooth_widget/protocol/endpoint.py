"""What is sent to the fetch endpoint: its address, the request id and the body. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

__all__ = ["V4", "V6", "check_endpoint", "check_request_id", "compose_request"]

V4: Final = "https://stablediffusionapi.com/api/v4/dreambooth/fetch"
"""The "Dreambooth V4 Fetch Queued Images" address, the default."""

V6: Final = "https://modelslab.com/api/v6/images/fetch"
"""The address of the same protocol at the company's newer host."""

_PLACE: Final = "{request_id}"
_LONGEST_ID: Final = 4096


def check_endpoint(endpoint: str) -> str:
    """`endpoint` without white space around it, if the key may be sent there. `TypeError`/`ValueError` say why not."""
    if not isinstance(endpoint, str):
        raise TypeError(f"endpoint must be a str, not {type(endpoint).__name__}")
    endpoint = endpoint.strip()
    if not endpoint:
        raise ValueError("endpoint is empty")
    if re.search(r"[\s\\\x00-\x1f\x7f\ud800-\udfff]", endpoint):
        raise ValueError("endpoint contains white space, a backslash or a control character")
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname
        _ = parts.port  # raises for a port that is none
    except ValueError as error:
        raise ValueError("endpoint is not an address: its host or port is malformed") from error
    if parts.scheme not in ("http", "https"):
        raise ValueError("endpoint must begin with https:// or http://")
    if not host:
        raise ValueError("endpoint names no host")
    if "@" in parts.netloc:  # not repeated in the text: it may be a password
        raise ValueError("endpoint must not contain credentials; the key is passed as key=")
    if re.search(r"[{}]", endpoint.replace(parts.netloc, "", 1).replace(_PLACE, "")) or "{" in parts.netloc:
        raise ValueError(f"endpoint may contain {_PLACE} in its path, and no other braces")
    return endpoint


def check_request_id(value: object) -> str:
    """A request id as text, from an int or a str. `TypeError`/`ValueError` say what is wrong with it."""
    too_long = f"request_id is longer than {_LONGEST_ID} characters"
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, Mapping):
        raise TypeError("request_id must be an int or a str; from_response() takes the answer of a generation call")
    elif isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"request_id must be an int or a str, not {type(value).__name__}")
    else:
        identifier = operator.index(value)  # also the integers of numpy and pandas
        if identifier < 0:
            raise ValueError("request_id is negative")
        if identifier.bit_length() > 10 * _LONGEST_ID // 3:  # before Python refuses to write it out
            raise ValueError(too_long)
        text = str(identifier)
    if not text:
        raise ValueError("request_id is empty")
    if len(text) > _LONGEST_ID:
        raise ValueError(too_long)
    if re.search("[\ud800-\udfff]", text):
        raise ValueError("request_id is not valid text: it holds half of a surrogate pair")
    return text


def compose_request(endpoint: str, request_id: str) -> tuple[str, dict[str, str]]:
    """The address and the JSON body, without the key, of one poll. Protocol: "id in the body" and "path form"."""
    if _PLACE in endpoint:
        return endpoint.replace(_PLACE, quote(request_id, safe="")), {}
    return endpoint, {"request_id": request_id}
