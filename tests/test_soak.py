"""A soak, outside the normal run: thousands of polls against an endpoint that misbehaves at random.

bash tests/run tests/test_soak.py --soak 10000 [--soak-seed 7]
"""

from __future__ import annotations

import asyncio
import gc
import random
import tracemalloc
from collections import Counter

import psutil
import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, PollSchedule, Retry

from .endpoint import CANARY, PROCESSING, Endpoint, Reply, Seen, ThreadedEndpoint, png

FAST = PollSchedule(shortest=0.002, longest=0.004, longest_silence=0.004)
QUICK = Retry(attempts=3, first=0.002, longest=0.01, rate_limit_wait=0.01)
AT_ONCE = 16


class Moods:
    """Answers every request with one of the service's moods, by `seed`, and counts the polls."""

    def __init__(self, endpoint: Endpoint, seed: int) -> None:
        self.polls = 0
        self._endpoint = endpoint
        self._dice = random.Random(seed)
        self._good = endpoint.serve("good.png", png())
        self._bad = endpoint.serve("bad.png", png()[:-30])
        endpoint.when = self._answer

    def _answer(self, _: Seen) -> Reply:
        self.polls += 1
        self._endpoint.seen.clear()  # otherwise this list is what grows
        success, dice = self._endpoint.success, self._dice
        return dice.choice(
            [
                *[Reply(PROCESSING)] * 12,
                *[Reply(success(self._good, self._good))] * 2,
                Reply(success(self._good, self._bad, "http://127.0.0.1:1/refused.png")),
                Reply(success(self._bad)),
                Reply(success()),
                Reply({"status": "error", "message": "Rate limit exceeded"}),
                Reply({"status": "error", "message": "Invalid Api Key"}),
                Reply({"status": "failed", "message": "Failed, Try Again"}),
                Reply({"status": "error", "message": "Request not found"}),
                Reply(b"<html>502</html>", 502),
                Reply(b"", 200),
                Reply(dice.randbytes(dice.randrange(200)), dice.choice([200, 404, 500])),
                Reply(drop=True),
                Reply(b"", 307, {"Location": "http://elsewhere.invalid/"}),
            ]
        )


def open_files() -> int:
    """How many files and sockets this process has open."""
    return len(psutil.Process().net_connections()) + len(psutil.Process().open_files())


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_soak(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """No exception outside the typed tree, no task, socket or file left, memory flat."""
    wanted = request.config.getoption("--soak")
    seed = request.config.getoption("--soak-seed") or random.randrange(10**6)
    with capsys.disabled():
        print(f"\nsoak of {wanted} polls: --soak-seed {seed}")  # noqa: T201  to repeat it by
    outcomes: Counter[str] = Counter()
    before = open_files()
    with ThreadedEndpoint(Endpoint()) as endpoint:
        moods = Moods(endpoint, seed)
        async with Client(CANARY, endpoint=endpoint.url, schedule=FAST, retry=QUICK, rate=10**6) as client:
            tracemalloc.start()
            half = await run_until(client, moods, wanted // 2, outcomes)
            whole = await run_until(client, moods, wanted, outcomes)
            tracemalloc.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}
    with capsys.disabled():
        print(f"{dict(outcomes)}\nheld after half: {half} bytes, after all: {whole} bytes")  # noqa: T201
    assert outcomes["FetchResult"]
    assert open_files() <= before
    assert whole < half + 200_000


async def run_until(client: Client, moods: Moods, polls: int, outcomes: Counter[str]) -> int:
    """Fetch one request after another in some lanes until `polls` came; the bytes that Python holds then."""

    async def lane(number: int) -> None:
        while moods.polls < polls:
            try:
                outcomes[type(await client.fetch(number, deadline=2)).__name__] += 1
            except dw.DreamboothError as error:
                outcomes[type(error).__name__] += 1

    await asyncio.gather(*(lane(number) for number in range(AT_ONCE)))
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
