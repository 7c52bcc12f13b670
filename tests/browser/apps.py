"""A card in a page that is no notebook: an app of Panel, Shiny or Solara."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page

from .card import Card
from .server import Server
from .watch import Watch


@asynccontextmanager
async def opened_app(page: Page, watch: Watch, server: Server, port: int, path: str = "") -> AsyncIterator[Card]:
    """Open the app that `server` serves; look for errors at the end, and end it."""
    try:
        await page.goto(f"{await server.listening(port)}{path}")
        yield Card(page)
        await watch.look(server.log)
    finally:
        try:
            await page.goto("about:blank")
        finally:
            await server.close()
