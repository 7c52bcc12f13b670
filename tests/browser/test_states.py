"""Every state of the cards on a blank page: accessible, whole, quiet; in every colour, narrow and wide."""

from __future__ import annotations

import base64

import pytest
from playwright.async_api import expect

from ..endpoint import png
from .axe import Axe
from .card import redrawn
from .card_page import CardPage
from .screenshots import COLOURS, WIDTHS, names, picture_sizes, show

CUT_OFF = """root => {
  const edge = document.documentElement.clientWidth + 0.5;
  const card = root.getBoundingClientRect();
  const mayBe = (each) => each.matches(".dreambooth-caption, .dreambooth-tile p, .dreambooth-spoken, pre, img")
    || (each.matches("bdi, p:has(> bdi)") && !/^[0-9]/.test(each.lastElementChild?.innerText ?? each.innerText));
  return [...root.querySelectorAll(":not(svg, svg *)")].flatMap((each) => {
    const { left, right, width } = each.getBoundingClientRect();
    const name = each.outerHTML.slice(0, 120);
    if (!width || each.closest(".dreambooth-lens")) return [];
    if (right > edge || left < -0.5) return [`sticks out of the page: ${name}`];
    const short = each.matches("button, time, bdi, .dreambooth-chip");
    if (short && right > card.right) return [`sticks out of the card: ${name}`];
    const hides = short || getComputedStyle(each).overflowX !== "visible";
    return hides && !mayBe(each) && each.scrollWidth > each.clientWidth + 1 ? [`is cut off: ${name}`] : [];
  });
}"""
"""What sticks out or is cut off, but for what may be: a caption that is no count, a reason whose tip has all of it."""


MOVING = """root => root.getAnimations({ subtree: true })
  .filter(({ effect }) => effect.getTiming().duration > 0).length"""
"""Animations that take time: a delay alone moves nothing."""


@pytest.fixture(scope="session")
def pictures() -> dict[str, dict[str, str]]:
    """One small file for every picture of every state, as the stand-in kernel sends it."""
    url = "data:image/png;base64," + base64.b64encode(png("teal", (96, 96))).decode()
    return {name: dict.fromkeys(("thumbnail", "preview", "original"), url) for name in picture_sizes()}


MOVED = """() => [...document.styleSheets].flatMap(({ cssRules }) => [...cssRules])
  .filter((rule) => rule instanceof CSSKeyframesRule)
  .flatMap(({ cssRules }) => [...cssRules].flatMap(({ style }) => [...style]))"""
"""What the style sheet's animations change."""


async def test_waiting_draws_nothing_anew(card_page: CardPage, pictures: dict[str, dict[str, str]]) -> None:
    """A job takes minutes: what moves meanwhile is moved as a layer, and costs the page's thread nothing."""
    await show(card_page.page, "03c-queued", pictures)
    assert set(await card_page.page.evaluate(MOVED)) == {"opacity", "transform"}


@pytest.mark.parametrize("name", names())
async def test_every_state_is_accessible_and_whole(
    card_page: CardPage, axe: Axe, pictures: dict[str, dict[str, str]], name: str
) -> None:
    """Nothing sticks out or is cut off, nothing moves for who wants it still, and axe-core finds nothing.

    Colours are the same at each width, so axe-core looks at them once.
    """
    page = card_page.page
    await page.emulate_media(reduced_motion="reduce")
    card = await show(page, name, pictures)
    dialog = page.locator("dialog[open]")
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 640})
        await redrawn(page)
        for colour, media in COLOURS.items():
            await page.emulate_media(**media)
            root = dialog if await dialog.count() else card
            if root is card:  # a stage cuts off what does not fit; `test_lightbox.py` looks at what stands around it
                assert await card.evaluate(CUT_OFF) == []
            assert await root.evaluate(MOVING) == 0
            if colour == "light" or width == WIDTHS[0]:
                await axe.finds_nothing(root)


@pytest.mark.parametrize("name", ["12-missing", "16-key-refused", "30-batch-waiting", "36-batch-mixed"])
async def test_buttons_come_into_sight(card_page: CardPage, pictures: dict[str, dict[str, str]], name: str) -> None:
    """At 400 % zoom (320 × 256 pixels), in forced colours, every button can be brought into sight whole."""
    page = card_page.page
    await page.set_viewport_size({"width": 320, "height": 256})
    await page.emulate_media(forced_colors="active", reduced_motion="reduce")
    card = await show(page, name, pictures)
    for button in await card.get_by_role("button").all():
        await button.scroll_into_view_if_needed()
        await expect(button).to_be_in_viewport(ratio=0.99)
