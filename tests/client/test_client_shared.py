"""What the widgets of one kernel share: connections and rate limit, by endpoint and key; and when it goes."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dreambooth_widget import Client, DreamboothBatch, DreamboothWidget, InvalidKeyError, PollSchedule, Retry
from dreambooth_widget.client.client import _CLIENTS, _NETWORKS
from dreambooth_widget.images.store import PictureCache

from ..endpoint import CANARY, PROCESSING, Endpoint, ThreadedEndpoint, png

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=1, first=0.01, longest=0.05)
OTHER = "another-key-0001"

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """An endpoint with a finished job of one picture."""
    async with Endpoint() as endpoint:
        endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
        yield endpoint


@pytest.fixture(autouse=True)
def _nobody_else() -> None:
    """Clients of earlier tests are shared no more."""
    gc.collect()


def network(user: Any) -> Any:
    """The network of a widget or client."""
    client = user if isinstance(user, Client) else user._client
    return client._network


def shared(endpoint: Endpoint, key: str | None = CANARY, **options: Any) -> Client:
    """A shared client of the endpoint."""
    return Client.shared(key, endpoint=endpoint.url, **options)


async def test_widgets_and_batches_share_one_set_of_connections(endpoint: Endpoint) -> None:
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


async def test_who_shares_with_whom(endpoint: Endpoint, tmp_path: Path) -> None:
    """The same key and endpoint: one network, whatever the cache. Another key or endpoint: another."""
    first = shared(endpoint)
    assert shared(endpoint) is first
    cached = shared(endpoint, cache=tmp_path)
    assert shared(endpoint, cache=PictureCache(tmp_path)) is cached is not first
    assert shared(endpoint, cache=PictureCache(tmp_path, max_bytes=5)) is not cached
    assert network(cached) is network(first)
    other = shared(endpoint, OTHER)
    elsewhere = Client.shared(CANARY, endpoint=endpoint.url + "/elsewhere")
    keyless = shared(endpoint, None, cache=tmp_path)
    own = Client(CANARY, endpoint=endpoint.url)
    assert len({id(network(each)) for each in (first, other, elsewhere, keyless, own)}) == 5


async def test_the_key_of_the_environment_is_the_same_key(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it came, and whatever stands around it."""
    first = shared(endpoint)
    monkeypatch.setenv("DREAMBOOTH_API_KEY", f" {CANARY}\n")
    assert shared(endpoint, None) is first
    assert Client.shared(f"{CANARY} ", endpoint=f" {endpoint.url} ") is first


async def test_each_key_is_sent_for_its_own(endpoint: Endpoint) -> None:
    """Two keys at one endpoint never mix."""
    await asyncio.gather(
        *(DreamboothWidget(key, key[:5], endpoint=endpoint.url) for key in (CANARY, OTHER, CANARY, OTHER))
    )
    for poll in endpoint.polls:
        body = json.loads(poll.body)
        assert body["request_id"] == body["key"][:5]


async def test_one_rate_limit_for_all(endpoint: Endpoint) -> None:
    """A burst of ten and then five a second, however many widgets ask."""
    endpoint.answers = [PROCESSING]
    widgets = [DreamboothWidget(CANARY, n, endpoint=endpoint.url, schedule=FAST, retry=QUICK) for n in range(3)]
    await endpoint.saw(14)
    times = [seen.time for seen in endpoint.polls]
    assert times[13] - times[0] > 0.7  # four turns after the burst: 0.8 s
    for widget in widgets:
        widget.stop()


async def test_a_widget_keeps_its_own_policies(endpoint: Endpoint) -> None:
    """Schedule, retries and deadline belong to who asks, not to the connections."""
    endpoint.answers = [PROCESSING]
    hasty = DreamboothWidget(CANARY, 1, endpoint=endpoint.url, schedule=FAST)
    patient = DreamboothWidget(CANARY, 2, endpoint=endpoint.url)
    await endpoint.saw(5)
    assert network(hasty) is network(patient)
    assert patient.polls == 1
    assert hasty.polls > 2


async def test_without_a_key_there_must_be_a_cache(endpoint: Endpoint, tmp_path: Path) -> None:
    """No key and no cache: `ValueError`. No key, and not in the cache: an error without a call."""
    with pytest.raises(ValueError, match="DREAMBOOTH_API_KEY"):
        shared(endpoint, None)
    client = shared(endpoint, None, cache=tmp_path)
    with pytest.raises(InvalidKeyError, match="no API key") as caught:
        await client.fetch(1)
    assert caught.value.request_id == "1"
    assert not endpoint.seen


async def test_without_a_key_out_of_the_cache(endpoint: Endpoint, tmp_path: Path) -> None:
    """What was fetched once needs no key and no service; for a widget and for a batch."""
    result = await shared(endpoint, cache=tmp_path).fetch(1)
    endpoint.seen.clear()
    widget = DreamboothWidget(request_id=1, endpoint=endpoint.url, cache=tmp_path)
    batch = DreamboothBatch(requests={"a dog": 1}, endpoint=endpoint.url, cache=tmp_path)
    assert list(await widget) == list(result)
    assert [list(outcome) for outcome in await batch] == [list(result)]  # type: ignore[arg-type]  # results, all of them
    assert not endpoint.seen


def test_sharing_needs_a_loop() -> None:
    """Whose connections would they be?"""
    with pytest.raises(RuntimeError, match="running event loop"):
        Client.shared(CANARY)


async def test_it_goes_with_the_last_of_its_users(endpoint: Endpoint) -> None:
    """A closed widget is still a user; when all have gone, so have connections and registry."""
    widgets = [DreamboothWidget(CANARY, n, endpoint=endpoint.url) for n in range(2)]
    await asyncio.gather(*widgets)
    alive, sessions = weakref.ref(network(widgets[0])), network(widgets[0])._sessions
    connectors = [session.connector for session in sessions.values()]
    widgets.pop().close()
    gc.collect()
    assert alive() is not None
    widgets.pop().close()
    await asyncio.sleep(0)  # the job's last callbacks
    gc.collect()
    assert alive() is None
    assert all(connector.closed for connector in connectors)
    assert not [place for place in (*_CLIENTS, *_NETWORKS) if place[1] == endpoint.url]


async def test_a_running_job_is_a_user(endpoint: Endpoint) -> None:
    """Who forgets the client and keeps the job gets the pictures."""
    job = shared(endpoint).fetch(1)
    gc.collect()
    assert len(await job) == 1


def test_the_end_is_silent() -> None:
    """A kernel or script that ends with open widgets says nothing of unclosed sessions."""
    script = """
import asyncio, sys
from dreambooth_widget import Client, DreamboothBatch, DreamboothWidget
url, key = sys.argv[1:]
async def main():
    batch, widget = DreamboothBatch(key, [1, 2], endpoint=url), DreamboothWidget(key, 3, endpoint=url)
    print(len(await batch), len(await widget), len(await Client.shared(key, endpoint=url).fetch(4)))
asyncio.run(main())
asyncio.run(main())
"""
    with ThreadedEndpoint(Endpoint()) as endpoint:
        endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
        command = [sys.executable, "-c", script, endpoint.url, CANARY]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["2", "1", "1"] * 2, ran.stderr
    assert not ran.stderr
