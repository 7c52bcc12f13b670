"""Slots for pictures that are loaded at once: fair between requests, and never all with slow ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from dreambooth_widget import Client
from dreambooth_widget.client import picture_slots
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


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no slot be late by itself."""
    monkeypatch.setattr(picture_slots, "PATIENCE", 3600)


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
    """One request holds two less than all; what becomes free goes to who holds the fewest, of several to the first."""
    holders.add(*"aaa", *"bbb")
    await holders.until("aabb")
    holders.add(*"aacd")
    await settled()
    await holders.end(0)
    await holders.until("abbc")
    await holders.end(1)  # "a" has waited longer than "d", and holds as few
    await holders.until("abbc")
    await holders.end(3)
    await holders.until("abcd")


async def test_waiting_pictures_can_be_cancelled(holders: Holders) -> None:
    """One that gives up, before or just as it gets its slot, takes none with it."""
    holders.add(*"aabbcd")
    await holders.until("aabb")
    await holders.end(4)
    holders.tasks[0].cancel()
    await asyncio.sleep(0)  # the slot goes to "d", which gives up in the same step
    holders.tasks[5].cancel()
    holders.add("e")
    await holders.until("abbe")


async def test_single_slot_is_shared() -> None:
    """With a limit of one, each waits for the one before."""
    holders = Holders(1)
    holders.add(*"aba")
    for index, request in enumerate("aba"):
        await holders.until(request)
        await holders.end(index)


async def test_slow_pictures_starve_no_request(holders: Holders) -> None:
    """Without a free slot for a while there is one more, for requests without any; afterwards the limit holds again."""
    holders.add(*"aaaabbbb", *"cc")
    await settled()
    holders.slots._add_slot()
    await holders.until("aabbc")
    holders.slots._add_slot()
    await settled()
    assert sorted(holders.holding) == list("aabbc")  # each request has one
    await holders.end(8)
    await holders.until("aabbc")
    holders.add("d", "e")
    await settled()
    for held in ("aabbcd", "aabbcde"):
        holders.slots._add_slot()
        await holders.until(held)
    for index in (2, 3, 6, 7, 9, 10, 11):
        await holders.end(index)
    holders.add(*"ff")
    await settled()
    assert sorted(holders.holding) == list("aabb")


async def test_dripping_hosts_delay_nobody(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures of three requests drip and hold every download; those of a fourth come nevertheless."""
    monkeypatch.setattr(picture_slots, "PATIENCE", 0.2)
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
