"""Which addresses a picture may be fetched from: the guard against links into private networks.

A link comes from the service's answer, so it is not trusted. Two checks make one guard. `check_link` checks the text of
a link before every request and redirect, and returns the parsed address that is then connected to: one parser for
both. `check_address` checks each address where its socket is made, however it was resolved or spelled. Pure.

Public addresses are always allowed. Private ones are allowed by `ANY` (`allow_private_hosts=True`), or as the networks
of an endpoint that is itself on a private address: loopback for loopback, else the same /24 or /64. Never allowed are
link-local addresses, the metadata services of clouds, multicast, reserved ranges, and IPv6 addresses that hide an IPv4
address (6to4, Teredo, compatible, translated), except mapped and NAT64 ones, for which the address inside counts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from yarl import URL

__all__ = [
    "ANY",
    "PUBLIC",
    "AddressRefusedError",
    "Reach",
    "check_address",
    "check_link",
    "endpoint_reach",
]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*names: str) -> tuple[_Network, ...]:
    return tuple(map(ipaddress.ip_network, names))


_LOOPBACK = _networks("127.0.0.0/8", "::1/128")
_PRIVATE = (
    *_LOOPBACK,
    *_networks("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "fc00::/7"),
)
# Written out, because `is_global` differs between versions of Python.
_NEVER = _networks(
    "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128",  # metadata services: Alibaba, Azure, Amazon
)  # fmt: skip
_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_REFUSED = "the link leads to a private address"
_HOST = re.compile(r"[a-z0-9._-]+", re.IGNORECASE)
_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)
"""A host whose last label is a number is an address to the operating system, however it is spelled."""


class AddressRefusedError(OSError):
    """A link that is not followed; `str(error)` is the reason. Internal: it ends as a picture's `reason`.

    An `OSError`, because that is what a socket that cannot be made raises, and aiohttp passes on.
    """


@dataclass(frozen=True, slots=True)
class Reach:
    """Which addresses picture links may reach: every public one, and those of `networks`, which are private."""

    networks: tuple[_Network, ...] = ()

    def allows(self, address: _Address) -> bool:
        """Whether a connection to `address` may be made."""
        address = _unwrapped(address)
        if any(address in network for network in _NEVER):
            return False
        if any(address in network for network in _PRIVATE):
            return any(address in network for network in self.networks)
        return address.version == 4 or address in _UNICAST


PUBLIC = Reach()
ANY = Reach(_PRIVATE)


def _unwrapped(address: _Address) -> _Address:
    """Return the IPv4 address inside a mapped or NAT64 one, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        return address.ipv4_mapped or address
    return address


def _parsed(text: str) -> _Address:
    return ipaddress.ip_address(text.partition("%")[0])


def check_link(url: str, reach: Reach) -> URL:
    """Return the address to connect to, with path and query exactly as `url` has them.

    Raises:
        AddressRefusedError: Unless `url` is http(s), without credentials, and literally within `reach`.
    """
    try:
        link = _parse_link(url)
        host, _ = link.raw_host or "", link.port
    except (ValueError, IndexError) as error:  # UnicodeError too: half a surrogate pair; yarl before 1.18: "[]"
        raise AddressRefusedError("the link is malformed") from error
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if _NUMBER.fullmatch(host) or not _HOST.fullmatch(host):
            raise AddressRefusedError("the link's address is not in its plain form") from None
    else:
        if not reach.allows(address):
            raise AddressRefusedError(_REFUSED)
    return link


def _parse_link(url: str) -> URL:
    """Parse by yarl, as aiohttp does. Only the host is mapped (IDNA); characters that no URL may have are quoted."""
    from yarl import URL

    parts = URL(url, encoded=True)
    if parts.scheme not in ("http", "https"):
        raise AddressRefusedError("only http and https links are followed")
    if "@" in parts.raw_authority:
        raise AddressRefusedError("the link carries credentials")
    if not parts.raw_host:
        raise AddressRefusedError("the link names no host")
    origin = URL.build(scheme=parts.scheme, host=parts.raw_host, port=parts.explicit_port)
    return URL.build(
        scheme=parts.scheme,
        authority=origin.raw_authority,
        path=_quoted(parts.raw_path) or "/",
        query_string=_quoted(parts.raw_query_string),
        encoded=True,
    )


def _quoted(text: str) -> str:
    return re.sub(r"[^!-~]", lambda match: quote(match[0], errors="surrogateescape"), text)


def check_address(address: str, reach: Reach) -> None:
    """Refuse an address to which a connection would be made.

    Raises:
        AddressRefusedError: If it is beyond `reach`, or no address.
    """
    try:
        allowed = reach.allows(_parsed(address))
    except ValueError:
        allowed = False
    if not allowed:
        raise AddressRefusedError(_REFUSED)


def endpoint_reach(addresses: Iterable[str]) -> Reach:
    """Return how far pictures may reach when the endpoint has these addresses."""
    networks: set[_Network] = set()
    for address in map(_unwrapped, map(_parsed, addresses)):
        if any(address in network for network in _LOOPBACK):
            networks.update(_LOOPBACK)
        elif any(address in network for network in _PRIVATE):
            networks.add(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))
        else:
            return PUBLIC
    return Reach(tuple(sorted(networks, key=str)))
