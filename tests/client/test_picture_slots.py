"""Slots for pictures that are loaded at once: fair between requests, also where some are slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from dreambooth_widget import Client
from dreambooth_widget.client.picture_slots import PictureSlots

from ..endpoint import CANARY, Endpoint, Reply, png
from ..raw_server import HEAD, raw_server


class Holders:
    """Pictures that hold slots until they are ended."""

    def __init__(self, limit: int) -> None:
        self.slots = PictureSlots(limit)
        self.holding: list[str] = []
        """The requests of the pictures that hold a slot, in the order in which they got it."""
        self.tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()

    def add(self, *requests: str) -> None:
        """Let a picture of each request wait for a slot."""
        self.tasks += [asyncio.create_task(self._hold(request)) for request in requests]

    async def until(self, expected: str) -> None:
        """Wait until the pictures that hold slots are those of these requests, a letter each."""
        while sorted(self.holding) != sorted(expected):
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 60)

    async def end(self, index: int) -> None:
        """End one picture, by the order in which they were added."""
        self.tasks[index].cancel()
        await asyncio.wait({self.tasks[index]})

    async def _hold(self, request: str) -> None:
        async with self.slots.hold(request):
            self.holding.append(request)
            self._changed.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.holding.remove(request)
                self._changed.set()


@pytest.fixture
async def holders() -> AsyncIterator[Holders]:
    """Pictures that share four slots."""
    holders = Holders(4)
    yield holders
    for task in holders.tasks:
        task.cancel()
    await asyncio.gather(*holders.tasks, return_exceptions=True)
    assert holders.slots._held.total() == 0


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_free_slot_goes_to_the_fewest(holders: Holders) -> None:
    """A request alone has all; what becomes free goes to who holds the fewest, of several to the first."""
    holders.add(*"aaaaaa")
    await holders.until("aaaa")
    holders.add(*"bbb")
    await holders.until("aaaab")  # one more, as "b" has none
    await holders.end(0)
    await settled()
    assert sorted(holders.holding) == list("aaab")
    await holders.end(1)
    await holders.until("aabb")
    await holders.end(6)  # "a" waits longer, but holds more
    await settled()
    assert holders.holding[-2:] == ["b", "b"]
    holders.add("c")
    await holders.until("aabbc")


async def test_waiting_pictures_can_be_cancelled(holders: Holders) -> None:
    """One that gives up, before or just as it gets its slot, takes none with it."""
    holders.add(*"abcd")
    await holders.until("abcd")
    holders.add(*"efg")
    await settled()
    await holders.end(4)
    holders.tasks[0].cancel()
    await asyncio.sleep(0)  # the slot goes to "f", which gives up in the same step
    holders.tasks[5].cancel()
    await holders.until("bcdg")


async def test_single_slot_is_shared() -> None:
    """With a limit of one, each waits for the one before."""
    holders = Holders(1)
    holders.add(*"aba")
    for index, request in enumerate("aba"):
        await holders.until(request)
        await holders.end(index)


@pytest.mark.parametrize("limit", [2, 3, 8])
async def test_one_request_uses_all(limit: int) -> None:
    """Nothing is kept back from the only request."""
    holders = Holders(limit)
    holders.add(*"a" * (limit + 1))
    await settled()
    assert len(holders.holding) == limit
    for index in range(limit + 1):
        await holders.end(index)


async def test_slow_pictures_starve_no_request(holders: Holders) -> None:
    """Without a free slot there is one for each request without any, until as many have one as there are slots."""
    holders.add(*"aaaabb", *"ccdde")
    await settled()
    assert sorted(holders.holding) == list("aaaabcd")
    for index in (0, 1, 2):
        await holders.end(index)
    await settled()
    assert sorted(holders.holding) == list("abcd")  # each has its share
    await holders.end(4)
    await holders.until("abcd")  # of "b" and "e", which hold none now, "b" has waited longer
    await holders.end(5)
    await holders.until("acde")


async def test_many_requests_share_the_limit(holders: Holders) -> None:
    """A slow line gets no more downloads than the limit from requests of one picture each."""
    holders.add(*"abcdefghij")
    await settled()
    assert sorted(holders.holding) == list("abcd")
    for index, last in enumerate("efghij"):
        await holders.end(index)
        await holders.until("abcdefghij"[index + 1 : index + 5])
        assert holders.holding[-1] == last


async def test_dripping_hosts_delay_nobody(endpoint: Endpoint) -> None:
    """The pictures of three requests drip and hold every download; those of a fourth come nevertheless."""
    dripping: set[asyncio.StreamWriter] = set()
    full = asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
        dripping.add(writer)
        if len(dripping) >= 8:
            full.set()
        while True:
            writer.write(b"x" * 100)
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(drip) as url, Client(CANARY, endpoint=endpoint.url, rate=1000, burst=1000) as client:
        endpoint.answers = [endpoint.success(*(f"{url}/{number}.png" for number in range(8)))]
        slow = [client.fetch(number) for number in (1, 2, 3)]
        await full.wait()
        healthy = [endpoint.serve(f"{number}.png", Reply(png())) for number in range(4)]
        endpoint.answers = [endpoint.success(*healthy)]
        assert len(await client.fetch(4, deadline=60)) == 4
        assert [job.state.status for job in slow] == ["downloading"] * 3
        for job in slow:
            await job.finish()
