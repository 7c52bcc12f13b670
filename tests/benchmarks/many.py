"""Many requests behind one rate limit: ours beside loops that sleep, and what 10 to 10,000 of them cost.

    python tests/benchmarks/many.py [--json]

The package's own jobs, poll queue and rate limiter run in virtual time against a simulated service (no sockets):
minutes pass in seconds, and the same numbers come out on every machine, but for the processor time and the memory.
Prints the targets; the exit status is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
import tracemalloc
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from statistics import fmean, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from dreambooth_widget.client.exchange import Failure, Response
from dreambooth_widget.client.job import FetchJob
from dreambooth_widget.client.link_watch import LinkProbe
from dreambooth_widget.client.options import FetchOptions
from dreambooth_widget.client.poll_queue import PollQueue
from dreambooth_widget.client.rate_limit import RateLimiter
from dreambooth_widget.client.schedule import DurationHistory
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.errors import GenerationFailedError
from dreambooth_widget.protocol.answer_types import Answer, Processing, Refused
from dreambooth_widget.protocol.parsing import PictureLink
from tests.benchmarks import virtual_time
from tests.benchmarks.report import Target, print_report

RATE, BURST = 10.0, 10
"""The limit that all of a kernel's polls share: requests a second, and how many at once first."""

ANSWER = 0.15
"""Seconds from a poll to its answer."""

SHORTEST_ETA, LONGEST_ETA, SIGMA = 10.0, 600.0, 0.5
COUNT = 1000
TARGET = 0.5
"""Target: our mean delay is at most this part of that of the loops."""

PROBES = (5.0, 50.0)
"""Probes a second at links: the package's own limit, and the most that the target allows."""

SOONEST = 5.0
"""Target: mean delay in seconds where links are known, with the larger number of probes."""

SIZES = (10, 100, 1000, 10_000)
LINEAR = 2.0
"""Target: one of 10,000 requests costs at most this many times the processor time and memory of one of 1,000."""


@dataclass(frozen=True)
class Order:
    """One request: what was announced, and how long it takes, in seconds."""

    eta: float
    duration: float


def make_orders(count: int, seed: int = 5) -> list[Order]:
    """Estimates from 10 to 600 s (log-uniform); the truth is log-normal around them, σ = 0.5."""
    random = Random(seed)
    orders = []
    for _ in range(count):
        eta = math.exp(random.uniform(math.log(SHORTEST_ETA), math.log(LONGEST_ETA)))
        orders.append(Order(eta, min(max(eta * math.exp(random.gauss(0, SIGMA)), 0.3), 3600)))
    return orders


class Service:
    """The simulated service: when each request is ready, and how late a poll found it ready."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self.orders = orders
        self.polls = self.probes = 0
        self.delays: list[float] = []

    async def poll(self, number: int) -> bool:
        """Whether the request was ready when the poll was sent."""
        self.polls += 1
        late = asyncio.get_running_loop().time() - self.orders[number].duration
        await asyncio.sleep(ANSWER)
        if late >= 0:
            self.delays.append(late)
        return late >= 0

    async def probe(self, number: int) -> bool:
        """Whether the picture was at its link when its host was asked."""
        self.probes += 1
        late = asyncio.get_running_loop().time() - self.orders[number].duration
        await asyncio.sleep(ANSWER)
        return late >= 0


class SimulatedTransport(Transport):
    """Our queue and rate limit in front of a simulated service. A ready request ends as failed: no pictures to load."""

    def __init__(self, service: Service, rate: float = RATE, connections: int = 8) -> None:
        key, endpoint = ApiKey("simulated-key"), "https://service.example/fetch"
        super().__init__(key, endpoint, rate=rate, burst=BURST, connections=connections)
        self._service = service

    async def _send(self, request_id: str) -> Answer:
        number = int(request_id)
        if await self._service.poll(number):
            return Refused(GenerationFailedError, "ready")
        return Processing(eta=self._service.orders[number].eta)

    async def get(self, url: str, largest: int, *, beginning: bool = False) -> Response | Failure:
        """Return the beginning of a picture once its request is ready."""
        ready = await self._service.probe(int(url.rpartition("/")[2]))
        return Response(200, {}, b"\x89PNG\r\n\x1a\n") if ready else Response(404, {})


async def ours(service: Service) -> None:
    """Every request as a `FetchJob` of one client."""
    transport = SimulatedTransport(service)
    options = [FetchOptions(str(number), eta=order.eta, deadline=7200.0) for number, order in enumerate(service.orders)]
    jobs = [FetchJob(transport, each) for each in options]
    await asyncio.gather(*jobs, return_exceptions=True)
    await transport.close()


async def with_links(probes: float, service: Service, *, held: bool = True, **limits: Any) -> None:
    """Every request as a `FetchJob` that knows its link: `probes` a second for all of them.

    The picture is at its link when its request is ready, not before. `held`: whether an earlier job has shown that.
    """
    transport, limit, jobs = SimulatedTransport(service, **limits), LinkProbe(probes), []
    for number, order in enumerate(service.orders):
        history = DurationHistory()
        history.links_hold = held
        links = (PictureLink(f"https://pictures.example/{number}"),)
        options = FetchOptions(str(number), eta=order.eta, deadline=7200.0, links=links)
        jobs.append(FetchJob(transport, options, history, probe=limit))
    await asyncio.gather(*jobs, return_exceptions=True)
    await transport.close()


async def loops(sleep: float, service: Service) -> None:
    """One loop for each request that sleeps between its polls, all behind the same limit."""
    queue = PollQueue(RateLimiter(RATE, BURST, clock=asyncio.get_running_loop().time))

    async def loop(number: int) -> None:
        while True:
            await queue.wait_for_turn(0.0, asyncio.get_running_loop().time())
            if await service.poll(number):
                return
            await asyncio.sleep(sleep)

    await asyncio.gather(*(loop(number) for number in range(len(service.orders))))


WAYS: dict[str, Callable[[Service], Coroutine[Any, Any, None]]] = {
    "ours": ours,
    "every 1 s": partial(loops, 1.0),
    "every 5 s": partial(loops, 5.0),
}


def compare(count: int = COUNT) -> list[dict[str, Any]]:
    """Delay from ready to noticed, in seconds, and polls for each request, for every way."""
    rows = []
    for name, way in WAYS.items():
        service = Service(make_orders(count))
        virtual_time.run(partial(way, service))
        assert len(service.delays) == count
        rows.append({
            "way": name,
            "mean delay": round(fmean(service.delays), 1),
            "p95": round(quantiles(service.delays, n=20)[-1], 1),
            "longest": round(max(service.delays)),
            "polls": round(service.polls / count, 1),
        })  # fmt: skip
    return rows


def compare_links(count: int = COUNT) -> list[dict[str, Any]]:
    """The same where the requests' links are known, by how many probes a second their hosts get at most."""
    rows = []
    for rate in PROBES:
        service = Service(make_orders(count))
        virtual_time.run(partial(with_links, rate, service))
        seconds = max(order.duration for order in service.orders)
        rows.append({
            "probes a second": rate,
            "mean delay": round(fmean(service.delays), 1),
            "p95": round(quantiles(service.delays, n=20)[-1], 1),
            "polls": round(service.polls / count, 1),
            "probes": round(service.probes / count, 1),
            "probes a second in the mean": round(service.probes / seconds, 1),
        })  # fmt: skip
    return rows


def grow(sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """What our own work costs for more and more requests: processor time and memory for one of them."""
    rows = []
    for size in sizes:
        service = Service(make_orders(size))
        begun = time.process_time()
        virtual_time.run(partial(ours, service))
        seconds = time.process_time() - begun
        service = Service(make_orders(size))
        tracemalloc.start()
        virtual_time.run(partial(ours, service))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        rows.append({
            "requests": size,
            "mean delay": round(fmean(service.delays), 1),
            "polls": round(service.polls / size, 1),
            "ms each": round(seconds * 1000 / size, 2),
            "kB each": round(peak / size / 1000, 1),
        })  # fmt: skip
    return rows


def targets(
    compared: Sequence[dict[str, Any]], links: Sequence[dict[str, Any]], grown: Sequence[dict[str, Any]]
) -> list[Target]:
    """Each target in words, and whether it is met."""
    own, *others = compared
    found = [
        (
            f"{COUNT} requests, {RATE:g} polls a second: at most {TARGET} of the delay of {other['way']}: "
            f"{own['mean delay'] / other['mean delay']:.2f}",
            own["mean delay"] <= TARGET * other["mean delay"],
        )
        for other in others
    ]
    sooner = links[-1]
    what = f"the same with known links, {sooner['probes a second']:g} probes a second: at most {SOONEST:g} s late"
    found.append((f"{what}: {sooner['mean delay']}", sooner["mean delay"] <= SOONEST))
    thousand, ten_thousand = grown[-2:]
    for unit in ("ms each", "kB each"):
        ratio = ten_thousand[unit] / thousand[unit]
        sizes = f"one of {ten_thousand['requests']:,} beside one of {thousand['requests']:,}"
        found.append((f"{sizes}, {unit}: at most {LINEAR:g} times: {ratio:.2f}", ratio <= LINEAR))
    return found


def main() -> int:
    """Simulate and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="Many requests behind one rate limit.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    compared, links, grown = compare(), compare_links(), grow()
    found = targets(compared, links, grown)
    return print_report({"compared": compared, "links": links, "grown": grown}, found, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
