"""Look-ups of names that hang: they hold up no other look-up, no thread of asyncio's and no exit."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dreambooth_widget.client import connections, transport
from dreambooth_widget.client.exchange import Failure
from dreambooth_widget.client.name_lookups import NameLookups
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answer_types import Processing

from ..endpoint import CANARY, PROCESSING, Endpoint


class NameServer:
    """Names that end in ".hangs" have no answer until `answer` is set; each other name is this machine."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = threading.Event()

    def getaddrinfo(self, host: str, port: int | None, *args: Any, **options: Any) -> list[Any]:
        """Answer as `socket.getaddrinfo`."""
        self.asked.append(host)
        if host.endswith(".hangs"):
            self.answer.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port or 0))]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """The name server of this process."""
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.answer.set()


async def test_names_and_literals_resolve() -> None:
    """The addresses come from the operating system; what has none is an error."""
    names = NameLookups()
    assert await names.look_up("127.0.0.1", 60) == [(socket.AF_INET, "127.0.0.1")]
    assert await names.look_up("::1", 60) == [(socket.AF_INET6, "::1")]
    for wrong in (" ", "a..b", "x" * 300, "\ud83d.example"):
        with pytest.raises(OSError, match=r"not|too long|idna|Invalid character"):
            await names.look_up(wrong, 60)


async def test_hanging_lookup_is_shared(name_server: NameServer) -> None:
    """A caller gives up after its time; later ones wait for the same look-up, and get its answer."""
    names = NameLookups()
    for _ in range(3):
        with pytest.raises(OSError, match="too long"):
            await names.look_up("a.hangs", 0.01)
    last = asyncio.create_task(names.look_up("a.hangs", 60))
    await asyncio.sleep(0)
    name_server.answer.set()
    assert await last
    assert name_server.asked == ["a.hangs"]
    assert await names.look_up("a.hangs", 60)
    assert name_server.asked == ["a.hangs"] * 2


async def test_hanging_lookups_are_bounded(name_server: NameServer) -> None:
    """No more than 32 threads hang for one purpose; a further name fails at once, and later comes again."""
    names = NameLookups()
    hanging = [asyncio.create_task(names.look_up(f"{number}.hangs", 60)) for number in range(32)]
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="too many"):
        await names.look_up("a.example", 60)
    name_server.answer.set()
    await asyncio.gather(*hanging)
    assert await names.look_up("a.example", 60)


async def test_cancelled_lookup_goes_on(name_server: NameServer) -> None:
    """Cancelling one caller does not end the look-up that others wait for."""
    names = NameLookups()
    first, second = (asyncio.create_task(names.look_up("a.hangs", 60)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    name_server.answer.set()
    assert await second


async def test_hanging_names_cost_pictures_alone(name_server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of pictures that hang, with and without a proxy, leave the polls and asyncio's threads alone."""
    monkeypatch.setattr(connections, "_CONNECT_LOOKUP_SECONDS", 0.1)
    monkeypatch.setattr(transport, "_REACH_LOOKUP_SECONDS", 0.1)
    async with Endpoint(PROCESSING) as endpoint:
        url = endpoint.url.replace("127.0.0.1", "service.example")
        direct = Transport(ApiKey(CANARY), url)
        behind = Transport(ApiKey(CANARY), endpoint.url, proxy="http://127.0.0.1:9")
        links = [f"http://{number}.hangs/" for number in range(60)]
        pictures = [asyncio.create_task(each.get(link, 10)) for each in (direct, behind) for link in links]
        assert isinstance(await direct.poll("1"), Processing)
        assert await asyncio.to_thread(int, "1") == 1
        outcomes = await asyncio.gather(*pictures)
        assert set(outcomes[:60]) == {Failure("the host name could not be resolved")}
        assert set(outcomes[60:]) == {Failure("the proxy http://127.0.0.1:9 could not be reached")}
        await direct.close()
        await behind.close()


def test_hanging_lookup_holds_no_exit() -> None:
    """The interpreter ends while a look-up hangs."""
    code = """
import asyncio, socket, threading
from dreambooth_widget.client.name_lookups import NameLookups
socket.getaddrinfo = lambda *args, **options: threading.Event().wait()
async def main():
    try:
        await NameLookups().look_up("a.hangs", 0.1)
    except OSError as error:
        print(error)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "the look-up of the name takes too long\n"
    assert done.stderr == ""
