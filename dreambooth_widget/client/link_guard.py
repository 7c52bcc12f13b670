"""Which addresses a picture may be fetched from: the guard against links into private networks.

A link comes from the service's answer, so it is not trusted. Two checks make one guard: `check_link` looks at
the text of the link before every request and every redirect, and `guarded_resolver` looks at what a host
name resolves to, inside aiohttp's connector, so that it holds for the connection that is actually made.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

__all__ = ["AddressRefusedError", "Reach", "check_link", "guarded_resolver", "is_private_host"]

Reach = Literal["public", "private", "any"]
"""How far picture links may reach: global addresses only; private and loopback ones too; every unicast address."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefusedError(ValueError):
    """A link that is not followed; `str(error)` is the reason. Internal: it ends as a picture's `reason`."""


def _unwrapped(address: _Address) -> _Address:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return inner or address


def _allowed(address: _Address, reach: Reach) -> bool:
    address = _unwrapped(address)
    if address.is_multicast or address.is_unspecified:
        return False
    if reach == "any":
        return True
    # Link-local is where clouds keep their metadata service: no stand-in endpoint needs it.
    return address.is_global or (reach == "private" and not address.is_link_local)


def _literal(host: str) -> _Address | None:
    """The address that `host` spells, None for a name.

    "2130706433" and "0177.0.0.1" spell an address too, for the operating system; aiohttp passes them on
    unresolved, so what looks like a number and is no plain address is refused here.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if ":" in host or host.replace(".", "").isdigit():
        raise AddressRefusedError("the link's address is not in its plain form")
    return None


def check_link(url: str, reach: Reach) -> None:
    """Raise `AddressRefusedError` unless `url` is http(s), without credentials, and literally within `reach`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefusedError("the link is malformed") from error
    if parts.scheme not in {"http", "https"}:
        raise AddressRefusedError("only http and https links are followed")
    if parts.username is not None or parts.password is not None:
        raise AddressRefusedError("the link carries credentials")
    if not host:
        raise AddressRefusedError("the link names no host")
    address = _literal(host)
    if address is not None and not _allowed(address, reach):
        raise AddressRefusedError("the link leads to a private address")


async def is_private_host(host: str) -> bool:
    """Whether every address of `host` is private or loopback: an endpoint on this machine or in this network."""
    try:
        literal = _literal(host)
    except AddressRefusedError:
        return False
    if literal is not None:
        return not _unwrapped(literal).is_global
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    addresses = {_unwrapped(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found}
    return bool(addresses) and not any(address.is_global for address in addresses)


def guarded_resolver(reach: Reach) -> AbstractResolver:
    """An aiohttp resolver that keeps only the addresses within `reach`, and raises when none is left."""
    from aiohttp.abc import AbstractResolver, ResolveResult
    from aiohttp.resolver import ThreadedResolver

    class GuardedResolver(AbstractResolver):
        def __init__(self) -> None:
            self._resolver = ThreadedResolver()

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            found = await self._resolver.resolve(host, port, family)
            kept = [entry for entry in found if _allowed(ipaddress.ip_address(entry["host"].partition("%")[0]), reach)]
            if found and not kept:
                raise AddressRefusedError("the link leads to a private address")
            return kept

        async def close(self) -> None:
            await self._resolver.close()

    return GuardedResolver()
