"""Proxies: which one a request goes through, and real ones on loopback, with and without credentials."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dreambooth_widget import EndpointUnreachableError
from dreambooth_widget.client import proxies
from dreambooth_widget.client.exchange import Failure
from dreambooth_widget.client.link_guard import AddressRefusedError
from dreambooth_widget.client.proxies import Proxy, ProxyUnusableError, check_proxy, find_proxy, parse_proxy
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answer_types import Busy, Processing, Refused

from ..endpoint import CANARY, PROCESSING, Endpoint, png
from ..proxy import ForwardProxy
from ..raw_server import raw_server

LOGIN = "corp%40user:pr0xy-s3cret"
"""As it stands in a proxy's address: the user's name has an @."""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without a proxy."""
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


@pytest.fixture
async def proxy() -> AsyncIterator[ForwardProxy]:
    """A proxy that wants no credentials."""
    async with ForwardProxy() as proxy:
        yield proxy


def named(endpoint: Endpoint, name: str = "stand-in.invalid") -> str:
    """The endpoint's address under a name that only the proxy can resolve."""
    return endpoint.url.replace("127.0.0.1", name)


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, ("https", "a.example", 443), None),
        ({"HTTPS_PROXY": "http://p:1"}, ("https", "a.example", 443), "http://p:1"),
        ({"https_proxy": "http://p:1"}, ("https", "a.example", 443), "http://p:1"),
        ({"HTTPS_PROXY": "p:1"}, ("https", "a.example", 443), "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, ("http", "a.example", 80), None),
        ({"HTTP_PROXY": "http://[::1]:3128"}, ("http", "a.example", 80), "http://[::1]:3128"),
        ({"ALL_PROXY": "http://p:1"}, ("http", "a.example", 80), "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:2"}, ("https", "a.example", 443), "http://q:2"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "example"}, ("https", "a.example", 443), None),
        ({"ALL_PROXY": "http://p:1", "no_proxy": ".example"}, ("https", "a.example", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "ample"}, ("https", "a.example", 443), "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"}, ("https", "a.example", 443), "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"}, ("https", "a.example", 8443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, ("https", "a.example", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "x, 10.0.0.0/8"}, ("http", "10.1.2.3", 80), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, ("http", "11.1.2.3", 80), "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.1:80"}, ("http", "10.0.0.1", 80), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "fd00::1"}, ("http", "fd00::1", 80), None),
        ({"ALL_PROXY": "http://p:1"}, ("http", "localhost.example", 80), "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, ("http", "128.0.0.1", 80), "http://p:1"),
    ],
)
async def test_environment_names_the_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: tuple[str, str, int], expected: str | None
) -> None:
    """By the same rules as `requests`."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = await find_proxy(*url)
    assert (found and found.url) == expected


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
)
async def test_loopback_needs_no_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """A proxy on another machine would look for the endpoint there, and receive the key."""
    monkeypatch.setenv("ALL_PROXY", "socks5://p:1")
    assert await find_proxy("http", host, 8000) is None


def test_credentials_stand_apart() -> None:
    """The address has none of them, and no repr shows them."""
    proxy = parse_proxy(f"http://{LOGIN}@proxy.example:3128/")
    assert proxy == Proxy("http://proxy.example:3128", "Basic Y29ycEB1c2VyOnByMHh5LXMzY3JldA==")
    assert "s3cret" not in repr(proxy)
    assert proxy.authorization not in repr(proxy)


@pytest.mark.parametrize(
    "text", ["socks5://u:s3cret@p:1080", "http://u:s3cret@:80", "http://u:s3cret@p:x", "http://[::1"]
)
def test_unusable_proxy_is_named(text: str) -> None:
    """The reason names the proxy where it can, and never its credentials."""
    with pytest.raises(ProxyUnusableError) as caught:
        parse_proxy(text)
    assert "proxy" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    if text.startswith("socks"):
        assert "socks5://p:1080" in str(caught.value)
        assert "name one over http or https" in str(caught.value)


def test_secure_proxy_needs_python_311(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before that asyncio cannot open a secure connection inside another one."""
    monkeypatch.setattr(proxies, "_TLS_IN_TLS", (99,))
    proxy = parse_proxy("https://p:1")
    with pytest.raises(ProxyUnusableError, match="https://p:1"):
        check_proxy(proxy, "https")
    assert check_proxy(proxy, "http") is proxy


@pytest.mark.parametrize("by_hand", [True, False])
async def test_polls_and_pictures_use_the_proxy(
    endpoint: Endpoint, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    """A host that only the proxy can resolve answers the poll and gives the picture, with the raw path kept."""
    if not by_hand:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
    transport = Transport(ApiKey(CANARY), named(endpoint), proxy=proxy.url if by_hand else None)
    endpoint.answers = [PROCESSING]
    endpoint.serve("1.png", png())
    link = endpoint.link("1.png").replace("127.0.0.1", "pictures.invalid") + "?t=image%2Fpng"
    assert isinstance(await transport.poll("1"), Processing)
    response = await transport.get(link, 100_000)
    assert not isinstance(response, Failure)
    assert response.body == png()
    assert [target for _, target, _ in proxy.seen] == [named(endpoint), link]
    await transport.close()


async def test_loopback_is_reached_directly(
    endpoint: Endpoint, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy of the environment sees neither the poll, which has the key, nor the picture."""
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    transport = Transport(ApiKey(CANARY), endpoint.url)
    endpoint.answers = [PROCESSING]
    assert isinstance(await transport.poll("1"), Processing)
    assert not isinstance(await transport.get(endpoint.serve("1.png", png()), 100_000), Failure)
    assert proxy.seen == []
    await transport.close()


async def test_credentials_reach_the_proxy_only(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With them it lets through, and neither the endpoint nor a log sees them."""
    caplog.set_level(logging.DEBUG)
    async with ForwardProxy("corp@user:pr0xy-s3cret") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url_with(LOGIN))
        transport = Transport(ApiKey(CANARY), named(endpoint))
        endpoint.answers = [PROCESSING]
        assert isinstance(await transport.poll("1"), Processing)
        await transport.close()
    assert "proxy-authorization" in proxy.seen[0][2]
    assert not any("authorization" in name.lower() for seen in endpoint.seen for name in seen.headers)
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_refusal_names_the_proxy(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    """A proxy that wants other credentials is no account matter, and the reason holds no password."""
    caplog.set_level(logging.DEBUG)
    async with ForwardProxy("other:login") as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url_with(LOGIN))
        transport = Transport(ApiKey(CANARY), named(endpoint).replace("http:", f"{scheme}:"))
        answer = await transport.poll("1")
        await transport.close()
    assert endpoint.seen == []
    assert "s3cret" not in repr(answer) + caplog.text
    if scheme == "https":
        assert isinstance(answer, Busy)
        assert answer.reason == f"the proxy {proxy.url} refused the connection with 407 (it asks for credentials)"


async def test_dead_proxy_is_named(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is not there is the reason, by its address."""
    async with ForwardProxy() as proxy:
        pass
    monkeypatch.setenv("HTTP_PROXY", proxy.url_with(LOGIN))
    transport = Transport(ApiKey(CANARY), named(endpoint))
    assert await transport.poll("1") == Busy(f"the proxy {proxy.url} could not be reached")
    await transport.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_proxy_that_hangs_up_is_named(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """A proxy that closes the connection without an answer may be the reason."""

    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with raw_server(hang_up) as address:
        proxy = address.removesuffix("/fetch")
        monkeypatch.setenv("ALL_PROXY", proxy)
        transport = Transport(ApiKey(CANARY), f"{scheme}://stand-in.invalid/fetch")
        reason = f"the connection through the proxy {proxy} was closed before the answer came"
        assert await transport.poll("1") == Busy(reason)
        await transport.close()


async def test_socks_proxy_ends_at_once(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is final and names it; a picture is refused with the same words."""
    monkeypatch.setenv("ALL_PROXY", "socks5h://u:s3cret@proxy.example:1080")
    transport = Transport(ApiKey(CANARY), named(endpoint))
    answer = await transport.poll("1")
    assert isinstance(answer, Refused)
    assert answer.error is EndpointUnreachableError
    assert "socks5h://proxy.example:1080" in answer.message
    with pytest.raises(AddressRefusedError, match="socks5h://proxy"):
        await transport.get("http://pictures.invalid/1.png", 100)
    await transport.close()


async def test_unusable_proxy_by_hand(endpoint: Endpoint) -> None:
    """It is refused when it is set."""
    with pytest.raises(ValueError, match="socks4://p"):
        Transport(ApiKey(CANARY), endpoint.url, proxy="socks4://p")


@pytest.mark.parametrize("link", ["http://10.0.0.1/a.png", "http://169.254.169.254/", "http://localhost/a.png"])
async def test_proxy_opens_no_private_address(endpoint: Endpoint, proxy: ForwardProxy, link: str) -> None:
    """Literal private addresses stay refused behind a proxy, and names that this machine can resolve to one."""
    transport = Transport(ApiKey(CANARY), "http://service.invalid/fetch", proxy=proxy.url)
    with pytest.raises(AddressRefusedError, match="private address"):
        await transport.get(link, 100)
    assert proxy.seen == []


async def test_netrc_is_never_read(
    endpoint: Endpoint, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A password of ~/.netrc is in no request, with a proxy or without."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login someone password n3trc-s3cret\nmachine 127.0.0.1 login a password n3trc-s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    endpoint.answers = [PROCESSING]
    for address in (None, proxy.url):
        transport = Transport(ApiKey(CANARY), endpoint.url, proxy=address)
        await transport.poll("1")
        await transport.get(endpoint.serve("1.png", png()), 100_000)
        await transport.close()
    headers = [seen.headers for seen in endpoint.seen] + [headers for _, _, headers in proxy.seen]
    assert len(headers) == 6
    assert not any("authorization" in name.lower() for each in headers for name in each)
