"""The address guard: which links may be followed, by their text and by the address that is connected to."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.client.link_guard import (
    ANY,
    PUBLIC,
    AddressRefusedError,
    Reach,
    check_address,
    check_link,
    endpoint_reach,
)

LOOPBACK = Reach((ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")))
PRIVATE = [
    "http://127.0.0.1/a.png",
    "http://10.1.2.3/a.png",
    "http://192.168.0.1/a.png",
    "http://172.16.0.1/a.png",
    "http://100.64.0.1/a.png",
    "http://198.18.0.1/a.png",
    "http://[::1]/a.png",
    "http://[::ffff:127.0.0.1]/a.png",
    "http://[64:ff9b::7f00:1]/a.png",
    "http://[fd00::1]/a.png",
]
METADATA = [
    "http://169.254.169.254/latest/meta-data",
    "http://169。254。169。254/",
    "http://[::ffff:169.254.169.254]/a.png",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://[fd00:ec2::254]/",
]
NEVER = [
    *METADATA,
    "http://[fe80::1%25eth0]/a.png",
    "http://[fe80::1]/a.png",
    "http://[fec0::1]/a.png",
    "http://0.0.0.0/a.png",
    "http://[::]/a.png",
    "http://224.0.0.1/a.png",
    "http://255.255.255.255/a.png",
    "http://[ff02::1]/a.png",
    "http://[2002:7f00:1::]/a.png",
    "http://[2001:0:7f00:1::1]/a.png",
    "http://[::10.0.0.1]/a.png",
    "http://[::ffff:0:10.0.0.1]/a.png",
    "http://[64:ff9b:1::a00:1]/a.png",
]
MALFORMED = [
    "http://2130706433/a.png",
    "http://0177.0.0.1/a.png",
    "http://0x7f.0.0.1/a.png",
    "http://0x7f000001/a.png",
    "http://127.1/a.png",
    "http://127.0.0.1./a.png",
    "http://127.0.0.%31/a.png",
    "http://user:password@example.com/a.png",
    "http://user@example.com/a.png",
    "http://@example.com/a.png",
    "http://example.com\\@127.0.0.1/a.png",
    "file:///etc/passwd",
    "ftp://example.com/a.png",
    "gopher://example.com",
    "javascript:alert(1)",
    "http:///a.png",
    "http://[::1/a.png",
    "http://[::1",
    "http://example.com:99999/a.png",
    "http://example.com:x/a.png",
    "http://exa mple.com/a.png",
    "http://\ud83d.example/a.png",
    "http://example.com/\ud83d.png",
    "//example.com/a.png",
    "",
]


@pytest.mark.parametrize("url", PRIVATE + NEVER + MALFORMED)
def test_public_reach_refuses_private(url: str) -> None:
    """Private, special, malformed and oddly spelled addresses are refused when the endpoint is public."""
    with pytest.raises(AddressRefusedError):
        check_link(url, PUBLIC)


@pytest.mark.parametrize("url", NEVER + MALFORMED)
@pytest.mark.parametrize("reach", [LOOPBACK, ANY])
def test_special_addresses_stay_refused(url: str, reach: Reach) -> None:
    """Neither a private endpoint nor `allow_private_hosts=True` opens metadata, link-local or multicast addresses."""
    with pytest.raises(AddressRefusedError):
        check_link(url, reach)


@pytest.mark.parametrize("url", PRIVATE)
def test_allowed_private_hosts_pass(url: str) -> None:
    """With `allow_private_hosts=True` pictures may be on private addresses."""
    check_link(url, ANY)


@pytest.mark.parametrize(
    ("endpoint", "inside", "outside"),
    [
        ("127.0.0.1", ["127.0.0.1", "127.1.2.3", "[::1]"], ["10.0.0.1", "192.168.0.1", "[fd00:ec2::254]"]),
        ("192.168.7.1", ["192.168.7.200"], ["127.0.0.1", "192.168.8.1", "10.0.0.1"]),
        ("100.64.5.1", ["100.64.5.2"], ["100.64.6.1", "100.100.100.200"]),
        ("100.100.100.1", ["100.100.100.2"], ["100.100.100.200"]),
        ("fd00:ec2::1", ["[fd00:ec2::2]"], ["[fd00:ec2::254]", "[fd00:ec3::1]", "127.0.0.1"]),
        ("1.1.1.1", ["1.0.0.1"], ["127.0.0.1", "10.0.0.1"]),
        ("169.254.1.1", ["1.0.0.1"], ["169.254.1.1", "169.254.1.2"]),
    ],
)
def test_endpoint_opens_its_network(endpoint: str, inside: list[str], outside: list[str]) -> None:
    """An endpoint on a private address opens its own network to pictures, and nothing else."""
    reach = endpoint_reach([endpoint])
    for host in inside:
        check_link(f"http://{host}/a.png", reach)
    for host in outside:
        with pytest.raises(AddressRefusedError):
            check_link(f"http://{host}/a.png", reach)


@pytest.mark.parametrize(
    "url",
    [
        "https://pub-1.r2.dev/a.png?t=image%2Fpng",
        "http://1.1.1.1/a%7Eb.png",
        "https://[2606:4700::1]:8443/x?x=%28y%29&&=+%20",
        "https://a_b.example/a/../b//c.png?q=[1]|'",
        "https://a.example:8080/%e4%BD?sig=A%2bB%2Fc%3D",
        "http://[64:ff9b::101:101]/",
    ],
)
def test_public_links_leave_as_they_came(url: str) -> None:
    """Names and global addresses pass, and path and query are sent byte for byte: signatures are over the raw text."""
    link = check_link(url, PUBLIC)
    assert link.raw_path_qs == "/" + url.split("://")[1].partition("/")[2]


def test_foreign_characters_are_quoted() -> None:
    """What no URL may contain is percent-encoded, and nothing else; a line break cannot reach the wire."""
    link = check_link("https://bücher.example/ä b%2F\udce4.png?q=\x7f\u2028\r\nHost: x", PUBLIC)
    assert link.raw_host == "xn--bcher-kva.example"
    assert link.raw_path_qs == "/%C3%A4%20b%2F%E4.png?q=%7F%E2%80%A8Host:%20x"


DIGITS = [
    {digit: chr(0xFF10 + digit) for digit in range(10)},  # full-width
    {0: "⓪", **{digit: chr(0x2460 + digit - 1) for digit in range(1, 10)}},  # circled
    {digit: chr(0x1D7CE + digit) for digit in range(10)},  # mathematical bold
    {0: "₀", **{digit: chr(0x2080 + digit) for digit in range(1, 10)}},  # subscripts
]
REFUSED_NETWORKS = [
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "0.0.0.0/8",
    "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "168.63.129.16/32",
]  # fmt: skip


def spellings(address: ipaddress.IPv4Address) -> st.SearchStrategy[str]:
    """Return every way to write an IPv4 address as a URL's host that came to mind."""
    octets = list(address.packed)
    number = int(address)
    dotted = str(address)
    numbers = [
        "{}.{}.{}.{}".format(*(f"0{octet:o}" for octet in octets)),
        "{}.{}.{}.{}".format(*(f"{octet:#x}" for octet in octets)),
        "{}.{}.{}.{}".format(*(f"{octet:03d}" for octet in octets)),
        f"{octets[0]}.{octets[1]}.{number & 0xFFFF}",
        f"{octets[0]}.{number & 0xFFFFFF}",
        f"{number}", f"{number:#x}", f"0{number:o}", f"0x{number:X}", dotted,
    ]  # fmt: skip
    inside_six = [
        f"[::ffff:{dotted}]", f"[::{dotted}]", f"[::ffff:0:{dotted}]", f"[64:ff9b::{dotted}]", f"[64:ff9b:1::{dotted}]",
        f"[{ipaddress.IPv6Address((0x2002 << 112) | (number << 80))}]",
        f"[{ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF))}]",
        f"[{ipaddress.IPv6Address((0xFFFF << 32) | number).exploded}]",
        f"[::ffff:{dotted}%251]", f"[::ffff:{dotted}%eth0]",
    ]  # fmt: skip
    disguises = st.sampled_from(
        [
            lambda host: host,
            lambda host: host + ".",
            lambda host: host.replace(".", "。"),
            lambda host: host.replace(".", "\uff0e"),
            lambda host: host.replace(".", "\uff61"),
            lambda host: host.replace(".", "%2e"),
            lambda host: "".join(f"%{ord(char):02x}" for char in host),
            lambda host: quote(host.replace(".", "。")),
            lambda host: f"user:password@{host}",
            lambda host: f"example.com\\@{host}",
            lambda host: f"{host}:80",
            lambda host: f"{host[0]}\u00ad{host[1:]}",
            lambda host: f"{host[0]}\u200b{host[1:]}",
            lambda host: f"{host[0]}\t{host[1:]}",
            lambda host: f"{host}\u3000",
            *[lambda host, table=table: "".join(table.get(int(c), c) if c in "0123456789" else c for c in host)
              for table in DIGITS],
        ]
    )  # fmt: skip
    plain = st.builds(lambda host, first, then: then(first(host)), st.sampled_from(numbers), disguises, disguises)
    return plain | st.builds(lambda host, disguise: disguise(host), st.sampled_from(inside_six), disguises)


@st.composite
def hidden(draw: st.DrawFn) -> str:
    """A link to a private address in disguise."""
    network = ipaddress.ip_network(draw(st.sampled_from(REFUSED_NETWORKS)))
    offset = draw(st.integers(0, network.num_addresses - 1) | st.just(min(1, network.num_addresses - 1)))
    address = network[offset]
    assert isinstance(address, ipaddress.IPv4Address)
    return f"{draw(st.sampled_from(['http', 'HTTPS', 'Http']))}://{draw(spellings(address))}/a.png"


def connects_to(link: Any, reach: Reach) -> list[str]:
    """Return the addresses to which aiohttp would connect: what the host is, or what the system makes of it."""
    try:
        found = socket.getaddrinfo(link.raw_host, 80, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    reached = []
    for _, _, _, _, (address, *_) in found:
        with contextlib.suppress(AddressRefusedError):
            check_address(str(address), reach)
            reached.append(address)
    return reached


@given(hidden())
def test_no_spelling_passes_the_guard(url: str) -> None:
    """Whatever spells a private address is refused: by its text, or where the socket is made."""
    try:
        link = check_link(url, PUBLIC)
    except AddressRefusedError:
        return
    # A name is left, that no resolver leads to a private address.
    with pytest.raises(ValueError, match="does not appear"):
        ipaddress.ip_address(link.raw_host)
    assert connects_to(link, PUBLIC) == []


@given(st.text(max_size=40) | st.text("htp:/[]@%#?.01x。⑫\\", max_size=30).map("http://".__add__))
def test_any_text_is_judged(text: str) -> None:
    """Any text is a link to a plain host, or is refused; nothing else is raised, and nothing unquoted is left."""
    try:
        link = check_link(text, PUBLIC)
    except AddressRefusedError:
        return
    assert str(link).isascii()
    assert str(link).isprintable()
    assert " " not in str(link)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("1.1.1.1", True),
        ("x", False),
    ],
)
def test_addresses_are_guarded(host: str, allowed: bool) -> None:
    """An address beyond the reach is refused however it was resolved, and so is what is no address."""
    if allowed:
        check_address(host, PUBLIC)
    else:
        with pytest.raises(AddressRefusedError):
            check_address(host, PUBLIC)


def test_mixed_endpoint_is_public() -> None:
    """An endpoint with a public address beside a private one opens nothing."""
    assert endpoint_reach(["10.0.0.1", "93.184.216.34"]) == PUBLIC
    assert endpoint_reach(["10.0.0.1", "10.0.0.2"]) == Reach((ipaddress.ip_network("10.0.0.0/24"),))
