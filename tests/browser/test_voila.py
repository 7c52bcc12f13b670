"""The widget in Voila: a page without cells that runs the notebook when it is opened."""

from __future__ import annotations

from playwright.async_api import expect

from ..endpoint import PROCESSING, Endpoint
from .card import HAND_OVER_KEY, SETUP, Card, covers_the_window, links, make, serve_pictures
from .conftest import Host


async def test_from_waiting_to_the_lightbox(served: Host, endpoint: Endpoint) -> None:
    """Waits, stops, checks again, shows the pictures, and opens one over the window."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    page = await served("voila", [HAND_OVER_KEY, SETUP, make(endpoint, schedule="SLOW")])
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


async def test_awaited(served: Host, endpoint: Endpoint) -> None:
    """With `await w` in the notebook the page has the finished gallery, and no copy of it is seen beside it."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    page = await served("voila", [HAND_OVER_KEY, SETUP, make(endpoint), "await w"])
    card = Card(page)
    await expect(card.chip).to_have_text("Done")
    await card.shows(4)
    await expect(page.locator("img[src^='data:image/jpeg']:visible")).to_have_count(0)
