"""The lightbox on a blank page: pictures, gestures, keys, clipboard, frames."""

from __future__ import annotations

import asyncio
import base64
import functools
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.async_api import Frame, Locator, Page, expect

from .axe import Axe
from .card import Card, box, covers_the_window, redrawn
from .card_page import CardPage

EDGES = {"thumbnail": 96, "preview": 512, "original": 1600}
"""Longest edges of the stand-in's files. The preview is smaller than the kernel's, to keep the tests quick."""
META = {"model": "midjourney-v4", "seed": "1", "negative_prompt": "blurry"}
PROMPT = "<b>a dog</b> on a pier"
PICTURE = ".dreambooth-stage img"
LARGE, SMALL = (1600, 1600), (300, 200)

Mount = Callable[..., Awaitable[Card]]
Framed = Callable[[int], Awaitable[tuple[Frame, Card]]]


@functools.cache
def picture(kind: str, size: tuple[int, int]) -> str:
    """A `data:` URL of a picture whose corners differ."""
    scale = min(1, EDGES[kind] / max(size))
    width, height = (round(side * scale) for side in size)
    image = Image.new("RGB", (width, height), "teal")
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height // 2), "gold")
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def entry(index: int, size: tuple[int, int] = LARGE, status: str = "ready") -> dict[str, Any]:
    """One entry of the trait `pictures`."""
    text = {"seed": str(100 + index), "prompt": PROMPT}
    file = {"name": f"77-{index + 1}.png", "format": "PNG", "mime": "image/png", "size": 1_432_123}
    shape = {"width": size[0], "height": size[1]}
    known = {"id": f"p{index}" if status == "ready" else ""}
    return {"index": index, "status": status, "reason": "", "text": text, **file, **shape, **known}


def done(entries: list[dict[str, Any]], **traits: Any) -> dict[str, Any]:
    """The traits of a finished job."""
    return {"status": "success", "request_id": "77", "pictures": entries, "_card": {"meta": META}, **traits}


def files(entries: list[dict[str, Any]], *kinds: str) -> dict[str, dict[str, str]]:
    """What the stand-in kernel can send."""
    return {
        each["id"]: {kind: picture(kind, (each["width"], each["height"])) for kind in kinds or EDGES}
        for each in entries
        if each["id"]
    }


@pytest.fixture
def mount(card_page: CardPage) -> Mount:
    """`card = await mount(entries, *kinds, **traits)`; without `kinds` the stand-in has every file."""

    async def mount_(entries: list[dict[str, Any]] | None = None, *kinds: str, **traits: Any) -> Card:
        entries = entries or [entry(index) for index in range(4)]
        card = await card_page.mount(done(entries, **traits), files(entries, *kinds))
        await card.shows(sum(each["status"] == "ready" for each in entries))
        return card

    return mount_


async def opened(card: Card, number: int) -> Locator:
    """Open picture `number` large; the dialog once it stands still, with the sharpest file that comes by itself."""
    await card.opener(number).click()
    await expect(card.dialog.locator(".dreambooth-stage[aria-busy=false] img[src]")).to_be_visible()
    return card.dialog


def count_of(dialog: Locator) -> Locator:
    """The line "2 of 4 50%"."""
    return dialog.locator("> p")


def said(dialog: Locator) -> Locator:
    """The status region inside the dialog."""
    return dialog.get_by_role("status")


async def place_of(dialog: Locator, x: float, y: float) -> tuple[float, float]:
    """Which point of the picture lies at x, y in the window: shares of its width and height, after all movement."""
    image = dialog.locator(PICTURE)
    await image.evaluate("image => Promise.all(image.getAnimations().map((each) => each.finished))")
    shown = await box(image)
    return (x - shown["x"]) / shown["width"], (y - shown["y"]) / shown["height"]


async def scale_of(dialog: Locator) -> float:
    """CSS pixels per pixel of the picture."""
    await place_of(dialog, 0, 0)
    image = dialog.locator(PICTURE)
    return float(await image.evaluate("image => image.getBoundingClientRect().width / image.offsetWidth"))


async def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag with the mouse."""
    await page.mouse.move(*start)
    await page.mouse.down()
    await page.mouse.move(*end, steps=5)
    await page.mouse.up()


async def test_dialog_covers_the_window(mount: Mount) -> None:
    """The dialog is modal, holds the focus itself and names the request."""
    card = await mount()
    dialog = await opened(card, 2)
    await covers_the_window(dialog)
    await expect(dialog).to_be_focused()
    await expect(dialog).to_have_accessible_name("Pictures of request 77")
    await expect(count_of(dialog)).to_contain_text("2 of 4")
    await expect(dialog.locator(PICTURE)).to_have_attribute("alt", "Picture 2 of 4, seed 101")


async def test_thumbnail_then_sharper_files(mount: Mount, card_page: CardPage) -> None:
    """Thumbnail, then preview; neighbours' previews in advance; the original only when zoomed past the preview."""
    entries = [entry(index) for index in range(9)]  # of more than eight the stand-in pushes thumbnails only
    card = await mount(entries)
    assert [message["type"] for message in await card_page.sent()] == ["ready"]
    dialog = await opened(card, 2)
    image = dialog.locator(PICTURE)
    await expect(image).to_have_js_property("naturalWidth", EDGES["preview"])

    await card_page.page.wait_for_function("() => model.sent.length >= 4")
    needs = [(message["kind"], message["index"]) for message in (await card_page.sent())[1:]]
    assert needs[0] == ("preview", 1)
    assert sorted(needs) == [("preview", 0), ("preview", 1), ("preview", 2)]

    await card_page.page.keyboard.press("1")
    await expect(image).to_have_js_property("naturalWidth", EDGES["original"])
    assert (await card_page.sent())[-1] | {"type": ""} == {"type": "", "kind": "original", "index": 1, "id": "p1"}


async def test_refused_preview_keeps_thumbnail(mount: Mount) -> None:
    """A refusal by the kernel is no empty stage."""
    card = await mount([entry(index) for index in range(9)], "thumbnail")
    dialog = await opened(card, 1)
    await expect(said(dialog)).to_have_text("No sharper picture: no longer there")
    await expect(dialog.locator(PICTURE)).to_have_js_property("naturalWidth", EDGES["thumbnail"])


async def test_wheel_zooms_and_dragging_pans(mount: Mount, page: Page) -> None:
    """What lies under the pointer stays under it, in both."""
    dialog = await opened(await mount(), 1)
    await page.keyboard.press("1")  # larger than the stage both ways: from here on no edge limits a movement
    await expect(count_of(dialog)).to_contain_text("100%")
    before = await place_of(dialog, 600, 400)
    await page.mouse.move(600, 400)
    await page.mouse.wheel(0, -200)
    await expect(count_of(dialog)).to_contain_text("149%")
    assert await place_of(dialog, 600, 400) == pytest.approx(before, abs=0.002)

    await drag(page, (600, 400), (660, 430))
    assert await place_of(dialog, 660, 430) == pytest.approx(before, abs=0.002)
    await expect(count_of(dialog)).to_contain_text("1 of 4")


async def test_double_click_toggles_zoom(mount: Mount, page: Page) -> None:
    """From fitting to closer at the clicked place, and back to fitting."""
    dialog = await opened(await mount(), 1)
    fitting = await scale_of(dialog)
    await page.mouse.dblclick(500, 400)
    await expect(dialog.locator(".dreambooth-stage[data-zoomed]")).to_have_count(1)
    assert await scale_of(dialog) > fitting * 1.2
    await page.mouse.dblclick(500, 400)
    await expect(dialog.get_by_role("button", name="Fit")).to_have_attribute("aria-pressed", "true")
    assert await scale_of(dialog) == pytest.approx(fitting)


async def test_swipes_turn_pictures(mount: Mount, page: Page) -> None:
    """To the left for the next one, to the right for the one before; a short push does nothing."""
    dialog = await opened(await mount(), 1)
    for start, end, position in ((700, 500, 2), (700, 680, 2), (500, 700, 1), (500, 700, 1)):
        await drag(page, (start, 400), (end, 405))
        await expect(count_of(dialog)).to_contain_text(f"{position} of 4")
    assert await place_of(dialog, 640, 0) == pytest.approx((0.5, 0), abs=0.2)


async def test_two_fingers_pinch(mount: Mount, page: Page) -> None:
    """Fingers three times as far apart make the picture three times as large, and turn nothing."""
    dialog = await opened(await mount([entry(0), entry(1)]), 1)
    fitting = await scale_of(dialog)
    touch = await page.context.new_cdp_session(page)

    async def fingers(kind: str, *places: float) -> None:
        points = [{"x": x, "y": 400, "id": number} for number, x in enumerate(places)]
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    await fingers("touchStart", 600)
    await fingers("touchStart", 600, 680)
    for step in range(1, 9):
        await fingers("touchMove", 600 - 10 * step, 680 + 10 * step)
    await fingers("touchEnd")
    await expect(count_of(dialog)).to_contain_text("1 of 2")
    assert await scale_of(dialog) == pytest.approx(3 * fitting, abs=0.05)


async def test_keys_match_the_help(mount: Mount, page: Page, card_page: CardPage) -> None:
    """Turning, zooming, panning, panels, selecting; Esc closes the help before the dialog."""
    dialog = await opened(await mount(), 1)
    for key, position in (
        *(("ArrowRight", 2), ("PageDown", 3), ("ArrowLeft", 2), ("PageUp", 1), ("PageUp", 1)),
        *(("End", 4), ("ArrowRight", 4), ("Home", 1)),
    ):
        await page.keyboard.press(key)
        await expect(count_of(dialog)).to_contain_text(f"{position} of 4")

    fitting = await scale_of(dialog)
    await page.keyboard.press("1")
    await expect(count_of(dialog)).to_contain_text("100%")
    await page.keyboard.press("+")
    await expect(count_of(dialog)).to_contain_text("150%")
    await page.keyboard.press("-")
    await expect(count_of(dialog)).to_contain_text("100%")
    left, _ = await place_of(dialog, 640, 400)
    await page.keyboard.press("ArrowRight")
    assert (await place_of(dialog, 640, 400))[0] > left
    await expect(count_of(dialog)).to_contain_text("1 of 4")
    await page.keyboard.press("0")
    assert await scale_of(dialog) == pytest.approx(fitting)

    await page.keyboard.press("s")
    await page.wait_for_function("() => model.saved.length > 0")
    assert await card_page.saved() == [{"selected": [0]}]
    await expect(dialog.get_by_role("button", name="Select")).to_have_attribute("aria-pressed", "true")

    await page.keyboard.press("i")
    await expect(dialog.get_by_role("complementary", name="Details")).to_be_visible()
    await page.keyboard.press("?")
    await expect(dialog.get_by_role("complementary", name="Keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog.get_by_role("complementary", name="Keys")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_closing_returns_the_focus(mount: Mount, page: Page) -> None:
    """Not to the one that was opened: the reader has moved on."""
    card = await mount()
    dialog = await opened(card, 1)
    await page.keyboard.press("ArrowRight")
    await dialog.get_by_role("button", name="Close").click()
    await expect(card.opener(2)).to_be_focused()


async def test_key_events_stay_inside(mount: Mount, page: Page) -> None:
    """With focus in the dialog, on a button, and nowhere at all; after closing, keys are the page's again."""
    card = await mount()
    dialog = await opened(card, 1)
    await page.evaluate(
        """() => { window.leaked = [];
        for (const type of ["keydown", "keypress", "keyup", "contextmenu"])
          document.addEventListener(type, (event) => leaked.push(`${type} ${event.key}`), true); }"""
    )
    keys = ["a", "b", "j", "k", "m", "x", "Shift+Enter", "Control+Enter", "0", "0", "ArrowUp", "ArrowDown", "ArrowLeft"]
    for key in keys:
        await page.keyboard.press(key)
    await page.keyboard.press("?")
    await dialog.get_by_role("button", name="Zoom in").focus()
    for key in keys:
        await page.keyboard.press(key)
    await page.evaluate("() => document.activeElement.blur()")
    for key in keys:
        await page.keyboard.press(key)
    await dialog.locator(".dreambooth-stage").click(button="right")
    assert await page.evaluate("() => leaked") == []
    await expect(dialog.get_by_role("menu")).to_be_visible()
    focusable = page.locator("dialog :is(button, [tabindex]), dialog[tabindex]")
    for each in await focusable.all():
        await expect(each).to_have_attribute("data-lm-suppress-shortcuts", "true")

    for _ in ("menu", "keys", "dialog"):
        await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.evaluate("() => { leaked.length = 0; document.activeElement.blur(); }")
    await page.keyboard.press("x")
    assert await page.evaluate("() => leaked") == ["keydown x", "keypress x", "keyup x"]


async def test_retried_picture_moves_nothing(mount: Mount, card_page: CardPage) -> None:
    """A retried picture before it moves the counter, not the picture."""
    entries = [entry(0, status="missing"), *(entry(index) for index in (1, 2))]
    dialog = await opened(await mount(entries), 2)
    await expect(count_of(dialog)).to_contain_text("1 of 2")
    await card_page.set(pictures=[entry(index) for index in range(3)])
    await expect(count_of(dialog)).to_contain_text("2 of 3")
    await expect(dialog.locator(PICTURE)).to_have_attribute("alt", "Picture 2 of 3, seed 101")


async def test_details_can_be_copied(mount: Mount, page: Page) -> None:
    """The picture's own seed before the job's; markup stays text; the clipboard gets exactly the value."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog = await opened(await mount(), 2)
    await dialog.get_by_role("button", name="Details").click()
    details = dialog.get_by_role("complementary", name="Details")
    facts = await details.evaluate("panel => [...panel.querySelectorAll('dl > div')].map((row) => row.innerText)")
    assert dict(fact.split("\n")[:2] for fact in facts) == {
        **{"Prompt": PROMPT, "Negative prompt": "blurry", "Seed": "101", "Model": "midjourney-v4"},
        **{"Size": "1600 × 1600", "Format": "PNG · 1.4 MB", "File": "77-2.png", "Request": "77"},
    }
    await details.get_by_role("button", name="Copy prompt", exact=True).click()
    await expect(said(dialog)).to_have_text("Copied")
    assert await page.evaluate("() => navigator.clipboard.readText()") == PROMPT


async def test_copying_without_clipboard_interface(mount: Mount, page: Page) -> None:
    """Over plain http and in frames without permission there is no `navigator.clipboard` that works."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog = await opened(await mount(), 1)
    await page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('no')); }")
    await page.keyboard.press("i")
    await dialog.get_by_role("button", name="Copy file", exact=True).click()
    await expect(said(dialog)).to_have_text("Copied")
    assert await page.evaluate("() => navigator.clipboard.readText()") == "77-1.png"


async def test_the_picture_is_copied_as_png(mount: Mount, page: Page) -> None:
    """The original goes to the clipboard; where that is refused, the reader is told what else to do."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog = await opened(await mount([entry(0, SMALL), entry(1, SMALL)]), 1)
    await dialog.get_by_role("button", name="Copy picture").click()
    await expect(said(dialog)).to_have_text("Picture copied")
    assert await page.evaluate(
        """async () => { const [item] = await navigator.clipboard.read();
        const { width, height } = await createImageBitmap(await item.getType("image/png"));
        return [width, height]; }"""
    ) == list(SMALL)
    await page.evaluate("() => { navigator.clipboard.write = () => Promise.reject(new DOMException('no')); }")
    await page.keyboard.press("c")
    await expect(said(dialog)).to_have_text("This page may not copy pictures; use Download")


async def test_download_gives_original_bytes(mount: Mount, page: Page) -> None:
    """Byte for byte what the kernel has, not what is on screen."""
    dialog = await opened(await mount(), 3)
    async with page.expect_download() as waiting:
        await dialog.get_by_role("button", name="Download").click()
    download = await waiting.value
    assert download.suggested_filename == "77-3.png"
    saved = (await download.path()).read_bytes()
    assert base64.b64encode(saved).decode() == picture("original", LARGE).partition(",")[2]


async def test_turning_is_announced_inside_the_dialog(mount: Mount, page: Page) -> None:
    """Regions outside an open modal dialog are inert; this one is not, and is polite."""
    dialog = await opened(await mount(), 1)
    await page.keyboard.press("ArrowRight")
    await expect(said(dialog)).to_have_text("Picture 2 of 4, seed 101")
    assert not await said(dialog).evaluate("region => region.hasAttribute('aria-live') && region.ariaLive !== 'polite'")


@pytest.mark.parametrize("width", [320, 1280])
async def test_axe_finds_nothing(mount: Mount, page: Page, axe: Axe, width: int) -> None:
    """In the lightbox, and with both panels."""
    await page.set_viewport_size({"width": width, "height": 640})
    card = await mount()
    dialog = await opened(card, 1)
    await axe.finds_nothing(dialog)
    await page.keyboard.press("i")
    await page.keyboard.press("?")
    await axe.finds_nothing(dialog)


async def test_buttons_at_320_pixels(mount: Mount, page: Page) -> None:
    """32 pixels each way, inside the window, none over another; nothing scrolls sideways."""
    await page.set_viewport_size({"width": 320, "height": 640})
    dialog = await opened(await mount(), 2)
    places = [await box(button) for button in await dialog.get_by_role("button").all()]
    assert len(places) == 12
    for place in places:
        assert min(place["width"], place["height"]) >= 32
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= 320
    for one, two in ((a, b) for number, a in enumerate(places) for b in places[:number]):
        apart_x = one["x"] >= two["x"] + two["width"] or two["x"] >= one["x"] + one["width"]
        apart_y = one["y"] >= two["y"] + two["height"] or two["y"] >= one["y"] + one["height"]
        assert apart_x or apart_y
    assert await dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


async def test_arrows_from_right_to_left(mount: Mount, page: Page) -> None:
    """The next picture is to the left there, for keys and for pushes."""
    await page.evaluate("() => { document.documentElement.dir = 'rtl'; }")
    dialog = await opened(await mount(), 1)
    await page.keyboard.press("ArrowLeft")
    await expect(count_of(dialog)).to_contain_text("2 of 4")
    await drag(page, (500, 400), (700, 405))
    await expect(count_of(dialog)).to_contain_text("3 of 4")
    after = await box(dialog.get_by_role("button", name="Next picture"))
    assert after["x"] < 100


async def test_reduced_motion_stops_animations(mount: Mount, page: Page) -> None:
    """No transition and no animation in the dialog."""
    await page.emulate_media(reduced_motion="reduce")
    dialog = await opened(await mount(), 1)
    await page.keyboard.press("1")
    assert await dialog.evaluate("dialog => dialog.getAnimations({ subtree: true }).length") == 0


async def test_an_open_lightbox_leaves_nothing_behind(mount: Mount, page: Page, card_page: CardPage) -> None:
    """The view may go at any moment; then window and document have the listeners that they had before it came."""
    tools = await page.context.new_cdp_session(page)

    async def listeners() -> list[str]:
        found = []
        for name in ("window", "document", "document.body"):
            target = (await tools.send("Runtime.evaluate", {"expression": name}))["result"]["objectId"]
            heard = await tools.send("DOMDebugger.getEventListeners", {"objectId": target})
            found += sorted(f"{name} {listener['type']}" for listener in heard["listeners"])
        return found

    before = await listeners()
    card = await mount()
    await opened(card, 1)
    assert "window keydown" in await listeners()
    await card_page.unmount()
    assert await page.locator("dialog, .dreambooth-sentinel").count() == 0
    for _ in range(100):  # Preact cleans up after the next frame
        await redrawn(page)
        if await listeners() == before:
            break
    assert await listeners() == before


@pytest.fixture
def framed(page: Page, blank: str) -> Framed:
    """`frame, card = await framed(height)`: the card in a cross-origin frame of that height, 200 px down a scroller."""

    async def framed_(height: int) -> tuple[Frame, Card]:
        await page.goto(blank.replace("127.0.0.1", "localhost"))
        await page.set_content(
            f"""<style>body {{ margin: 0 }} iframe {{ width: 100%; height: {height}px; border: 0 }}
            #scroller {{ box-sizing: border-box; height: 100vh; padding: 200px 0 2000px; overflow: auto }}</style>
            <div id="scroller"><iframe src="{blank}" sandbox="allow-scripts allow-same-origin"></iframe></div>"""
        )
        frame = page.frames[1]
        await frame.wait_for_function("() => globalThis.mount")
        entries = [entry(index) for index in range(4)]
        await frame.evaluate(
            "([traits, options]) => mount(traits, options)", [done(entries), {"pictures": files(entries)}]
        )
        return frame, Card(page.frame_locator("iframe"))

    return framed_


async def test_dialog_in_tall_frame(framed: Framed, page: Page) -> None:
    """VS Code's frame: the dialog takes the visible band, and follows it when the notebook scrolls."""
    frame, card = await framed(9000)
    dialog = await opened(card, 1)
    assert await dialog.evaluate("dialog => dialog.matches(':modal')")
    assert await box(dialog) == {"x": 0, "y": 200, "width": 1280, "height": 700}
    await page.evaluate("() => { document.getElementById('scroller').scrollTop = 3000; }")
    await frame.wait_for_function("() => document.querySelector('dialog').getBoundingClientRect().top === 2800")
    assert (await box(dialog))["height"] == 900
    await page.keyboard.press("ArrowRight")
    await expect(count_of(dialog)).to_contain_text("2 of 4")


async def test_stage_in_low_frame(framed: Framed, page: Page) -> None:
    """Colab's frame of 200 px: no modal dialog, but a stage in the flow that the frame can grow for."""
    frame, card = await framed(200)
    dialog = await opened(card, 1)
    assert not await dialog.evaluate("dialog => dialog.matches(':modal')")
    assert (await box(dialog))["height"] == 480
    assert await frame.evaluate("() => document.documentElement.scrollHeight") >= 480
    await page.keyboard.press("ArrowRight")
    await expect(count_of(dialog)).to_contain_text("2 of 4")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(card.opener(2)).to_be_focused()


async def test_comparison_in_low_frame(framed: Framed, page: Page) -> None:
    """It stands in the flow in place of the stage, which comes back with the focus."""
    frame, card = await framed(200)
    await card.root.get_by_role("checkbox").nth(1).check()
    await opened(card, 1)
    stage, comparison = (page.frame_locator("iframe").locator("dialog").nth(place) for place in (0, 1))
    await page.keyboard.press("v")
    await expect(comparison.locator("figure")).to_have_count(2)
    await expect(comparison).to_be_focused()
    await expect(stage).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(comparison).to_have_count(0)
    await expect(stage).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(count_of(stage)).to_contain_text("2 of 4")
    assert await frame.evaluate("() => document.querySelectorAll('dialog[open]').length") == 1


async def test_frame_that_denies_being_one(framed: Framed) -> None:
    """VS Code sets `window.parent` to the frame itself; the dialog stands where it is seen all the same."""
    frame, card = await framed(9000)
    await frame.evaluate("() => { window.parent = window; }")
    dialog = await opened(card, 1)
    assert await box(dialog) == {"x": 0, "y": 200, "width": 1280, "height": 700}


async def test_vscode_cells_cover_no_stage(framed: Framed, page: Page) -> None:
    """VS Code paints its cells over the frame: the stage stands in the flow, whole in sight, with nothing over it."""
    frame, card = await framed(9000)
    await frame.evaluate("() => document.body.setAttribute('data-vscode-theme-kind', 'vscode-dark')")
    await frame.evaluate("() => { document.body.style.paddingTop = '700px'; }")
    await page.evaluate(
        """() => { const cell = document.createElement("div");
        cell.style = "position: absolute; left: 0; right: 0; top: 200px; height: 700px; background: #888";
        const scroller = document.getElementById("scroller");
        scroller.style.position = "relative"; scroller.append(cell); scroller.scrollTop = 600; }"""
    )
    dialog = await opened(card, 1)
    assert not await dialog.evaluate("dialog => dialog.matches(':modal')")
    await expect(dialog).to_be_in_viewport(ratio=1)
    for name in ("Close", "Previous picture", "Fit"):
        place = await box(dialog.get_by_role("button", name=name))
        middle = [place["x"] + place["width"] / 2, place["y"] + place["height"] / 2]
        assert await page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", middle) == "IFRAME"
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_vscode_colours_come_first(card_page: CardPage) -> None:
    """VS Code's renderers define JupyterLab's light colours in the dark theme too."""
    style = "--jp-layout-color0: white; --vscode-editor-background: rgb(30, 30, 30); --vscode-editor-foreground: #ddd"
    await card_page.page.evaluate("style => { document.documentElement.style = style; }", style)
    card = await card_page.mount(done([entry(0)]))
    await expect(card.root).to_have_css("background-color", "rgb(30, 30, 30)")


async def test_zoom_stays_when_the_picture_turns(card_page: CardPage) -> None:
    """The same spot of the next picture, at the same scale; what fits goes on to fit."""
    entries = [entry(index) for index in range(3)]
    card = await card_page.mount(done(entries), files(entries))
    dialog = await opened(card, 1)
    for key in "++++":
        await card_page.page.keyboard.press(key)
    await card_page.page.keyboard.press("ArrowLeft")
    place = "image => image.style.transform"
    before = await dialog.locator(".dreambooth-stage img").evaluate(place)
    scale = (await count_of(dialog).inner_text()).split()[-1]
    await card_page.page.keyboard.press("PageDown")
    await expect(count_of(dialog)).to_contain_text("2 of 3")
    await expect(count_of(dialog)).to_contain_text(scale)
    assert await dialog.locator(".dreambooth-stage img").evaluate(place) == before
    await card_page.page.keyboard.press("0")
    await card_page.page.keyboard.press("PageDown")
    await expect(dialog.get_by_role("button", name="Fit", exact=True)).to_have_attribute("aria-pressed", "true")


@functools.cache
def grained(hue: int) -> str:
    """A `data:` URL of a picture that takes a browser some time to decode; bright everywhere."""
    noise = Image.effect_noise((1400, 1400), 60).point(lambda value: 128 + value // 2)
    flat = Image.new("L", noise.size, 160 + 20 * hue)
    file = io.BytesIO()
    Image.merge("RGB", (noise, flat, noise)).save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


async def test_turning_shows_no_empty_stage(card_page: CardPage, page: Page) -> None:
    """In no frame that the browser draws, neither for pictures at hand nor for those that the kernel has to send."""
    entries = [entry(index) for index in range(10)]  # of more than eight, thumbnails come by themselves
    small = [picture("thumbnail", LARGE) for _ in entries]
    known = {f"p{index}": {"thumbnail": small[index], "preview": grained(index % 4)} for index in range(10)}
    card = await card_page.mount(done(entries), known)
    await card.shows(10)
    await opened(card, 1)
    tools = await page.context.new_cdp_session(page)
    frames: list[str] = []
    acknowledged: list[asyncio.Task[Any]] = []

    def keep(frame: dict[str, Any]) -> None:
        frames.append(frame["data"])
        ack = tools.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})
        acknowledged.append(asyncio.ensure_future(ack))

    tools.on("Page.screencastFrame", keep)
    await tools.send("Page.startScreencast", {"format": "jpeg", "maxWidth": 320, "maxHeight": 240, "everyNthFrame": 1})
    for number in range(2, 9):
        await page.keyboard.press("PageDown")
        await expect(count_of(card.dialog)).to_contain_text(f"{number} of 10")
        if number % 2:  # the others are turned before anything sharper has come
            await expect(card.dialog.locator(PICTURE)).to_have_js_property("naturalWidth", 1400)
    for _ in range(7):
        await page.keyboard.press("PageUp")
    await expect(count_of(card.dialog)).to_contain_text("1 of 10")
    await tools.send("Page.stopScreencast")
    await asyncio.gather(*acknowledged)
    assert len(frames) > 5
    for number, frame in enumerate(frames):
        with Image.open(io.BytesIO(base64.b64decode(frame))) as drawn:
            middle = drawn.convert("RGB").getpixel((drawn.width // 2, drawn.height // 2))
        assert sum(middle) > 200, f"the stage is empty in frame {number} of {len(frames)}"  # type: ignore[arg-type]
