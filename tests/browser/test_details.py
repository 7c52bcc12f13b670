"""What is known of a picture, beside it in the large view."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, expect

from .axe import Axe
from .card import Card, box
from .card_page import CardPage
from .screenshots import done, entry
from .test_card import files

STAGE = ".dreambooth-stage"


async def opened(card_page: CardPage, width: int, height: int = 800) -> tuple[Card, Locator]:
    """The large view in a window of that width, and its details."""
    await card_page.page.set_viewport_size({"width": width, "height": height})
    pictures = [entry(index) for index in range(3)]
    card = await card_page.mount(done(pictures=pictures), files(pictures))
    await card.open(2)
    return card, card.dialog.get_by_role("complementary", name="Details")


async def test_wide_window_has_details(card_page: CardPage) -> None:
    """They stand beside the picture from the start, which is as large as without them; they follow as it turns."""
    card, details = await opened(card_page, 1600)
    await expect(details).to_be_visible()
    picture, beside = await box(card.dialog.locator("img")), await box(details)
    assert picture["x"] + picture["width"] <= beside["x"]
    await card_page.page.keyboard.press("ArrowRight")
    await expect(details.get_by_text("125", exact=True)).to_be_visible()
    await card_page.page.keyboard.press("i")
    await expect(details).to_have_count(0)
    assert (await box(card.dialog.locator("img")))["width"] == picture["width"]


async def test_choice_is_remembered(card_page: CardPage) -> None:
    """Whoever has put them away, or fetched them, finds the next picture so."""
    card, details = await opened(card_page, 1280)
    for number, count in ((1, 1), (3, 0)):
        await expect(details).to_have_count(1 - count)
        await card_page.page.keyboard.press("i")
        await expect(details).to_have_count(count)
        await card_page.page.keyboard.press("Escape")
        await expect(card.dialog).to_have_count(0)
        await card.open(number)
        await expect(details).to_have_count(count)


@pytest.mark.parametrize("width", [320, 640])
async def test_narrow_window_has_them_below(card_page: CardPage, axe: Axe, width: int) -> None:
    """Behind the button; then the picture stays in sight above them, and they scroll."""
    card, details = await opened(card_page, width, 568)
    await expect(details).to_have_count(0)
    await card.dialog.get_by_role("button", name="Details").click()
    await expect(details).to_be_visible()
    stage, below = await box(card.dialog.locator(STAGE)), await box(details)
    assert stage["y"] + stage["height"] <= below["y"] + 1
    assert stage["height"] >= below["height"]
    await expect(details.get_by_role("button", name="Copy prompt", exact=True)).to_be_in_viewport()
    await details.get_by_role("button", name="Copy").last.scroll_into_view_if_needed()
    await axe.finds_nothing(card.dialog)
