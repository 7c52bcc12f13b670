"""The card in every state on a blank page: accessible, inside its width, quiet, and gone when its view goes."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import expect

from ..endpoint import png
from .axe import Axe
from .card import Card, box, redrawn
from .card_page import CardPage
from .screenshots import states, waiting

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
        await redrawn(page)
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


async def test_copy_stands_beside_its_fact(card_page: CardPage) -> None:
    """In a card of any width no button takes a line of its own."""
    card = await mounted(card_page, "10-done")
    await card.button("Details").click()
    facts = card.root.locator("dl > div")
    await expect(facts.first).to_be_visible()
    for width in (320, 560, 812, 1280):
        await card_page.page.set_viewport_size({"width": width, "height": 800})
        for fact in await facts.all():
            assert (await box(fact.get_by_role("button")))["y"] == (await box(fact))["y"], width


MENU = ["Copy picture", "Save", "Copy seed", "Copy prompt", "Open link"]
LINK = "https://cdn.example.org/13443927-2.png?X-Amz-Signature=5ec2e7"


@pytest.mark.parametrize("key", ["mouse", "ContextMenu", "Shift+F10"])
async def test_picture_has_own_menu(card_page: CardPage, axe: Axe, key: str) -> None:
    """It opens in place of the notebook's, works by keyboard, copies the seed, saves, and gives the focus back."""
    page = card_page.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    card = await mounted(card_page, "10-done")
    await page.evaluate("() => { globalThis.leaked = 0; document.addEventListener('contextmenu', () => leaked++); }")
    items = card.root.get_by_role("menuitem")

    async def opened() -> None:
        await card.opener(2).focus()
        await (card.opener(2).click(button="right") if key == "mouse" else page.keyboard.press(key))
        await expect(items.first).to_be_focused()

    await opened()
    await axe.finds_nothing(card.root)
    assert await items.all_inner_texts() == MENU
    for move, item in (("ArrowUp", 4), ("ArrowDown", 0), ("End", 4), ("Home", 0), ("ArrowDown", 1), ("ArrowDown", 2)):
        await page.keyboard.press(move)
        await expect(items.nth(item)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(card.opener(2)).to_be_focused()
    await expect(card.root.get_by_role("status").get_by_text("Copied")).to_be_visible()
    assert await page.evaluate("() => navigator.clipboard.readText()") == "124"
    await opened()  # while that sentence stands
    await items.nth(3).press("Enter")
    await expect(card.root.get_by_role("status").get_by_text("Copied")).to_be_visible()
    assert (await page.evaluate("() => navigator.clipboard.readText()")).startswith("a ")
    await expect(card.root.locator(".dreambooth-menu")).to_have_count(0)
    for leave in ("Escape", "Tab"):
        await opened()
        await page.keyboard.press(leave)
        await expect(items).to_have_count(0)
        await expect(card.opener(2)).to_be_focused()
    await opened()
    async with page.expect_download() as download:
        await items.nth(1).click()
    assert (await download.value).suggested_filename == "13443927-2.png"
    await expect(card.dialog).to_have_count(0)
    assert await page.evaluate("() => leaked") == 0


async def test_menu_copies_the_picture(card_page: CardPage) -> None:
    """As PNG, while the press still counts; the sentence stands where the menu was, and a press elsewhere ends it."""
    page = card_page.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    card = await mounted(card_page, "10-done")
    await card.opener(3).click(button="right")
    await card.root.get_by_role("menuitem", name="Copy picture").click()
    await expect(card.root.locator(".dreambooth-menu")).to_have_text("Picture copied")
    types = "async () => (await navigator.clipboard.read()).flatMap(({ types }) => types)"
    assert await page.evaluate(types) == ["image/png"]
    await card.root.locator("header").click()
    await expect(card.root.locator(".dreambooth-menu")).to_have_count(0)


async def test_menu_opens_living_links(card_page: CardPage) -> None:
    """The kernel is asked when the menu opens; without a link that lives the item stands there and does nothing."""
    page = card_page.page
    card = await mounted(card_page, "10-done")
    item = card.root.get_by_role("menuitem", name="Open link")
    await card.opener(1).click(button="right")
    await expect(item).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(item).to_be_focused()
    await page.keyboard.press("Escape")
    await page.evaluate(
        "link => { globalThis.linkOf = ({ index }) => index === 1 ? link : 'javascript:alert(1)'; }", LINK
    )
    await card.opener(2).click(button="right")
    await expect(item).to_have_attribute("href", LINK)
    await expect(item).to_have_attribute("rel", "noopener noreferrer")
    await expect(item).to_have_attribute("target", "_blank")
    await page.keyboard.press("Escape")
    await card.opener(3).click(button="right")
    await expect(item).to_have_attribute("aria-disabled", "true")
    assert await item.get_attribute("href") is None
    asked = [(sent["index"], sent["id"]) for sent in await card_page.sent() if sent["type"] == "get_link"]
    pictures = states()["10-done"]["pictures"]
    assert asked == [(index, pictures[index]["id"]) for index in range(3)]


async def test_menu_stays_in_the_window(card_page: CardPage) -> None:
    """In the last corner of a small window too; a wheel that scrolls the page away from it closes it."""
    page = card_page.page
    await page.set_viewport_size({"width": 320, "height": 400})
    card = await mounted(card_page, "15-many")
    last = card.opener(4)
    await last.scroll_into_view_if_needed()
    place = await box(last)
    await page.mouse.click(place["x"] + place["width"] - 3, place["y"] + place["height"] - 3, button="right")
    menu = card.root.locator(".dreambooth-menu")
    await expect(menu).to_be_in_viewport(ratio=1)
    await page.mouse.move(10, 10)
    await page.mouse.wheel(0, 50)
    await expect(menu).to_have_count(0)


async def test_missing_picture_keeps_hosts_menu(card_page: CardPage) -> None:
    """There is nothing to copy or to save; the right click is the notebook's."""
    card = await mounted(card_page, "12-missing")
    await card_page.page.evaluate("() => { document.addEventListener('contextmenu', () => globalThis.leaked = true); }")
    await card.tiles.nth(2).click(button="right")
    assert await card_page.page.evaluate("() => leaked")
    await expect(card.root.get_by_role("menu")).to_have_count(0)


NOTE_PREVIEWS = """() => {
  const { deliver } = FakeModel.prototype;
  globalThis.previews = new Set();
  FakeModel.prototype.deliver = function (message, buffers) {
    deliver.call(this, message, buffers);
    if (message.kind === "preview") previews.add(message.id);
  };
}"""
"""Keeps the ids of the pictures whose preview has come."""

DRAGGED = """() => new Promise((resolve) => document.addEventListener("dragstart", async ({ dataTransfer }) => {
  const [type, name, ...url] = dataTransfer.getData("DownloadURL").split(":");
  const file = await fetch(url.join(":"));
  resolve([type, name, file.headers.get("content-type"), (await createImageBitmap(await file.blob())).width]);
}, { once: true }))"""


@pytest.mark.parametrize(("state", "expected"), [("10-done", 512), ("15-many", 512), ("original", 1024)])
async def test_dragged_picture_becomes_a_file(card_page: CardPage, state: str, expected: int) -> None:
    """Chromium makes a file of what a drag offers: the best that is here, with the name that Save gives it."""
    page = card_page.page
    traits = states()["10-done" if state == "original" else state]
    pictures = traits["pictures"]
    urls = {
        kind: f"data:image/{mime};base64," + base64.b64encode(made(edge, mime)).decode()
        for kind, edge, mime in (("thumbnail", 64, "webp"), ("preview", 512, "webp"), ("original", 1024, "png"))
    }
    await page.evaluate(NOTE_PREVIEWS)
    card = await card_page.mount(traits, {entry["id"]: urls for entry in pictures})
    await expect(card.pictures.nth(1)).to_be_visible()
    if state == "original":
        await card.open(2)
        await page.keyboard.press("+")
        await page.keyboard.press("+")
        await expect(card.dialog.locator(".dreambooth-stage img")).to_have_js_property("naturalWidth", 1024)
        await page.keyboard.press("Escape")
        await expect(card.dialog).to_have_count(0)
    dragged = asyncio.ensure_future(page.evaluate(DRAGGED))
    place = await box(card.opener(2))
    await page.mouse.move(place["x"] + 50, place["y"] + 50)
    await page.mouse.down()
    await page.wait_for_function("id => previews.has(id)", arg=pictures[1]["id"])
    await page.mouse.move(place["x"] + 80, place["y"] + 90, steps=4)
    await page.mouse.up()
    mime, ending = ("image/png", "png") if state == "original" else ("image/webp", "webp")
    assert await dragged == [mime, f"13443927-2.{ending}", mime, expected]
    await expect(card.dialog).to_have_count(0)
    assert await card_page.saved() == []


def made(edge: int, mime: str) -> bytes:
    """A picture of that format."""
    file = io.BytesIO()
    Image.new("RGB", (edge, edge), "teal").save(file, mime.upper())
    return file.getvalue()
