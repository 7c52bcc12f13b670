"""The card for everybody: screen readers, fingers, right-to-left scripts, and the states that only time brings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from .card import Card, box, decoded
from .card_page import CardPage, opened_phone
from .conftest import fixture
from .screenshots import done, entry, failure, state, waiting
from .test_card import OVERFLOW, files, mounted

ARABIC = "كلب على رصيف الميناء"
LISTEN = """() => {
  globalThis.spoken = [];
  const region = document.querySelector(".dreambooth-spoken");
  new MutationObserver(() => spoken.push([Date.now(), region.textContent])).observe(region, { childList: true });
}"""
Step = Callable[[CardPage, Card], Awaitable[None]]


async def hold_kernel(card_page: CardPage, card: Card) -> None:
    """The kernel falls silent past the next check."""
    await card_page.set(next_poll_at=time.time() - 60)
    await card_page.page.clock.run_for(5000)
    await expect(card.chip).to_have_text("Kernel busy")


BARS = {
    "03-eta": "Estimated time",
    "04-late": "Waiting for the pictures",
    "05-no-eta": "Waiting for the pictures",
    "09-downloading": "Pictures loaded",
    "kernel busy": "Waiting for the kernel",
}


@pytest.mark.parametrize("name", BARS)
async def test_progress_bar_is_labelled(card_page: CardPage, name: str) -> None:
    """Its name, and its value in the words that stand below it: axe-core does not ask a native bar for either."""
    if name == "kernel busy":
        await card_page.page.clock.install()
    card = await mounted(card_page, "03-eta" if name == "kernel busy" else name)
    if name == "kernel busy":
        await hold_kernel(card_page, card)
    bar = card.root.get_by_role("progressbar")
    await expect(bar).to_have_accessible_name(BARS[name])
    value = str(await bar.get_attribute("aria-valuetext"))
    assert len(value) > 8
    assert value.partition(" · ")[0] in str(await card.line.text_content())


async def test_a_busy_kernel_moves_nothing(card_page: CardPage) -> None:
    """The buttons go and come back; the pictures below stay where they are, wide and narrow."""
    await card_page.page.clock.install()
    card = await mounted(card_page, "03-eta")
    for width in (1280, 320):
        await card_page.page.set_viewport_size({"width": width, "height": 800})
        await card_page.set(status="processing", eta=None, next_poll_at=time.time() + 999, started_at=time.time())
        await expect(card.chip).to_have_text("Generating")
        before = (await box(card.tiles.first))["y"]
        await hold_kernel(card_page, card)
        assert (await box(card.tiles.first))["y"] == pytest.approx(before, abs=1)


async def test_milestones_of_a_whole_job(card_page: CardPage) -> None:
    """A screen reader hears each new row once, in order, never two sentences in five seconds; seconds are silent."""
    page = card_page.page
    await page.clock.install()
    card = await card_page.mount(state("processing", eta=21.0, ago=0.5, pictures=waiting()))
    region = card.root.page.locator(".dreambooth-spoken")
    await expect(region).to_have_text("Generating. About 21 s left.")
    await page.evaluate(LISTEN)

    async def goes_on(seconds: int, **traits: Any) -> None:
        if traits:
            await card_page.set(**traits)
        await page.clock.run_for(1000 * seconds)

    def card_of(activity: str) -> dict[str, Any]:
        return {"_card": {"activity": activity, "clock": 0, "meta": {}, "error": None, "form": False, "has_key": True}}

    await goes_on(10)
    await goes_on(8, polls=4, message="Service unavailable (503)", **card_of("retrying"))
    await goes_on(6, polls=5, message="", **card_of(""))
    half = [entry(0), entry(1), *waiting()[2:]]
    await goes_on(1, status="downloading", pictures=half)
    await goes_on(1, pictures=[entry(0), entry(1), entry(2), *waiting()[3:]])
    now = float(await page.evaluate("() => Date.now() / 1000"))
    await goes_on(12, status="success", pictures=[entry(index) for index in range(4)], finished_at=now)

    spoken = await page.evaluate("() => spoken")
    sentences = [sentence for _, sentence in spoken]
    assert sentences[0] == "Trying again. Service unavailable (503)."
    assert sentences[1].startswith(("Generating", "Taking longer than estimated"))
    assert sentences[-1].startswith("Done: 4 pictures · took 2")
    assert len(sentences) == len(set(sentences)) <= 5, sentences
    times = [moment for moment, _ in spoken]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 4999  # whole milliseconds
    await expect(card.root.get_by_role("alert")).to_have_count(0)


async def test_error_is_one_alert(card_page: CardPage) -> None:
    """The status region keeps out of it, and no second alert says the same."""
    card = await card_page.mount(state("processing", eta=21.0, ago=0.5))
    await card_page.set(**failure("GenerationFailedError", "Job failed", "The service gave the job up.", "Try again."))
    await expect(card.root.get_by_role("alert")).to_have_text("The service gave the job up. Try again.")
    await expect(card.root.page.locator(".dreambooth-spoken")).not_to_contain_text("gave the job up")


@fixture
async def telephone(browser: Browser, blank: str) -> AsyncIterator[CardPage]:
    """The blank page on a telephone: 320 pixels, fingers, nothing that hovers."""
    async with opened_phone(browser, blank, 320, 640) as phone:
        yield phone


async def test_touch_reaches_all_controls(telephone: CardPage) -> None:
    """The tile's controls are to be seen without hovering; a tap selects, opens, closes; all are 32 pixels large."""
    card = await mounted(telephone, "10-done")
    choice = card.tiles.first.get_by_role("checkbox")
    save = card.tiles.first.get_by_role("button", name="Download picture 1")
    for control in (choice, save):
        await expect(control).to_have_css("opacity", "1")
    for control in [*await card.root.get_by_role("button").all(), *await card.root.get_by_role("checkbox").all()]:
        size = await box(control)
        assert min(size["width"], size["height"]) >= 32
    await choice.tap()
    await expect(choice).to_be_checked()
    assert await telephone.saved() == [{"selected": [0]}]
    await card.opener(2).tap(position={"x": 20, "y": 60})
    await decoded(card.dialog.locator(".dreambooth-stage img"))
    await card.dialog.get_by_role("button", name="Next picture").tap()
    await expect(card.dialog).to_contain_text("3 of 4")
    await card.dialog.get_by_role("button", name="Close").tap()
    await expect(card.dialog).to_have_count(0)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
async def test_texts_keep_their_direction(card_page: CardPage, direction: Literal["ltr", "rtl"]) -> None:
    """An Arabic prompt in an English page and the other way round; the request's id keeps its digits in order."""
    page = card_page.page
    await page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
    meta = {"prompt": ARABIC, "negative_prompt": "blurry, low quality"}
    pictures = [{**entry(0), "text": {"prompt": ARABIC, "seed": "7"}}, entry(1)]
    card = await card_page.mount(done(pictures=pictures, _card={"meta": meta}), files(pictures))
    await card.button("Details").click()
    for text, own in ((ARABIC, "rtl"), ("blurry, low quality", "ltr")):
        await expect(card.root.locator("dd").get_by_text(text, exact=True)).to_have_css("direction", own)
    assert await card.root.evaluate(OVERFLOW) == []
    await card.opener(1).focus()
    await page.keyboard.press("ArrowLeft" if direction == "rtl" else "ArrowRight")
    await expect(card.opener(2)).to_be_focused()
    await page.keyboard.press("Home")
    dialog = await card.open(1)
    await page.keyboard.press("i")
    await expect(dialog.locator("dd").get_by_text(ARABIC, exact=True)).to_have_css("direction", "rtl")


async def test_forced_colors_keep_edges(card_page: CardPage, page: Page) -> None:
    """With the reader's own colours the chip, the tiles and the pressed size have edges, and a check mark is one."""
    await page.emulate_media(forced_colors="active")
    card = await mounted(card_page, "11-selected")
    pressed = card.root.locator("[aria-pressed=true]")
    for element in (card.chip, card.tiles.first, card.opener(1), pressed):
        await expect(element).to_have_css("border-top-style", "solid")
        await expect(element).to_have_css("border-top-width", "1px")
    checked, unchecked = (card.tiles.nth(index).get_by_role("checkbox") for index in (0, 1))
    mark = "box => { const { borderTopWidth, borderLeftWidth } = getComputedStyle(box, '::before');"
    mark += " return [parseFloat(borderTopWidth), parseFloat(borderLeftWidth)].map(Math.ceil); }"
    assert await checked.evaluate(mark) == [0, 2]  # two sides of a box, turned
    assert await unchecked.evaluate(mark) == [1, 1]
    await page.emulate_media(forced_colors="none")
