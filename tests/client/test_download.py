"""One link to one picture: early links, waits that the host names, redirects, and what one bad link costs."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dreambooth_widget import Client, Picture, PictureError, Retry
from dreambooth_widget.client.download import MissingPictureError, download
from dreambooth_widget.client.options import Limits
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.images.sniff import unwrap
from dreambooth_widget.protocol.parsing import PictureLink

from ..endpoint import CANARY, Endpoint, Reply, png
from ..image_files import read_picture

NO_SUCH_KEY = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Key>a.png</Key></Error>'
EARLY = {
    "404": Reply(b"", 404),
    "403": Reply(NO_SUCH_KEY, 403),
    "an empty body": Reply(b""),
    "XML": Reply(NO_SUCH_KEY),
    "XML without a declaration": Reply(b"<Error><Code>NoSuchKey</Code></Error>"),
    "HTML": Reply(b"<!DOCTYPE html><title>Not yet</title>"),
    "JSON": Reply(b'{"error": "not ready"}'),
    "a JSON list": Reply(b"[]"),
    "half a file": Reply(png(size=(640, 480))[:400]),
    "words": Reply(b"Not found\n"),
}


@pytest.fixture
async def transport(endpoint: Endpoint) -> AsyncIterator[Transport]:
    """The connections of a client whose endpoint is on this machine."""
    transport = Transport(None, endpoint.url)
    yield transport
    await transport.close()


class Load:
    """One download in which waiting takes no time."""

    def __init__(self, transport: Transport, retry: Retry) -> None:
        self.waits: list[float] = []
        self.reasons: list[str] = []
        self._transport, self._retry = transport, retry

    async def __call__(self, url: str, fallback: str | None = None) -> Picture:
        """Load one link."""

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        return await download(
            self._transport,
            PictureLink(url, fallback),
            max_bytes=Limits().max_bytes,
            retry=self._retry,
            on_retry=self.reasons.append,
            check=self._check,
            sleep=sleep,
        )

    async def _check(self, data: bytes, url: str) -> Picture:
        return read_picture(unwrap(data, max_bytes=10_000_000), url=url, max_pixels=10_000_000)


@pytest.fixture
def load(transport: Transport) -> Load:
    """A download with the retries of a client that was left as it is."""
    return Load(transport, Retry())


@pytest.mark.parametrize("early", EARLY.values(), ids=EARLY)
async def test_early_links_are_tried_again(endpoint: Endpoint, load: Load, early: Reply) -> None:
    """Twice nothing, half of it or a notice, then the picture: it comes, and each wait has its reason."""
    link = endpoint.serve("1.png", early, early, Reply(png()))
    assert (await load(link)).data == png()
    assert len(load.waits) == len(load.reasons) == 2


async def test_picture_that_never_comes_is_missing(endpoint: Endpoint, load: Load) -> None:
    """Six tries over 30 to 60 s, then the proxy link, then missing with the last reason."""
    link, fallback = endpoint.serve("1.png", NO_SUCH_KEY), endpoint.serve("2.png", Reply(b"", 404))
    with pytest.raises(MissingPictureError, match=r"missing \(404\)"):
        await load(link, fallback)
    assert [seen.path[-5:] for seen in endpoint.gets] == ["1.png"] * 6 + ["2.png"] * 2
    assert 29 <= sum(load.waits[:5]) <= 60, load.waits
    assert "trying the proxy link" in load.reasons


async def test_proxy_link_has_the_picture(endpoint: Endpoint, load: Load) -> None:
    """A link that failed for good is replaced by its proxy link."""
    link = endpoint.serve("1.png", b"GIF89a, but no picture")
    assert (await load(link, endpoint.serve("2.png", png()))).url.endswith("2.png")
    assert load.waits == []


@pytest.mark.parametrize(
    ("body", "reason"), [(b"%PDF-1.7", "PDF"), (b"\0\0\0\x18ftypmp42", "A video"), (b"hello", "not a picture")]
)
async def test_what_is_no_picture_is_final(endpoint: Endpoint, load: Load, body: bytes, reason: str) -> None:
    """A file that is no picture is not requested again."""
    with pytest.raises(MissingPictureError, match=reason):
        await load(endpoint.serve("1.png", body))
    assert len(endpoint.gets) == 1


@pytest.mark.parametrize(("status", "value", "least"), [(429, "75", 75), (503, "120", 120), (429, "soon", 0)])
async def test_retry_after_is_waited_for(endpoint: Endpoint, load: Load, status: int, value: str, least: float) -> None:
    """The picture's host may name a longer wait than ours."""
    link = endpoint.serve("1.png", Reply(b"", status, {"Retry-After": value}), Reply(png()))
    await load(link)
    assert load.waits[0] == least or not least
    assert f"in {load.waits[0]:.0f} s" in load.reasons[0]


async def test_links_leave_as_they_came(endpoint: Endpoint, load: Load) -> None:
    """Path and query are sent byte for byte, those of redirects too: a host signs the raw text."""
    raw: list[str] = []
    target = endpoint.link("b%7Ec.png") + "?x=%28y%29&sig=a%2fB+c%3D"

    class Signed(Endpoint):
        async def _handle(self, request):  # type: ignore[no-untyped-def]
            raw.append(request.raw_path)
            return await super()._handle(request)

    async with Signed() as signed:
        target = target.replace(str(endpoint.port), str(signed.port))
        signed.files["/files/b~c.png"] = png()
        signed.files["/files/a.png"] = Reply(b"", 302, {"Location": target})
        assert (await load(signed.link("a.png") + "?t=image%2Fpng")).data == png()
    assert raw == ["/files/a.png?t=image%2Fpng", target.partition(str(signed.port))[2]]


async def test_relative_redirects_are_followed(endpoint: Endpoint, load: Load) -> None:
    """A redirect may name a path."""
    endpoint.serve("b.png", png())
    link = endpoint.serve("a.png", Reply(b"", 307, {"Location": "./b.png?x=%2F"}))
    assert (await load(link)).data == png()


BAD = {
    "a malformed redirect": Reply(b"", 302, {"Location": "http://[::1"}),
    "a redirect to a malformed path": Reply(b"", 302, {"Location": "//[::1/x"}),
    "a redirect to metadata": Reply(b"", 302, {"Location": "http://169。254。169。254/".encode().decode("latin-1")}),
    "a redirect to a file": Reply(b"", 302, {"Location": "file:///etc/passwd"}),
    "a redirect to nothing": Reply(b"", 302, {"Location": ""}),
    "a redirect without a target": Reply(b"", 302),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_bad_redirect_costs_one_picture(endpoint: Endpoint, bad: Reply) -> None:
    """The others of the request are there, and it is missing with a reason."""
    endpoint.answers = [endpoint.success(endpoint.serve("bad.png", bad), endpoint.serve("1.png", png()))]
    async with Client(CANARY, endpoint=endpoint.url, retry=Retry(attempts=1)) as client:
        result = await client.fetch(1)
    assert len(result) == 1
    assert result.missing[0].reason


@pytest.mark.parametrize(
    "bad",
    [
        "\ud83d",
        "data:image/png;base64,\ud83d",
        "http://\ud83d/",
        "http://[::1",
        "ftp://x/a.png",
        "http://a.example:x/",
        "%%",
    ],
)
async def test_bad_link_costs_one_picture(endpoint: Endpoint, bad: str) -> None:
    """Whatever a link is made of."""
    body = json.dumps(endpoint.success(bad, endpoint.serve("1.png", png()))).encode()
    endpoint.answers = [Reply(body)]
    async with Client(CANARY, endpoint=endpoint.url, retry=Retry(attempts=1)) as client:
        result = await client.fetch(1)
    assert len(result) == 1
    assert len(result.missing) == 1


async def test_bug_costs_one_picture(
    load: Load, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception is logged, and the picture is missing."""

    async def broken(data: bytes, url: str) -> Picture:
        raise ZeroDivisionError("unexpected")

    monkeypatch.setattr(load, "_check", broken)
    with pytest.raises(MissingPictureError, match="kernel's log"):
        await load("data:image/png;base64," + base64.b64encode(png()).decode())
    assert "ZeroDivisionError" in caplog.text


async def test_inline_data_makes_no_request(load: Load) -> None:
    """Raw base64 and `data:` URIs are pictures."""
    text = base64.b64encode(png()).decode()
    assert (await load(text)).data == (await load(f"data:image/png;base64,{text}")).data == png()


async def test_inline_notice_is_final(load: Load) -> None:
    """What stands in the answer itself does not change by waiting."""
    with pytest.raises(MissingPictureError, match="text"):
        await load("no picture yet")
    assert load.waits == []


async def test_first_try_can_be_the_last(endpoint: Endpoint, load: Load) -> None:
    """With a single attempt nothing is waited for."""
    load._retry = replace(load._retry, attempts=1)
    with pytest.raises(MissingPictureError, match=r"the link answered with an error \(500\)"):
        await load(endpoint.serve("1.png", Reply(b"", 500)))
    assert load.waits == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127。0。0。1", "⑫7.0.0.1", "localhost", "127.1", "0x7f.1", "[::ffff:127.0.0.1]"]
)
async def test_no_spelling_reaches_this_machine(endpoint: Endpoint, host: str) -> None:
    """A public reach fetches nothing from loopback, however a link or a redirect spells it."""
    link = endpoint.serve("1.png", png()).replace("127.0.0.1", host)
    endpoint.answers = [endpoint.success(link)]
    async with Client(CANARY, endpoint=endpoint.url, allow_private_hosts=False, retry=Retry(attempts=1)) as client:
        with pytest.raises(PictureError):
            await client.fetch(1)
    assert endpoint.gets == []
