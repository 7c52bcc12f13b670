"""The comparison of two to four pictures on a blank page: places, zoom, wipe, blink, and the ways in and out."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from .axe import Axe
from .card import Card, box
from .card_page import CardPage
from .test_lightbox import count_of, done, drag, entry, files, opened, said

SHOWN = "figure .dreambooth-layer:not([aria-hidden]) > img"


async def compared(card_page: CardPage, count: int, *, pictures: int = 6, **traits: Any) -> tuple[Card, Locator]:
    """A gallery whose first `count` pictures are compared; the card and the dialog, with sharp pictures."""
    entries = [entry(index) for index in range(pictures)]
    card = await card_page.mount(done(entries, selected=list(range(count)), **traits), files(entries))
    await card.shows(pictures)
    await card.button("Compare").click()
    await settled(card.dialog)
    return card, card.dialog


async def settled(dialog: Locator) -> None:
    """Wait until nothing sharper is on its way."""
    await expect(dialog.locator(f"{SHOWN}[src]").first).to_be_visible()
    await expect(dialog.locator(".dreambooth-layer[aria-busy=true]")).to_have_count(0)


async def captions(dialog: Locator) -> list[str]:
    """The numbers of the pictures in their places."""
    texts = await dialog.locator("figcaption").all_inner_texts()
    return [text.removeprefix("Picture ").partition(" ")[0] for text in texts]


async def transforms(dialog: Locator) -> list[str]:
    """How each shown picture lies in its place."""
    return await dialog.locator(SHOWN).evaluate_all("images => images.map((image) => image.style.transform)")


@pytest.mark.parametrize(
    ("count", "size", "columns"),
    [(2, (1280, 900), 2), (3, (1280, 900), 3), (4, (1280, 900), 2), (2, (320, 640), 1), (4, (320, 640), 2)],
)
async def test_places_fit_the_window(
    card_page: CardPage, page: Page, count: int, size: tuple[int, int], columns: int
) -> None:
    """Equal places, in as many columns as make the pictures largest, each with its seed below it."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    _, dialog = await compared(card_page, count)
    places = [await box(figure) for figure in await dialog.locator("figure").all()]
    assert len(places) == count
    assert len({round(place["x"]) for place in places}) == columns
    assert max(place["width"] for place in places) - min(place["width"] for place in places) <= 1
    for number, (image, place) in enumerate(zip(await dialog.locator(SHOWN).all(), places, strict=True)):
        shown = await box(image)
        assert shown["x"] >= place["x"] - 1
        assert shown["x"] + shown["width"] <= place["x"] + place["width"] + 1
        assert place["y"] + place["height"] <= size[1]
        label = f"Picture {number + 1} · seed {100 + number}"
        await expect(dialog.locator("figcaption").nth(number)).to_have_text(label)
        await expect(image).to_have_attribute("alt", label)
    await expect(dialog).to_have_accessible_name(f"Compare {count} pictures")


async def test_one_zoom_and_position_for_all(card_page: CardPage, page: Page) -> None:
    """The wheel over the second zooms all around that spot, dragging in the third moves all, and keys do both."""
    _, dialog = await compared(card_page, 3)
    fitting = await transforms(dialog)
    second, third = [await box(dialog.locator("figure").nth(place)) for place in (1, 2)]
    await page.mouse.move(second["x"] + 100, second["y"] + 300)
    await page.mouse.wheel(0, -400)
    await expect(dialog.get_by_role("button", name="Fit")).to_have_attribute("aria-pressed", "false")
    zoomed = await transforms(dialog)
    assert len(set(zoomed)) == 1
    assert zoomed != fitting
    await drag(page, (third["x"] + 100, 400), (third["x"] + 180, 440))
    dragged = await transforms(dialog)
    assert len(set(dragged)) == 1
    assert dragged != zoomed
    await page.keyboard.press("ArrowRight")
    assert await transforms(dialog) != dragged
    await page.keyboard.press("1")
    await expect(count_of(dialog)).to_contain_text("100%")
    await page.keyboard.press("0")
    await expect(dialog.get_by_role("button", name="Fit")).to_have_attribute("aria-pressed", "true")
    assert await transforms(dialog) == fitting


async def test_originals_are_compared_at_full_size(card_page: CardPage, page: Page) -> None:
    """Previews are enough for what fits; at 100 % each place shows the pixels of its file."""
    _, dialog = await compared(card_page, 2)
    shown = dialog.locator(SHOWN)
    await expect(shown.first).to_have_js_property("naturalWidth", 512)
    await page.keyboard.press("1")
    for place in range(2):
        await expect(shown.nth(place)).to_have_js_property("naturalWidth", 1600)


async def test_fingers_zoom_and_move_all(card_page: CardPage, page: Page) -> None:
    """Two fingers in one place, and in two places."""
    await page.set_viewport_size({"width": 320, "height": 640})
    _, dialog = await compared(card_page, 2)
    touch = await page.context.new_cdp_session(page)

    async def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = await transforms(dialog)
    await fingers("touchStart", (150, 150))
    await fingers("touchStart", (150, 150), (170, 400))
    await fingers("touchMove", (150, 100), (170, 500))
    await fingers("touchEnd")
    after = await transforms(dialog)
    assert after != before
    assert len(set(after)) == 1
    await fingers("touchStart", (150, 150))
    await fingers("touchMove", (170, 170))
    await fingers("touchEnd")
    moved = await transforms(dialog)
    assert moved != after
    assert len(set(moved)) == 1


async def test_held_space_blinks(card_page: CardPage, page: Page) -> None:
    """Each place shows the next picture as long as the key is down, or the button, or until the window is left."""
    _, dialog = await compared(card_page, 3)
    assert await captions(dialog) == ["1", "2", "3"]
    await page.keyboard.down("Space")
    assert await captions(dialog) == ["2", "3", "1"]
    alts = await dialog.locator(SHOWN).evaluate_all("images => images.map((image) => image.alt.slice(8, 9))")
    assert sorted(alts) == ["1", "2", "3"]
    await page.keyboard.up("Space")
    assert await captions(dialog) == ["1", "2", "3"]

    blink = dialog.get_by_role("button", name="Blink")
    await blink.hover()
    await page.mouse.down()
    assert await captions(dialog) == ["2", "3", "1"]
    await page.mouse.up()
    assert await captions(dialog) == ["1", "2", "3"]
    # The button that was clicked does not keep the key for itself.
    await page.keyboard.down("Space")
    assert await captions(dialog) == ["2", "3", "1"]
    await page.evaluate("() => window.dispatchEvent(new Event('blur'))")
    assert await captions(dialog) == ["1", "2", "3"]
    await page.keyboard.up("Space")

    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    fitted = await transforms(dialog)
    await dialog.get_by_role("button", name="Zoom in").focus()
    await page.keyboard.press("Space")
    assert await transforms(dialog) != fitted, "a button that has the focus is pressed by Space"


async def test_blink_is_one_frame(card_page: CardPage, page: Page) -> None:
    """The next picture is drawn already: the picture on top changes, and no place is empty for a moment."""
    _, dialog = await compared(card_page, 2)
    place = dialog.locator("figure").first
    images = await place.locator("img").all()
    assert len(images) == 2
    for image in images:
        assert await image.evaluate("image => image.complete && image.naturalWidth > 0")
    on_top = "([x, y]) => document.elementFromPoint(x, y).alt.slice(0, 9)"
    corner = await box(place)
    middle = [corner["x"] + corner["width"] / 2, corner["y"] + 200]
    assert await page.evaluate(on_top, middle) == "Picture 1"
    await page.keyboard.down("Space")
    assert await page.evaluate(on_top, middle) == "Picture 2"


async def test_wipe_moves_its_edge(card_page: CardPage, page: Page) -> None:
    """By its handle, and by the arrows once that has the focus; elsewhere the pictures are dragged, and zoomed."""
    _, dialog = await compared(card_page, 2)
    await page.keyboard.press("w")
    slider = dialog.get_by_role("slider", name="Share of the left picture")
    await drag(page, (640, 400), (320, 400))
    await expect(slider).to_have_value("25")
    await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_value("26")
    await expect(slider).to_have_attribute("aria-valuetext", "26% Picture 1 · seed 100, 74% Picture 2 · seed 101")
    layers = dialog.locator(".dreambooth-layer")
    clips = await layers.evaluate_all("layers => layers.map((layer) => layer.style.clipPath)")
    assert clips == ["inset(0px 74% 0px 0px)", "inset(0px 0px 0px 26%)"]
    await page.keyboard.press("1")
    await drag(page, (700, 400), (760, 460))
    await expect(slider).to_have_value("26")
    moved = await layers.locator("> img").evaluate_all("images => images.map((image) => image.style.transform)")
    assert len(set(moved)) == 1
    assert "translate(60px, 60px)" in moved[0]
    await page.keyboard.down("Space")
    assert await captions(dialog) == ["2", "1"]
    await page.keyboard.up("Space")
    await dialog.get_by_role("button", name="Wipe").click()
    await expect(slider).to_have_count(0)


@pytest.mark.parametrize(("count", "words"), [(1, "Select 2 to 4"), (5, "takes 2 to 4 pictures; 5 are selected")])
async def test_wrong_number_is_explained(card_page: CardPage, count: int, words: str) -> None:
    """The button says why it opens nothing, where the reader looks and for a screen reader; then it is gone again."""
    entries = [entry(index) for index in range(6)]
    card = await card_page.mount(done(entries, selected=list(range(count))), files(entries))
    await expect(card.button("Compare")).to_have_attribute("aria-disabled", "true")
    await card.button("Compare").click(force=True)
    await expect(card.dialog).to_have_count(0)
    await expect(card.root.get_by_role("status").filter(has_text=words)).to_be_visible()
    await card_page.set(selected=[0, 1])
    await expect(card.root.get_by_text(words)).to_have_count(0)


async def test_escape_leads_back_to_the_button(card_page: CardPage, page: Page) -> None:
    """Help goes first; then the focus is where it was."""
    card, dialog = await compared(card_page, 2)
    await page.keyboard.press("?")
    await expect(dialog.get_by_role("complementary", name="Keys")).to_contain_text("Blink")
    await page.keyboard.press("Escape")
    await expect(dialog.get_by_role("complementary", name="Keys")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(card.button("Compare")).to_be_focused()


async def test_lightbox_compares_with_selected(card_page: CardPage, page: Page) -> None:
    """V opens the comparison over it; Esc leads back to the same picture and zoom, then to its tile."""
    entries = [entry(index) for index in range(6)]
    card = await card_page.mount(done(entries, selected=[1]), files(entries))
    await card.shows(6)
    await opened(card, 2)
    lightbox = page.locator("dialog").first
    await page.keyboard.press("v")
    await expect(said(lightbox)).to_have_text("Select 2 to 4 pictures to compare")
    await page.keyboard.press("PageDown")
    await page.keyboard.press("+")
    await page.keyboard.press("v")
    dialog = page.get_by_role("dialog", name="Compare 2 pictures")
    await settled(dialog)
    assert await captions(dialog) == ["2", "3"]
    before = await count_of(lightbox).inner_text()
    for key in ("PageDown", "0", "ArrowRight", "Home"):
        await page.keyboard.press(key)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(lightbox).to_be_focused()
    assert await count_of(lightbox).inner_text() == before
    await page.keyboard.press("PageDown")
    await expect(count_of(lightbox)).to_contain_text("4 of 6")
    await page.keyboard.press("Escape")
    await expect(card.opener(4)).to_be_focused()


@pytest.mark.parametrize("width", [320, 1280])
async def test_axe_finds_nothing(card_page: CardPage, page: Page, axe: Axe, width: int) -> None:
    """Side by side with the loupe, with the wipe, and with the keys."""
    await page.set_viewport_size({"width": width, "height": 640})
    _, dialog = await compared(card_page, 2)
    await dialog.get_by_role("button", name="Loupe").click()
    await axe.finds_nothing(dialog)
    await page.keyboard.press("w")
    await axe.finds_nothing(dialog)
    await page.keyboard.press("?")
    await axe.finds_nothing(dialog)


async def test_buttons_at_320_pixels(card_page: CardPage, page: Page) -> None:
    """32 pixels each way, and inside the window."""
    await page.set_viewport_size({"width": 320, "height": 640})
    _, dialog = await compared(card_page, 2)
    places = [await box(button) for button in await dialog.get_by_role("button").all()]
    assert len(places) == 8 + 2  # and the captions
    for place in places:
        assert min(place["width"], place["height"]) >= 32
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= 320
    assert await dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


async def test_reduced_motion_stops_animations(card_page: CardPage, page: Page) -> None:
    """No transition while all are zoomed."""
    await page.emulate_media(reduced_motion="reduce")
    _, dialog = await compared(card_page, 4)
    await page.keyboard.press("+")
    assert await dialog.evaluate("dialog => dialog.getAnimations({ subtree: true }).length") == 0
