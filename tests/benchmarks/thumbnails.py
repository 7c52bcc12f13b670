"""A hundred pictures of 1024×1024 become thumbnails: how long it takes, and how long the kernel's loop stands still.

    python tests/benchmarks/thumbnails.py [--pictures 100] [--rounds 3] [--json]

Ours is what the widget does for a view: thumbnails in two threads, sent one by one. Beside it the same work with plain
Pillow in two threads, plain Pillow on the loop, and the PNGs that `display(image)` makes. The ways take turns.
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

from dreambooth_widget.images.picture import Picture, read_picture
from dreambooth_widget.widget.image_sender import ImageSender
from tests.benchmarks.report import Target, tell
from tests.browser.page.landscapes import landscape
from tests.gil import ProcessorQueue

EDGE = 1024
DIFFERENT = 10
"""Pictures that are drawn; the others are copies of them with another index."""

LAG, WALL = 20.0, 1.2
"""Targets: milliseconds for which the loop stands still at most; our time, as a multiple of Pillow's in two threads."""


def make_pictures(count: int) -> list[Picture]:
    """Landscapes as PNG."""
    files = []
    for seed in range(DIFFERENT):
        file = io.BytesIO()
        landscape(seed, EDGE, EDGE).save(file, "PNG")
        files.append(file.getvalue())
    # Different bytes for each, as from the service: what follows the end of a PNG is nobody's.
    data = [files[n % DIFFERENT] + str(n).encode() for n in range(count)]
    return [read_picture(each, index=n, url="", max_pixels=EDGE * EDGE) for n, each in enumerate(data)]


def shrink(data: bytes) -> bytes:
    """What anybody would write with Pillow."""
    image: Image.Image = Image.open(io.BytesIO(data))
    image.thumbnail((384, 384))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=80)
    return out.getvalue()


async def ours(pictures: list[Picture]) -> None:
    """What the widget does when a view appears."""
    left, done = {picture.digest for picture in pictures}, asyncio.Event()

    def send(content: dict[str, Any], buffers: list[bytes]) -> None:
        left.discard(content["id"])
        if not left:
            done.set()

    delivery = ImageSender(send)
    delivery.push_all(pictures, "1")
    await done.wait()
    delivery.close()


async def two_threads(pictures: list[Picture]) -> None:
    """Plain Pillow in two threads."""
    with ThreadPoolExecutor(2) as pool:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(pool, shrink, picture.data) for picture in pictures))


async def on_the_loop(pictures: list[Picture]) -> None:
    """Plain Pillow in the cell, as most notebooks do it; other tasks get a turn after each picture."""
    for picture in pictures:
        shrink(picture.data)
        await asyncio.sleep(0)


async def displayed(pictures: list[Picture]) -> None:
    """The PNG that `display(image)` sends for each, on the loop."""
    for picture in pictures:
        assert picture.image._repr_png_()
        await asyncio.sleep(0)


WAYS: dict[str, Callable[[list[Picture]], Coroutine[Any, Any, None]]] = {
    "ours": ours,
    "Pillow in two threads": two_threads,
    "Pillow on the loop": on_the_loop,
    "display(PIL image)": displayed,
}


async def run(
    way: Callable[[list[Picture]], Coroutine[Any, Any, None]], pictures: list[Picture]
) -> tuple[float, float]:
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
    """A row for each way, medians of `rounds`."""
    pictures = make_pictures(count)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            found[name].append(asyncio.run(run(way, pictures)))
    base = median(seconds for seconds, _ in found["Pillow in two threads"])
    return [
        {
            "way": name,
            "time beside Pillow in two threads": round(median(seconds for seconds, _ in runs) / base, 2),
            "loop stood still, ms": round(median(longest for _, longest in runs) * 1000, 1),
        }
        for name, runs in found.items()
    ]


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """Each target in words, and whether it is met."""
    _, wall, lag = rows[0].values()
    return [
        (f"at most {WALL} of the time of Pillow in two threads: {wall}", wall <= WALL),
        (f"the loop stands still for at most {LAG:g} ms: {lag}", lag <= LAG),
    ]


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="A hundred pictures become thumbnails.")
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    rows = measure(options.pictures, options.rounds)
    return tell({"rows": rows}, targets(rows), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
