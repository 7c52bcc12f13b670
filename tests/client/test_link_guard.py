"""The address guard: which links may be followed, by their text and by what they resolve to."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from dreambooth_widget.client.link_guard import AddressRefusedError, check_link, guarded_resolver, is_private_host

PRIVATE = [
    "http://127.0.0.1/a.png",
    "http://10.1.2.3/a.png",
    "http://192.168.0.1/a.png",
    "http://172.16.0.1/a.png",
    "http://100.64.0.1/a.png",
    "http://[::1]/a.png",
    "http://[::ffff:127.0.0.1]/a.png",
    "http://[64:ff9b::7f00:1]/a.png",
    "http://[2002:7f00:1::]/a.png",
    "http://[fd00::1]/a.png",
]
NEVER_WITHOUT_ASKING = [
    "http://169.254.169.254/latest/meta-data",
    "http://[fe80::1%25eth0]/a.png",
    "http://[::ffff:169.254.169.254]/a.png",
    "http://0.0.0.0/a.png",
    "http://[::]/a.png",
    "http://224.0.0.1/a.png",
    "http://[ff02::1]/a.png",
]
MALFORMED = [
    "http://2130706433/a.png",
    "http://0177.0.0.1/a.png",
    "http://127.1/a.png",
    "http://user:password@example.com/a.png",
    "http://user@example.com/a.png",
    "file:///etc/passwd",
    "ftp://example.com/a.png",
    "gopher://example.com",
    "javascript:alert(1)",
    "http:///a.png",
    "http://[::1/a.png",
    "http://example.com:99999/a.png",
    "//example.com/a.png",
    "",
]


@pytest.mark.parametrize("url", PRIVATE + NEVER_WITHOUT_ASKING + MALFORMED)
def test_a_public_reach_refuses(url: str) -> None:
    """Private, special, malformed and oddly spelled addresses are refused when the endpoint is public."""
    with pytest.raises(AddressRefusedError):
        check_link(url, "public")


@pytest.mark.parametrize("url", NEVER_WITHOUT_ASKING + MALFORMED)
def test_a_private_endpoint_does_not_open_special_addresses(url: str) -> None:
    """A stand-in on a private address does not open link-local (metadata), multicast or odd spellings."""
    with pytest.raises(AddressRefusedError):
        check_link(url, "private")


@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_endpoint_opens_private_addresses(url: str) -> None:
    """With the endpoint on a private address, pictures may be there too."""
    check_link(url, "private")


@pytest.mark.parametrize("url", ["https://pub-1.r2.dev/a.png", "http://1.1.1.1/a.png", "https://[2606:4700::1]:8443/x"])
def test_public_addresses_are_followed(url: str) -> None:
    """Names and global addresses pass."""
    check_link(url, "public")


def _resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Let every name resolve to `answers` in turn."""
    turns = iter(answers)

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port or 0))) for address in next(turns)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_a_name_that_resolves_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver inside the connector refuses it, whatever an earlier check saw (DNS rebinding)."""
    _resolving(monkeypatch, ["93.184.216.34"], ["10.0.0.1"])
    resolver = guarded_resolver("public")
    assert [entry["host"] for entry in await resolver.resolve("a.example", 80)] == ["93.184.216.34"]
    with pytest.raises(AddressRefusedError):
        await resolver.resolve("a.example", 80)


async def test_private_addresses_are_dropped_from_a_mixed_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several addresses only the public ones are connected to."""
    _resolving(monkeypatch, ["10.0.0.1", "93.184.216.34"])
    assert [entry["host"] for entry in await guarded_resolver("public").resolve("a.example", 80)] == ["93.184.216.34"]


@pytest.mark.parametrize("name", ["0x7f.0.0.1", "0x7f000001", "localhost"])
async def test_spellings_that_only_the_system_understands_are_refused(name: str) -> None:
    """Hexadecimal spellings go through the system's resolver, and its answer is looked at."""
    with pytest.raises((AddressRefusedError, OSError)):
        await guarded_resolver("public").resolve(name, 80)


async def test_what_counts_as_a_private_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback and private literals, and names all of whose addresses are private."""
    assert await is_private_host("127.0.0.1")
    assert await is_private_host("localhost")
    assert not await is_private_host("1.1.1.1")
    _resolving(monkeypatch, ["10.0.0.1", "93.184.216.34"], ["10.0.0.1"])
    assert not await is_private_host("mixed.example")
    assert await is_private_host("intranet.example")
