"""Certificates: which are trusted, what is reported about those that are not. `trustme` makes them for each test."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
import truststore

from dreambooth_widget import Client, EndpointUnreachableError, PictureError
from dreambooth_widget.client import tls
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answer_types import Processing, Refused

from ..endpoint import CANARY, PROCESSING, Endpoint, png
from ..proxy import ForwardProxy

YESTERDAY = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
AUTHORITY = trustme.CA()


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the system's certificates alone."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    tls._contexts.clear()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a file with the certificate of the tests' authority."""
    file = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(file))
    return file


def serving(*names: str, not_after: datetime.datetime | None = None) -> ssl.SSLContext:
    """Return a context of a server with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names, not_after=not_after).configure_cert(context)
    return context


@pytest.fixture
async def secure() -> AsyncIterator[Endpoint]:
    """An endpoint over https, with a certificate of an authority that no system trusts."""
    endpoint = Endpoint(PROCESSING)
    endpoint.context = serving("127.0.0.1", "stand-in.invalid")
    async with endpoint:
        yield endpoint


async def polled(endpoint: Endpoint) -> object:
    """Return the answer to one poll."""
    transport = Transport(ApiKey(CANARY), endpoint.url)
    try:
        return await transport.poll("1")
    finally:
        await transport.close()


async def test_unknown_issuer_ends_at_once(secure: Endpoint) -> None:
    """The answer is final, names the problem and what to set; the key was not sent."""
    answer = await polled(secure)
    assert isinstance(answer, Refused)
    assert answer.error is EndpointUnreachableError
    assert answer.message.startswith("The certificate of 127.0.0.1 comes from an unknown issuer; set SSL_CERT_FILE")
    assert secure.seen == []


@pytest.mark.parametrize(
    ("names", "not_after", "words"),
    [
        (["127.0.0.1"], YESTERDAY, "has expired"),
        (["other.example"], None, "is for another name"),
        (["127.0.0.2"], None, "is for another name"),
    ],
)
async def test_problems_are_named(
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    not_after: datetime.datetime | None,
    words: str,
) -> None:
    """An expired certificate and one for another name, of an authority that is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    endpoint = Endpoint(PROCESSING)
    endpoint.context = serving(*names, not_after=not_after)
    async with endpoint:
        answer = await polled(endpoint)
    assert isinstance(answer, Refused)
    assert words in answer.message


async def test_bad_certificate_makes_picture_missing(secure: Endpoint, endpoint: Endpoint) -> None:
    """Its reason has the same words, and it is not tried again."""
    endpoint.answers = [endpoint.success(secure.serve("1.png", png()))]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        with pytest.raises(PictureError) as caught:
            await client.fetch(1)
    assert "comes from an unknown issuer; set SSL_CERT_FILE" in caught.value.details
    assert secure.seen == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_variables_name_a_file(
    secure: Endpoint, bundle: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A file that is named while the client is in use counts from the next request on."""
    transport = Transport(ApiKey(CANARY), secure.url)
    assert isinstance(await transport.poll("1"), Refused)
    monkeypatch.setenv(variable, str(bundle))
    assert isinstance(await transport.poll("1"), Processing)
    await transport.close()


@pytest.fixture
def folder(bundle: Path, tmp_path: Path) -> Path:
    """Return a folder of certificates, named by their hashes."""
    if shutil.which("openssl") is None:
        pytest.skip("the names in such a folder are OpenSSL's")
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(bundle)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    folder = tmp_path / "certificates"
    folder.mkdir()
    shutil.copy(bundle, folder / f"{name}.0")
    return folder


@pytest.mark.parametrize("variable", ["SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
async def test_variables_name_a_folder(
    secure: Endpoint, folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A folder of certificates serves as well as a file."""
    monkeypatch.setenv(variable, str(folder))
    assert isinstance(await polled(secure), Processing)


async def test_useless_file_is_logged(
    secure: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A variable that names nothing usable is no failure by itself: the system's certificates still count."""
    (tmp_path / "empty.pem").write_text("nothing")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "empty.pem"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "missing.pem"))
    assert isinstance(await polled(secure), Refused)
    assert "REQUESTS_CA_BUNDLE names" in caplog.text
    assert "CURL_CA_BUNDLE names" in caplog.text


@pytest.mark.parametrize("secure_proxy", [False, True])
async def test_tunnel_through_a_proxy(
    secure: Endpoint, bundle: Path, monkeypatch: pytest.MonkeyPatch, secure_proxy: bool
) -> None:
    """By CONNECT to the name of the endpoint, whose certificate is checked; credentials stay at the proxy."""
    if secure_proxy and sys.version_info < (3, 11):
        pytest.skip("asyncio opens no secure connection inside another one")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    secure.serve("1.png", png())
    async with ForwardProxy("user:pr0xy-s3cret", serving("127.0.0.1") if secure_proxy else None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url_with("user:pr0xy-s3cret"))
        transport = Transport(ApiKey(CANARY), secure.url.replace("127.0.0.1", "stand-in.invalid"))
        assert isinstance(await transport.poll("1"), Processing)
        picture = await transport.get(secure.link("1.png").replace("127.0.0.1", "stand-in.invalid"), 100_000)
        assert getattr(picture, "body", b"") == png()
        await transport.close()
    assert {(method, target) for method, target, _ in proxy.seen} == {("CONNECT", f"stand-in.invalid:{secure.port}")}
    assert not any("authorization" in name.lower() for seen in secure.seen for name in seen.headers)


async def test_tunnel_checks_the_certificate(secure: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown issuer behind a proxy (many a proxy opens what is secure) has the same words."""
    async with ForwardProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        answer = await polled(secure)
    assert isinstance(answer, Refused)
    assert "unknown issuer; set SSL_CERT_FILE" in answer.message


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_system_verifies_where_it_can(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """On macOS and Windows the operating system decides, through truststore."""
    monkeypatch.setattr(tls.sys, "platform", platform)
    assert isinstance(tls._system_context(), truststore.SSLContext)


def test_store_is_found_elsewhere(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python whose OpenSSL has a default folder that is not there finds the distribution's certificates."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(tls, "_STORES", (str(tmp_path / "neither"), str(bundle)))
    assert tls._system_context().cert_store_stats()["x509_ca"] == 1


async def test_first_requests_share_a_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are pooled by it: with one for each request, idle ones would pile up beyond the limit."""
    made: list[ssl.SSLContext] = []
    make = tls._make_context
    monkeypatch.setattr(tls, "_make_context", lambda values: made.append(make(values)) or made[-1])
    contexts = await asyncio.gather(*(tls.tls_context() for _ in range(30)))
    assert len(made) == 1
    assert len(set(contexts)) == 1
