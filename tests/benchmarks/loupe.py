"""How long from the pointer to the pixels of eight originals under the loupe.

    python tests/benchmarks/loupe.py [--moves 40] [--json]

A real JupyterLab in the Chromium that is installed, with a real kernel, both on this machine. A widget shows eight PNG
files of 1024×1024; Z is held, and the pointer jumps from spot to spot of one tile. The clock starts with the browser's
pointer event, and stops a frame after all eight tiles show the kernel's pixels of the new spot. Prints the times, the
bytes of a look beside those of the eight originals, and the targets; the exit status is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright, expect

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.report import Target, print_report
from tests.benchmarks.time_to_pixels import _lab_page, make_picture
from tests.browser import chromium
from tests.browser.card import Card
from tests.browser.lab import JupyterServer, Lab, Notebook
from tests.endpoint import CANARY, Endpoint

COUNT = 8
SLOWEST = 150.0
"""Target: milliseconds from the pointer to the pixels, as the median."""

CELL = f"""
from dreambooth_widget import DreamboothWidget, PollSchedule
sent = [0, 0]

class Watched(DreamboothWidget):
    "Counts the messages with crops, and their bytes."

    def send(self, content, buffers=None):
        if content.get("kind") == "crop":
            sent[0] += 1
            sent[1] += sum(len(buffer) for buffer in buffers)
        super().send(content, buffers=buffers)

widget = Watched({CANARY!r}, "1", endpoint=ADDRESS, schedule=PollSchedule(shortest=0.2, longest=0.4))
widget
"""

WATCH = """(count) => {
  globalThis.times = [];
  const lenses = () => [...document.querySelectorAll(".dreambooth-lens")];
  const spot = () => lenses()[0]?.querySelector("img").style.transform;
  addEventListener("pointermove", ({ timeStamp }) => {
    const before = spot();
    const look = () => {
      const all = lenses();
      const there = all.length === count && spot() !== before && all.every((lens) => lens.dataset.sharp);
      requestAnimationFrame(there ? () => times.push(performance.now() - timeStamp) : look);
    };
    requestAnimationFrame(look);
  }, true);
}"""
"""Collects the milliseconds of each move of the pointer."""


async def look(notebook: Notebook, moves: int) -> list[float]:
    """Milliseconds of each look, of which the first two warm up."""
    page, card = notebook.page, Card(notebook.output(1))
    await card.shows(COUNT)
    tile = await card.tiles.nth(2).bounding_box()
    assert tile is not None
    spots = [(random.uniform(0.1, 0.9), random.uniform(0.1, 0.9)) for _ in range(moves + 2)]
    await page.mouse.move(tile["x"] + tile["width"] / 2, tile["y"] + tile["height"] / 2)
    await page.keyboard.down("z")
    await expect(page.locator(".dreambooth-lens[data-sharp]")).to_have_count(COUNT)
    await page.evaluate(WATCH, COUNT)
    await notebook.execute("sent[:] = [0, 0]")
    for number, (x, y) in enumerate(spots):
        await page.mouse.move(tile["x"] + x * tile["width"], tile["y"] + y * tile["height"])
        await page.wait_for_function("(count) => times.length > count", arg=number)
    times: list[float] = await page.evaluate("() => times")
    return times


async def measure(moves: int) -> dict[str, Any]:
    """Everything that is printed."""
    random.seed(0)
    files = [make_picture(index) for index in range(COUNT)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = JupyterServer(Path(folder))
        await server.listening(server.port)
        async with Endpoint() as endpoint, async_playwright() as playwright:
            endpoint.answers = [endpoint.success(*(endpoint.serve(f"{n}.png", data) for n, data in enumerate(files)))]
            browser = await playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
            page = await _lab_page(browser, server.url)
            notebook = await Lab(server, page).open([f"ADDRESS = {endpoint.url!r}", CELL])
            await notebook.run_all()
            times = await look(notebook, moves)
            crops, size = await notebook.value("sent")
            await browser.close()
        await server.close()
    return {"times": times[2:], "crops": crops / len(times), "bytes": size / len(times), "whole": sum(map(len, files))}


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="From the pointer to the pixels of eight originals.")
    parser.add_argument("--moves", type=int, default=40, help="how often the pointer jumps")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    found = asyncio.run(measure(options.moves))
    times = sorted(found["times"])
    median, slow = statistics.median(times), times[int(0.95 * (len(times) - 1))]
    row = {
        "what": f"{COUNT} pictures of 1024×1024 at one spot",
        "median, ms": round(median),
        "95 %, ms": round(slow),
        "kB of a look": round(found["bytes"] / 1000),
        "kB of the originals": round(found["whole"] / 1000),
    }
    targets: list[Target] = [
        (f"from the pointer to the pixels: at most {SLOWEST:.0f} ms: {median:.0f}", median <= SLOWEST),
        (f"crops for a look: one for each picture: {found['crops']:.1f}", round(found["crops"], 1) <= COUNT),
    ]
    return print_report({"rows": [row]}, targets, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
