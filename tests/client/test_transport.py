"""`Transport`: one poll whatever happens on the way, the key in one body alone, and slots that requests share."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from typing import Any

import pytest

from dreambooth_widget import V4, Client, Retry
from dreambooth_widget.client.exchange import Response
from dreambooth_widget.client.link_guard import ANY, PUBLIC, AddressRefusedError
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answer_types import Busy

from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, png
from ..proxy import ForwardProxy


async def test_key_is_in_the_body_only(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    """It is sent as JSON to the endpoint; no header, address or log has it."""
    caplog.set_level(logging.DEBUG)
    endpoint.answers = [PROCESSING]
    transport = Transport(ApiKey(CANARY), endpoint.url)
    await transport.poll("7")
    await transport.get(endpoint.serve("1.png", png()), 100_000)
    await transport.close()
    assert json.loads(endpoint.polls[0].body) == {"key": CANARY, "request_id": "7"}
    assert endpoint.polls[0].headers["Content-Type"] == "application/json"
    assert CANARY not in repr([(seen.path, seen.headers) for seen in endpoint.seen])
    assert endpoint.gets[0].body == b""
    assert CANARY not in caplog.text + repr(transport)


async def test_oversized_answer_is_no_answer(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer beyond the cap is not read to its end, and may be tried again."""
    monkeypatch.setattr("dreambooth_widget.client.transport.LARGEST_BODY", 100)
    endpoint.answers = [Reply(b'{"status": "processing", "message": "' + b"x" * 1000 + b'"}', chunked=True)]
    transport = Transport(ApiKey(CANARY), endpoint.url)
    assert await transport.poll("1") == Busy("the service's answer is too large", unexpected=True)
    await transport.close()


async def test_refused_connection_is_busy(endpoint: Endpoint) -> None:
    """Nothing listens: an answer with that reason, no exception."""
    transport = Transport(ApiKey(CANARY), "http://127.0.0.1:9/fetch")
    assert await transport.poll("1") == Busy("the connection was refused")
    await transport.close()


def resolve(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Let names resolve to `answers` in turn; an empty one is a failure."""
    turns = iter(answers)
    really = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if not str(host).endswith(".example"):
            return really(host, port, *args, **options)
        addresses = next(turns)
        if not addresses:
            raise socket.gaierror("no answer")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


# -- reach -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("allowed", "expected"), [(True, ANY), (False, PUBLIC)])
async def test_reach_as_it_is_set(allowed: bool, expected: Any) -> None:
    """`allow_private_hosts` decides, whatever the endpoint."""
    assert await Transport(None, "http://127.0.0.1/", allow_private_hosts=allowed).reach() == expected


async def test_unknown_reach_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed look-up counts as public and is not remembered; a good one is."""
    resolve(monkeypatch, [], ["10.0.0.1"])
    transport = Transport(None, "http://intranet.example/fetch")
    await transport._attach()
    assert await transport.reach() == PUBLIC
    reach = await transport.reach()
    assert [str(network) for network in reach.networks] == ["10.0.0.0/24"]
    assert await transport.reach() is reach


@pytest.mark.parametrize("host", ["intranet.example", "127.0.0.1"])
async def test_failed_lookup_costs_no_picture(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """A name server that fails when a picture is loaded is tried again: its private link is unknown, not refused."""
    link = endpoint.serve("1.png", png()).replace("127.0.0.1", host)
    endpoint.answers = [endpoint.success(link)]
    # In turn: the poll, the reach of pictures, the picture's name (where it has one); then all of them work.
    resolve(monkeypatch, ["127.0.0.1"], [], ["127.0.0.1"], *[["127.0.0.1"]] * 9)
    url = endpoint.url.replace("127.0.0.1", "intranet.example")
    reasons: list[str] = []
    async with Client(CANARY, endpoint=url, retry=Retry(first=0.01)) as client:
        job = client.fetch(1)
        job.subscribe(lambda state: reasons.extend(entry.reason for entry in state.pictures))
        assert len(await job) == 1
    (failed,) = {reason for reason in reasons if reason}
    assert failed.startswith("the link leads to a private address (the endpoint's host name could not be resolved);")


async def test_unknown_reach_allows_public_links(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the endpoint's name cannot be looked up, public links are followed; what no reach allows is not."""
    resolve(monkeypatch, *[[]] * 9)
    monkeypatch.setattr("dreambooth_widget.client.link_guard._PRIVATE", ())  # this machine counts as public
    transport = Transport(None, "http://service.example/fetch")
    response = await transport.get(endpoint.serve("1.png", png()), 100_000)
    assert isinstance(response, Response)
    assert response.body == png()
    for wrong in ("http://[::1", "ftp://127.0.0.1/", "http://169.254.169.254/"):
        with pytest.raises(AddressRefusedError):
            await transport.get(wrong, 100_000)
    await transport.close()


async def test_failed_lookup_of_picture_is_repeated(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a picture's host that cannot be resolved now is looked up again with the next attempt."""
    link = endpoint.serve("1.png", png()).replace("127.0.0.1", "pictures.example")
    endpoint.answers = [endpoint.success(link)]
    resolve(monkeypatch, [], [], ["127.0.0.1"])
    async with Client(CANARY, endpoint=endpoint.url, retry=Retry(first=0.01)) as client:
        assert len(await client.fetch(1)) == 1


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"]])
async def test_names_are_checked_for_proxies(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    """Behind a proxy, a name that has a private address is refused before the proxy connects to it."""
    resolve(monkeypatch, addresses)
    transport = Transport(None, V4, proxy="http://127.0.0.1:9", allow_private_hosts=False)
    with pytest.raises(AddressRefusedError, match="private"):
        await transport.get("http://a.example/a.png", 1000)
    await transport.close()


async def test_unknown_names_are_the_proxys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy, a name that cannot be resolved here is passed on."""
    resolve(monkeypatch, [])
    async with ForwardProxy() as proxy, Endpoint() as endpoint:
        endpoint.serve("1.png", png())
        transport = Transport(None, V4, proxy=proxy.url, allow_private_hosts=False)
        response = await transport.get(f"http://a.example:{endpoint.port}/files/1.png", 100_000)
        await transport.close()
    assert isinstance(response, Response)
    assert response.body == png()


# -- slots -----------------------------------------------------------------------------------------------------------


async def test_hanging_request_delays_no_other(endpoint: Endpoint) -> None:
    """Eight pictures that hang hold all eight slots; another request's picture comes nevertheless."""
    gate = asyncio.Event()
    slow = [endpoint.serve(f"slow{n}.png", Reply(png(), gate=gate)) for n in range(8)]
    endpoint.answers = [endpoint.success(*slow), endpoint.success(endpoint.serve("quick.png", png()))]
    async with Client(CANARY, endpoint=endpoint.url) as client:
        hanging = client.fetch(1)
        await endpoint.saw(8, "GET")
        assert len(await asyncio.wait_for(_awaiting(client.fetch(2)), 60)) == 1
        assert len(endpoint.gets) == 9
        gate.set()
        assert len(await hanging) == 8


async def _awaiting(job: Any) -> Any:
    return await job


async def test_one_connection_is_enough(endpoint: Endpoint) -> None:
    """With a single connection a request takes it."""
    links = [endpoint.serve(f"{n}.png", png()) for n in range(3)]
    endpoint.answers = [endpoint.success(*links)]
    async with Client(CANARY, endpoint=endpoint.url, connections=1) as client:
        assert len(await client.fetch(1)) == 3
