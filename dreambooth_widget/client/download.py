"""From one link of an answer to one believed `Picture`: redirects, caps, retries, and the reason when it fails."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import random
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ..images.picture import Picture
from ..images.sniff import PictureRefusedError
from .link_guard import AddressRefusedError, check_link

if TYPE_CHECKING:
    import aiohttp

    from ..protocol.answers import PictureLink
    from .options import Limits
    from .schedule import Retry
    from .transport import Transport

__all__ = ["MissingPictureError", "download"]

_REDIRECTS = 5
_PATIENCE = 4.0
"""Picture links need longer than API calls: the back-off of `Retry`, stretched by this (2, 4, 8, 16, 20 s)."""


class MissingPictureError(Exception):
    """One link gave no picture; `str(error)` is the reason for its tile. Internal: it never ends a job."""


class _LaterError(Exception):
    """This try failed, the next may not; `str(error)` is the reason."""


async def download(
    network: Transport,
    link: PictureLink,
    *,
    limits: Limits,
    retry: Retry,
    on_retry: Callable[[str], None],
    check: Callable[[bytes, str], Awaitable[Picture]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Picture:
    """The picture behind `link`, or behind its fallback once the link has failed for good.

    `on_retry` is told, before each wait, what failed and when the next try is. `check` gives the
    picture in the bytes that came from an address, or raises `PictureRefusedError`. Raises `MissingPictureError`.
    """

    patience = replace(retry, first=min(retry.first * _PATIENCE, retry.longest))
    try:
        return await _persist(network, link.url, check, limits, patience, on_retry, sleep)
    except MissingPictureError:
        if link.fallback is None:
            raise
        on_retry("trying the proxy link")
        return await _persist(network, link.fallback, check, limits, replace(patience, attempts=2), on_retry, sleep)


async def _persist(
    network: Transport,
    url: str,
    check: Callable[[bytes, str], Awaitable[Picture]],
    limits: Limits,
    retry: Retry,
    on_retry: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]],
) -> Picture:
    for attempt in range(1, retry.attempts + 1):
        try:
            async with network.picture_place():
                data = await _payload(network, url, limits)
                return await check(data, url)
        except (AddressRefusedError, PictureRefusedError) as error:
            raise MissingPictureError(str(error)) from error
        except _LaterError as error:
            if attempt == retry.attempts:
                raise MissingPictureError(str(error)) from error
            wait = retry.delay(attempt + 1, random())
            on_retry(f"{error}; attempt {attempt + 1} of {retry.attempts} in {wait:.0f} s")
            await sleep(wait)
    raise AssertionError("unreachable: attempts is at least 1")  # pragma: no cover


async def _payload(network: Transport, url: str, limits: Limits) -> bytes:
    """The bytes behind `url`: fetched, or `url` itself where it is a `data:` URI or raw base64."""
    if not url.lower().startswith(("http://", "https://")):
        if "://" in url[:16]:
            check_link(url, "public")  # raises: not http(s)
        return url.encode()
    for _ in range(_REDIRECTS + 1):
        check_link(url, await network.reach())
        location, data = await _fetch(network, url, limits.max_bytes)
        if location is None:
            return data
        url = urljoin(url, location)
    raise AddressRefusedError("the link redirects in circles")


async def _fetch(network: Transport, url: str, max_bytes: int) -> tuple[str | None, bytes]:
    """(redirect target, b"") or (None, the body). Raises `_LaterError` for what a later try may mend."""
    import aiohttp

    try:
        async with network.get(url) as response:
            if response.status in {301, 302, 303, 307, 308} and "Location" in response.headers:
                return response.headers["Location"], b""
            if response.status != 200:
                raise _LaterError(f"the link answered {response.status}")
            if (response.content_length or 0) > max_bytes:
                raise PictureRefusedError(_too_large(response.content_length or 0, max_bytes))
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise PictureRefusedError("the picture came compressed, which was not asked for")
            return None, await _counted(response, max_bytes)
    except (aiohttp.InvalidURL, UnicodeError) as error:
        raise AddressRefusedError("the link is malformed") from error
    except (asyncio.TimeoutError, aiohttp.ServerTimeoutError) as error:
        raise _LaterError("the link did not answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise _LaterError("the connection to the picture's host failed") from error


async def _counted(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = io.BytesIO()  # its getvalue() hands over the buffer, where bytes(bytearray) would copy a hundred mebibytes
    async for chunk in response.content.iter_chunked(256 * 1024):
        body.write(chunk)
        if body.tell() > max_bytes:
            raise PictureRefusedError(_too_large(body.tell(), max_bytes))
    return body.getvalue()


def _too_large(size: int, max_bytes: int) -> str:
    return (
        f"{size / 2**20:.0f} MiB are more than the {max_bytes / 2**20:.0f} MiB allowed: Client(max_bytes=…) allows more"
    )
