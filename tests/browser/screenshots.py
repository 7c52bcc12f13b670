"""Screenshots of every state of the card, light and dark, 320 and 1280 pixels wide, to be looked at.

    python tests/browser/screenshots.py FOLDER [--only NAME …] [--bundle DIR]

From the built bundle, on a blank page with a stand-in for the kernel, in the Chromium that is installed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Error, Page, ViewportSize, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.browser.page.batches import batches
from tests.browser.page.landscapes import landscape
from tests.browser.page.serve import BUNDLE, serve

WIDTHS = (320, 1280)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
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


LATE = "the host answered 404; attempt 2 of 6 in 8 s"


def failure(kind: str, title: str, message: str, advice: str, details: str = "", **card: Any) -> State:
    """A job that ended in an error."""
    remedy = {"InvalidKeyError": "key", "RequestNotFoundError": "edit", "GenerationFailedError": "prompt"}
    error = {"kind": kind, "title": title, "message": message, "advice": advice, "details": details}
    error["remedy"] = remedy.get(kind, "check")
    return state("error", {"error": error, **card}, ago=2)


def states() -> dict[str, State]:
    """Every row of the table, and the ways in which a gallery can look. Made when asked for: they hold the time."""
    soon = time.time() + 3
    lost = entry(2, "missing", reason="the link expired (403)")
    mixed = [entry(0), entry(1), lost, entry(3)]
    portrait = [entry(index, size=(640, 960)) for index in range(3)]
    return {
        "01-form": state("idle", {"form": True}, request_id=""),
        "02-idle": state("idle"),
        "03-eta": state("processing", eta=21.0, next_poll_at=soon, pictures=waiting()),
        "04-late": state("processing", ago=42, eta=30.0, next_poll_at=soon, pictures=waiting()),
        "05-no-eta": state("processing", next_poll_at=soon),
        "06-retrying": state(
            "processing",
            {"activity": "retrying"},
            next_poll_at=soon + 1,
            message="attempt 2 of 6: the service answered 503",
        ),
        "07-rate-limited": state(
            "processing", {"activity": "rate_limited", "waiting_since": soon - 15}, next_poll_at=soon + 15
        ),
        "09-downloading": state("downloading", ago=28, pictures=[entry(0), entry(1), *waiting()[2:]]),
        "10-done": done(),
        "11-selected": done(selected=[0, 2]),
        "11b-three-selected": done(selected=[0, 1, 2]),
        "11c-four-selected": done(selected=[0, 1, 2, 3]),
        "12-missing": done(pictures=mixed),
        "13-one": done(1),
        "14-portraits": done(pictures=portrait),
        "15-many": done(75, selected=[1, 5]),
        "16-key-refused": failure(
            "InvalidKeyError",
            "Key refused",
            "The service refused the API key.",
            "Check the key in your account at the service and pass it again.",
            '{"status": "error", "message": "Invalid API key. Get one at <b>our site</b>."}',
        ),
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
        "17c-late": state(
            "downloading", ago=28, pictures=[entry(0), entry(1), entry(2), {**waiting()[3], "reason": LATE}]
        ),
        "18-stopped": state("stopped", pictures=waiting()),
        "19-timed-out": state("timed_out", ago=600),
    }


def batch_entry(request: int, index: int) -> State:
    """One ready picture of a batch."""
    return {**entry(request * 4 + index), "index": index, "name": f"{13443927 + request}-{index + 1}.png"}


def options_of(name: str, pictures: State) -> tuple[State, State]:
    """A state's traits, and how it is mounted."""
    if "-batch-" not in name:
        return states()[name], {"pictures": pictures}
    traits, rows = batches(batch_entry)[name]
    return traits, {"pictures": pictures, "rows": rows}


def wait_for_pictures(page: Page) -> None:
    """Until each ready tile shows its picture."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-status=ready]')].every((li) => li.querySelector('img')?.complete)"
    )


def open_details(page: Page) -> None:
    """The request's facts, and the service's own words, unfolded."""
    page.get_by_role("button", name="Details").click()


def hover_tile(page: Page) -> None:
    """A tile with its controls and the focus ring on the next."""
    page.locator(".dreambooth-open").nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.locator(".dreambooth-tile").first.hover()


def open_menu(page: Page) -> None:
    """The menu of a picture."""
    page.locator(".dreambooth-open").first.click(button="right")
    page.wait_for_selector("[role=menuitem]:focus")


def open_tile(page: Page) -> None:
    """The lightbox."""
    page.locator(".dreambooth-open").nth(1).click()
    page.wait_for_selector("dialog[open]")


def open_tile_with_details(page: Page) -> None:
    """The lightbox with what is known of the picture."""
    open_tile(page)
    page.keyboard.press("i")
    page.wait_for_selector("aside")


def filter_failed(page: Page) -> None:
    """Only the requests that failed."""
    page.get_by_role("button", name="Failed 2").click()


def open_comparison(page: Page) -> None:
    """The comparison of two pictures."""
    page.get_by_role("button", name="Compare").click()
    page.wait_for_selector("dialog[open]")


def open_wipe(page: Page) -> None:
    """The comparison with an edge between two."""
    open_comparison(page)
    page.keyboard.press("w")


def hold_loupe(page: Page) -> None:
    """The loupe over one tile, and so over all."""
    page.locator(".dreambooth-open").nth(1).hover()
    page.keyboard.down("z")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.dreambooth-lens')].every((each) => each.matches('[data-sharp]'))"
    )


def compare_with_loupe(page: Page) -> None:
    """The loupe over one of the compared pictures."""
    open_comparison(page)
    page.locator("[data-frame]").first.hover()
    page.keyboard.down("z")
    page.wait_for_selector(".dreambooth-lens[data-sharp]")


def restart_kernel(page: Page) -> None:
    """The kernel goes, and ipywidgets says so."""
    page.evaluate("() => document.querySelector('.dreambooth-host').classList.add('jupyter-widgets-disconnected')")
    page.wait_for_function("() => document.body.textContent.includes('estarted')")


def hold_kernel(page: Page) -> None:
    """The kernel falls silent: the page's clock runs on and nothing comes."""
    page.wait_for_function("() => document.querySelector('.dreambooth-chip').textContent === 'Kernel busy'")


def fall_silent(page: Page) -> None:
    """A page without a kernel."""
    page.wait_for_selector(".dreambooth-note")


STEPS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "08-busy": ("03-eta", hold_kernel),
    "08b-restarted": ("03-eta", restart_kernel),
    "10b-done-restarted": ("10-done", restart_kernel),
    "20-details": ("10-done", open_details),
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
}
"""Pictures of a state after something was done with it."""


def draw_pictures(folder: Path) -> dict[str, dict[str, str]]:
    """The pictures of the stand-in kernel: `{id: {kind: path}}`."""
    known = {}
    for width, height in ((1024, 1024), (640, 960)):
        for index in range(DRAWN):
            name = f"p{index}-{width}x{height}"
            picture = landscape(index, width, height)
            picture.save(folder / f"{name}.png", compress_level=1)
            picture.thumbnail((384, 384))
            picture.save(folder / f"{name}.webp", quality=80)
            original, small = f"/pictures/{name}.png", f"/pictures/{name}.webp"
            known[name] = {"thumbnail": small, "preview": original, "original": original}
    return known


def complain(name: str, error: Error) -> None:
    """A fault of the page's script, on the error stream."""
    sys.stderr.write(f"{name}: {error}\n")


def shoot(browser: Browser, url: str, pictures: State, out: Path, names: list[str]) -> None:
    """One file for each state, theme and width: `<state>-<theme>-<width>.png`."""
    for theme in THEMES:
        for width in WIDTHS:
            size: ViewportSize = {"width": width, "height": 640 if width > 400 else 568}
            context = browser.new_context(viewport=size, color_scheme=theme, device_scale_factor=1)
            for name in names:
                base, step = STEPS.get(name, (name, None))
                page = context.new_page()
                page.on("pageerror", partial(complain, name))
                page.goto(f"{url}/page/index.html")
                page.wait_for_function("() => window.mount")
                traits, options = options_of(base, pictures)
                if name == "22-silent":
                    options = {}
                page.evaluate("([traits, options]) => mount(traits, options)", [traits, options])
                if options:
                    wait_for_pictures(page)
                if step:
                    step(page)
                page.wait_for_timeout(200)  # the 120 ms of a transition: this is for eyes, not an assertion
                page.screenshot(path=out / f"{name}-{theme}-{width}.png", full_page="dialog" not in page.content())
                page.close()
            context.close()


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="names or parts of names of states")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    names = sorted([*states(), *batches(batch_entry), *STEPS])
    names = [name for name in names if not options.only or any(part in name for part in options.only)]
    executable = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    if not executable:
        sys.exit("screenshots.py needs Chromium or Chrome on the PATH.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        pictures = draw_pictures(Path(folder))
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        with serve(bundle=options.bundle, pictures=Path(folder)) as url:
            shoot(browser, url, pictures, options.folder, names)
        browser.close()


if __name__ == "__main__":
    main()
