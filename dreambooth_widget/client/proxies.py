"""Which proxy a request goes through: the one set by hand, else the one that the environment names.

The rules are those of `requests`: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, also in lower case, then the
settings of macOS and Windows. None of them counts for this machine itself. aiohttp's `trust_env` is not used: it would
read passwords from `~/.netrc` as well.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

__all__ = ["Proxy", "ProxyUnusableError", "check_proxy", "find_proxy", "parse_proxy"]

_TLS_IN_TLS = (3, 11)
"""The first Python whose asyncio can open a secure connection inside another one."""


class ProxyUnusableError(ValueError):
    """A proxy that cannot be used. `str(error)` is the reason, a clause without credentials."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy: its address without credentials, which stand in the value of `Proxy-Authorization`, in no repr."""

    url: str
    authorization: str = field(default="", repr=False)


async def find_proxy(scheme: str, host: str, port: int) -> Proxy | None:
    """Return the proxy that the environment names for an address, None to connect directly, as to this machine itself.

    Args:
        scheme: "http" or "https".
        host: A name, or an address without brackets.
        port: The port of the address.

    Raises:
        ProxyUnusableError: If the proxy is malformed or of a kind that cannot be used.
    """
    if _is_loopback(host):
        return None
    if not getproxies_environment() and sys.platform in ("darwin", "win32"):
        return await asyncio.to_thread(_choose, scheme, host, port)  # the system's settings may need a name look-up
    return _choose(scheme, host, port)


def _is_loopback(host: str) -> bool:
    """Whether `host` is this machine itself. A proxy would look for it on its own one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.rstrip(".").lower().split(".")[-1] == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _choose(scheme: str, host: str, port: int) -> Proxy | None:
    proxies = getproxies()
    address = proxies.get(scheme) or proxies.get("all")
    if not address or _bypassed(host, port, proxies):
        return None
    return check_proxy(parse_proxy(address), scheme)


def check_proxy(proxy: Proxy, scheme: str) -> Proxy:
    """Return `proxy` if it can serve requests of this scheme, "http" or "https".

    Raises:
        ProxyUnusableError: If it cannot.
    """
    if scheme == "https" and proxy.url.startswith("https:") and sys.version_info < _TLS_IN_TLS:
        raise ProxyUnusableError(f"the proxy {proxy.url} cannot be used: Python before 3.11 needs one over http")
    return proxy


def _bypassed(host: str, port: int, proxies: Mapping[str, str]) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(proxy_bypass(f"{host}:{port}"))
    return any(_names(entry.strip(), address) for entry in proxies.get("no", "").split(",")) or bool(
        proxy_bypass(f"[{host}]:{port}" if address.version == 6 else f"{host}:{port}")
    )


def _names(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an entry of NO_PROXY is this address, or a network with it."""
    try:
        return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False


def parse_proxy(text: str) -> Proxy:
    """Return the proxy that `text` names.

    Raises:
        TypeError: `text` is not a str.
        ProxyUnusableError: If it is malformed or of a kind that cannot be used.
    """
    if not isinstance(text, str):
        raise TypeError(f"proxy must be a str, not {type(text).__name__}")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ProxyUnusableError("the proxy's address is malformed") from None
    if not host:
        raise ProxyUnusableError("the proxy's address names no host")
    name = f"[{host}]" if ":" in host else host
    url = f"{parts.scheme}://{name}" + (f":{port}" if port else "")
    if parts.scheme not in ("http", "https"):
        raise ProxyUnusableError(f"the proxy {url} cannot be used; name one over http or https (HTTPS_PROXY, proxy=)")
    if not parts.username and not parts.password:
        return Proxy(url)
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return Proxy(url, "Basic " + base64.b64encode(login.encode()).decode())
