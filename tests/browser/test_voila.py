"""The widget in Voila: a page without cells that runs the notebook when it is opened."""

from __future__ import annotations

from playwright.async_api import Page, expect

from ..endpoint import PROCESSING, Endpoint
from .card import HAND_OVER_KEY, SETUP, Card, links, make, serve_pictures
from .conftest import Host
from .hosted import loupe_and_menu, waits_and_opens


async def test_from_waiting_to_the_loupe(served: Host, host_page: Page, endpoint: Endpoint) -> None:
    """Waits, stops, checks again, shows the pictures, opens one over the window; then loupe and menu."""
    card = await waits_and_opens(served, "voila", endpoint)
    await loupe_and_menu(host_page, card)


async def test_awaited(served: Host, endpoint: Endpoint) -> None:
    """With `await w` in the notebook the page has the finished gallery, and no copy of it is seen beside it."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    page = await served("voila", [HAND_OVER_KEY, SETUP, make(endpoint), "await w"])
    card = Card(page)
    await expect(card.chip).to_have_text("Done")
    await card.shows(4)
    await expect(page.locator("img[src^='data:image/jpeg']:visible")).to_have_count(0)
