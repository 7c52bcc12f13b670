"""Choosing by mouse, touch and keyboard: selection, rows of every shape, and the menu in the real JupyterLab."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from ..endpoint import Endpoint
from .card import SETUP, Card, box, links, make, run_widget, serve_pictures
from .card_page import CardPage, opened_phone
from .conftest import Opener, fixture
from .page.batches import done as done_request
from .page.batches import failed
from .screenshots import PROMPT, batch_entry, done, entry
from .test_batch_card import mounted as mounted_batch
from .test_card import files

SHAPES = [(1024, 1024), (2000, 400), (64, 64), (640, 960), (1024, 1024), (400, 2000), (1024, 1024)]
HEIGHTS = {"S": 112, "M": 180, "L": 288}
"""Of rows, in CSS pixels; none is more than twice as tall."""


async def mounted(card_page: CardPage, pictures: list[dict[str, Any]], **traits: Any) -> Card:
    """The card of a finished job with these pictures."""
    card = await card_page.mount(done(pictures=pictures, **traits), files(pictures))
    await expect(card.pictures.first).to_be_visible()
    return card


async def selected(page: Page) -> Any:
    """What the kernel has as `selected`: indices, or pairs in a batch."""
    return await page.evaluate("() => model.get('selected')")


def tile(card: Card, index: int) -> Locator:
    """The tile of a picture in its place, by the picture's index."""
    return card.root.locator(f'li[data-index="{index}"] .dreambooth-tile')


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("size", ["S", "M", "L"])
async def test_every_shape_keeps_its_place(card_page: CardPage, width: int, size: str) -> None:
    """A 5:1 panorama is as tall as its neighbours, nothing is enlarged, rows end at the edge or are high enough."""
    page = card_page.page
    await page.set_viewport_size({"width": width, "height": 800})
    card = await mounted(card_page, [entry(index, size=shape) for index, shape in enumerate(SHAPES)])
    await card.root.get_by_role("button", name={"S": "Small", "M": "Medium", "L": "Large"}[size] + " tiles").click()
    room = await box(card.root.get_by_role("list", name="Pictures"))
    rows: dict[float, list[int]] = {}
    places = [await box(tile(card, index)) for index in range(len(SHAPES))]
    for index, place in enumerate(places):
        rows.setdefault(place["y"], []).append(index)
    for row in rows.values():
        assert max(places[index]["height"] for index in row) - min(places[index]["height"] for index in row) <= 1
    for row in list(rows.values())[:-1]:
        last = places[row[-1]]
        if last["height"] < 2 * HEIGHTS[size] - 1:
            assert last["x"] + last["width"] == pytest.approx(room["x"] + room["width"], abs=1)
    for index, shape in enumerate(SHAPES):
        assert min(places[index]["width"], places[index]["height"]) >= 32
        picture = await box(tile(card, index).locator("img"))
        assert (picture["width"], picture["height"]) <= shape
    assert await card.root.evaluate("card => card.scrollWidth <= card.clientWidth")


async def test_one_picture_needs_no_selection(card_page: CardPage) -> None:
    """Alone it has its download, its menu and its keys, and there is nothing to compare or to select all of."""
    card = await mounted(card_page, [entry(0)])
    for name in ("Select all", "Compare", "Clear"):
        await expect(card.button(name)).to_have_count(0)
    await card.opener(1).click(button="right")
    await expect(card.root.get_by_role("menuitem")).to_have_count(5)
    await card_page.page.keyboard.press("Escape")
    for key in ("ArrowRight", "ArrowDown", "Home", "End"):
        await card_page.page.keyboard.press(key)
        await expect(card.opener(1)).to_be_focused()


async def test_ranges_reach_over_undrawn_tiles(card_page: CardPage) -> None:
    """Of 500 pictures some are drawn; a range takes all between its ends, and shrinks again from its start."""
    page = card_page.page
    card = await mounted(card_page, [entry(index) for index in range(500)])
    await card.opener(2).click(modifiers=["ControlOrMeta"])
    await page.keyboard.press("Shift+End")
    await expect(card.opener(500)).to_be_focused()
    assert await selected(page) == list(range(1, 500))
    await card.opener(490).click(modifiers=["Shift"])
    assert await selected(page) == list(range(1, 490))
    await page.keyboard.press("Shift+Home")
    assert await selected(page) == [0, 1]
    await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("Shift+ArrowRight")
    assert await selected(page) == [1, 2, 3]
    await page.keyboard.press("Shift+ArrowLeft")
    assert await selected(page) == [1, 2]
    await expect(card.root.get_by_text("2 selected")).to_be_visible()


async def test_moved_focus_begins_a_range_anew(card_page: CardPage) -> None:
    """Arrows without Shift lead away from the last range; Ctrl and Shift together add one to what is selected."""
    page = card_page.page
    card = await mounted(card_page, [entry(index) for index in range(12)])
    await card.opener(1).focus()
    await page.keyboard.press("Shift+ArrowRight")
    assert await selected(page) == [0, 1]
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        await page.keyboard.press(key)
    assert await selected(page) == [3, 4]
    await card.opener(9).click(modifiers=["ControlOrMeta"])
    await card.opener(11).click(modifiers=["ControlOrMeta", "Shift"])
    assert await selected(page) == [3, 4, 8, 9, 10]
    await page.keyboard.press("Space")
    assert await selected(page) == [3, 4, 8, 9]
    await page.keyboard.press("Escape")
    assert await selected(page) == []
    await expect(card.opener(11)).to_be_focused()


async def test_boxes_take_ranges(card_page: CardPage) -> None:
    """Shift and a press on a box is a range as well, also where it leads back; without Shift a box is one picture."""
    page = card_page.page
    card = await mounted(card_page, [entry(index) for index in range(8)])
    await tile(card, 1).get_by_role("checkbox").click()
    await tile(card, 5).get_by_role("checkbox").click(modifiers=["Shift"])
    assert await selected(page) == [1, 2, 3, 4, 5]
    await tile(card, 3).get_by_role("checkbox").click(modifiers=["Shift"])
    assert await selected(page) == [1, 2, 3]
    for index in range(8):
        await expect(tile(card, index).get_by_role("checkbox")).to_be_checked(checked=index in (1, 2, 3))
    await tile(card, 2).get_by_role("checkbox").focus()
    await page.keyboard.press("Space")
    assert await selected(page) == [1, 3]


@pytest.mark.parametrize("size", ["S", "L"])
async def test_up_and_down_select_rows(card_page: CardPage, size: str) -> None:
    """Shift+ArrowDown takes what lies between in reading order."""
    page = card_page.page
    card = await mounted(card_page, [entry(index) for index in range(30)])
    await card.root.get_by_role("button", name={"S": "Small", "L": "Large"}[size] + " tiles").click()
    await card.opener(1).focus()
    await page.keyboard.press("Shift+ArrowDown")
    below = await page.evaluate("() => Number(document.activeElement.closest('li').dataset.index)")
    assert below > 1
    assert await selected(page) == list(range(below + 1))
    await page.keyboard.press("Shift+ArrowUp")
    assert await selected(page) == [0]


async def test_ranges_in_a_batch(card_page: CardPage) -> None:
    """From one request into the next, as pairs; a request without pictures in between is passed over."""
    rows = [done_request(batch_entry, 0), failed(1), done_request(batch_entry, 2)]
    card = await mounted_batch(card_page, rows)
    openers = card.root.get_by_role("button", name="Open picture")
    await openers.nth(2).click(modifiers=["ControlOrMeta"])
    await openers.nth(5).click(modifiers=["Shift"])
    assert await selected(card_page.page) == [[0, 2], [0, 3], [2, 0], [2, 1]]
    await openers.nth(5).click(button="right")
    await expect(card.root.get_by_role("menuitem").first).to_be_focused()
    names = await card.root.get_by_role("menuitem").all_inner_texts()
    assert names == ["Copy picture", "Save", "Copy seed", "Copy prompt", "Open link"]
    asked = [sent for sent in await card_page.sent() if sent["type"] == "get_link"]
    assert [(sent["request"], sent["index"]) for sent in asked] == [(2, 1)]


@pytest.mark.parametrize("kind", ["request", "batch"])
async def test_selecting_moves_no_picture(card_page: CardPage, kind: str) -> None:
    """The toolbar's new words take no second line and cut off nothing beside them, in a card of any width."""
    page = card_page.page
    rows = [*(done_request(batch_entry, request, 2) for request in range(3)), failed(3)]
    pictures = [entry(index) for index in range(4)]
    card = await (mounted_batch(card_page, rows) if kind == "batch" else mounted(card_page, pictures))
    chosen: list[Any] = [[0, 0], [1, 1], [2, 0]] if kind == "batch" else [0, 1, 2]
    for width in (320, 480, 500, 560, 600, 640, 720, 812, 852, 866, 940, 1000, 1100, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        await card_page.set(selected=[])
        await expect(card.button("Clear")).to_have_count(0)
        before = await box(card.tiles.first)
        await card_page.set(selected=chosen)
        await expect(card.button("Clear")).to_have_count(1)
        assert (await box(card.tiles.first))["y"] == pytest.approx(before["y"], abs=2), width
        for line in await card.line.all():
            assert await line.evaluate("line => line.scrollWidth <= line.clientWidth"), width


async def test_selected_tile_with_forced_colors(card_page: CardPage) -> None:
    """A selected tile is told from its neighbours by more than a colour that is taken away."""
    page = card_page.page
    await page.emulate_media(forced_colors="active")
    card = await mounted(card_page, [entry(index) for index in range(4)], selected=[1])
    await expect(tile(card, 1).get_by_role("checkbox")).to_have_css("opacity", "1")
    await expect(tile(card, 1).locator(".dreambooth-open")).to_have_css("outline-style", "solid")
    await expect(tile(card, 2).locator(".dreambooth-open")).to_have_css("outline-style", "none")
    await page.emulate_media(forced_colors="none")


@fixture
async def phone(browser: Browser, blank: str) -> AsyncIterator[CardPage]:
    """The blank page on a phone."""
    async with opened_phone(browser, blank, 390, 700) as phone:
        yield phone


async def test_long_press_selects(phone: CardPage) -> None:
    """A finger that rests selects, and neither opens, drags nor brings a menu; one that moves scrolls; a tap opens."""
    page = phone.page
    card = await mounted(phone, [entry(index) for index in range(30)])
    await page.evaluate(
        """() => { globalThis.seen = [];
        for (const type of ["contextmenu", "dragstart"])
          document.addEventListener(type, (event) => event.defaultPrevented || seen.push(type)); }"""
    )
    touch = await page.context.new_cdp_session(page)

    async def finger(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y} for x, y in points]
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    place = await box(card.opener(3))
    middle = (place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    await finger("touchStart", middle)
    await page.wait_for_function("() => model.get('selected').length > 0")
    await finger("touchEnd")
    assert await selected(page) == [2]
    assert await page.evaluate("() => seen") == []
    await expect(card.root.get_by_role("menu")).to_have_count(0)
    await expect(card.dialog).to_have_count(0)

    await page.evaluate("() => { globalThis.rest = new Promise((rest) => { document.onscrollend = rest; }); }")
    await finger("touchStart", (middle[0], 600))
    for y in range(580, 200, -40):
        await finger("touchMove", (middle[0], y))
    await finger("touchEnd")
    await page.evaluate("() => rest")  # a tap on what still glides would only stop it
    assert await page.evaluate("() => scrollY") > 100
    assert await selected(page) == [2]
    await expect(card.dialog).to_have_count(0)

    await page.evaluate("() => scrollTo(0, 0)")
    await card.opener(1).tap()
    await expect(card.dialog).to_be_visible()
    assert await selected(page) == [2]


async def gallery(opener: Opener, endpoint: Endpoint) -> tuple[Any, Card]:
    """A finished gallery of six pictures in a notebook."""
    serve_pictures(endpoint, 6)
    endpoint.answers = [endpoint.success(*links(endpoint, 6))]
    notebook = await opener([SETUP, make(endpoint), "1"])
    card = await run_widget(notebook)
    await card.shows(6)
    return notebook, card


async def test_selection_in_jupyterlab(open_lab: Opener, endpoint: Endpoint) -> None:
    """`selected` follows mouse and keyboard, the tiles follow `selected`, and the notebook's cells stay as they are."""
    notebook, card = await gallery(open_lab, endpoint)
    page, (before, *_) = notebook.page, await notebook.look()
    await card.opener(2).click(modifiers=["ControlOrMeta"])
    await page.evaluate("path => desk.activate(path, 2)", notebook.path.name)
    await card.opener(5).click(modifiers=["Shift"])
    await expect(card.opener(5)).to_be_focused()
    assert await page.evaluate("path => desk.selected(path)", notebook.path.name) == 1
    await notebook.becomes("w.selected", [1, 2, 3, 4])
    await page.keyboard.press("Shift+ArrowLeft")
    await notebook.becomes("w.selected", [1, 2, 3])
    await page.keyboard.press("Control+a")
    await notebook.becomes("w.selected", [0, 1, 2, 3, 4, 5])
    await page.keyboard.press("Escape")
    await notebook.becomes("w.selected", [])
    await notebook.execute("w.selected = [0, 5]")
    await expect(card.root.get_by_text("2 selected")).to_be_visible()
    await expect(tile(card, 5).get_by_role("checkbox")).to_be_checked()
    await page.keyboard.press("Shift+Home")
    cells, *rest = await notebook.look()
    assert cells == before
    assert "command" in rest


async def test_menu_in_jupyterlab(open_lab: Opener, endpoint: Endpoint) -> None:
    """The picture's menu and not the notebook's; its link is the one that the service gave; keys stay in it."""
    notebook, card = await gallery(open_lab, endpoint)
    page, (before, *_) = notebook.page, await notebook.look()
    hosts = page.locator(".lm-Menu")
    await card.opener(2).click(button="right")
    item = card.root.get_by_role("menuitem", name="Open link")
    await expect(item).to_have_attribute("href", links(endpoint, 6)[1])
    await expect(card.root.locator(".dreambooth-menu")).to_be_in_viewport(ratio=1)
    await expect(hosts).to_have_count(0)
    for key in ("a", "b", "x", "d", "d", "ArrowDown", "End"):
        await page.keyboard.press(key)
    await expect(item).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(card.opener(2)).to_be_focused()
    await page.keyboard.press("Shift+F10")
    await expect(card.root.get_by_role("menuitem", name="Copy picture")).to_be_focused()
    await page.mouse.click(*(await centre(card.chip)))
    await expect(card.root.get_by_role("menu")).to_have_count(0)
    assert (await notebook.look())[0] == before
    await card.root.locator("header").click(button="right")
    await expect(hosts).to_have_count(1)
    await page.keyboard.press("Escape")


async def test_menu_in_a_shadow_root(card_page: CardPage) -> None:
    """marimo's: a press on an item is no press elsewhere, and the focus comes back to the picture."""
    page = card_page.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    pictures = [entry(index) for index in range(4)]
    await page.evaluate(
        """async ([traits, pictures]) => {
          const host = document.body.appendChild(document.createElement("div"));
          const into = host.attachShadow({ mode: "open" });
          const style = into.appendChild(document.createElement("link"));
          Object.assign(style, { rel: "stylesheet", href: "/static/widget.css" });
          await mount(traits, { pictures, into });
        }""",
        [done(pictures=pictures), files(pictures)],
    )
    card = Card(page)
    await card.shows(4)
    await card.opener(2).click(button="right")
    await card.root.get_by_role("menuitem", name="Copy prompt").click()
    await expect(card.root.locator(".dreambooth-menu")).to_have_text("Copied")
    assert await page.evaluate("() => navigator.clipboard.readText()") == PROMPT
    await expect(card.opener(2)).to_be_focused()


async def centre(element: Locator) -> tuple[float, float]:
    """The middle of an element, in CSS pixels of the window."""
    place = await box(element)
    return place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
