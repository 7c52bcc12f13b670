"""What is tried in every host that runs the notebook when its page is opened."""

from __future__ import annotations

from playwright.async_api import Page, expect

from ..endpoint import PROCESSING, Endpoint
from .card import HAND_OVER_KEY, SETUP, Card, box, covers_the_window, links, make, serve_pictures
from .conftest import Host


async def waits_and_opens(served: Host, host: str, endpoint: Endpoint, cells: list[str] | None = None) -> Card:
    """A job waits, is stopped, is checked again; its four pictures are shown, and one is opened over the window."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    page = await served(host, cells or [HAND_OVER_KEY, SETUP, make(endpoint, schedule="SLOW")])
    card = Card(page)
    await expect(card.chip).to_have_text("Generating")
    await endpoint.saw(1)
    await card.button("Stop waiting").click()
    await expect(card.chip).to_have_text("Stopped waiting")
    await card.button("Check again").click()
    await card.shows(4)
    await covers_the_window(await card.open(2))
    await page.keyboard.press("Escape")
    await expect(card.opener(2)).to_be_focused()
    return card


async def loupe_and_menu(page: Page, card: Card) -> None:
    """Z held over a tile shows every original; the menu opens over a tile and over the open picture, by both ways."""
    place = await box(card.opener(3))
    await page.mouse.move(place["x"] + 60, place["y"] + 60)
    await page.keyboard.down("z")
    await expect(card.root.locator(".dreambooth-lens[data-sharp]")).to_have_count(4)
    await page.keyboard.up("z")
    await expect(card.root.locator(".dreambooth-lens")).to_have_count(0)
    await card.opener(3).click(button="right")
    first = page.get_by_role("menuitem").first
    await expect(first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(card.opener(3)).to_be_focused()
    await card.open(3)
    await page.keyboard.press("Shift+F10")
    await expect(first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(first).to_have_count(0)
    await expect(card.dialog).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(card.dialog).to_have_count(0)
