"""Jobs of a client that a test can wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dreambooth_widget import Client
from dreambooth_widget.client.job_group import FetchJobs
from dreambooth_widget.client.requests import read_requests


class Watched(FetchJobs):
    """Jobs that a test can wait for."""

    def __init__(self, client: Client) -> None:
        self._happened = asyncio.Event()
        super().__init__(client.fetcher.start, lambda index: self._happened.set())

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a change makes it true."""
        while not condition():
            self._happened.clear()
            await asyncio.wait_for(self._happened.wait(), 20)

    async def have(self, status: str, count: int) -> None:
        """Wait until so many have that status."""
        await self.until(lambda: sum(state.status == status for state in self.states) >= count)


def begin(client: Client, requests: Any) -> Watched:
    """Jobs for the requests, started."""
    jobs = Watched(client)
    jobs.add(read_requests(requests))
    jobs.start()
    return jobs
