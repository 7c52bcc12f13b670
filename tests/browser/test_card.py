"""The card in every state on a blank page: accessible, inside its width, quiet, and gone when its view goes."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from playwright.async_api import expect

from ..endpoint import png
from .axe import Axe
from .card import Card, box
from .card_page import CardPage
from .screenshots import states, waiting

NAMES = sorted(states())
WHOLE = 60
"""Up to so many pictures every tile is drawn, wherever it lies."""
OVERFLOW = """async (card) => {
  const out = () => [...card.querySelectorAll("*")]
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map((each) => each.outerHTML.slice(0, 120));
  // Rows are laid out anew some frames after the window has another width.
  for (let frame = 0; frame < 30 && out().length; frame++) await new Promise(requestAnimationFrame);
  return out();
}"""


def files(pictures: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """A small file for each ready picture, as the stand-in kernel sends them."""
    url = "data:image/png;base64," + base64.b64encode(png("teal", (96, 96))).decode()
    return {entry["id"]: dict.fromkeys(("thumbnail", "preview", "original"), url) for entry in pictures if entry["id"]}


async def mounted(card_page: CardPage, name: str) -> Card:
    """The card in the state `name`, with its pictures."""
    traits = states()[name]
    pictures = traits.get("pictures", [])
    card = await card_page.mount(traits, files(pictures))
    await expect(card.chip).to_be_visible()
    ready = sum(entry["status"] == "ready" for entry in pictures)
    if ready <= WHOLE:
        await expect(card.pictures).to_have_count(ready)
    else:
        await expect(card.tiles).not_to_have_count(24)  # those of the first screen are followed by others
    await expect(card.root.locator("[data-status=ready]").filter(has_not=card_page.page.locator("img"))).to_have_count(
        0
    )
    return card


@pytest.mark.parametrize("name", NAMES)
async def test_every_state_is_accessible_and_fits(card_page: CardPage, axe: Axe, name: str) -> None:
    """axe-core finds nothing and nothing sticks out, light and dark, 320 and 1280 pixels wide."""
    for width in (320, 1280):
        await card_page.page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            await card_page.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a Literal
            if not await card_page.page.locator(".dreambooth-card").count():
                card = await mounted(card_page, name)
            assert await card.root.evaluate(OVERFLOW) == []
            await axe.finds_nothing(card.root)


@pytest.mark.parametrize("name", NAMES)
async def test_forced_colors_and_big_type(card_page: CardPage, name: str) -> None:
    """With forced colours, reduced motion and 400 % zoom (320 pixels of width) chip and buttons are to be seen."""
    page = card_page.page
    await page.set_viewport_size({"width": 320, "height": 256})
    await page.emulate_media(forced_colors="active", reduced_motion="reduce")
    card = await mounted(card_page, name)
    await expect(card.chip).to_be_visible()
    assert await card.root.evaluate(OVERFLOW) == []
    for button in await card.root.locator(".dreambooth-row button:visible").all():
        await button.scroll_into_view_if_needed()
        await expect(button).to_be_in_viewport()
    moving = await card.root.evaluate("card => card.getAnimations({subtree: true}).length")
    assert moving == 0
    await page.emulate_media(forced_colors="none", reduced_motion="no-preference")


@pytest.mark.parametrize(
    ("name", "label", "message"),
    [
        ("03-eta", "Stop waiting", {"type": "stop"}),
        ("03-eta", "Check now", {"type": "poll_now"}),
        ("09-downloading", "Stop", {"type": "stop"}),
        ("18-stopped", "Check again", {"type": "poll_now"}),
        ("19-timed-out", "Check again", {"type": "poll_now"}),
        ("02-idle", "Show pictures", {"type": "start"}),
        ("12-missing", "Retry picture 3", {"type": "retry", "index": 2}),
    ],
)
async def test_a_button_sends_one_message(card_page: CardPage, name: str, label: str, message: dict[str, Any]) -> None:
    """Every button is one intent for the kernel, sent once."""
    card = await mounted(card_page, name)
    await card.button(label).click()
    assert [sent for sent in await card_page.sent() if sent["type"] not in ("ready", "get_picture")] == [message]


@pytest.mark.parametrize("name", ["10-done", "16-key-refused", "17-job-failed", "18-stopped", "19-timed-out"])
async def test_an_end_has_no_running_controls(card_page: CardPage, name: str) -> None:
    """After the end there is no bar and nothing to stop."""
    card = await mounted(card_page, name)
    await expect(card.root.get_by_role("progressbar")).to_have_count(0)
    for label in ("Stop waiting", "Stop", "Check now"):
        await expect(card.button(label)).to_have_count(0)


async def test_milestones_are_announced(card_page: CardPage) -> None:
    """A screen reader hears when a job begins and ends, not each tick of the clock."""
    page = card_page.page
    await card_page.mount(states()["03-eta"])
    await page.evaluate(
        "() => { globalThis.spoken = []; const region = document.querySelector('.dreambooth-spoken');"
        " new MutationObserver(() => spoken.push(region.textContent))"
        " .observe(region, {childList: true, characterData: true, subtree: true}) }"
    )
    clock = page.locator(".dreambooth-line")
    before = await clock.inner_text()
    await expect(clock).not_to_have_text(before)
    await expect(clock).not_to_have_text(await clock.inner_text())
    await card_page.set(status="stopped")
    await expect(page.locator(".dreambooth-spoken")).to_contain_text("Stopped waiting")
    spoken = [sentence for sentence in await page.evaluate("() => spoken") if sentence]
    assert len(spoken) <= 2, spoken


async def test_removed_view_leaves_nothing(card_page: CardPage) -> None:
    """No element, no listener on the model, no blob URL."""
    page = card_page.page
    await page.evaluate(
        "() => { globalThis.blobs = new Set();"
        " const [make, revoke] = [URL.createObjectURL, URL.revokeObjectURL];"
        " URL.createObjectURL = (blob) => { const url = make.call(URL, blob); blobs.add(url); return url; };"
        " URL.revokeObjectURL = (url) => { blobs.delete(url); revoke.call(URL, url); }; }"
    )
    await mounted(card_page, "10-done")
    assert await page.evaluate("() => blobs.size") > 0
    assert await page.evaluate("() => model.listeners") > 0
    await card_page.unmount()
    assert await page.evaluate("() => [blobs.size, model.listeners]") == [0, 0]
    await expect(page.locator(".dreambooth-host, .dreambooth-card")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 640, 1280])
async def test_card_keeps_its_height(card_page: CardPage, width: int) -> None:
    """With a known number of pictures nothing below the card moves, from the first frame to the last."""
    page = card_page.page
    await page.set_viewport_size({"width": width, "height": 800})
    shape = [{**each, "width": 1024, "height": 1024} for each in waiting()]
    ready = states()["10-done"]["pictures"]
    card = await card_page.mount(states()["03-eta"] | {"pictures": shape}, files(ready))
    await expect(card.tiles).to_have_count(4)
    await page.evaluate(
        "() => { globalThis.heights = []; const card = document.querySelector('.dreambooth-card');"
        " new ResizeObserver(() => heights.push(card.offsetHeight)).observe(card) }"
    )
    retrying = {**states()["06-retrying"]["_card"], "clock": 0}
    for traits in (
        {"eta": 1.0},
        {"_card": retrying, "message": "attempt 2 of 6: the service answered 503"},
        {"status": "downloading", "pictures": [ready[0], *shape[1:]], "_card": {"activity": "", "clock": 0}},
        {"pictures": [*ready[:3], shape[3]]},
        {"pictures": ready, "status": "success", "finished_at": time.time()},
    ):
        await card_page.set(**traits)
        await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await expect(card.chip).to_have_text("Done")
    heights = await page.evaluate("() => heights")
    assert max(heights) - min(heights) <= 2, heights


async def test_selection_as_in_a_file_manager(card_page: CardPage) -> None:
    """Ctrl-click adds one, Shift-click and Shift+arrow a range; a plain click opens; Clear ends it."""
    card = await mounted(card_page, "15-many")
    page = card_page.page

    async def selected() -> list[int]:
        return [int(index) for index in await page.evaluate("() => model.get('selected')")]

    await card.button("Clear").click()
    assert await selected() == []
    await card.opener(2).click(modifiers=["ControlOrMeta"])
    await card.opener(4).click(modifiers=["ControlOrMeta"])
    assert await selected() == [1, 3]
    await card.opener(6).click(modifiers=["Shift"])
    assert await selected() == [3, 4, 5]
    await page.keyboard.press("Shift+ArrowRight")
    assert await selected() == [3, 4, 5, 6]
    await expect(card.root.get_by_text("4 selected")).to_be_visible()
    await expect(card.dialog).to_have_count(0)
    await card.opener(1).click()
    await expect(card.dialog).to_be_visible()
    assert await selected() == [3, 4, 5, 6]


@pytest.mark.parametrize("width", [320, 1280])
async def test_selecting_moves_nothing(card_page: CardPage, width: int) -> None:
    """The words of a selection fit into the line of the toolbar."""
    await card_page.page.set_viewport_size({"width": width, "height": 800})
    card = await mounted(card_page, "10-done")
    before = await card.root.evaluate("card => card.querySelector('ul').offsetTop")
    await card.opener(2).click(modifiers=["ControlOrMeta"])
    await expect(card.button("Clear")).to_be_visible()
    assert await card.root.evaluate("card => card.querySelector('ul').offsetTop") == before


@pytest.mark.parametrize("width", [320, 1280])
async def test_toolbar_stays_in_sight(card_page: CardPage, width: int) -> None:
    """While a long gallery is scrolled, the toolbar stands at the top of what is seen, over the pictures."""
    page = card_page.page
    await page.set_viewport_size({"width": width, "height": 600})
    card = await mounted(card_page, "15-many")
    await page.evaluate("() => scrollTo(0, 900)")
    await expect(card.button("Download")).to_be_in_viewport(ratio=1)
    await card.button("Clear").click()
    assert await page.evaluate("() => model.get('selected')") == []


async def test_details_stand_beside_pictures(card_page: CardPage) -> None:
    """The gallery stays where it is and makes room at its side; no fact has a name of the wire; each can be copied."""
    card = await card_page.mount(
        states()["10-done"] | {"_card": {"meta": {"n_samples": "4", "W": "1024", "seed": "7"}}},
        files(states()["10-done"]["pictures"]),
    )
    await card.shows(4)
    before = await box(card.tiles.first)
    await card.button("Details").click()
    facts = card.root.locator("dl")
    assert (await box(facts))["x"] > (await box(card.tiles.last))["x"]
    assert (await box(card.tiles.first))["y"] == before["y"]
    assert await facts.locator("dt").all_inner_texts() == ["Seed", "Size", "Request", "Time"]
    await expect(facts.get_by_role("button", name="Copy")).to_have_count(4)
