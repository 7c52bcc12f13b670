"""The picture's own menu in the lightbox and over the compared pictures, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from .axe import Axe
from .card import box
from .card_page import CardPage
from .test_compare import SHOWN, compared
from .test_lightbox import count_of, done, entry, files, opened, place_of, scale_of

ITEMS = ["Copy picture", "Save", "Copy seed", "Copy prompt", "Open link"]


async def lightbox(card_page: CardPage, number: int, size: tuple[int, int] = (1600, 1600)) -> Locator:
    """The lightbox with one of four pictures."""
    entries = [entry(index, size) for index in range(4)]
    card = await card_page.mount(done(entries), files(entries))
    await card.shows(4)
    return await opened(card, number)


def items(dialog: Locator) -> Locator:
    """The items of the menu over the dialog."""
    return dialog.get_by_role("menuitem")


async def copied(page: Page, dialog: Locator) -> str:
    """What the seed's item puts on the clipboard."""
    await items(dialog).filter(has_text="Copy seed").click()
    await expect(dialog.locator(".dreambooth-menu")).to_have_text("Copied")
    return str(await page.evaluate("() => navigator.clipboard.readText()"))


async def test_lightbox_has_the_menu(card_page: CardPage, page: Page, axe: Axe) -> None:
    """A right click and Shift+F10 open it; its arrows move in it alone; Escape leaves the dialog open and focused."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog = await lightbox(card_page, 2)
    await page.mouse.click(640, 450, button="right")
    await expect(items(dialog).first).to_be_focused()
    assert await items(dialog).all_inner_texts() == ITEMS
    await axe.finds_nothing(dialog)
    for key in ("ArrowRight", "ArrowDown", "i", "1"):
        await page.keyboard.press(key)
    await expect(items(dialog).nth(1)).to_be_focused()
    await expect(count_of(dialog)).to_contain_text("2 of 4")
    await expect(dialog.locator("aside")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(items(dialog)).to_have_count(0)
    await expect(dialog).to_be_focused()
    await page.keyboard.press("Shift+F10")
    await expect(items(dialog).first).to_be_focused()
    assert await copied(page, dialog) == "101"
    await page.keyboard.press("ArrowRight")
    await expect(count_of(dialog)).to_contain_text("3 of 4")


async def test_menu_saves_the_open_picture(card_page: CardPage, page: Page) -> None:
    """The file has the picture's own name."""
    dialog = await lightbox(card_page, 3)
    await page.mouse.click(640, 450, button="right")
    async with page.expect_download() as download:
        await items(dialog).filter(has_text="Save").click()
    assert (await download.value).suggested_filename == "77-3.png"
    await expect(dialog).to_be_focused()


async def test_right_click_moves_nothing(card_page: CardPage, page: Page) -> None:
    """The press of the other button neither holds the zoomed picture nor moves it, and a press elsewhere closes."""
    dialog = await lightbox(card_page, 1)
    await page.keyboard.press("1")
    before = await place_of(dialog, 640, 450)
    await page.mouse.click(640, 450, button="right")
    await expect(items(dialog).first).to_be_focused()
    await expect(dialog.locator(".dreambooth-stage")).not_to_have_attribute("data-held", "true")
    await page.mouse.move(900, 700)
    assert await place_of(dialog, 640, 450) == pytest.approx(before, abs=0.01)
    await page.mouse.click(900, 100)
    await expect(items(dialog)).to_have_count(0)


async def test_each_compared_picture_has_its_own(card_page: CardPage, page: Page, axe: Axe) -> None:
    """Over its place, and on its caption, which Tab reaches."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _, dialog = await compared(card_page, 3)
    place = await box(dialog.locator("figure").nth(1))
    await page.mouse.click(place["x"] + 100, place["y"] + 300, button="right")
    assert await copied(page, dialog) == "101"
    caption = dialog.get_by_role("button", name="Picture 3")
    await caption.focus()
    await page.keyboard.press("Enter")
    await expect(items(dialog).first).to_be_focused()
    await expect(dialog.locator(".dreambooth-menu")).to_be_in_viewport(ratio=1)
    await axe.finds_nothing(dialog)
    assert await copied(page, dialog) == "102"
    await expect(caption).to_be_focused()


async def test_wipe_has_the_menu_of_either_side(card_page: CardPage, page: Page) -> None:
    """What lies under the pointer is what is copied."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _, dialog = await compared(card_page, 2)
    await page.keyboard.press("w")
    await expect(dialog.get_by_role("slider")).to_be_visible()
    for x, seed in ((500, "100"), (780, "101")):
        await page.mouse.click(x, 450, button="right")
        assert await copied(page, dialog) == seed
    await expect(dialog.locator(SHOWN)).to_have_count(2)


@pytest.mark.parametrize("pixels", [16, 64])
async def test_small_picture_fills_the_window(card_page: CardPage, pixels: int) -> None:
    """Fit takes what it needs, with crisp pixels; 1:1 leads back to its own size, and Fit enlarges it again."""
    dialog = await lightbox(card_page, 1, (pixels, pixels))
    fitting = (900 - 48 - 16) / pixels
    assert await scale_of(dialog) == pytest.approx(fitting, rel=0.01)
    await expect(dialog.locator(".dreambooth-stage img")).to_have_css("image-rendering", "pixelated")
    await dialog.get_by_role("button", name="1:1").click()
    assert await scale_of(dialog) == pytest.approx(1)
    await expect(dialog.get_by_role("button", name="Zoom out")).to_have_attribute("aria-disabled", "true")
    await dialog.get_by_role("button", name="Fit").click()
    assert await scale_of(dialog) == pytest.approx(fitting, rel=0.01)
