"""From one link of an answer to one checked `Picture`: redirects, caps, retries, and the reason when it fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import random
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ..images.sniff import PictureRefusedError
from ..protocol.headers import parse_retry_after
from .exchange import Failure, Response
from .link_guard import AddressRefusedError

if TYPE_CHECKING:
    from ..images.picture import Picture
    from ..protocol.parsing import PictureLink
    from .schedule import Retry
    from .transport import Transport

__all__ = ["MissingPictureError", "download", "get_link"]

log = logging.getLogger(__name__)

_MOVED = frozenset({301, 302, 303, 307, 308})
_REDIRECTS = 5
_WORDS = {401: "no access", 403: "no access: the link may have expired", 404: "missing", 410: "missing"}
_PATIENCE = 3.0
"""Links need longer than API calls: the back-off of `Retry`, stretched by this (at most 1.5, 4.5, 13.5, 20, 20 s)."""


class MissingPictureError(Exception):
    """One link gave no picture; `str(error)` is the reason for its tile. Internal: it never ends a job."""


class _LaterError(Exception):
    """This try failed, the next may not; `str(error)` is the reason, `seconds` the wait that the host names."""

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.seconds = seconds


async def download(
    transport: Transport,
    link: PictureLink,
    *,
    max_bytes: int,
    retry: Retry,
    on_retry: Callable[[str], None],
    check: Callable[[bytes, str], Awaitable[Picture]],
    request_id: str = "",
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Picture:
    """Return the picture behind `link`, or behind its fallback once the link has failed for good.

    Args:
        transport: The connections to load it with.
        link: The address or inline data, with an optional fallback.
        max_bytes: Most bytes of the picture.
        retry: The back-off for API calls; pictures get it stretched.
        on_retry: Called before each wait, with what failed and when the next try is.
        request_id: Pictures of one request leave some of the connections to others.
        check: Returns the picture in the bytes from an address, before the next one takes its slot, or refuses them.
        sleep: Awaited for each wait, in seconds.

    Raises:
        MissingPictureError: If there is no picture; its text is the reason.
    """

    async def attempt(url: str) -> Picture:
        async with transport.picture_slot(request_id):
            return await check(await _payload(transport, url, max_bytes), url)

    patience = replace(retry, first=min(retry.first * _PATIENCE, retry.longest))
    try:
        return await _persist(attempt, link.url, patience, on_retry, sleep)
    except MissingPictureError:
        if link.fallback is None:
            raise
        on_retry("trying the proxy link")
        return await _persist(attempt, link.fallback, replace(patience, attempts=2), on_retry, sleep)


async def _persist(
    attempt: Callable[[str], Awaitable[Picture]],
    url: str,
    retry: Retry,
    on_retry: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]],
) -> Picture:
    for number in range(1, retry.attempts + 1):
        try:
            return await attempt(url)
        except _LaterError as error:
            failure, named_wait = str(error), error.seconds
        except PictureRefusedError as error:
            if not error.retryable or not _is_address(url):
                raise MissingPictureError(str(error)) from error
            failure, named_wait = str(error), 0.0
        except AddressRefusedError as error:
            raise MissingPictureError(str(error)) from error
        except Exception as error:
            # The edge of one picture: whatever its link or its bytes raise costs this picture, not the job.
            log.exception("picture: unforeseen failure")
            raise MissingPictureError("the picture could not be loaded; the kernel's log has the reason") from error
        if number == retry.attempts:
            break
        wait = max(retry.delay(number + 1, random()), named_wait)
        on_retry(f"{failure}; attempt {number + 1} of {retry.attempts} in {wait:.0f} s")
        await sleep(wait)
    raise MissingPictureError(failure)


async def _payload(transport: Transport, url: str, max_bytes: int) -> bytes:
    """Return the bytes behind `url`: fetched, or `url` itself where it is a `data:` URI or raw base64."""
    if not _is_address(url):
        if "://" in url[:16]:
            raise AddressRefusedError("only http and https links are followed")
        try:
            return url.encode()
        except UnicodeEncodeError as error:  # half a surrogate pair
            raise AddressRefusedError("the link is malformed") from error
    response = await get_link(transport, url, max_bytes)
    if isinstance(response, Failure):
        raise AddressRefusedError(response.reason) if response.final else _LaterError(response.reason)
    return _body(response, max_bytes)


def _is_address(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


async def get_link(transport: Transport, url: str, largest: int, *, beginning: bool = False) -> Response | Failure:
    """GET `url`, or what it redirects to. The arguments are those of `Transport.get`, and so is what it raises."""
    for _ in range(_REDIRECTS + 1):
        response = await transport.get(url, largest, beginning=beginning)
        if isinstance(response, Failure) or response.status not in _MOVED or "Location" not in response.headers:
            return response
        url = _target(url, response.headers["Location"])
    raise AddressRefusedError("the link redirects in circles")


def _target(url: str, location: str) -> str:
    """Return the address that a redirect leads to; an absolute one stays as it came."""
    if _is_address(location):
        return location
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise AddressRefusedError("the link redirects to a malformed address") from error


def _body(response: Response, max_bytes: int) -> bytes:
    if response.status != 200:
        headers = response.headers
        wait = parse_retry_after(headers.get("Retry-After"), time.time()) if response.status in (429, 503) else None
        reason = _WORDS.get(response.status, "the link answered with an error")
        raise _LaterError(f"{reason} ({response.status})", wait or 0.0)
    if response.oversize:
        size = f"{response.oversize / 2**20:.0f} MiB are more than the {max_bytes / 2**20:.0f} MiB allowed"
        raise PictureRefusedError(f"{size}: Client(max_bytes=…) allows more")
    return response.body
