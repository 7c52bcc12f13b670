"""The widget's card as a person sees it, wherever it stands, and the cells that put it there."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import FloatRect, FrameLocator, Locator, Page, expect

from ..endpoint import CANARY, Endpoint, png
from .lab import Notebook

REQUEST_ID = 13443927
COLORS = ("teal", "crimson", "gold", "navy")
SIZE = (640, 480)

SETUP = """
import logging, sys
logging.basicConfig(stream=sys.__stderr__)  # into the server's log
from dreambooth_widget import DreamboothWidget, PollSchedule, Retry
FAST = PollSchedule(shortest=0.2, longest=0.4, longest_silence=0.4)
STEADY = PollSchedule(shortest=2, longest=2, longest_silence=2)
SLOW = PollSchedule(shortest=600, longest=600, longest_silence=600)
QUICK = Retry(attempts=2, first=0.1, longest=2, rate_limit_wait=1)
"""
"""A first cell. The schedules poll many times a second, every two seconds, or not again by themselves."""


def make(endpoint: Endpoint, *, key: str | None = None, schedule: str = "FAST", more: str = "") -> str:
    """A cell that makes `w` for the endpoint and shows it. Without `key` the kernel's environment has it."""
    given = "" if key is None else f"{key!r}, "
    named = "" if more.startswith("request_id=") else f"request_id={REQUEST_ID}, "
    return (
        f"w = DreamboothWidget({given}{named}endpoint={endpoint.url!r}, schedule={schedule}, retry=QUICK"
        f"{', ' + more if more else ''})\nw"
    )


HAND_OVER_KEY = f"import os; os.environ['DREAMBOOTH_API_KEY'] = {CANARY!r}"
"""Executed in the kernel behind the notebook's back, as a key in the environment is."""


def serve_pictures(endpoint: Endpoint, count: int = 4) -> list[bytes]:
    """Let the endpoint have `count` pictures named `0.png` …; their bytes."""
    files = [
        png(COLORS[index % len(COLORS)], SIZE, seed=str(100 + index), prompt=f"picture {index}")
        for index in range(count)
    ]
    for index, data in enumerate(files):
        endpoint.serve(f"{index}.png", data)
    return files


def links(endpoint: Endpoint, count: int = 4) -> list[str]:
    """The addresses of the pictures of `serve_pictures`."""
    return [endpoint.link(f"{index}.png") for index in range(count)]


class Card:
    """One card inside `place`: a page, or a cell's output."""

    def __init__(self, place: Page | Locator | FrameLocator) -> None:
        self.root = place.locator(".dreambooth-card")
        self.chip = self.root.locator(".dreambooth-chip").first
        self.line = self.root.locator(".dreambooth-line")
        self.tiles = self.root.locator(".dreambooth-tile")
        self.pictures = self.tiles.locator("img")
        self.dialog = place.locator("dialog[open]")

    def button(self, name: str) -> Locator:
        """A button of the card by its whole name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def opener(self, number: int) -> Locator:
        """The button that opens picture `number`, from 1."""
        return self.root.get_by_role("button", name=re.compile(rf"^Open picture {number} of "))

    async def shows(self, count: int) -> None:
        """Wait until `count` tiles show a picture that the browser has decoded."""
        await expect(self.pictures).to_have_count(count)
        for index in range(count):
            await decoded(self.pictures.nth(index))

    async def open(self, number: int) -> Locator:
        """Open picture `number` large; the dialog, with its picture decoded."""
        await self.opener(number).click()
        await expect(self.dialog).to_be_visible()
        await decoded(self.dialog.locator(".dreambooth-stage img"))
        return self.dialog

    async def fill_form(self, key: str, request_id: str) -> None:
        """Type both and press Show pictures."""
        await self.root.get_by_label("API key").fill(key)
        await self.root.get_by_label("Request id").fill(request_id)
        await self.button("Show pictures").click()


async def run_widget(notebook: Notebook) -> Card:
    """Give the key to the kernel, run `SETUP` in cell 0 and `make()` in cell 1, and return the card."""
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run(0)
    await notebook.run(1)
    return Card(notebook.output(1))


async def decoded(picture: Locator) -> None:
    """Wait until the image `picture` has loaded something that the browser could read."""
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("complete", True)
    await expect(picture).not_to_have_js_property("naturalWidth", 0)


async def redrawn(page: Page) -> None:
    """Wait until the page has been drawn anew: observers of sizes have been called, and what they changed is there."""
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


async def box(element: Locator) -> FloatRect:
    """The element's place in the window, in CSS pixels."""
    found = await element.bounding_box()
    assert found is not None
    return found


async def covers_the_window(dialog: Locator) -> None:
    """Assert that the dialog fills the window and lies over everything, out of the cell's box."""
    page = dialog.page
    window: dict[str, Any] = await page.evaluate("() => ({width: innerWidth, height: innerHeight})")
    place = await box(dialog)
    assert (place["x"], place["y"]) == (0, 0)
    assert place["width"] >= window["width"] - 1
    assert place["height"] >= window["height"] - 1
    corners = [(4, 4), (window["width"] - 4, 4), (4, window["height"] - 4), (window["width"] / 2, window["height"] / 2)]
    for x, y in corners:
        hit = "(dialog, [x, y]) => dialog.contains(dialog.getRootNode().elementFromPoint(x, y))"
        assert await dialog.evaluate(hit, [x, y]), f"something lies over the dialog at {x}, {y}"
