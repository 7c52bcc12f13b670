"""The loupe over the gallery and over the comparison, on a blank page: the same spot of every picture at 100 %."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from .axe import Axe
from .card import Card, box
from .card_page import CardPage
from .page.batches import batches
from .test_lightbox import done, entry, files, opened

LENSES = ".dreambooth-card .dreambooth-lens"
SIDE = 1600

HOLD_BACK = """() => {
  const answer = model.onSent;
  globalThis.held = [];
  model.onSent = (message) => message.type === "get_crop" ? held.push(message) : answer(message);
  globalThis.release = () => { for (const message of held.splice(0)) answer(message); };
}"""
"""Keeps requests for crops until `release()`."""


async def gallery(card_page: CardPage, count: int = 4, *kinds: str, **traits: Any) -> Card:
    """A gallery of pictures of 1600×1600."""
    entries = [entry(index) for index in range(count)]
    card = await card_page.mount(done(entries, **traits), files(entries, *kinds))
    await card.opener(1).wait_for()
    await expect(card.pictures.first).to_have_js_property("complete", True)
    return card


async def point(page: Page, tile: Locator, x: float, y: float) -> None:
    """Move the pointer to that spot of a tile: shares of its width and height."""
    place = await box(tile)
    await page.mouse.move(place["x"] + x * place["width"], place["y"] + y * place["height"])


async def sharp(page: Page, count: int) -> Locator:
    """The lenses, once all have the pixels of the original."""
    await expect(page.locator(f"{LENSES}[data-sharp]")).to_have_count(count)
    lenses = page.locator(LENSES)
    await expect(lenses).to_have_count(count)
    return lenses


async def crops(card_page: CardPage) -> list[Any]:
    """The requests for crops, oldest first."""
    return [message for message in await card_page.sent() if message["type"] == "get_crop"]


def middle_of(area: Sequence[float]) -> tuple[float, float]:
    """The middle of a box, as shares of a picture."""
    return (area[0] + area[2]) / 2 / SIDE, (area[1] + area[3]) / 2 / SIDE


async def test_every_tile_shows_the_same_spot(card_page: CardPage, page: Page) -> None:
    """While Z is held: one pixel of the original is one pixel of the page, and the kernel is asked for no more."""
    card = await gallery(card_page)
    await point(page, card.tiles.nth(1), 0.7, 0.4)
    await page.keyboard.down("z")
    lenses = await sharp(page, 4)
    sent = await crops(card_page)
    assert sorted(message["index"] for message in sent) == [0, 1, 2, 3]
    for message in sent:
        left, top, right, bottom = message["box"]
        assert middle_of(message["box"]) == pytest.approx((0.7, 0.4), abs=0.01)
        lens, tile = [await box(each.nth(message["index"])) for each in (lenses, card.pictures)]
        assert [lens["width"], lens["height"]] == [right - left, bottom - top]
        assert abs(lens["x"] - tile["x"]) <= 1
        crop = lenses.nth(message["index"]).locator("img").last
        size = "image => [image.naturalWidth, image.naturalHeight, image.width, image.height]"
        assert await crop.evaluate(size) == [right - left, bottom - top] * 2
        assert await box(crop) == lens
    await page.keyboard.up("z")
    await expect(page.locator(LENSES)).to_have_count(0)


async def test_the_last_spot_wins(card_page: CardPage, page: Page) -> None:
    """While the kernel answers, a picture has one request on its way; the next one is for where the pointer is then."""
    card = await gallery(card_page)
    await page.evaluate(HOLD_BACK)
    await point(page, card.tiles.first, 0.2, 0.2)
    await page.keyboard.down("z")
    await expect(page.locator(LENSES)).to_have_count(4)
    for step in range(1, 20):
        await point(page, card.tiles.first, 0.2 + step / 40, 0.3)
    assert len(await crops(card_page)) == 4
    await page.evaluate("() => release()")
    await page.wait_for_function("() => held.length === 4")
    last = (await crops(card_page))[4:]
    for message in last:
        assert middle_of(message["box"]) == pytest.approx((0.2 + 19 / 40, 0.3), abs=0.02)
    await page.evaluate("() => release()")
    await sharp(page, 4)
    assert len(await crops(card_page)) == 8


async def test_lens_is_never_empty(card_page: CardPage, page: Page) -> None:
    """Before the kernel's pixels come it shows those of the preview, in the same place; later it says that it does."""
    card = await gallery(card_page)
    await page.evaluate(HOLD_BACK)
    await point(page, card.tiles.first, 0.5, 0.5)
    await page.keyboard.down("z")
    await expect(page.locator(LENSES)).to_have_count(4)
    lens = page.locator(LENSES).first
    under = lens.locator("img")
    await expect(under).to_have_count(1)
    assert await under.evaluate("image => image.complete && image.naturalWidth") == 512
    assert (await box(under))["width"] == SIDE
    await expect(lens.get_by_text("Preview")).to_have_css("opacity", "1")
    await page.evaluate("() => release()")
    await expect(lens).to_have_attribute("data-sharp", "true")
    await expect(lens.get_by_text("Preview")).to_be_hidden()


async def test_original_at_hand_asks_nothing(card_page: CardPage, page: Page) -> None:
    """What the browser has already is shown from there."""
    card = await gallery(card_page, 2)
    dialog = await opened(card, 1)
    await page.keyboard.press("1")
    await expect(dialog.locator(".dreambooth-stage img")).to_have_js_property("naturalWidth", SIDE)
    await page.keyboard.press("Escape")
    await point(page, card.tiles.nth(1), 0.5, 0.5)
    await page.keyboard.down("z")
    await sharp(page, 2)
    assert [message["index"] for message in await crops(card_page)] == [1]


async def test_without_a_kernel_nothing_is_sent(card_page: CardPage, page: Page) -> None:
    """The previews' pixels, with a note."""
    card = await gallery(card_page)
    await page.evaluate(
        "() => document.querySelector('.dreambooth-host').classList.add('jupyter-widgets-disconnected')"
    )
    await expect(card.root.get_by_text("The kernel has gone", exact=False).first).to_be_visible()
    await point(page, card.tiles.first, 0.5, 0.5)
    await page.keyboard.down("z")
    lens = page.locator(LENSES).first
    await expect(lens.get_by_text("Preview")).to_have_css("opacity", "1")
    await point(page, card.tiles.first, 0.6, 0.6)
    assert await crops(card_page) == []


async def test_only_tiles_in_sight(card_page: CardPage, page: Page) -> None:
    """Of many pictures those on the screen are asked for, and after scrolling those that are there then."""
    card = await gallery(card_page, 60)
    await point(page, card.tiles.first, 0.5, 0.5)
    await page.keyboard.down("z")
    await page.wait_for_function(  # rows are drawn one after the other
        """([pictures, lenses]) => {
          const all = [...document.querySelectorAll(pictures)];
          const seen = all.filter((one) => one.getBoundingClientRect().top < innerHeight);
          return seen.length > 0 && document.querySelectorAll(lenses).length === seen.length;
        }""",
        arg=[".dreambooth-tile img", f"{LENSES}[data-sharp]"],
    )
    seen = await page.locator(f"{LENSES}[data-sharp]").count()
    assert len(await crops(card_page)) == seen
    assert 20 < seen < 60
    await page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
    await expect(page.locator(f"{LENSES}[data-sharp]").last).to_be_in_viewport()
    await page.wait_for_function(
        "() => model.sent.some((message) => message.type === 'get_crop' && message.index === 59)"
    )


async def test_button_and_arrows(card_page: CardPage, page: Page) -> None:
    """By keyboard alone: the middle first, arrows move the spot, and Escape ends it; a screen reader is told."""
    card = await gallery(card_page)
    loupe = card.button("Loupe")
    await loupe.focus()
    await page.keyboard.press("Enter")
    await expect(loupe).to_have_attribute("aria-pressed", "true")
    await sharp(page, 4)
    await expect(page.locator(".dreambooth-spoken")).to_have_text("Loupe: every picture at 100%.")
    assert middle_of((await crops(card_page))[0]["box"]) == pytest.approx((0.5, 0.5), abs=0.01)
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        await page.keyboard.press(key)
    await sharp(page, 4)
    assert middle_of((await crops(card_page))[-1]["box"]) == pytest.approx((0.58, 0.46), abs=0.01)
    await expect(loupe).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(loupe).to_have_attribute("aria-pressed", "false")
    await expect(page.locator(LENSES)).to_have_count(0)
    await card.opener(1).focus()
    await page.keyboard.press("ArrowRight")
    await expect(card.opener(2)).to_be_focused()


async def test_finger_moves_the_spot(card_page: CardPage, page: Page) -> None:
    """With the button pressed a finger neither opens nor selects; without it a tap opens as before."""
    card = await gallery(card_page)
    await card.button("Loupe").click()
    touch = await page.context.new_cdp_session(page)
    place = await box(card.tiles.nth(1))

    async def finger(kind: str, *share: float) -> None:
        points = [{"x": place["x"] + x * place["width"], "y": place["y"] + 0.5 * place["height"]} for x in share]
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    await finger("touchStart", 0.2)
    await finger("touchMove", 0.5)
    await finger("touchMove", 0.8)
    await finger("touchEnd")
    await sharp(page, 4)
    assert middle_of((await crops(card_page))[-1]["box"]) == pytest.approx((0.8, 0.5), abs=0.02)
    await finger("touchStart", 0.3)
    await finger("touchEnd")
    await sharp(page, 4)
    assert middle_of((await crops(card_page))[-1]["box"]) == pytest.approx((0.3, 0.5), abs=0.02)
    assert await card_page.saved() == []
    await expect(card.dialog).to_have_count(0)
    await card.button("Loupe").click()
    await finger("touchStart", 0.3)
    await finger("touchEnd")
    await expect(card.dialog).to_be_visible()


async def test_z_is_typed_elsewhere(card_page: CardPage, page: Page) -> None:
    """In a text field it is a letter, with the pointer over a picture too; over a picture nobody else gets it."""
    card = await gallery(card_page)
    await page.evaluate(
        """() => { window.heard = [];
        document.addEventListener("keydown", (event) => heard.push(event.key), true);
        document.body.insertAdjacentHTML("beforeend", "<input id='field'><p id='text' contenteditable>a</p>"); }"""
    )
    await point(page, card.tiles.first, 0.5, 0.5)
    for field in ("#field", "#text"):
        await page.locator(field).focus()
        await page.keyboard.press("z")
    await expect(page.locator("#field")).to_have_value("z")
    await expect(page.locator("#text")).to_contain_text("z")
    assert await page.evaluate("() => heard") == ["z", "z"]
    await page.evaluate("() => { heard.length = 0; document.activeElement.blur(); }")
    await page.keyboard.down("z")
    await expect(page.locator(LENSES)).to_have_count(4)
    await page.keyboard.up("z")
    assert await page.evaluate("() => heard") == []
    await page.mouse.move(1, 899)
    await page.keyboard.press("z")
    assert await page.evaluate("() => heard") == ["z"]
    await expect(page.locator(LENSES)).to_have_count(0)


async def test_batch_asks_by_request(card_page: CardPage, page: Page) -> None:
    """The kernel is asked for a picture of one request."""
    traits, rows = batches(lambda request, index: {**entry(request * 4 + index), "index": index})["32-batch-done"]
    known = {each["id"]: each for row in rows for each in row["pictures"]}
    await page.evaluate(
        "([traits, options]) => mount(traits, options)",
        [dict(traits), {"pictures": files(list(known.values())), "rows": rows}],
    )
    card = Card(page)
    await expect(card.pictures.first).to_have_js_property("complete", True)
    await point(page, card.tiles.first, 0.5, 0.5)
    await page.keyboard.down("z")
    await expect(page.locator(f"{LENSES}[data-sharp]").first).to_be_visible()
    for message in await crops(card_page):
        assert rows[message["request"]]["pictures"][message["index"]]["id"] == message["id"]


async def test_loupe_in_the_comparison(card_page: CardPage, page: Page, axe: Axe) -> None:
    """Over one of four, all four show the spot, and go along with the arrows; zoomed in there is none."""
    card = await gallery(card_page, 4, selected=[0, 1, 2, 3])
    await card.button("Compare").click()
    dialog = card.dialog
    await expect(dialog.locator(".dreambooth-layer[aria-busy=true]")).to_have_count(0)
    lenses = dialog.locator(".dreambooth-layer:not([aria-hidden]) .dreambooth-lens[data-sharp]")
    image = dialog.locator(".dreambooth-layer:not([aria-hidden]) > img").nth(2)
    await point(page, image, 0.25, 0.75)
    await page.keyboard.down("z")
    await expect(lenses).to_have_count(4)
    areas = {tuple(message["box"]) for message in await crops(card_page)}
    assert len(areas) == 1
    assert middle_of(areas.pop()) == pytest.approx((0.25, 0.75), abs=0.01)
    await axe.finds_nothing(dialog)
    await page.keyboard.press("ArrowUp")
    await expect(lenses).to_have_count(4)
    assert middle_of((await crops(card_page))[-1]["box"]) == pytest.approx((0.25, 0.71), abs=0.01)
    await page.keyboard.up("z")
    await expect(dialog.locator(".dreambooth-lens")).to_have_count(0)
    await page.keyboard.press("1")
    await page.keyboard.down("z")
    await expect(dialog.get_by_role("status")).to_have_text("Zoom out first: 100% is reached")
    await page.keyboard.up("z")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
