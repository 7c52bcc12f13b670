"""The widget in marimo: a shadow root, and a kernel thread that is not the main one."""

from __future__ import annotations

from playwright.async_api import Page, expect

from ..endpoint import Endpoint
from .card import HAND_OVER_KEY, SETUP, make
from .conftest import Host
from .hosted import loupe_and_menu, waits_and_opens


async def test_from_waiting_to_the_loupe(served: Host, host_page: Page, endpoint: Endpoint) -> None:
    """Waits, stops, checks again, shows the pictures with their style, opens one; then loupe and menu."""
    cell = f"{HAND_OVER_KEY}\n{SETUP}\n{make(endpoint, schedule='SLOW')}"
    card = await waits_and_opens(served, "marimo", endpoint, [cell])
    await expect(card.root.locator("ul")).to_have_css("display", "flow-root")
    await loupe_and_menu(host_page, card)
