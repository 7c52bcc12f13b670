"""A batch in tests: its views, and words for its outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dreambooth_widget import DreamboothBatch, FetchResult, PollSchedule, Retry

from ..views import View

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)

QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)

SIGNATURE = "X-Amz-Signature=5ec2e7-t0ken"


class BatchView(View):
    """A browser's side of a batch."""

    @property
    def rows(self) -> dict[int, dict[str, Any]]:
        """The view's row of each request."""
        known: dict[int, dict[str, Any]] = {}
        for message in self.custom:
            if message["type"] == "rows":
                if message["first"]:
                    known = {}
                known |= {row["request"]: row for row in message["rows"]}
        return known

    @property
    def state(self) -> dict[str, Any]:
        """The view's values of the traits."""
        return {name: value for update in self.updates for name, value in update.items()}

    async def until_update(self, found: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until a function of the traits is true."""
        while not found(self.state):
            self._arrived.clear()
            await asyncio.wait_for(self._arrived.wait(), 20)

    async def until_rows(self, found: Callable[[dict[int, dict[str, Any]]], bool]) -> dict[int, dict[str, Any]]:
        """Wait until a function of the rows is true."""
        await self.until(lambda _: found(self.rows))
        return self.rows

    def pictures(self, kind: str) -> list[str]:
        """The ids of the pictures of a kind that were sent, in their order."""
        return [message["id"] for message in self.custom if message.get("kind") == kind]

    def refused(self) -> list[str]:
        """The reasons of the messages that were refused."""
        return [message["reason"] for message in self.custom if message["type"] == "error"]


async def until(batch: DreamboothBatch, condition: Callable[[], object]) -> None:
    """Wait until a change of the traits makes it true."""
    changed = asyncio.Event()
    batch.observe(lambda _: changed.set())
    while not condition():
        changed.clear()
        await asyncio.wait_for(changed.wait(), 20)


def short(outcome: object) -> str:
    """An outcome in a word: its picture's prompt, or its error."""
    return outcome[0].text["prompt"] if isinstance(outcome, FetchResult) else type(outcome).__name__
