"""The widget in Notebook 7, which has keys and a page of its own."""

from __future__ import annotations

from playwright.async_api import expect

from ..endpoint import PROCESSING, Endpoint
from .card import SETUP, Card, covers_the_window, links, make, run_widget, serve_pictures
from .conftest import Opener


async def test_from_waiting_to_the_lightbox(open_notebook7: Opener, endpoint: Endpoint) -> None:
    """Waits, stops, checks again, shows the pictures, opens one over the window, and is still there after a reload."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    notebook = await open_notebook7([SETUP, make(endpoint, schedule="SLOW"), "6 * 7"])
    card = await run_widget(notebook)
    await expect(card.chip).to_have_text("Generating")
    await notebook.run(2)
    await expect(notebook.output(2)).to_contain_text("42")
    await endpoint.saw(1)

    await card.button("Stop waiting").click()
    await expect(card.chip).to_have_text("Stopped waiting")
    await card.button("Check again").click()
    await card.shows(4)
    await expect(card.chip).to_have_text("Done")

    dialog = await card.open(3)
    await covers_the_window(dialog)
    await notebook.page.keyboard.press("ArrowRight")
    await expect(dialog).to_contain_text("4 of 4")
    await notebook.page.keyboard.press("Escape")
    await expect(card.opener(4)).to_be_focused()

    await notebook.save()
    await notebook.reload()
    await Card(notebook.output(1)).shows(4)
