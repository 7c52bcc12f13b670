"""A thousand requests in one process: connections, polls, memory and the lag of its event loop, ours beside others'.

    python tests/benchmarks/load.py [--requests 1000] [--pictures 4] [--json]

Every way gets a fresh process and a fresh service in another one, on this machine's loopback. Nobody is limited. First
requests that take 5 to 45 s and give no pictures; then as many that are ready and give `--pictures` PNG files of 1.3 MB
each (5 GB in all; 0 leaves that out). Prints the targets; the exit status is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.report import Target, print_report
from tests.gil import ProcessorQueue

BEAT = 0.005
"""Seconds between two looks at the loop's clock."""

THREADS = 32
EDGE = 660
"""Pixels: noise of this size is a PNG of 1.3 MB."""

CONNECTIONS, LAG, MEMORY, MEMORY_WITH_PICTURES = 8, 10.0, 60.0, 200.0
"""Targets: connections; milliseconds (p99); megabytes above an idle process, without and with pictures."""


# -- the ways, each run in a process of its own ------------------------------------------------------------------------


async def ours(url: str, count: int, memory: int = 40 << 20) -> None:
    """`Client.fetch_all`."""
    from dreambooth_widget import Client

    async with Client("load-key", endpoint=url, rate=1e6, burst=10**6, memory=memory) as client:
        outcomes = await client.fetch_all(range(count))
    assert len(outcomes) == count


async def keeping(url: str, count: int) -> None:
    """The same, with every original in memory."""
    await ours(url, count, memory=1 << 40)


async def sessions(url: str, count: int) -> None:
    """One task for each request, with a session of its own and sleeps of 1 s."""
    import aiohttp

    async def loop(number: int) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.post(url, json={"key": "load-key", "request_id": str(number)}) as response:
                    if (await response.json())["status"] != "processing":
                        return
                await asyncio.sleep(1)

    await asyncio.gather(*(loop(number) for number in range(count)))


async def threads(url: str, count: int) -> None:
    """`requests` in 32 threads: all that are not ready are polled, then a sleep of 1 s."""
    import requests

    local = threading.local()

    def poll(number: int) -> int | None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        answer = local.session.post(url, json={"key": "load-key", "request_id": str(number)}).json()
        return number if answer["status"] == "processing" else None

    def work() -> None:
        waiting = list(range(count))
        with ThreadPoolExecutor(THREADS) as pool:
            while waiting:
                waiting = [number for number in pool.map(poll, waiting) if number is not None]
                time.sleep(1)

    await asyncio.to_thread(work)


WAYS: dict[str, Callable[[str, int], Coroutine[Any, Any, None]]] = {
    "ours": ours,
    "a task and a session each, every 1 s": sessions,
    "requests in 32 threads, every 1 s": threads,
    "ours, keeping all originals in memory": keeping,
}
OWN, *OTHERS, KEEPING = WAYS


async def _beat(lags: list[float]) -> None:
    """How late the loop comes, less what this thread stood in line for a processor: that is the machine's doing."""
    loop, queue = asyncio.get_running_loop(), ProcessorQueue()
    while True:
        due, waited = loop.time() + BEAT, queue.waited()
        await asyncio.sleep(BEAT)
        lags.append(max(0.0, loop.time() - due - (queue.waited() - waited)))


async def _measured(name: str, url: str, count: int) -> dict[str, Any]:
    import dreambooth_widget  # noqa: F401 - an idle kernel has imported what it is going to use

    lags: list[float] = []
    heart = asyncio.create_task(_beat(lags))
    idle = _resident()
    begun = time.monotonic()
    await WAYS[name](url, count)
    seconds = time.monotonic() - begun
    heart.cancel()
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit + _workers_peak()
    return {
        "way": name,
        "MB above idle": round((peak - idle) / 1e6, 1),
        "lag p99 ms": round(quantiles(lags, n=100)[-1] * 1000, 1),
        "lag max ms": round(max(lags) * 1000),
        "seconds": round(seconds, 1),
    }


def _workers_peak() -> int:
    """Return the bytes that the processes which decode pictures took at most, each at its own time; Linux alone.

    Without the files that they have mapped (Python, Pillow's libraries), which are in memory once for all processes.
    """
    import psutil

    found = 0
    for child in psutil.Process().children():
        status = Path(f"/proc/{child.pid}/status")
        if status.exists():
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            peak, mapped = (int(lines[name].split()[0]) * 1024 for name in ("VmHWM", "RssFile"))
            found += peak - mapped
    return found


def _resident() -> int:
    """Bytes of this process in memory now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


# -- running them ------------------------------------------------------------------------------------------------------


@contextmanager
def service(count: int, pictures: int, picture: Path) -> Iterator[str]:
    """A fresh service; its address."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("load_service.py")),
        str(count),
        str(pictures),
        str(picture),
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.communicate()


def measure(name: str, count: int, pictures: int, picture: Path) -> dict[str, Any]:
    """One way: what it did, and what its service counted."""
    import requests

    with service(count, pictures, picture) as url:
        command = [sys.executable, __file__, "--way", name, "--url", f"{url}/fetch", "--requests", str(count)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        report = requests.get(f"{url}/report", timeout=30).json()
    return {**json.loads(done.stdout), **report}


def make_picture(folder: Path) -> Path:
    """A PNG of 1.3 MB, as incompressible as a photograph's."""
    from PIL import Image

    path = folder / "picture.png"
    Image.frombytes("RGB", (EDGE, EDGE), random.Random(1).randbytes(EDGE * EDGE * 3)).save(path)
    return path


def targets(plain: list[dict[str, Any]], heavy: list[dict[str, Any]]) -> list[Target]:
    """Each target in words, and whether it is met."""
    own, *others = plain
    fewest = min(other["polls"] for other in others)
    found = [
        (f"connections: at most {CONNECTIONS}: {own['connections']}", own["connections"] <= CONNECTIONS),
        (f"polls: fewer than {fewest:,}: {own['polls']:,}", own["polls"] < fewest),
        (f"lag of the loop, p99: at most {LAG:g} ms: {own['lag p99 ms']}", own["lag p99 ms"] <= LAG),
        (f"memory above idle: at most {MEMORY:g} MB: {own['MB above idle']}", own["MB above idle"] <= MEMORY),
    ]
    if heavy:
        peak = heavy[0]["MB above idle"]
        found.append((f"with pictures: at most {MEMORY_WITH_PICTURES:g} MB: {peak}", peak <= MEMORY_WITH_PICTURES))
    return found


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="A thousand requests in one process.")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--pictures", type=int, default=4, help="pictures of each request in the second part")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        found = asyncio.run(_measured(options.way, options.url, options.requests))
        sys.stdout.write(json.dumps(found))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        picture = make_picture(Path(folder))
        plain = [measure(name, options.requests, 0, picture) for name in (OWN, *OTHERS)]
        ways = (OWN, KEEPING) if options.pictures else ()
        heavy = [measure(name, options.requests, options.pictures, picture) for name in ways]
    return print_report({"plain": plain, "heavy": heavy}, targets(plain, heavy), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
