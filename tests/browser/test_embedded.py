"""The card in pages that give it less: no `blob:` in their policy, a very tall frame, a saved copy and no kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator

from playwright.async_api import Page, Route, expect

from dreambooth_widget.pictures import read_picture
from dreambooth_widget.state import FetchResult
from dreambooth_widget.static_copy import render

from ..endpoint import png
from .card import Card, decoded
from .card_page import CardPage
from .conftest import fixture
from .screenshots import done
from .test_card import files
from .test_lightbox import Framed, framed, opened
from .watch import Watch

__all__ = ["framed"]  # a fixture of the lightbox's tests


@fixture
async def strict_page(page: Page, blank: str, watch: Watch) -> AsyncIterator[CardPage]:
    """The blank page under a policy that allows pictures from `data:` and nowhere else, as VS Code's may be."""

    async def with_policy(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(response=response, headers={**response.headers, "content-security-policy": "img-src data:"})

    watch.expect("Content Security Policy")  # the one attempt by which the card finds out
    await page.route("**/index.html", with_policy)
    await page.goto(blank)
    await page.wait_for_function("() => globalThis.mount")
    yield CardPage(page)
    await page.unroute("**/index.html")


async def test_without_blob_urls_pictures_come_as_data(strict_page: CardPage) -> None:
    """Tiles and lightbox show their pictures, and no blob URL is kept that nobody can use."""
    page = strict_page.page
    await page.evaluate(
        """() => { globalThis.kept = new Set();
        const [make, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
        URL.createObjectURL = (blob) => { const url = make.call(URL, blob); kept.add(url); return url; };
        URL.revokeObjectURL = (url) => { kept.delete(url); revoke.call(URL, url); }; }"""
    )
    pictures = done()["pictures"]
    card = await strict_page.mount(done(), files(pictures))
    await card.shows(4)
    for index in range(4):
        assert str(await card.pictures.nth(index).get_attribute("src")).startswith("data:image/png;base64,")
    dialog = await card.open(2)
    assert str(await dialog.locator("img").get_attribute("src")).startswith("data:")
    assert await page.evaluate("() => kept.size") == 0


async def test_in_a_very_tall_frame_the_dialog_is_placed_before_it_is_shown(framed: Framed) -> None:
    """It never stands at the frame's top first: `showModal()` scrolls the notebook to where the dialog is."""
    frame, card = await framed(9000)
    await frame.evaluate(
        """() => { const show = HTMLDialogElement.prototype.showModal;
        HTMLDialogElement.prototype.showModal = function () {
          show.call(this);
          const { top, height } = this.getBoundingClientRect();
          globalThis.first = [top, height];
        }; }"""
    )
    await frame.page.evaluate("() => { document.getElementById('scroller').scrollTop = 100; }")
    await opened(card, 1)
    assert await frame.evaluate("() => first") == [0, 800]
    await frame.page.keyboard.press("Escape")
    await frame.page.evaluate("() => { document.getElementById('scroller').scrollTop = 700; }")
    await frame.locator("[data-index='0'] .dreambooth-open").focus()
    await frame.page.evaluate("() => { document.getElementById('scroller').scrollTop = 700; }")
    await frame.page.keyboard.press("Enter")
    await expect(card.dialog).to_be_visible()
    assert await frame.evaluate("() => first") == [500, 900]


def saved_copy() -> str:
    """The static copy of four pictures, as the notebook keeps it."""
    data = png("teal", (640, 480), seed="7")
    pictures = [read_picture(data, index=index, url="", max_pixels=10**7) for index in range(4)]
    return render(FetchResult("13443927", pictures, meta={"prompt": "a dog"}))


async def test_without_a_kernel_the_saved_copy_is_the_only_gallery(card_page: CardPage) -> None:
    """Live: the card's pictures alone. Silent: one sentence in the card, and the copy's pictures alone."""
    page = card_page.page
    await page.clock.install()
    await page.evaluate(
        """(copy) => { const cell = document.getElementById("cell");
        cell.innerHTML = `<div class="jp-OutputArea-child"></div><div class="jp-OutputArea-child">${copy}</div>`;
        cell.id = ""; cell.firstChild.id = "cell"; }""",
        saved_copy(),
    )
    copies = page.locator(".dreambooth-copy img")
    card = await card_page.mount(done())
    await expect(card.tiles).to_have_count(4)
    await page.clock.run_for(6000)
    await expect(card.root).to_contain_text("The kernel does not answer")
    await expect(card.tiles).to_have_count(0)
    for index in range(4):
        await decoded(copies.nth(index))

    # The kernel answers after all: one gallery again, the card's.
    url = await copies.first.get_attribute("src")
    await page.evaluate(
        """async (url) => { const bytes = await (await fetch(url)).arrayBuffer();
        const piece = { type: "picture", kind: "thumbnail", mime: "image/jpeg", name: "", part: 0, parts: 1 };
        for (const { id, index } of model.get("pictures")) model.deliver({ ...piece, id, index }, [bytes]); }""",
        url,
    )
    await page.clock.run_for(100)
    await Card(page).shows(4)
    await expect(card.root).not_to_contain_text("does not answer")
    for index in range(4):
        await expect(copies.nth(index)).to_be_hidden()
