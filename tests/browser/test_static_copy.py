"""The static copy in a browser: what its styles hide, and how it looks where all styles are gone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from dreambooth_widget.client.state import FetchResult, FetchState
from dreambooth_widget.errors import InvalidKeyError
from dreambooth_widget.images.picture import Picture

from ..copies import render, render_many
from ..image_files import encoded, scene

LIVE = "<div class='dreambooth-card-a'><div class='dreambooth-card'><p>Done</p><img src='data:,' alt=''></div></div>"
ALIVE = "<div class='dreambooth-card-a'><section class='dreambooth-card' data-alive><p>Done</p></section></div>"
WAITING = "<div class='dreambooth-card-a'><div class='dreambooth-card'><p>Generating</p></div></div>"
DEAD = "<div class='jupyter-widgets'>Error displaying widget: model not found</div>"


def gallery(count: int = 4) -> str:
    """A copy of some pictures."""
    pictures = [Picture(n, "", encoded(scene((512, 512))), "PNG", 512, 512, {"seed": str(n)}) for n in range(count)]
    return render(FetchResult("13443927", pictures, (), {"prompt": "a dog"}, 31), card_id="a")


def statement(card_id: str = "a") -> str:
    """A copy of an error."""
    return render(
        FetchState("13443927", "error", error=InvalidKeyError("The service refused the key.")), card_id=card_id
    )


def running() -> str:
    """A copy of a job that runs."""
    return render(FetchState("13443927", "processing"), card_id="a")


FRAMES = ["jp-OutputArea-child", "output_area", "output_container"]
"""What each output stands in: in JupyterLab and Notebook 7, in nbclassic, in VS Code."""


async def shown(page: Page, *outputs: str, frame: str = FRAMES[0]) -> list[bool]:
    """Which of the outputs of one cell can be seen, in a host's frame of each output."""
    areas = "".join(f"<div class='{frame} frame'><div>{output}</div></div>" for output in outputs)
    await page.set_content(f"<body>{areas}</body>")
    return [await area.is_visible() for area in await page.locator(".frame").all()]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("copy", [gallery, statement])
async def test_a_dead_widget_line_goes(page: Page, copy: object, frame: str) -> None:
    """The error line directly above the copy is hidden; what else the cell put out is not."""
    outputs = ("<p>before</p>", DEAD, copy(), "<p>after</p>", DEAD)  # type: ignore[operator]
    assert await shown(page, *outputs, frame=frame) == [True, False, True, True, True]
    assert await shown(page, "<p>a figure</p>", copy(), frame=frame) == [True, True]  # type: ignore[operator]


@pytest.mark.parametrize("frame", FRAMES)
async def test_one_gallery_and_never_two(page: Page, frame: str) -> None:
    """A live view that shows pictures hides the copy; one that has none any more goes itself; neighbours stay."""
    assert await shown(page, "<p>x</p>", LIVE, gallery(), "<p>y</p>", frame=frame) == [True, True, False, True]
    assert await shown(page, "<p>x</p>", WAITING, gallery(), "<p>y</p>", frame=frame) == [True, False, True, True]
    assert await shown(page, LIVE, "<p>y</p>", "<p>z</p>", frame=frame) == [True, True, True]


async def test_card_without_pictures_yet_stays(page: Page) -> None:
    """The copy of a job that has ended may come before its card has drawn a picture: the card does not blink."""
    assert await shown(page, "<p>x</p>", ALIVE, gallery(), "<p>y</p>") == [True, True, False, True]


async def test_live_card_anywhere_hides_copy(page: Page) -> None:
    """In a host that is not known, in another cell, and inside an output that holds both."""
    assert await shown(page, gallery(), "<p>x</p>", LIVE) == [False, True, True]
    await page.set_content(f"<body><section>{LIVE}</section><aside>{gallery()}</aside></body>")
    assert not await page.locator(".dreambooth-copy").is_visible()
    inner = f"<div class='{FRAMES[0]}'>{LIVE}</div><div class='{FRAMES[0]}'>{gallery()}</div>"
    assert await shown(page, inner) == [True]
    assert [await area.is_visible() for area in await page.locator(f".{FRAMES[0]} .{FRAMES[0]}").all()] == [True, False]


async def test_statement_yields_to_any_live_view(page: Page) -> None:
    """The card says it itself."""
    assert await shown(page, WAITING, statement()) == [True, False]
    assert await shown(page, WAITING, running()) == [True, False]


async def test_running_line_waits_for_the_card(page: Page) -> None:
    """It does not flash up while the card is loading; without a card it is there after a moment."""
    assert await shown(page, "<p>x</p>", running()) == [True, False]
    await expect(page.locator(".dreambooth-copy")).to_contain_text("Run the cell to fetch request 13443927.")
    await page.wait_for_function("document.querySelector('.dreambooth-copy').offsetHeight > 20")


@pytest.mark.parametrize("frame", FRAMES)
async def test_left_behind_line_goes(page: Page, frame: str) -> None:
    """VS Code can lose an output that it keeps: the line of the running job stays beside the copy, and is not seen."""
    outputs = (DEAD, running(), gallery(), "<p>x</p>")
    assert await shown(page, *outputs, frame=frame) == [False, False, True, True]
    assert await shown(page, running(), statement(), frame=frame) == [False, True]


async def test_other_documents_keep_their_copies(page: Page) -> None:
    """A live notebook hides no copy in a duplicate of its file that is open beside it."""
    notebooks = (f"<div class='jp-Notebook'>{content}</div>" for content in (LIVE + gallery(), gallery()))
    await page.set_content(f"<body>{''.join(notebooks)}</body>")
    assert [await copy.is_visible() for copy in await page.locator(".dreambooth-copy").all()] == [False, True]


async def test_cards_decide_for_themselves_alone(page: Page) -> None:
    """The styles of a copy hold for the whole page, and must not decide about another card's copy."""
    other = statement("b")
    assert await shown(page, LIVE, gallery(), "<p>x</p>", DEAD, other) == [True, False, True, False, True]
    assert await shown(page, WAITING, gallery(), "<p>x</p>", WAITING, other) == [False, True, True, False, True]


@pytest.mark.parametrize("width", [1000, 360])
async def test_gallery_without_styles(page: Page, width: int) -> None:
    """On GitHub: four pictures in a row with captions below, the facts folded away, nothing wider than the page."""
    await page.set_viewport_size({"width": width, "height": 800})
    bare = re.sub(r"<style>.*?</style>| (class|style)='[^']*'", "", gallery(), flags=re.DOTALL)
    await page.set_content(f"<!doctype html><style>img {{ max-width: 100% }}</style><body>{bare}</body>")
    boxes = [await image.bounding_box() for image in await page.locator("img").all()]
    assert all(boxes)
    assert len({round(box["y"]) for box in boxes if box}) == 1
    assert await page.get_by_text("seed 2").is_visible()
    assert await page.get_by_text("4 pictures · took 31 s · seeds 0–3 · request 13443927").is_visible()
    assert await page.get_by_text("a dog", exact=True).first.is_visible()
    assert not await page.get_by_text("Prompt", exact=True).is_visible()
    if width > 900:
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "shown"), [(1000, 200), (360, None)])
async def test_columns_are_even(page: Page, width: int, shown: int | None) -> None:
    """Whatever the captions: of one width, and in a narrow window as wide as fits."""
    await page.set_viewport_size({"width": width, "height": 800})
    pictures = [Picture(0, "", encoded(scene((512, 512))), "PNG", 512, 512, {"seed": "1793745243"})]
    captions = ["a dog", "oil painting of a lighthouse, thick strokes, at dawn", "x" * 80, "a cat"] * 2
    html = render_many([(caption, FetchResult(str(n), pictures)) for n, caption in enumerate(captions)], "")
    await page.set_content(f"<!doctype html><body>{html}</body>")
    boxes = [box for image in await page.locator("img").all() if (box := await image.bounding_box())]
    assert len(boxes) == 8
    sizes = {round(side) for box in boxes for side in (box["width"], box["height"])}
    assert sizes == {shown} if shown else max(sizes) - min(sizes) <= 1 and min(sizes) > 70
    assert [len({round(box["y"]) for box in row}) for row in (boxes[:4], boxes[4:])] == [1, 1]
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
