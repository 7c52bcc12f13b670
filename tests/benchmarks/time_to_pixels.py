"""How long from four pictures in the kernel until a person sees them: this widget beside `ipywidgets.Image`.

    python tests/benchmarks/time_to_pixels.py [--rounds 7] [--json]

A real JupyterLab in the Chromium that is installed, with a real kernel. In each round three cells show the same four
PNG files of 1024×1024, and take turns in being the first: a `DreamboothWidget` whose job ends, one that is displayed
when its job has long ended, and a `GridBox` of four `ipywidgets.Image`. The clock starts in the kernel with the last
byte of the last picture, before anything is decoded, or with the cell where all are there already. It stops in the page
two frames after all four `<img>` are loaded. Both are on this machine. Prints the medians and the targets; the exit
status is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Page, async_playwright, expect

sys.path.insert(0, str(Path(__file__).parents[2]))
from dreambooth_widget.demo.scenery import draw_png
from tests.browser import chromium
from tests.browser.lab import DESK, JupyterServer, Lab, Notebook, started
from tests.endpoint import CANARY, PROCESSING, Endpoint, Reply

COUNT, EDGE = 4, 1024
GRAIN = 8.0
"""How noisy the pictures are: as a photograph, which makes a PNG of about 1.3 MB."""

SLOWEST = {"thumbnails": 0.8, "previews": 1.0}
"""Targets: at most this many times as long as `ipywidgets.Image`.

For the widget whose job ends. One that is displayed later sends its pictures only when its view stands in the
page, and is about as fast as `ipywidgets.Image`; before that the cell shows its static copy, which is not counted here.
"""

SETUP = f"""
import json, time
import ipywidgets
from IPython.display import display
from dreambooth_widget import DreamboothWidget, PollSchedule, fetch
from dreambooth_widget.images.pool import WorkerPool

FAST = PollSchedule(shortest=0.2, longest=0.4, longest_silence=0.4)
KEY = {CANARY!r}
began, sent = {{}}, {{}}

class Watched(DreamboothWidget):
    "Writes down which files went to the browser."
    label = None

    def send(self, content, buffers=None):
        if content.get("type") == "picture" and self.label:
            size = sum(len(buffer) for buffer in buffers)
            sent.setdefault(self.label, []).append([content["kind"], size, time.time()])
        super().send(content, buffers=buffers)

inspect = WorkerPool.inspect

async def inspect_noted(pool, data, **limits):
    "Write down when the bytes of the last picture are here."
    began["live"] = time.time()
    return await inspect(pool, data, **limits)

WorkerPool.inspect = inspect_noted

def widget(label, address, request_id):
    made = Watched(KEY, request_id, endpoint=address, schedule=FAST)
    made.label = label
    return made
"""

PREPARE = """
result = await fetch(KEY, REQUEST, endpoint=ADDRESS)
files = [picture.data for picture in result]
later = widget(None, ADDRESS, REQUEST)
await later
later.label = "later"
"""

SHOW = {
    "live": 'live = widget("live", ADDRESS, HELD)\ndisplay(live)',
    "later": 'began["later"] = time.time()\ndisplay(later)',
    "Image": (
        'began["Image"] = time.time()\n'
        'images = [ipywidgets.Image(value=data, format="png", layout={"width": "100%"}) for data in files]\n'
        'display(ipywidgets.GridBox(images, layout={"grid_template_columns": "repeat(4, 1fr)"}))'
    ),
}
"""What the cells do. `ADDRESS`, `REQUEST` and `HELD` (a request whose end is held back) are set before each round."""

CELLS = [SETUP, PREPARE, *SHOW.values()]
NAMES = {
    "live": "DreamboothWidget, job ends",
    "later": "DreamboothWidget, displayed later",
    "Image": "4 × ipywidgets.Image",
}

# Resolves to Unix seconds: when `count` pictures of at least `least` pixels that were not there before are painted.
WATCH = """([panel, cell, images, count, steps]) => {
  const root = document.getElementById(panel).querySelectorAll(".jp-Notebook .jp-Cell")[cell];
  const old = new Set(root.querySelectorAll(images));
  const frame = () => new Promise(requestAnimationFrame);
  const fresh = (least) => [...root.querySelectorAll(images)].filter(
    (image) => !old.has(image) && image.complete && image.naturalWidth >= least && image.getBoundingClientRect().width);
  const painted = async (least) => {
    while (fresh(least).length < count) await frame();
    await frame();
    await frame();
    return Date.now() / 1000;
  };
  globalThis.watched = Promise.all(steps.map(painted));
}"""


def make_picture(seed: int) -> bytes:
    """A PNG of 1024×1024 that weighs as much as what a diffusion model makes."""
    drawn = Image.open(io.BytesIO(draw_png(seed, "", (EDGE, EDGE)))).convert("RGB")
    grain = Image.merge("RGB", [Image.effect_noise((EDGE, EDGE), GRAIN)] * 3)
    file = io.BytesIO()
    Image.blend(drawn, grain, 0.2).save(file, "PNG", compress_level=6)
    return file.getvalue()


class Service:
    """The endpoint's side: every job is done at once, but for the one whose id ends in "held"."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.endpoint.when = self._answer
        self.links: list[str] = []
        self.held = True

    def serve(self, files: list[bytes]) -> None:
        """Let the next jobs have these pictures, and hold the end of the held one back."""
        self.links = [self.endpoint.serve(f"{index}.png", data) for index, data in enumerate(files)]
        self.held = True

    def _answer(self, seen: Any) -> Reply:
        waits = self.held and json.loads(seen.body)["request_id"].endswith("held")
        return Reply(PROCESSING if waits else self.endpoint.success(*self.links))


class Bench:
    """One notebook in one JupyterLab."""

    def __init__(self, notebook: Notebook, service: Service) -> None:
        self.notebook = notebook
        self.service = service

    async def round(self, number: int, files: list[bytes]) -> dict[str, dict[str, float]]:
        """Milliseconds of one round: name → thumbnails, tile, preview."""
        self.service.serve(files)
        names = {"ADDRESS": self.service.endpoint.url, "REQUEST": f"{number}", "HELD": f"{number}-held"}
        await self.notebook.execute("\n".join(f"{name} = {value!r}" for name, value in names.items()))
        await self.notebook.run(1)
        order = list(SHOW)
        turn = number % len(order)
        return {name: await self._show(name) for name in order[turn:] + order[:turn]}

    async def _show(self, name: str) -> dict[str, float]:
        index = 2 + list(SHOW).index(name)
        page = self.notebook.page
        # Ours by its live view alone: the static copy under it, which is there before, does not count.
        images, steps = ("img", [EDGE]) if name == "Image" else (".dreambooth-tile img", [1, EDGE])
        panel = await self.notebook.view.evaluate("view => view.closest('.jp-NotebookPanel').id")
        await page.evaluate(WATCH, [panel, index, images, COUNT, steps])
        await self.notebook.run(index)
        if name == "live":
            await expect(self.notebook.output(index).locator(".dreambooth-chip")).to_have_text("Generating")
            self.service.held = False
        seen = await page.evaluate("() => watched")
        start = (await self.notebook.value("began"))[name]
        times = [round((moment - start) * 1000, 1) for moment in seen]
        return {"thumbnails": times[0], "previews": times[-1]}

    async def crossed(self) -> dict[str, list[list[Any]]]:
        """What each widget has sent so far: kind, bytes and Unix seconds of each message with a picture."""
        sent: dict[str, list[list[Any]]] = await self.notebook.value("sent")
        return sent


async def measure(rounds: int) -> dict[str, Any]:
    """Everything that is printed. Times are in milliseconds, sizes in bytes."""
    random.seed(0)
    files = [[make_picture(number * COUNT + index) for index in range(COUNT)] for number in range(2)]
    runs: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = JupyterServer(Path(folder))
        await server.listening(server.port)
        async with Endpoint() as endpoint, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
            page = await _lab_page(browser, server.url)
            notebook = await Lab(server, page).open(CELLS)
            await notebook.run(0)
            bench = Bench(notebook, Service(endpoint))
            for number in range(rounds + 1):
                runs.append(await bench.round(number, files[number % 2]))
            sent = await bench.crossed()
            await browser.close()
        await server.close()
    return _summary(rounds, runs[1:], sent, sum(map(len, files[0])))  # the first round warms up


async def _lab_page(browser: Any, url: str) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    await context.add_init_script(path=DESK)
    page: Page = await context.new_page()
    await page.goto(f"{url}lab?reset")
    await started(page)
    return page


def _summary(
    rounds: int, runs: list[dict[str, dict[str, float]]], sent: dict[str, list[list[Any]]], size: int
) -> dict[str, Any]:
    medians = {
        name: {step: statistics.median(run[name][step] for run in runs) for step in ("thumbnails", "previews")}
        for name in NAMES
    }
    theirs = medians["Image"]["previews"]
    rows: list[dict[str, Any]] = [
        {
            "way": label,
            **{step: round(value) for step, value in medians[name].items()},
            **{f"ratio of {step}": round(value / theirs, 2) for step, value in medians[name].items()},
        }
        for name, label in NAMES.items()
    ]
    bytes_sent = dict.fromkeys(("thumbnail", "preview", "original"), 0)
    for kind, length, _ in (message for messages in sent.values() for message in messages):
        bytes_sent[kind] += length
    shows = 2 * (rounds + 1)
    return {
        "rounds": rounds,
        "bytes of the files": size,
        "bytes sent": {kind: round(total / shows) for kind, total in bytes_sent.items()},
        "rows": rows,
        "targets": _targets(rows, bytes_sent["original"]),
    }


def _targets(rows: list[dict[str, Any]], originals: int) -> list[dict[str, Any]]:
    """What must hold, and whether it does."""
    found = [
        {
            "target": f"{row['way']}: {step} visible in at most {SLOWEST[step]:g} times the time of {rows[-1]['way']}",
            "value": row[f"ratio of {step}"],
            "met": row[f"ratio of {step}"] <= SLOWEST[step],
        }
        for row, step in ((rows[0], "thumbnails"), (rows[0], "previews"))
    ]
    found.append({"target": "bytes of originals sent unasked: none", "value": originals, "met": originals == 0})
    return found


def describe(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    sent = ", ".join(f"{kind}s {total / 1000:.0f} kB" for kind, total in result["bytes sent"].items())
    lines = [
        f"Four PNG files of {EDGE}×{EDGE}, {result['bytes of the files'] / 1e6:.1f} MB together; "
        f"median of {result['rounds']} rounds. Ours sends: {sent}.\n",
        "| way | all thumbnails visible (ms) | all 1024 px visible (ms) | ratio of the first | ratio of the second |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['way']} | {row['thumbnails']} | {row['previews']} "
        f"| {row['ratio of thumbnails']:.2f} | {row['ratio of previews']:.2f} |"
        for row in result["rows"]
    ]
    lines.append("")
    for target in result["targets"]:
        lines.append(f"* {'met' if target['met'] else 'MISSED'}: {target['target']}: {target['value']}")
    return "\n".join(lines)


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="Time to visible pictures, ours and that of ipywidgets.Image.")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is shown")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    result = asyncio.run(measure(options.rounds))
    text = json.dumps(result, indent=2, ensure_ascii=False) if options.json else describe(result)
    sys.stdout.write(text + "\n")
    return 0 if all(target["met"] for target in result["targets"]) else 1


if __name__ == "__main__":
    sys.exit(main())
