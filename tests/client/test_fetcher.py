"""What the jobs of one client share, and the widgets of one kernel, by endpoint and key."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

from dreambooth_widget import (
    V4,
    Client,
    DreamboothBatch,
    DreamboothWidget,
    InvalidKeyError,
    PollSchedule,
    Retry,
)
from dreambooth_widget.client.fetcher import _FETCHERS, _TRANSPORTS, Fetcher
from dreambooth_widget.client.options import FetchOptions
from dreambooth_widget.credentials import ApiKey, find_key
from dreambooth_widget.images.cache_folder import PictureCache

from ..endpoint import CANARY, PROCESSING, Endpoint, ThreadedEndpoint, png
from ..waiting import until_gone

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=1, first=0.01, longest=0.05)
OTHER = "another-key-0001"

pytestmark = pytest.mark.usefixtures("alone", "finished")


@pytest.fixture(autouse=True)
def _collect_fetchers() -> None:
    """Fetchers of earlier tests are shared no more."""
    gc.collect()


def transport(user: Any) -> Any:
    """The transport of a widget or client."""
    fetcher = user if isinstance(user, Fetcher) else user.fetcher if isinstance(user, Client) else user._fetcher
    return fetcher.transport


def shared(endpoint: Endpoint, key: str | None = CANARY, cache: PictureCache | None = None) -> Fetcher:
    """Return the shared fetcher of the endpoint."""
    return Fetcher.shared(find_key(key), endpoint.url, cache)


async def test_widgets_share_their_connections(endpoint: Endpoint) -> None:
    """Two widgets and a batch, one after the other: the endpoint sees one connection for polls, one for pictures."""
    for make in (
        lambda: DreamboothWidget(CANARY, 1, endpoint=endpoint.url),
        lambda: DreamboothWidget(CANARY, 2, endpoint=endpoint.url),
        lambda: DreamboothBatch(CANARY, [3], endpoint=endpoint.url),
    ):
        await make()
    assert len(endpoint.polls) == len(endpoint.gets) == 3
    assert len({seen.peer for seen in endpoint.polls}) == 1
    assert len({seen.peer for seen in endpoint.gets}) == 1


async def test_sharing_by_key_and_endpoint(endpoint: Endpoint, tmp_path: Path) -> None:
    """The same key and endpoint: one network, whatever the cache. Another key or endpoint: another."""
    first = shared(endpoint)
    assert shared(endpoint) is first
    cached = shared(endpoint, cache=PictureCache(tmp_path))
    assert shared(endpoint, cache=PictureCache(tmp_path)) is cached is not first
    assert shared(endpoint, cache=PictureCache(tmp_path, max_bytes=5)) is not cached
    assert transport(cached) is transport(first)
    other = shared(endpoint, OTHER)
    elsewhere = Fetcher.shared(ApiKey(CANARY), endpoint.url + "/elsewhere")
    keyless = shared(endpoint, None, cache=PictureCache(tmp_path))
    own = Client(CANARY, endpoint=endpoint.url)
    assert len({id(transport(each)) for each in (first, other, elsewhere, keyless, own)}) == 5


async def test_environment_key_is_the_same(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it came, and whatever stands around it."""
    first = DreamboothWidget(CANARY, 1, endpoint=endpoint.url)
    monkeypatch.setenv("DREAMBOOTH_API_KEY", f" {CANARY}\n")
    second = DreamboothWidget(None, 2, endpoint=endpoint.url)
    third = DreamboothWidget(f"{CANARY} ", 3, endpoint=f" {endpoint.url} ")
    await asyncio.gather(first, second, third)
    assert first._fetcher is second._fetcher is third._fetcher is not None


async def test_keys_never_mix(endpoint: Endpoint) -> None:
    """Two keys at one endpoint never mix."""
    await asyncio.gather(
        *(DreamboothWidget(key, key[:5], endpoint=endpoint.url) for key in (CANARY, OTHER, CANARY, OTHER))
    )
    for poll in endpoint.polls:
        body = json.loads(poll.body)
        assert body["request_id"] == body["key"][:5]


async def test_one_rate_limit_for_all(endpoint: Endpoint) -> None:
    """A burst of ten and then five a second, however many widgets poll."""
    endpoint.answers = [PROCESSING]
    begun = time.monotonic()  # the endpoint may see the first poll late
    widgets = [DreamboothWidget(CANARY, n, endpoint=endpoint.url, schedule=FAST, retry=QUICK) for n in range(3)]
    await endpoint.saw(14)
    assert endpoint.polls[13].time - begun > 0.7  # four turns after the burst: 0.8 s
    for widget in widgets:
        widget.stop()


async def test_widget_keeps_its_policies(endpoint: Endpoint) -> None:
    """Schedule, retries and deadline belong to the widget, not to the connections."""
    endpoint.answers = [PROCESSING]
    hasty = DreamboothWidget(CANARY, 1, endpoint=endpoint.url, schedule=FAST)
    patient = DreamboothWidget(CANARY, 2, endpoint=endpoint.url)
    await endpoint.saw(5)
    assert transport(hasty) is transport(patient)
    assert patient.polls == 1
    assert hasty.polls > 2


async def test_no_key_needs_a_cache(endpoint: Endpoint, tmp_path: Path) -> None:
    """No key and no cache: `ValueError`. No key, and not in the cache: an error without a call."""
    with pytest.raises(ValueError, match="DREAMBOOTH_API_KEY"):
        shared(endpoint, None)
    keyless = shared(endpoint, None, cache=PictureCache(tmp_path))
    with pytest.raises(InvalidKeyError, match="no API key") as caught:
        await keyless.start(FetchOptions("1"))
    assert caught.value.request_id == "1"
    assert not endpoint.seen


async def test_cache_needs_no_key(endpoint: Endpoint, tmp_path: Path) -> None:
    """What was fetched once needs no key and no service; for a widget and for a batch."""
    result = await shared(endpoint, cache=PictureCache(tmp_path)).start(FetchOptions("1"))
    endpoint.seen.clear()
    widget = DreamboothWidget(request_id=1, endpoint=endpoint.url, cache=tmp_path)
    batch = DreamboothBatch(requests={"a dog": 1}, endpoint=endpoint.url, cache=tmp_path)
    assert list(await widget) == list(result)
    assert [list(outcome) for outcome in await batch] == [list(result)]  # type: ignore[arg-type]  # results, all of them
    assert not endpoint.seen


def test_sharing_needs_a_loop() -> None:
    """Whose connections would they be?"""
    with pytest.raises(RuntimeError, match="running event loop"):
        Fetcher.shared(ApiKey(CANARY), V4)


async def test_fetcher_goes_with_its_users(endpoint: Endpoint) -> None:
    """A closed widget is still a user; when all have gone, so have connections and registry."""
    widgets = [DreamboothWidget(CANARY, n, endpoint=endpoint.url) for n in range(2)]
    await asyncio.gather(*widgets)
    alive, sessions = weakref.ref(transport(widgets[0])), transport(widgets[0])._sessions
    connectors = [session.connector for session in sessions.values()]
    widgets.pop().close()
    gc.collect()
    assert alive() is not None
    widgets.pop().close()
    await until_gone(lambda: alive() is None)
    assert all(connector.closed for connector in connectors)
    assert not [scope for scope in (*_FETCHERS, *_TRANSPORTS) if scope[1] == endpoint.url]


async def test_running_job_keeps_connections(endpoint: Endpoint) -> None:
    """Who forgets the client and keeps the job gets the pictures."""
    job = shared(endpoint).start(FetchOptions("1"))
    gc.collect()
    assert len(await job) == 1


async def test_address_of_the_answer_is_polled(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of the default address polls the address in the vendor's answer; one of another address does not."""
    monkeypatch.setattr("dreambooth_widget.client.options.V4", f"{endpoint.url}/default")
    monkeypatch.setattr("dreambooth_widget.client.options.is_vendor_address", lambda url: "/evil/" not in url)
    named = FetchOptions("7", endpoint=f"{endpoint.url}/{{request_id}}")
    evil = FetchOptions("8", endpoint=f"{endpoint.url}/evil/{{request_id}}")
    async with Client(CANARY, endpoint=f"{endpoint.url}/default", retry=QUICK) as client:
        await client.fetcher.start(named)
        await client.fetcher.start(evil)
        token = client.fetcher.start(named).resume_token()
        assert len(await client.resume(token)) == 1
    async with Client(CANARY, endpoint=f"{endpoint.url}/own", retry=QUICK) as client:
        await client.fetcher.start(named)
        with pytest.raises(ValueError, match="the token is for"):
            client.resume(token)
    paths = [poll.path.removeprefix("/api/v4/dreambooth/fetch") for poll in endpoint.polls]
    assert set(paths) == {"/7", "/default", "/own"}
    assert "request_id" not in json.loads(endpoint.polls[0].body)


def test_end_is_silent() -> None:
    """A kernel or script that ends with open widgets prints nothing about unclosed sessions."""
    script = """
import asyncio, sys
from dreambooth_widget import Client, DreamboothBatch, DreamboothWidget
from dreambooth_widget.client.fetcher import Fetcher
from dreambooth_widget.client.options import FetchOptions
from dreambooth_widget.credentials import ApiKey
url, key = sys.argv[1:]
async def main():
    batch, widget = DreamboothBatch(key, [1, 2], endpoint=url), DreamboothWidget(key, 3, endpoint=url)
    print(len(await batch), len(await widget), len(await Fetcher.shared(ApiKey(key), url).start(FetchOptions("4"))))
asyncio.run(main())
asyncio.run(main())
"""
    with ThreadedEndpoint(Endpoint()) as endpoint:
        endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
        command = [sys.executable, "-c", script, endpoint.url, CANARY]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["2", "1", "1"] * 2, ran.stderr
    assert not ran.stderr
