"""How a gallery of 500 pictures behaves in a real browser beside one of 20: first screen, scrolling, memory.

    python tests/benchmarks/gallery.py [--rounds 9] [--json]

On a blank page with a stand-in for the kernel, from the built bundle, in the Chromium that is installed. The two
galleries take turns, so that a noisy machine disturbs both alike. Prints the targets; the exit status is 1 when one is
missed.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.browser import chromium
from tests.browser.page.landscapes import landscape
from tests.browser.page.serve import serve
from tests.browser.screenshots import done, entry

FEW, MANY = 20, 500
RATIO = 1.5
"""Target: the first screen of `MANY` pictures takes at most this many times as long as that of `FEW`."""
LONGEST_TASK = 50.0
"""Target: milliseconds that no task takes while the gallery of `MANY` is scrolled."""
BUDGET = 64 * 1024 * 1024
"""Target: bytes of blobs that the page holds at most."""
LARGE, PIECES = 3 * 1024 * 1024, 40
"""Bytes of one file, and how many of them are drawn: more than the budget."""

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

FIRST_SCREEN = """async ([traits, thumbnail]) => {
  const bytes = Uint8Array.from(atob(thumbnail), (letter) => letter.charCodeAt(0)).buffer;
  await import("/static/widget.js");
  // One message for each picture, in their order, each with bytes of its own. They come from another thread, as those
  // of a socket do: making 500 of them is no work of the page.
  const piece = { type: "picture", kind: "thumbnail", mime: "image/webp", name: "", part: 0, parts: 1 };
  const send = "onmessage = ({ data }) => data ? postMessage(all = data) : all.forEach((each) => postMessage(each))";
  const kernel = new Worker(`data:text/javascript,let all; ${encodeURIComponent(send)}`);
  const listening = new Promise((resolve) => { kernel.onmessage = resolve; });
  kernel.postMessage(traits.pictures.map(({ id, index }) => [{ ...piece, id, index }, bytes]));
  await listening;
  kernel.onmessage = ({ data: [message, buffer] }) => model.deliver(message, [buffer]);
  const start = performance.now();
  await mount(traits);
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

SCROLL = """async () => {
  const tiles = new Set();
  const tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
  observer.observe({ type: "longtask" });
  for (let top = 0; top < document.documentElement.scrollHeight; top += 120) {
    scrollTo(0, top);
    await new Promise(requestAnimationFrame);
    for (const tile of document.querySelectorAll(".dreambooth-open")) tiles.add(tile.getAttribute("aria-label"));
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  observer.disconnect();
  return { longest: Math.max(0, ...tasks), tiles: tiles.size };
}"""

FILL = """async ([traits, thumbnail, size]) => {
  unmount();
  await mount(traits);
  const small = Uint8Array.from(atob(thumbnail), (letter) => letter.charCodeAt(0));
  const part = 1024 * 1024;
  for (const { id, index } of model.get("pictures")) {
    // The first one has to be a picture: with it the card finds out whether the page allows blob: addresses.
    const bytes = index ? new Uint8Array(size) : small;
    const parts = Math.ceil(bytes.length / part);
    const piece = { type: "picture", kind: "thumbnail", mime: "image/webp", name: "", id, index, parts };
    for (let at = 0; at < parts; at++) {
      model.deliver({ ...piece, part: at }, [bytes.slice(at * part, (at + 1) * part).buffer]);
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}"""


def traits(count: int) -> dict[str, Any]:
    """A finished job with `count` different pictures."""
    return done(pictures=[{**entry(index), "id": f"picture-{index}"} for index in range(count)])


def thumbnail() -> str:
    """A thumbnail as the kernel sends it, in base64."""
    file = io.BytesIO()
    landscape(1, 384, 384).save(file, "WEBP", quality=80)
    return base64.b64encode(file.getvalue()).decode()


def measure(rounds: int) -> dict[str, Any]:
    """Everything that is printed, as one JSON object. Times are in milliseconds."""
    picture = thumbnail()
    times: dict[int, list[float]] = {FEW: [], MANY: []}
    with serve() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for count in (FEW, MANY) * (rounds + 1):
            _open(page, url)
            times[count].append(page.evaluate(FIRST_SCREEN, [traits(count), picture]))
        scrolled = page.evaluate(SCROLL)
        page.evaluate(FILL, [traits(PIECES), picture, LARGE])
        most = page.evaluate("() => most")
        page.evaluate("() => unmount()")
        left = page.evaluate("() => blobs.size")
        browser.close()
    few, many = (statistics.median(times[count][1:]) for count in (FEW, MANY))  # the first one warms up
    return {
        "rounds": rounds,
        "few": round(few, 1),
        "many": round(many, 1),
        "ratio": round(many / few, 2),
        "tiles": scrolled["tiles"],
        "longest task": round(scrolled["longest"], 1),
        "most bytes": most,
        "blobs left": left,
    }


def _open(page: Page, url: str) -> None:
    page.goto(f"{url}/page/index.html")
    page.wait_for_function("() => window.mount")
    page.evaluate(PREPARE)


def targets(found: dict[str, Any]) -> list[tuple[str, bool]]:
    """Each target in words, and whether it is met."""
    return [
        (f"first screen of {MANY}: at most {RATIO} times that of {FEW}: {found['ratio']}", found["ratio"] <= RATIO),
        (
            f"scrolling {found['tiles']} tiles: no task over {LONGEST_TASK:.0f} ms: {found['longest task']}",
            found["longest task"] <= LONGEST_TASK,
        ),
        (
            f"blobs: at most {BUDGET >> 20} MiB, of {PIECES * LARGE >> 20} MiB that came: "
            f"{found['most bytes'] / (1 << 20):.1f} MiB",
            BUDGET // 2 < found["most bytes"] <= BUDGET,
        ),
        (f"blob URLs left after closing: none: {found['blobs left']}", found["blobs left"] == 0),
    ]


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="A gallery of 500 pictures beside one of 20.")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is opened")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    found = measure(options.rounds)
    results = targets(found)
    if options.json:
        text = json.dumps({**found, "targets": [{"target": target, "met": met} for target, met in results]}, indent=2)
    else:
        few, many = (f"{found[name]} ms for {count}" for name, count in (("few", FEW), ("many", MANY)))
        times = f"First screen, median of {found['rounds']}: {few}, {many}."
        text = "\n".join([times, "", *(f"* {'met' if met else 'MISSED'}: {target}" for target, met in results)])
    sys.stdout.write(text + "\n")
    return 0 if all(met for _, met in results) else 1


if __name__ == "__main__":
    sys.exit(main())
