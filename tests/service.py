"""A scripted endpoint for many requests, which come ready one by one, and jobs that a test can wait for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from dreambooth_widget import Client
from dreambooth_widget.client.job_group import FetchJobs

from .endpoint import PROCESSING, Endpoint, Reply, Seen, png

FAILED = {"status": "failed", "message": "Failed, Try Again", "output": ""}


class Service(Endpoint):
    """Answers by request id: "processing" until that id is in `ready` or `failing`."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: set[str] = set()
        self.failing: set[str] = set()
        self.when = self._answer

    def _answer(self, seen: Seen) -> Reply:
        request_id = json.loads(seen.body)["request_id"]
        if request_id in self.failing:
            return Reply(FAILED)
        if request_id not in self.ready:
            return Reply(PROCESSING)
        return Reply(self.success(self.serve(f"{request_id}.png", png(prompt=request_id))))

    def asked(self, request_id: str) -> int:
        """How often a request was asked for."""
        return sum(json.loads(seen.body)["request_id"] == request_id for seen in self.polls)


class Watched(FetchJobs):
    """Jobs that a test can wait for."""

    def __init__(self, client: Client) -> None:
        self._happened = asyncio.Event()
        super().__init__(client.start, lambda place: self._happened.set())

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
    jobs.add(client.plan_all(requests))
    jobs.start()
    return jobs
