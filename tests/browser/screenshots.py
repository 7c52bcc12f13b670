"""Pictures of every state of the cards, to be looked at: light, dark, in forced colours, 320 and 1280 pixels wide.

    python -m tests.browser.screenshots FOLDER [--only NAME …] [--bundle DIR]

From the built bundle, on a blank page with a stand-in for the kernel. Beside the pictures stand `sheet-*.png`, several
states each, and `heights.json`: the height of each card in CSS pixels. `test_states.py` asserts what can be asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Error, FloatRect, Locator, Page, async_playwright, expect

from dreambooth_widget.client.state import FetchResult, FetchState
from dreambooth_widget.errors import DeadlineExceededError, GenerationFailedError, StoppedError
from dreambooth_widget.images.picture import Picture

from ..copies import render, render_many
from ..image_files import encoded
from . import chromium
from .card import redrawn
from .page.batches import batches
from .page.landscapes import landscape
from .page.serve import BUNDLE, serve

WIDTHS = (320, 1280)
COLOURS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}
"""What the page is asked to look like; with forced colours they are the reader's own, and no others."""
MOST = 900
"""CSS pixels of a card that are photographed."""
DRAWN = 12
PROMPT = "a lighthouse keeper's garden at dusk, mist over the hills, 35 mm, soft light"
META = {"prompt": PROMPT, "seed": "123", "steps": "30", "model": "midjourney-v4", "guidance_scale": "7.5"}

State = dict[str, Any]


def entry(index: int, status: str = "ready", *, reason: str = "", size: tuple[int, int] = (1024, 1024)) -> State:
    """One entry of `pictures`, as the kernel writes it."""
    width, height = size
    text = {"seed": str(123 + index), "prompt": PROMPT} if status == "ready" else {}
    known = {"id": f"p{index % DRAWN}-{width}x{height}" if status == "ready" else ""}
    name = f"13443927-{index + 1}.png"
    shape = {"width": width, "height": height, "size": 1_482_113, "format": "PNG", "mime": "image/png"}
    return {"index": index, "status": status, "reason": reason, "name": name, "text": text, **known, **shape}


def state(status: str, card: State | None = None, *, ago: float = 9.2, **traits: Any) -> State:
    """The traits of a job that began `ago` seconds before now."""
    now = time.time()
    times = {"started_at": now - ago} if status != "idle" else {}
    if status in ("success", "error", "stopped", "timed_out"):
        times["finished_at"] = now
    return {"status": status, "request_id": "13443927", "polls": 3, **times, "_card": card or {}, **traits}


def waiting(count: int = 4) -> list[State]:
    """Placeholders."""
    return [entry(index, "waiting") for index in range(count)]


def done(count: int = 4, **traits: Any) -> State:
    """A finished job with `count` pictures."""
    pictures = [entry(index) for index in range(count)]
    return state("success", {"meta": META}, ago=31, **{"pictures": pictures, **traits})


LATE = "missing (404); attempt 2 of 6 in 8 s"


def failure(kind: str, title: str, message: str, advice: str, details: str = "", **card: Any) -> State:
    """A job that ended in an error."""
    remedy = {"InvalidKeyError": "key", "RequestNotFoundError": "edit", "GenerationFailedError": "prompt"}
    error = {"kind": kind, "title": title, "message": message, "advice": advice, "details": details}
    error["remedy"] = remedy.get(kind, "check")
    return state("error", {"error": error, **card}, ago=2)


def retrying(message: str) -> State:
    """A job whose last call failed."""
    return state("processing", {"activity": "retrying"}, next_poll_at=time.time() + 4, message=message)


def key_refused() -> State:
    """A job whose key the service did not take."""
    return failure(
        "InvalidKeyError",
        "Key refused",
        "The service refused the API key.",
        "Check the key in your account at the service and pass it again.",
        '{"status": "error", "message": "Invalid API key. Get one at <b>our site</b>."}',
    )


def states() -> dict[str, State]:
    """Every row of the table, and the ways in which a gallery can look. Made when asked for: they hold the time."""
    soon = time.time() + 3
    lost = entry(2, "missing", reason="no access: the link may have expired (403)")
    mixed = [entry(0), entry(1), lost, entry(3)]
    portrait = [entry(index, size=(640, 960)) for index in range(3)]
    shapes = [(1024, 1024), (1536, 307), (640, 960), (1024, 576), (512, 1024), (1024, 1024)]
    late = [entry(0), entry(1), {**waiting()[2], "reason": LATE}, {**waiting()[3], "reason": "trying the proxy link"}]
    return {
        "01-form": state("idle", {"form": True}, request_id=""),
        "02-idle": state("idle"),
        "03-eta": state("processing", {"caption": "A lighthouse"}, eta=21.0, next_poll_at=soon, pictures=waiting()),
        "03b-eta-of-minutes": state("processing", {"meta": META}, eta=200.0, next_poll_at=soon, pictures=waiting(1)),
        "03c-queued": state("processing", ago=0, next_poll_at=soon + 9, polls=0, pictures=waiting()),
        "03d-count-of-the-last-job": state(
            "processing", {"expected": {"count": 4, "width": 640, "height": 960}}, next_poll_at=soon
        ),
        "04-late": state("processing", ago=42, eta=30.0, next_poll_at=soon, pictures=waiting()),
        "05-no-eta": state("processing", next_poll_at=soon),
        "06-retrying": retrying("Service unavailable (503)"),
        "06b-no-connection": retrying("The connection was refused"),
        "06c-gateway": retrying("The service answered with something else than its protocol"),
        "07-rate-limited": state(
            "processing", {"activity": "rate_limited", "waiting_since": soon - 15}, next_poll_at=soon + 15
        ),
        "08-held": state("processing", ago=40, eta=60.0, next_poll_at=soon - 30, pictures=waiting()),
        "09-downloading": state("downloading", ago=28, pictures=[entry(0), entry(1), *waiting()[2:]]),
        "09b-late-pictures": state("downloading", ago=28, pictures=late),
        "10-done": done(),
        "11-selected": done(selected=[0, 2]),
        "11b-three-selected": done(selected=[0, 1, 2]),
        "11c-four-selected": done(selected=[0, 1, 2, 3]),
        "12-missing": done(pictures=mixed),
        "12b-retried": done(pictures=[*mixed[:2], {**waiting()[2], "reason": "trying again"}, mixed[3]]),
        "13-one": done(1),
        "14-eight": done(8),
        "14b-portraits": done(pictures=portrait),
        "14c-shapes": done(pictures=[entry(index, size=size) for index, size in enumerate(shapes)]),
        "15-many": done(75, selected=[1, 5]),
        "16-key-refused": key_refused(),
        "17-job-failed": failure(
            "GenerationFailedError",
            "Job failed",
            "The service gave the job up.",
            "Submit the generation again; waiting longer does not help.",
        ),
        "17b-job-failed-with-prompt": {
            **failure(
                "GenerationFailedError", "Job failed", "The service gave the job up.", "Submit it again.", meta=META
            ),
            "pictures": waiting(),
        },
        "17c-not-found": failure(
            "RequestNotFoundError",
            "Not found",
            "The service has no request 13443927.",
            "Check the request id, that it belongs to this key, and that the endpoint has the same API version.",
        ),
        "18-stopped": state("stopped", pictures=waiting()),
        "19-timed-out": state("timed_out", ago=600),
    }


def batch_entry(request: int, index: int) -> State:
    """One ready picture of a batch."""
    return {**entry(request * 4 + index), "index": index, "name": f"{13443927 + request}-{index + 1}.png"}


def copies() -> dict[str, Callable[[], str]]:
    """What stays in the notebook, as a reader without a kernel sees it."""
    meta = {"prompt": PROMPT, "steps": "30", "model": "midjourney-v4"}
    again = FetchState("13443927", "processing", caption=PROMPT, pictures=FetchResult("1", ()).missing)
    ended: dict[str, FetchState] = {
        "52-copy-failed": FetchState("13443927", "error", meta=meta, error=GenerationFailedError("It was given up.")),
        "53-copy-stopped": FetchState("13443927", "stopped", meta=meta, error=StoppedError("Waiting was stopped.")),
        "54-copy-timed-out": FetchState(
            "13443927", "timed_out", meta=meta, error=DeadlineExceededError("Not ready after 10 minutes.")
        ),
        "51-copy-running": again,
    }

    def drawn(count: int) -> FetchResult:
        pictures = [
            Picture(at, "", encoded(landscape(at, 384, 384)), "PNG", 384, 384, {"seed": str(123 + at)})
            for at in range(count)
        ]
        return FetchResult("13443927", pictures, (), meta, 31)

    made = {name: partial(render, each) for name, each in ended.items()}
    made["50-copy"] = lambda: render(drawn(4))
    made["50b-copy-of-one"] = lambda: render(drawn(1))
    made["55-copy-of-batch"] = lambda: render_many(
        [(f"{PROMPT}, number {at}", drawn(1 + at % 2)) for at in range(8)] + [("a boat", ended["52-copy-failed"])],
        "8 of 9 done, 1 failed",
    )
    return made


async def press_details(page: Page) -> None:
    """The request's facts, unfolded."""
    await page.get_by_role("button", name="Details").click()


async def unfold_words(page: Page) -> None:
    """The service's own words, unfolded."""
    await page.get_by_text("Details").click()


async def hover_tile(page: Page) -> None:
    """A tile with its controls and the focus ring on the next."""
    await page.locator(".dreambooth-open").nth(1).focus()
    await page.keyboard.press("ArrowRight")
    await page.locator(".dreambooth-tile").first.hover()


async def open_tile(page: Page) -> None:
    """The lightbox."""
    await page.locator(".dreambooth-open").nth(1).click()
    await page.wait_for_selector("dialog[open]")


async def open_tile_with_details(page: Page) -> None:
    """The lightbox with what is known of the picture."""
    await open_tile(page)
    await page.keyboard.press("i")
    await page.wait_for_selector("aside")


async def filter_failed(page: Page) -> None:
    """Only the requests that failed."""
    await page.get_by_role("button", name="Failed 2").click()


async def open_comparison(page: Page) -> None:
    """The comparison of two pictures."""
    await page.get_by_role("button", name="Compare").click()
    await page.wait_for_selector("dialog[open]")


async def open_menu(page: Page) -> None:
    """The menu of a picture."""
    await page.locator(".dreambooth-open").first.click(button="right")
    await page.wait_for_selector("[role=menuitem]:focus")


async def open_wipe(page: Page) -> None:
    """The comparison with an edge between two."""
    await open_comparison(page)
    await page.keyboard.press("w")


async def hold_loupe(page: Page) -> None:
    """The loupe over one tile, and so over all."""
    await page.locator(".dreambooth-open").nth(1).hover()
    await page.keyboard.down("z")
    await page.wait_for_function(
        "() => [...document.querySelectorAll('.dreambooth-lens')].every((each) => each.matches('[data-sharp]'))"
    )


async def compare_with_loupe(page: Page) -> None:
    """The loupe over one of the compared pictures."""
    await open_comparison(page)
    await page.locator("[data-frame]").first.hover()
    await page.keyboard.down("z")
    await page.wait_for_selector(".dreambooth-lens[data-sharp]")


async def restart_kernel(page: Page) -> None:
    """The kernel goes, and ipywidgets says so."""
    await page.evaluate("() => model.set({ polls: 4 })")  # it has been heard
    await page.evaluate(
        "() => document.querySelector('.dreambooth-host').classList.add('jupyter-widgets-disconnected')"
    )


async def close_comm(page: Page) -> None:
    """A saved page, whose kernel nobody has ever heard."""
    await page.evaluate(
        "() => document.querySelector('.dreambooth-host').classList.add('jupyter-widgets-disconnected')"
    )


async def hold_kernel(page: Page) -> None:
    """The kernel falls silent: the page's clock runs on and nothing comes."""
    await page.clock.run_for(5000)
    await expect(page.locator(".dreambooth-chip").first).to_have_text("Kernel busy")


async def fall_silent(page: Page) -> None:
    """Nothing is heard for more than five seconds after the view appeared."""
    await page.clock.run_for(6000)
    await page.wait_for_selector(".dreambooth-note")


async def refuse_again(page: Page) -> None:
    """A second key is refused as well."""
    await page.get_by_label("API key").fill("another-key")
    await page.get_by_role("button", name="Show pictures").click()
    refused = key_refused()
    refused["_card"] = {**refused["_card"], "clock": time.time()}
    await page.evaluate("traits => { model.set({ status: 'processing' }); model.set(traits); }", refused)
    await expect(page.get_by_role("alert")).to_contain_text("Refused again")


async def send_nothing(page: Page) -> None:
    """An empty form is sent."""
    await page.get_by_role("button", name="Show pictures").click()
    await expect(page.get_by_role("alert")).to_be_visible()


async def refuse_intent(page: Page) -> None:
    """The kernel refuses what was asked."""
    await page.evaluate("() => model.deliver({type: 'error', reason: 'The request id is empty.'})")
    await expect(page.get_by_role("alert")).to_be_visible()


async def copy_prompt(page: Page) -> None:
    """The prompt of a failed job, copied or refused by the page."""
    await page.get_by_role("button", name="Copy prompt").click()
    await page.wait_for_selector(".dreambooth-note")


async def fail_retry(page: Page) -> None:
    """A missing picture was asked for again, in vain."""
    await page.get_by_role("button", name="Retry picture 3").click()
    entries = await page.evaluate("() => model.get('pictures')")
    for again in ({"status": "waiting", "reason": "trying again"}, {"status": "missing", "reason": "missing (404)"}):
        entries[2] |= again
        await page.evaluate("pictures => model.set({ pictures })", entries)
    await expect(page.get_by_text("Still missing")).to_be_visible()


Step = Callable[[Page], Awaitable[None]]
STEPS: dict[str, tuple[str, Step]] = {
    "01b-form-empty": ("01-form", send_nothing),
    "01c-form-refused": ("01-form", refuse_intent),
    "08-busy": ("08-held", hold_kernel),
    "08b-restarted": ("03-eta", restart_kernel),
    "08c-no-kernel": ("03-eta", close_comm),
    "08d-restarted-while-downloading": ("09-downloading", restart_kernel),
    "10b-done-restarted": ("10-done", restart_kernel),
    "12c-retried-in-vain": ("12-missing", fail_retry),
    "12d-missing-restarted": ("12-missing", restart_kernel),
    "16b-key-refused-twice": ("16-key-refused", refuse_again),
    "16c-service-words": ("16-key-refused", unfold_words),
    "17d-copy-prompt": ("17b-job-failed-with-prompt", copy_prompt),
    "20-details": ("10-done", press_details),
    "21-hover": ("10-done", hover_tile),
    "22-silent": ("10-done", fall_silent),
    "23-lightbox": ("10-done", open_tile),
    "24-compare": ("11-selected", open_comparison),
    "25-menu": ("10-done", open_menu),
    "26-lightbox-details": ("10-done", open_tile_with_details),
    "24b-compare-three": ("11b-three-selected", open_comparison),
    "24c-compare-four": ("11c-four-selected", open_comparison),
    "24d-wipe": ("11-selected", open_wipe),
    "24e-compare-loupe": ("11c-four-selected", compare_with_loupe),
    "25-loupe": ("10-done", hold_loupe),
    "25b-loupe-many": ("15-many", hold_loupe),
    "40-batch-failed": ("31-batch-running", filter_failed),
    "41-batch-lightbox": ("32-batch-done", open_tile_with_details),
    "42-batch-hover": ("32-batch-done", hover_tile),
    "43-batch-compare": ("39-batch-selected", open_comparison),
    "44-batch-restarted": ("31-batch-running", restart_kernel),
    "45-batch-busy": ("30-batch-waiting", hold_kernel),
}
"""States in which no card begins: where each begins, and what leads there."""

CLOCKED = (hold_kernel, fall_silent)
"""Steps that let the page's clock run."""


def names() -> list[str]:
    """Every state, in the order of the table."""
    return sorted([*states(), *batches(batch_entry), *STEPS, *copies()])


async def show(page: Page, name: str, pictures: Mapping[str, Mapping[str, str]]) -> Locator:
    """Draw the state `name` on the blank page, with `pictures` as `{id: {kind: URL}}`; the card, or the copy."""
    base, step = STEPS.get(name, (name, None))
    if base in copies():
        await page.locator("#cell").evaluate("(cell, html) => { cell.innerHTML = html; }", copies()[base]())
        return page.locator(".dreambooth-copy")
    if step in CLOCKED:
        await page.clock.install()
    known = batches(batch_entry)
    traits, rows = known.get(base) or (states()[base], None)
    answers: State = {"pictures": pictures, **({} if rows is None else {"rows": rows})}
    await page.evaluate(
        "([traits, options]) => mount(traits, options)", [traits, {} if step is fall_silent else answers]
    )
    if step is not fall_silent:
        await page.wait_for_function(DRAWN_ALL)
    if step:
        await step(page)
    return page.locator(".dreambooth-card")


DRAWN_ALL = """() => Promise.all([...document.querySelectorAll(".dreambooth-tile[data-status=ready]")]
  .map((tile) => tile.querySelector("img")?.decode().then(() => true)))
  .then((drawn) => drawn.every(Boolean), () => false)"""


def picture_sizes() -> dict[str, tuple[int, int]]:
    """Width and height of every picture of every state, by its id."""
    entries = [each for one in states().values() for each in one.get("pictures", ())]
    sizes = {(each["width"], each["height"]) for each in entries}
    return {f"p{index}-{width}x{height}": (width, height) for width, height in sizes for index in range(DRAWN)}


def draw_pictures(folder: Path) -> dict[str, dict[str, str]]:
    """The pictures of the stand-in kernel: `{id: {kind: path}}`."""
    known = {}
    for name, size in picture_sizes().items():
        picture = landscape(int(name[1:].partition("-")[0]), *size)
        picture.save(folder / f"{name}.png", compress_level=1)
        picture.thumbnail((384, 384))
        picture.save(folder / f"{name}.webp", quality=80)
        original, small = f"/pictures/{name}.png", f"/pictures/{name}.webp"
        known[name] = {"thumbnail": small, "preview": original, "original": original}
    return known


def complain(name: str, error: Error) -> None:
    """A fault of the page's script, on the error stream."""
    sys.stderr.write(f"{name}: {error}\n")


async def shoot(browser: Browser, url: str, pictures: State, out: Path, name: str) -> dict[str, float]:
    """One file for each width and colours: `<state>-<width>-<colours>.png`. Returns the height at each width."""
    heights = {}
    for width in WIDTHS:
        context = await browser.new_context(viewport={"width": width, "height": 640}, reduced_motion="reduce")
        page = await context.new_page()
        page.on("pageerror", partial(complain, name))
        await page.goto(f"{url}/page/index.html")
        await page.wait_for_function("() => window.mount")
        root = await show(page, name, pictures)
        for colours, media in COLOURS.items():
            await page.emulate_media(**media)
            # The 120 ms of a transition: this is for eyes, not an assertion.
            await redrawn(page)
            path = out / f"{name}-{width}-{colours}.png"
            if await page.locator("dialog").count():
                await page.screenshot(path=path, animations="disabled")
            else:
                most = min(MOST, await page.evaluate("() => document.documentElement.scrollHeight"))
                clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": most}
                await page.screenshot(path=path, full_page=True, clip=clip, animations="disabled")
        heights[str(width)] = await root.evaluate("element => element.getBoundingClientRect().height")
        await context.close()
    return heights


def paste_sheets(folder: Path, shown: list[str]) -> None:
    """Several states on one sheet: a row for each, its columns light, dark and forced."""
    for width, rows, most, scale in ((320, 3, 560, 1.0), (1280, 3, MOST, 0.5)):
        for at in range(0, len(shown), rows):
            lines = []
            for name in shown[at : at + rows]:
                images = [Image.open(folder / f"{name}-{width}-{colours}.png").convert("RGB") for colours in COLOURS]
                images = [image.crop((0, 0, width, min(image.height, most))) for image in images]
                lines.append([image.resize((round(width * scale), round(image.height * scale))) for image in images])
            high = sum(max(image.height for image in line) + 8 for line in lines)
            sheet = Image.new("RGB", (3 * (round(width * scale) + 8), high), "magenta")
            top = 0
            for line in lines:
                for column, image in enumerate(line):
                    sheet.paste(image, (column * (image.width + 8), top))
                top += max(image.height for image in line) + 8
            sheet.save(folder / f"sheet-{width}-{shown[at]}.png")


async def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="names or parts of names of states")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    shown = [name for name in names() if not options.only or any(part in name for part in options.only)]
    executable = chromium.find()
    if not executable:
        sys.exit(chromium.WHAT_TO_INSTALL)
    heights = {}
    with tempfile.TemporaryDirectory() as folder:
        pictures = draw_pictures(Path(folder))
        with serve(bundle=options.bundle, pictures=Path(folder)) as url:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=executable, args=chromium.arguments())
                for name in shown:
                    heights[name] = await shoot(browser, url, pictures, options.folder, name)
                await browser.close()
    (options.folder / "heights.json").write_text(json.dumps(heights, indent=1))
    paste_sheets(options.folder, shown)


if __name__ == "__main__":
    asyncio.run(main())
