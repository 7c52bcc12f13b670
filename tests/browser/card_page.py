"""The card on a blank page, with a stand-in for the kernel (`page/fake_model.js`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page

from .card import Card


class CardPage:
    """A blank page that can hold one card."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def mount(self, traits: Mapping[str, Any], pictures: Mapping[str, Mapping[str, str]] | None = None) -> Card:
        """Draw the card with these traits; with `pictures` (`{id: {kind: URL}}`) the stand-in sends them when asked."""
        options = {"pictures": pictures} if pictures else {}
        await self.page.evaluate("([traits, options]) => mount(traits, options)", [dict(traits), options])
        return Card(self.page)

    async def set(self, **traits: Any) -> None:
        """Change traits, as the kernel does."""
        await self.page.evaluate("traits => model.set(traits)", traits)

    async def sent(self) -> list[dict[str, Any]]:
        """Every custom message of the view, oldest first."""
        sent: list[dict[str, Any]] = await self.page.evaluate("() => model.sent")
        return sent

    async def saved(self) -> list[dict[str, Any]]:
        """What the view wrote into the model, oldest first."""
        saved: list[dict[str, Any]] = await self.page.evaluate("() => model.saved")
        return saved

    async def unmount(self) -> None:
        """Take the view away, as the host does."""
        await self.page.evaluate("() => unmount()")


@asynccontextmanager
async def opened_phone(browser: Browser, blank: str, width: int, height: int) -> AsyncIterator[CardPage]:
    """The blank page on a phone: fingers, and nothing that hovers."""
    context = await browser.new_context(viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    page = await context.new_page()
    await page.goto(blank)
    await page.wait_for_function("() => globalThis.mount")
    yield CardPage(page)
    await context.close()
