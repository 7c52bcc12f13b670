"""What is sent to the fetch endpoint: its address, the request id and the body of the POST. Pure."""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from ..credentials import without_frames
from .parsing import Redact

__all__ = [
    "V4",
    "V6",
    "check_endpoint",
    "check_request_id",
    "compose_request",
    "is_trusted_address",
    "is_vendor_address",
    "read_fetch_address",
]

V4: Final = "https://stablediffusionapi.com/api/v4/dreambooth/fetch"
"""The "Dreambooth V4 Fetch Queued Images" address, the default."""

V6: Final = "https://modelslab.com/api/v6/images/fetch"
"""The address of the same protocol at the company's newer host."""

_VENDOR: Final = re.compile(
    r"https://(?:[a-z0-9-]+\.)*(?:modelslab|stablediffusionapi)\.com/[!-\[\]-~]*", re.IGNORECASE
)
"""Addresses of the vendor: https, the usual port, and nothing before or behind the host that a parser could misread."""

_PLACEHOLDER: Final = "{request_id}"
_LONGEST_ID: Final = 4096
_WHOLE_ANSWER: Final = "DreamboothWidget.from_response and Client.fetch_response take a generation call's whole answer"


@without_frames
def check_endpoint(endpoint: str, redact: Redact = str) -> str:
    """Return `endpoint` without white space around it, if the key may be sent there.

    Args:
        endpoint: The address.
        redact: Removes the API key from a text.

    Raises:
        TypeError: `endpoint` is not a str.
        ValueError: It is no http(s) address, holds credentials or the key, or holds braces other than `{request_id}`.
    """
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
        _ = parts.port  # raises if the port is malformed
    except ValueError:
        raise ValueError("endpoint is not an address: its host or port is malformed") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("endpoint must begin with https:// or http://")
    if not host:
        raise ValueError("endpoint names no host")
    if "@" in parts.netloc or redact(endpoint) != endpoint:  # not repeated in the text: it may be a password
        raise ValueError("endpoint must not contain credentials; the key is passed as key=")
    if re.search(r"[{}]", endpoint.replace(parts.netloc, "", 1).replace(_PLACEHOLDER, "")) or "{" in parts.netloc:
        raise ValueError(f"endpoint may contain {_PLACEHOLDER} in its path, and no other braces")
    return endpoint


def check_request_id(value: object) -> str:
    """Return a request id as text.

    Raises:
        TypeError: `value` is neither an int nor a str, or is a whole answer.
        ValueError: It is empty, negative, longer than 4096 characters or not valid text.
    """
    too_long = f"request_id is longer than {_LONGEST_ID} characters"
    if isinstance(value, Mapping) or (isinstance(value, str) and value.lstrip().startswith("{")):
        raise TypeError(f"request_id must be an int or a str; {_WHOLE_ANSWER}")
    if isinstance(value, str):
        text = value.strip()
    elif type(value).__name__ in ("bool", "bool_") or not hasattr(value, "__index__"):  # "bool_": numpy's before 2.0
        raise TypeError(f"request_id must be an int or a str, not {type(value).__name__}")
    else:
        identifier = operator.index(value)  # also the integers of numpy and pandas
        if identifier < 0:
            raise ValueError("request_id is negative: pass the `id` in the answer of the generation call")
        if identifier.bit_length() > 10 * _LONGEST_ID // 3:  # before Python refuses to write it out
            raise ValueError(too_long)
        text = str(identifier)
    if not text:
        raise ValueError("request_id is empty: pass the `id` in the answer of the generation call")
    if len(text) > _LONGEST_ID:
        raise ValueError(too_long)
    if re.search("[\ud800-\udfff]", text):
        raise ValueError("request_id is not valid text: it holds half of a surrogate pair")
    return text


def compose_request(endpoint: str, request_id: str) -> tuple[str, dict[str, str]]:
    """Return the address and the JSON body, without the key, of one poll.

    The id is in the body, or in the path of an address that contains `{request_id}`.
    """
    if _PLACEHOLDER in endpoint:
        return endpoint.replace(_PLACEHOLDER, quote(request_id, safe="")), {}
    return endpoint, {"request_id": request_id}


def is_vendor_address(url: str) -> bool:
    """Whether `url` is an https address on a host of the service's vendor, to which the key may be sent by itself."""
    return _VENDOR.fullmatch(url) is not None


def is_trusted_address(url: str) -> bool:
    """Whether the key may be sent to a checked endpoint that the caller has not named: the vendor's, or loopback."""
    host = urlsplit(url).hostname or ""
    try:
        return is_vendor_address(url) or host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def read_fetch_address(url: str) -> str | None:
    """Return the endpoint that the `fetch_result` of a generation call's answer names, None for any other host.

    The last part of its path, if it is a number, is the id and becomes `{request_id}`: it may disagree with the `id`
    of the answer, which is the one to send.
    """
    address = url.strip()
    if not is_vendor_address(address):
        return None
    try:
        return check_endpoint(re.sub(r"/[0-9]{1,40}/?$", f"/{_PLACEHOLDER}", address))
    except ValueError:
        return None
