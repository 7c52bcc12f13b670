"""How a large gallery behaves in a real browser: first screen, scrolling, memory; scrolling beside Gradio's gallery.

    python tests/benchmarks/gallery.py [--rounds 5] [--json]

On a blank page with a stand-in for the kernel, from the built bundle, in the Chromium that is installed. Few pictures
and many, ours and Gradio's, take turns, so that a noisy machine disturbs them alike. Gradio is installed with pip into
an environment of its own below the temporary folder, and is left out where that fails; it gets our thumbnails as its
pictures, so that the difference is the gallery's. Prints the targets; the exit status is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.browser import chromium
from tests.browser.environments import python_with
from tests.browser.page import batches
from tests.browser.page.landscapes import landscape
from tests.browser.page.serve import serve
from tests.browser.screenshots import batch_entry, done, entry
from tests.browser.server import Server, free_port

FEW, MANY, MOST = 20, 500, 5000
OF_REQUEST = 4
"""Pictures of each request of the batch that has `MOST`."""
UNASKED = 60
"""Thumbnails that the kernel sends to a batch without a request."""
BETWEEN = 5
"""Thumbnails that come between two messages of a hundred rows: as many as the kernel reads meanwhile."""
RATIO = 1.5
"""Target: the first screen of more pictures takes at most this many times as long as that of `FEW`."""
LONGEST_TASK = 50.0
"""Target: milliseconds that no task takes while the gallery of `MANY` is scrolled."""
WORST_FRAME, FRAMES = 50.0, 55.0
"""Targets while the gallery of `MANY` is scrolled: milliseconds from one frame to the next; frames a second."""
BUDGET = 64 * 1024 * 1024
"""Target: bytes of blobs that the page holds at most."""
LARGE, PIECES = 3 * 1024 * 1024, 40
"""Bytes of one file, and how many of them are drawn: more than the budget."""
OPENINGS = 3
"""How often each gallery is opened in a round."""
GRADIO = "gradio"

PREPARE = """() => {
  globalThis.blobs = new Map();
  globalThis.most = 0;
  const [make, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
  URL.createObjectURL = (blob) => {
    const url = make.call(URL, blob);
    blobs.set(url, blob.size);
    most = Math.max(most, [...blobs.values()].reduce((sum, size) => sum + size, 0));
    return url;
  };
  URL.revokeObjectURL = (url) => { blobs.delete(url); revoke.call(URL, url); };
  // anywidget's model hands out what it holds, without the stand-in's copy each time. No trait changes here.
  const get = FakeModel.prototype.get;
  const held = new WeakMap();
  FakeModel.prototype.get = function (name) {
    if (!held.has(this)) held.set(this, {});
    return (held.get(this)[name] ??= get.call(this, name));
  };
}"""

FIRST_SCREEN = """async ([traits, options, messages, thumbnail]) => {
  const bytes = Uint8Array.from(atob(thumbnail), (letter) => letter.charCodeAt(0)).buffer;
  await import("/static/widget.js");
  // One message for each picture, in their order, each with bytes of its own. They come from another thread, as those
  // of a socket do: making 500 of them is no work of the page.
  const send = "onmessage = ({ data }) => data ? postMessage(all = data) : all.forEach((each) => postMessage(each))";
  const kernel = new Worker(`data:text/javascript,let all; ${encodeURIComponent(send)}`);
  const listening = new Promise((resolve) => { kernel.onmessage = resolve; });
  kernel.postMessage(messages.map((message) => [message, message.type === "picture" && bytes]));
  await listening;
  kernel.onmessage = ({ data: [message, buffer] }) => model.deliver(message, buffer ? [buffer] : []);
  const start = performance.now();
  await mount(traits, options);
  kernel.postMessage(0);
  const seen = (li) => li.getBoundingClientRect().top < innerHeight;
  const whole = (li) => { const image = li.querySelector("img"); return image?.complete && image.naturalWidth; };
  for (;;) {
    const first = [...document.querySelectorAll("li:not([aria-hidden])")].slice(0, 24).filter(seen);
    if (first.length && first.every(whole)) break;
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - start;
}"""

SCROLL = """async (tile) => {
  // The page, or the box in it that scrolls.
  const boxes = [document.scrollingElement, ...document.querySelectorAll("div")];
  const scroller = boxes.reduce((most, each) =>
    each.scrollHeight - each.clientHeight > most.scrollHeight - most.clientHeight ? each : most);
  const [tiles, tasks, frames] = [new Set(), [], []];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
  observer.observe({ type: "longtask" });
  const end = scroller.scrollHeight - scroller.clientHeight;
  for (let top = 0; top < end + 120; top += 120) {
    scroller.scrollTop = top;
    frames.push(await new Promise(requestAnimationFrame));
    // Tiles are drawn for longer than that, and counting them takes time.
    const drawn = tile && frames.length % 4 === 0 ? document.querySelectorAll(tile) : [];
    for (const each of drawn) tiles.add(each.getAttribute("aria-label"));
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  observer.disconnect();
  const steps = frames.slice(1).map((at, frame) => at - frames[frame]);
  const whole = frames.at(-1) - frames[0];
  return {
    longest: Math.max(0, ...tasks), tiles: tiles.size, pixels: end,
    worst: Math.max(...steps), rate: (1000 * steps.length) / whole,
  };
}"""

PLAIN = """async ([count, thumbnail]) => {
  document.body.innerHTML = "";
  document.body.style = "display: grid; grid-template-columns: repeat(7, 1fr); gap: 8px; max-width: none";
  const bytes = Uint8Array.from(atob(thumbnail), (letter) => letter.charCodeAt(0));
  for (let left = count; left > 0; left--) {
    const image = document.body.appendChild(new Image());
    image.style.width = "100%";
    image.src = URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
  }
  const loaded = () => [...document.images].every((image) => image.complete);
  while (!loaded()) await new Promise(requestAnimationFrame);
}"""
"""The same pictures as images of a page without a line of ours: what this browser, on this machine, can do at best."""

FILL = """async ([traits, thumbnail, size]) => {
  unmount();
  await mount(traits);
  const small = Uint8Array.from(atob(thumbnail), (letter) => letter.charCodeAt(0));
  const part = 1024 * 1024;
  for (const { id, index } of model.get("pictures")) {
    // The first one has to be a picture: with it the card finds out whether the page allows blob: addresses.
    const bytes = index ? new Uint8Array(size) : small;
    const parts = Math.ceil(bytes.length / part);
    const piece = { type: "picture", kind: "thumbnail", mime: "image/webp", name: "", id, parts };
    for (let at = 0; at < parts; at++) {
      model.deliver({ ...piece, part: at }, [bytes.slice(at * part, (at + 1) * part).buffer]);
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}"""

SHOW_IN_GRADIO = """
import sys
from pathlib import Path
import gradio
folder, port = sys.argv[1:]
pictures = sorted(Path(folder).glob("*.webp"))
with gradio.Blocks() as page:
    gradio.Gallery(pictures, columns=6, height=840, show_label=False)
page.launch(server_name="127.0.0.1", server_port=int(port), quiet=True, allowed_paths=[folder])
"""

Gallery = tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]
"""Traits, options of the stand-in, and the messages of the kernel."""


def piece(picture: dict[str, Any]) -> dict[str, Any]:
    """The message that brings a thumbnail."""
    facts = {"type": "picture", "kind": "thumbnail", "mime": "image/webp", "name": "", "part": 0, "parts": 1}
    return {**facts, "id": picture["id"]}


def gallery(count: int) -> Gallery:
    """A finished job with `count` different pictures."""
    pictures = [{**entry(index), "id": f"picture-{index}"} for index in range(count)]
    return done(pictures=pictures), {}, [piece(picture) for picture in pictures]


def batch(count: int) -> Gallery:
    """A finished batch with `count` different pictures, as the kernel sends it: thumbnails come between the rows."""

    def picture(request: int, index: int) -> dict[str, Any]:
        return {**batch_entry(request, index), "id": f"picture-{request}-{index}"}

    rows = [batches.done(picture, request, OF_REQUEST) for request in range(count // OF_REQUEST)]
    parts = [{"type": "rows", "rows": rows[at : at + 100], "first": at == 0} for at in range(0, len(rows), 100)]
    pictures = [piece(each) for row in rows for each in row["pictures"]][:UNASKED]
    between = [parts[0]]
    for at, part in enumerate(parts[1:]):
        between += [*pictures[at * BETWEEN : (at + 1) * BETWEEN], part]
    return batches.traits(rows), {"rows": []}, [*between, *pictures[(len(parts) - 1) * BETWEEN :]]


def draw_thumbnail() -> bytes:
    """A thumbnail as the kernel sends it."""
    file = io.BytesIO()
    landscape(1, 384, 384).save(file, "WEBP", quality=80)
    return file.getvalue()


def measure(rounds: int, beside: bool) -> dict[str, Any]:
    """Everything that is printed, as one JSON object. Times are in milliseconds. `beside`: Gradio too."""
    data = draw_thumbnail()
    picture = base64.b64encode(data).decode()
    opened = {"few": gallery(FEW), "many": gallery(MANY), "few of a batch": batch(FEW), "batch": batch(MOST)}
    times: dict[str, list[float]] = {name: [] for name in opened}
    scrolled: dict[str, list[dict[str, float]]] = {"ours": [], "plain images": [], "Gradio": []}
    with serve() as url, gradio_gallery(data, beside) as peer, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for turn in range(rounds + 1):  # the first one warms up
            for name, (traits, options, messages) in opened.items():
                for _ in range(OPENINGS):
                    _open(page, url)
                    times[name].append(page.evaluate(FIRST_SCREEN, [traits, options, messages, picture]))
                if name == "many" and turn:
                    scrolled["ours"].append(page.evaluate(SCROLL, ".dreambooth-open"))
            if turn:
                _open(page, url)
                page.evaluate(PLAIN, [MANY, picture])
                scrolled["plain images"].append(page.evaluate(SCROLL, None))
            if peer and turn:
                page.goto(peer)
                page.wait_for_function(
                    "count => document.querySelectorAll('.grid-container img').length >= count", arg=MANY
                )
                scrolled["Gradio"].append(page.evaluate(SCROLL, None))
        _open(page, url)
        page.evaluate("traits => mount(traits)", gallery(FEW)[0])
        page.evaluate(FILL, [gallery(PIECES)[0], picture, LARGE])
        most = page.evaluate("() => most")
        page.evaluate("() => unmount()")
        left = page.evaluate("() => blobs.size")
        browser.close()
    # The quickest: what else this machine does only ever adds time.
    first = {name: min(each[OPENINGS:]) for name, each in times.items()}
    return {
        "rounds": rounds,
        "first screen": {name: round(time, 1) for name, time in first.items()},
        "ratio": round(first["many"] / first["few"], 2),
        "ratio of the batch": round(first["batch"] / first["few of a batch"], 2),
        "tiles": int(scrolled["ours"][0]["tiles"]),
        "longest task": round(statistics.median(each["longest"] for each in scrolled["ours"]), 1),
        "scrolling": {name: _frames(each) for name, each in scrolled.items() if each},
        "most bytes": most,
        "blobs left": left,
    }


def _frames(scrolled: list[dict[str, float]]) -> dict[str, float]:
    middle = {name: statistics.median(each[name] for each in scrolled) for name in ("worst", "rate")}
    return {"worst frame": round(middle["worst"], 1), "frames a second": round(middle["rate"], 1)}


def _open(page: Page, url: str) -> None:
    page.goto(f"{url}/page/index.html")
    page.wait_for_function("() => window.mount")
    page.evaluate(PREPARE)


@contextmanager
def gradio_gallery(picture: bytes, wanted: bool) -> Iterator[str]:
    """The address of Gradio's gallery with `MANY` pictures; "" where it is not wanted or cannot be installed."""
    if not wanted:
        yield ""
        return
    try:
        python = asyncio.run(python_with(GRADIO))
    except subprocess.CalledProcessError:
        sys.stderr.write(f"{GRADIO} cannot be installed here; it is left out.\n")
        yield ""
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for index in range(MANY):
            (folder / f"{index:03}.webp").write_bytes(picture)
        (folder / "show_in_gradio.py").write_text(SHOW_IN_GRADIO, encoding="utf-8")
        port = free_port()
        variables = {
            "PYTHONPATH": str(folder),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_TEMP_DIR": str(folder / "g"),
        }
        server = Server(folder, ["show_in_gradio", str(folder), str(port)], variables, python)
        address = asyncio.run(server.listening(port))
        try:
            yield address
        finally:
            asyncio.run(server.close())


def targets(found: dict[str, Any]) -> list[tuple[str, bool]]:
    """Each target in words, and whether it is met."""
    ours = found["scrolling"]["ours"]
    worst, rate = ours["worst frame"], ours["frames a second"]
    return [
        (f"first screen of {MANY}: at most {RATIO} times that of {FEW}: {found['ratio']}", found["ratio"] <= RATIO),
        (
            f"first screen of {MOST:,} in a batch: at most {RATIO} times that of {FEW}: {found['ratio of the batch']}",
            found["ratio of the batch"] <= RATIO,
        ),
        (
            f"scrolling {found['tiles']} tiles: no task over {LONGEST_TASK:.0f} ms: {found['longest task']}",
            found["longest task"] <= LONGEST_TASK,
        ),
        (f"scrolling {MANY}: no frame over {WORST_FRAME:.0f} ms: {worst}", worst <= WORST_FRAME),
        (f"scrolling {MANY}: at least {FRAMES:.0f} frames in 1000 ms: {rate}", rate >= FRAMES),
        (
            f"blobs: at most {BUDGET >> 20} MiB, of {PIECES * LARGE >> 20} MiB that came: "
            f"{found['most bytes'] / (1 << 20):.1f} MiB",
            BUDGET // 2 < found["most bytes"] <= BUDGET,
        ),
        (f"blob URLs left after closing: none: {found['blobs left']}", found["blobs left"] == 0),
    ]


def report(found: dict[str, Any], results: list[tuple[str, bool]]) -> str:
    """The same for readers."""
    lines = [f"First screen, the quickest of {OPENINGS * found['rounds']}:", ""]
    lines += [f"* {name}: {time} ms" for name, time in found["first screen"].items()]
    lines += ["", f"Scrolling {MANY} pictures:", ""]
    for name, frames in found["scrolling"].items():
        lines.append(f"* {name}: worst frame {frames['worst frame']} ms, {frames['frames a second']} frames a second")
    return "\n".join([*lines, "", *(f"* {'met' if met else 'MISSED'}: {target}" for target, met in results)])


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="A large gallery beside a small one, and beside Gradio's.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is scrolled")
    parser.add_argument("--alone", action="store_true", help="without Gradio")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    found = measure(options.rounds, not options.alone)
    results = targets(found)
    text = report(found, results)
    if options.json:
        named = [{"target": target, "met": met} for target, met in results]
        text = json.dumps({**found, "targets": named}, indent=2)
    sys.stdout.write(text + "\n")
    return 0 if all(met for _, met in results) else 1


if __name__ == "__main__":
    sys.exit(main())
