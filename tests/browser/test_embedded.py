"""The card in pages that give it less: no `blob:` in their policy, a very tall frame, a saved copy and no kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from playwright.async_api import Locator, Page, Route, expect

from dreambooth_widget.client.state import FetchResult

from ..copies import render
from ..endpoint import Endpoint, png
from ..image_files import read_picture
from .card import SETUP, Card, box, decoded, links, make, run_widget, serve_pictures
from .card_page import CardPage
from .conftest import Opener, fixture
from .screenshots import done
from .test_card import files, mounted
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


async def test_data_urls_replace_blobs(strict_page: CardPage) -> None:
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


async def test_dialog_position_in_tall_frame(framed: Framed) -> None:
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


async def test_stage_in_growing_frame_is_seen(framed: Framed, page: Page) -> None:
    """Colab's frame follows its content, and the cell may end low in the window: the stage is scrolled into view."""
    frame, card = await framed(200)
    await page.evaluate(
        """() => { const outer = document.querySelector("iframe");
        outer.parentElement.style.paddingTop = "700px";
        addEventListener("message", ({ data }) => { outer.style.height = `${data}px`; }); }"""
    )
    await frame.evaluate(
        """() => { const tell = () => parent.postMessage(document.documentElement.scrollHeight, "*");
        new ResizeObserver(tell).observe(document.documentElement);
        new MutationObserver(tell).observe(document.body, { subtree: true, childList: true, attributes: true }); }"""
    )
    await page.wait_for_function("() => document.querySelector('iframe').offsetHeight !== 200")
    await card.opener(1).evaluate("opener => opener.click()")  # where it stands: Playwright would scroll
    await decoded(card.dialog.locator("img").first)
    assert not await card.dialog.evaluate("dialog => dialog.matches(':modal')")
    await expect(card.dialog).to_be_in_viewport(ratio=1)


def saved_copy() -> str:
    """The static copy of four pictures, as the notebook keeps it."""
    data = png("teal", (640, 480), seed="7")
    pictures = [read_picture(data, index=index) for index in range(4)]
    return render(FetchResult("13443927", pictures, meta={"prompt": "a dog"}), card_id="abc")


async def test_saved_copy_without_kernel(card_page: CardPage) -> None:
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
    # Its class in a notebook: Python makes it of the model's id.
    await page.locator(".dreambooth-host").evaluate("host => host.classList.add('dreambooth-card-abc')")
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
        for (const { id } of model.get("pictures")) model.deliver({ ...piece, id }, [bytes]); }""",
        url,
    )
    await page.clock.run_for(100)
    await Card(page).shows(4)
    await expect(card.root).not_to_contain_text("does not answer")
    for index in range(4):
        await expect(copies.nth(index)).to_be_hidden()


PALETTES: dict[str, tuple[Literal["light", "dark"], str, dict[str, str]]] = {
    "VS Code, Dark Modern": (
        "dark",
        "#0078d4",
        {
            "--vscode-editor-background": "#1f1f1f",
            "--vscode-editor-foreground": "#cccccc",
            "--vscode-button-background": "#0078d4",
            "--vscode-button-foreground": "#ffffff",
            "--vscode-panel-border": "#2b2b2b",
            "--vscode-charts-green": "#89d185",
            "--vscode-charts-orange": "#d18616",
            "--vscode-errorForeground": "#f85149",
        },
    ),
    "VS Code, Light Modern": (
        "light",
        "#005fb8",
        {
            "--vscode-editor-background": "#ffffff",
            "--vscode-editor-foreground": "#3b3b3b",
            "--vscode-button-background": "#005fb8",
            "--vscode-button-foreground": "#ffffff",
            "--vscode-panel-border": "#e5e5e5",
            "--vscode-charts-green": "#388a34",
            "--vscode-charts-orange": "#d18616",
            "--vscode-errorForeground": "#f85149",
        },
    ),
    "marimo, dark": (
        "dark",
        "#4596ab",
        {
            "--background": "#181c1a",
            "--foreground": "#eceeed",
            "--primary": "#28879f",
            "--primary-foreground": "#b6ecf7",
            "--border": "#3b403e",
        },
    ),
    "marimo, light": (
        "light",
        "#0970cd",
        {
            "--background": "#ffffff",
            "--foreground": "#0f172a",
            "--primary": "#0880ea",
            "--primary-foreground": "#f8fafc",
            "--border": "#e2e8f0",
        },
    ),
}
"""Scheme, the main button's ground, and the colours that these hosts give a page: ground, text, accent, on it, line.

marimo's own buttons have less than 4.5:1, so that the card's are a little nearer to its text.
"""

COLORED = ("01-form", "03-eta", "07-rate-limited", "10-done", "12-missing", "16-key-refused")

# Reading colours as they are drawn: `color-mix` computes to "color(srgb …)", and grounds may be transparent.
COLORS = """
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const draw = (...colors) => {
    pen.clearRect(0, 0, 1, 1);
    for (const color of colors) { pen.fillStyle = color; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
"""
GROUND = f"""element => {{
  {COLORS}
  return "#" + draw(getComputedStyle(element).backgroundColor).map((part) => part.toString(16).padStart(2, 0)).join("");
}}"""
# Every text of the card with the contrast between it and what is behind it, by WCAG 2.2.
CONTRASTS = f"""card => {{
  {COLORS}
  const light = (color) => color.map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);
  const found = [];
  for (const each of [card, ...card.querySelectorAll("*")]) {{
    const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !each.checkVisibility() || each.closest(".dreambooth-spoken, [aria-disabled=true]")) continue;
    const behind = [];
    for (let at = each; card.contains(at); at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const both = [draw(...behind), draw(...behind, getComputedStyle(each).color)].map(light);
    const [low, high] = both.sort((a, b) => a - b);
    found.push([each.textContent.trim().slice(0, 40), (high + 0.05) / (low + 0.05)]);
  }}
  return found;
}}"""


@pytest.mark.parametrize("host", PALETTES)
async def test_card_uses_host_colors(card_page: CardPage, host: str) -> None:
    """Ground, text, lines and the main button are the host's; every text in every tone stands out by 4.5:1."""
    scheme, main, variables = PALETTES[host]
    ground, text, _, _, line = list(variables.values())[:5]
    page = card_page.page
    await page.emulate_media(color_scheme=scheme)
    await page.evaluate(
        "colors => Object.entries(colors).forEach(pair => document.documentElement.style.setProperty(...pair))",
        variables,
    )
    for name in COLORED:
        card = await mounted(card_page, name)
        assert await card.root.evaluate(GROUND) == ground
        await expect(card.root).to_have_css("color", rgb(text))
        await expect(card.root).to_have_css("border-top-color", rgb(line))
        if name == "01-form":
            assert await card.button("Show pictures").evaluate(GROUND) == main
        if name == "10-done":
            await card.button("Details").click()
        contrasts = await card.root.evaluate(CONTRASTS)
        assert len(contrasts) >= 4
        assert [[words, round(ratio, 2)] for words, ratio in contrasts if ratio < 4.5] == []
        await card_page.unmount()


def rgb(color: str) -> str:
    """`#rrggbb` as a computed style has it."""
    return f"rgb({int(color[1:3], 16)}, {int(color[3:5], 16)}, {int(color[5:7], 16)})"


async def test_facts_survive_jupyterlab_styles(open_lab: Opener, endpoint: Endpoint) -> None:
    """JupyterLab floats `dt` and `dd` in outputs: in the card and in the dialog each label stays on one line."""
    serve_pictures(endpoint)
    endpoint.answers = [endpoint.success(*links(endpoint), meta={"negative_prompt": "blurry"})]
    notebook = await open_lab([SETUP, make(endpoint)])
    card = await run_widget(notebook)
    await card.shows(4)
    await card.button("Details").click()
    await facts_have_one_line(card.root, 32)  # as high as its Copy button
    dialog = await card.open(1)
    await notebook.page.keyboard.press("i")
    await facts_have_one_line(dialog, 20)
    await notebook.page.keyboard.press("Escape")


async def facts_have_one_line(place: Locator, height: int) -> None:
    """Assert that a label of two words and its value do not wrap, and that the label is not bold."""
    label, value = place.locator("dt", has_text="Negative prompt"), place.locator("dd", has_text="blurry")
    await expect(label).to_have_css("font-weight", "400")
    assert ((await box(label))["height"], (await box(value))["height"]) == (height, height)
