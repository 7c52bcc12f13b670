"""The widget in marimo: a shadow root, and a kernel thread that is not the main one."""

from __future__ import annotations

from playwright.async_api import expect

from ..endpoint import PROCESSING, Endpoint
from .card import HAND_OVER_KEY, SETUP, Card, covers_the_window, links, make, serve_pictures
from .conftest import Host


async def test_from_waiting_to_the_lightbox(served: Host, endpoint: Endpoint) -> None:
    """Waits, stops, checks again, shows the pictures with their style, and opens one over the window."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    page = await served("marimo", [f"{HAND_OVER_KEY}\n{SETUP}\n{make(endpoint, schedule='SLOW')}"])
    card = Card(page)
    await expect(card.chip).to_have_text("Generating")
    await endpoint.saw(1)
    await card.button("Stop waiting").click()
    await expect(card.chip).to_have_text("Stopped waiting")
    await card.button("Check again").click()
    await card.shows(4)
    await expect(card.root.locator("ul")).to_have_css("display", "flow-root")
    await covers_the_window(await card.open(2))
    await page.keyboard.press("Escape")
    await expect(card.opener(2)).to_be_focused()
