"""Pictures become thumbnails and previews: how long it takes, and how long the kernel's loop stands still.

    python tests/benchmarks/thumbnails.py [--pictures 100] [--rounds 3] [--json]

Ours is what a client does with the bytes of each picture: checked, shrunk and kept, in worker processes. Beside it the
same thumbnails and previews by plain Pillow in two threads and on the loop, and the PNGs that `display(image)` makes.
The ways take turns. Then single large files, and a second view of a finished gallery beside decoding it again.
Prints the targets; the exit status is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from PIL import Image

from dreambooth_widget.images.original import Original
from dreambooth_widget.images.picture import Picture
from dreambooth_widget.images.pool import WorkerPool
from dreambooth_widget.images.store import PictureStore
from dreambooth_widget.images.threads import in_picture_thread
from dreambooth_widget.widget.image_sender import ImageSender
from tests.benchmarks.report import Target, print_report
from tests.browser.page.landscapes import landscape
from tests.gil import ProcessorQueue
from tests.image_files import encoded, noise, plain_png

EDGE = 1024
DIFFERENT = 10
"""Pictures that are drawn; the others are copies of them with another index."""

LAG, WALL, AGAIN = 5.0, 1.0, 0.3
"""Targets: milliseconds for which the loop stands still at most; our time, as a multiple of Pillow's in two threads;
the time of a second view, as a multiple of decoding again."""

LARGE: dict[str, Callable[[], bytes]] = {
    "PNG, 49 megapixels": lambda: plain_png(7000, 7000),
    "JPEG, 36 megapixels": lambda: encoded(noise((6000, 6000)), "JPEG", quality=60),
    "progressive JPEG, 25 megapixels": lambda: encoded(noise((5000, 5000)), "JPEG", progressive=True),
    "WebP, 24 megapixels": lambda: encoded(noise((4900, 4900)), "WEBP", method=0),
}


def make_files(count: int) -> list[bytes]:
    """Return landscapes as PNG."""
    files = [encoded(landscape(seed, EDGE, EDGE)) for seed in range(min(DIFFERENT, count))]
    # Different bytes for each, as from the service: what follows the end of a PNG is ignored.
    return [files[n % DIFFERENT] + str(n).encode() for n in range(count)]


def shrink(data: bytes) -> None:
    """Make a thumbnail and a preview the usual way with Pillow."""
    image: Image.Image = Image.open(io.BytesIO(data)).convert("RGB")
    image.thumbnail((1024, 1024))
    image.save(io.BytesIO(), "JPEG", quality=85)
    image.thumbnail((384, 384))
    image.save(io.BytesIO(), "WEBP", quality=80)


async def load(files: list[bytes], pool: WorkerPool) -> list[Picture]:
    """Do what a client does once it has the bytes."""
    store = PictureStore()

    async def check(index: int, data: bytes) -> Picture:
        original = Original(data, await pool.inspect(data, max_pixels=100_000_000))
        picture = Picture.of(original, index=index, url="")
        await in_picture_thread(store.add, original)
        return picture

    return list(await asyncio.gather(*(check(index, data) for index, data in enumerate(files))))


async def ours(files: list[bytes]) -> None:
    """Check and shrink them in worker processes, which run since the first poll."""
    await load(files, POOL)


POOL = WorkerPool()


async def view(pictures: list[Picture]) -> None:
    """Send what a second view of a finished gallery needs."""
    left, done = {picture.digest for picture in pictures}, asyncio.Event()

    def send(content: dict[str, Any], buffers: list[bytes]) -> None:
        left.discard(content["id"])
        if not left:
            done.set()

    sender = ImageSender(send)
    sender.send_gallery(pictures, "1")
    await done.wait()
    sender.close()


async def two_threads(files: list[bytes]) -> None:
    """Plain Pillow in two threads."""
    with ThreadPoolExecutor(2) as pool:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(pool, shrink, data) for data in files))


async def on_the_loop(files: list[bytes]) -> None:
    """Plain Pillow in the cell, as most notebooks do it; other tasks get a turn after each picture."""
    for data in files:
        shrink(data)
        await asyncio.sleep(0)


async def displayed(files: list[bytes]) -> None:
    """The PNG that `display(image)` sends for each, on the loop."""
    for data in files:
        assert Image.open(io.BytesIO(data))._repr_png_()
        await asyncio.sleep(0)


WAYS: dict[str, Callable[[list[Any]], Coroutine[Any, Any, None]]] = {
    "ours": ours,
    "Pillow in two threads": two_threads,
    "Pillow on the loop": on_the_loop,
    "display(PIL image)": displayed,
}


async def run(way: Callable[[list[Any]], Coroutine[Any, Any, None]], pictures: list[Any]) -> tuple[float, float]:
    """(seconds in all, seconds for which the loop stood still at most, but for what it waited for a processor)."""
    longest, queue, loop = 0.0, ProcessorQueue(), asyncio.get_running_loop()

    async def beat() -> None:
        nonlocal longest
        while True:
            last, waited = loop.time(), queue.waited()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - last - (queue.waited() - waited))

    heart = asyncio.create_task(beat())
    begun = time.perf_counter()
    await way(pictures)
    seconds = time.perf_counter() - begun
    await asyncio.sleep(0.002)
    heart.cancel()
    queue.close()
    return seconds, longest


def measure(count: int, rounds: int) -> list[dict[str, Any]]:
    """Return a row for each way, medians of `rounds`."""
    files = make_files(count)
    asyncio.run(load(files[:2], POOL))  # the workers have started when the first picture comes
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            found[name].append(asyncio.run(run(way, files)))
    base = median(seconds for seconds, _ in found["Pillow in two threads"])
    return [
        {
            "way": name,
            "time beside Pillow in two threads": round(median(seconds for seconds, _ in runs) / base, 2),
            "loop stood still, ms": round(median(longest for _, longest in runs) * 1000, 1),
        }
        for name, runs in found.items()
    ]


def measure_large(rounds: int) -> list[dict[str, Any]]:
    """Return a row for each large file, medians of `rounds`."""
    rows = []
    for name, make in LARGE.items():
        data = make()
        found = [asyncio.run(run(ours, [data])) for _ in range(rounds)]
        beside = median(asyncio.run(run(two_threads, [data]))[0] for _ in range(rounds))
        rows.append(
            {
                "file": name,
                "time beside Pillow in a thread": round(median(seconds for seconds, _ in found) / beside, 2),
                "loop stood still, ms": round(median(longest for _, longest in found) * 1000, 1),
            }
        )
    return rows


def measure_view(count: int) -> dict[str, Any]:
    """Return the time of a second view beside that of decoding again."""
    files = make_files(count)
    pictures = asyncio.run(load(files, POOL))
    again, _ = asyncio.run(run(two_threads, files))
    seconds, _ = asyncio.run(run(view, pictures))
    return {"a second view beside decoding again": round(seconds / again, 3)}


def targets(rows: list[dict[str, Any]], large: list[dict[str, Any]], second: dict[str, Any]) -> list[Target]:
    """Return each target in words, and whether it is met."""
    _, wall, lag = rows[0].values()
    (again,) = second.values()
    found = [
        (f"at most {WALL} of the time of Pillow in two threads: {wall}", wall <= WALL),
        (f"the loop stands still for at most {LAG:g} ms: {lag}", lag <= LAG),
        (f"a second view takes at most {AGAIN} of decoding again: {again}", again <= AGAIN),
    ]
    for row in large:
        name, _, lag = row.values()
        found.append((f"{name}: the loop stands still for at most {LAG:g} ms: {lag}", lag <= LAG))
    return found


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="Pictures become thumbnails.")
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    rows = measure(options.pictures, options.rounds)
    large, second = measure_large(options.rounds), measure_view(options.pictures)
    found = {"rows": rows, "large": large, "second view": [second]}
    return print_report(found, targets(rows, large, second), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
