"""How JupyterLab shows a card: frame by frame, windowed, in containers, in a view of its own, twenty at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from dreambooth_widget.widget.static_copy import USUAL

from ..endpoint import PROCESSING, Endpoint, Reply, png
from .card import COLORS, HAND_OVER_KEY, SETUP, Card, box, covers_the_window, links, make, serve_pictures
from .lab import Lab, Notebook

FRAMES = """output => {
  globalThis.frames = [];
  const look = () => {
    const [card, copy] = [".dreambooth-card", ".dreambooth-copy"].map((each) => output.querySelector(each));
    if (card) {
      const chip = card.querySelector(".dreambooth-chip").textContent;
      const images = [...card.querySelectorAll(".dreambooth-tile img")];
      const pictures = images.filter((image) => image.complete && image.naturalWidth > 0).length;
      // Measures at the end of the frame, when all that observes sizes has had its say.
      const observer = new IntersectionObserver((entries) => {
        observer.disconnect();
        const [height, ofCard, ofCopy] = [output, card, copy].map(
          (each) => entries.find(({ target }) => target === each)?.boundingClientRect.height ?? 0);
        frames.push({ chip, pictures, height, card: ofCard > 0, copy: ofCopy > 0 });
      });
      for (const each of [output, card, copy]) if (each) observer.observe(each);
    }
    requestAnimationFrame(look);
  };
  look();
}"""
"""Takes note of every frame: what is painted of the card and of its copy, and how high the output is."""


async def begun(lab: Lab, endpoint: Endpoint, *cells: str, more: str = "") -> tuple[Notebook, Card]:
    """A notebook whose cell 1 makes and shows `w`; it has not run."""
    notebook = await lab.open([SETUP, make(endpoint, more=more), *cells])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run(0)
    return notebook, Card(notebook.output(1))


async def finished(lab: Lab, endpoint: Endpoint, *cells: str) -> tuple[Notebook, Card]:
    """A notebook whose job has brought four pictures."""
    serve_pictures(endpoint)
    endpoint.answers = [endpoint.success(*links(endpoint))]
    notebook, card = await begun(lab, endpoint, *cells)
    await notebook.run(1)
    await card.shows(4)
    return notebook, card


@pytest.mark.parametrize(
    ("count", "size", "known"),
    [(1, (512, 512), "samples=1"), (4, (480, 480), "samples=4"), (4, (640, 480), "by the last job")],
)
async def test_notebook_does_not_jump(
    lab: Lab, endpoint: Endpoint, count: int, size: tuple[int, int], known: str
) -> None:
    """Where the count is known: no frame moves what is below, shows card and copy or neither, or is Done too soon."""
    data = [png(color, size, seed=str(1000 + index)) for index, color in enumerate(COLORS[:count])]
    for index, content in enumerate(data):
        endpoint.serve(f"{index}.png", content)
    notebook, card = await begun(lab, endpoint, more=known if known.startswith("samples") else "")
    if known == "by the last job":
        endpoint.answers = [endpoint.success(*links(endpoint, count))]
        await notebook.execute(make(endpoint).removesuffix("w") + "await w")
    ready, loaded = asyncio.Event(), asyncio.Event()
    for index, content in enumerate(data):
        endpoint.serve(f"{index}.png", Reply(content, gate=loaded))
    end = Reply(endpoint.success(*links(endpoint, count)), gate=ready)
    endpoint.answers = [PROCESSING, Reply(b"", 503), end]

    await notebook.output(1).evaluate(FRAMES)
    await notebook.run(1)
    await expect(card.tiles).to_have_count(count)
    await expect(card.chip).to_have_text("Trying again")
    ready.set()
    await expect(card.chip).to_have_text("Downloading")
    loaded.set()
    await card.shows(count)
    await expect(card.chip).to_have_text("Done")
    await expect(notebook.output(1).locator(".dreambooth-copy img")).to_have_count(count)
    frames: list[dict[str, Any]] = await notebook.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => done(frames)))"
    )
    assert [frame for frame in frames if frame["card"] == frame["copy"]] == []
    heights = [frame["height"] for frame in frames]
    assert max(heights) - min(heights) <= 2, sorted(set(heights))
    assert [frame for frame in frames if frame["chip"] == "Done" and frame["pictures"] < count] == []


WINDOWED = """([path, mode]) => {
  const { content } = [...jupyterapp.shell.widgets("main")].find((each) => each.context?.path === path);
  content.notebookConfig = { ...content.notebookConfig, windowingMode: mode };
}"""


@pytest.mark.parametrize("mode", ["none", "defer", "contentVisibility", "full"])
async def test_card_survives_windowing(lab: Lab, endpoint: Endpoint, mode: str) -> None:
    """Scrolled away in mid-job and back after its end, the card is there once, with its pictures, loaded once."""
    data, loaded = serve_pictures(endpoint), asyncio.Event()
    for index, content in enumerate(data):
        endpoint.serve(f"{index}.png", Reply(content, gate=loaded))
    endpoint.answers = [endpoint.success(*links(endpoint))]
    notebook, card = await begun(lab, endpoint, *["#md " + "\n\n".join(["text"] * 30)] * 12)
    await notebook.page.evaluate(WINDOWED, [notebook.path.name, mode])
    await notebook.run(1)
    await expect(card.chip).to_have_text("Downloading")
    scroller = notebook.view.locator(".jp-WindowedPanel-outer")
    await scroller.evaluate("outer => { outer.scrollTop = outer.scrollHeight; }")
    loaded.set()
    await notebook.becomes("w.status", "success")
    await scroller.evaluate("outer => { outer.scrollTop = 0; }")
    await card.shows(4)
    await expect(card.chip).to_have_text("Done")
    await expect(notebook.view.locator(".dreambooth-copy:visible")).to_have_count(0)
    assert len(endpoint.gets) == 4
    await covers_the_window(await card.open(2))
    await notebook.page.keyboard.press("Escape")


BOXES = {
    "VBox": "box = ipywidgets.VBox([ipywidgets.Label('above'), w])",
    "HBox": "box = ipywidgets.HBox([w, ipywidgets.Label('beside')])",
    "Tab": "box = ipywidgets.Tab([w], titles=['pictures'])",
    "Accordion": "box = ipywidgets.Accordion([w], titles=['pictures'], selected_index=0)",
    "Stack": "box = ipywidgets.Stack([w], selected_index=0)",
    "Output": "box = ipywidgets.Output()\nwith box:\n    display(w)",
}


@pytest.mark.parametrize("name", BOXES)
async def test_card_in_a_container(lab: Lab, endpoint: Endpoint, name: str) -> None:
    """It is as wide as there is room, opens its pictures over the window, and leaves its copy in the notebook."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    shown = f"import ipywidgets\n{make(endpoint).removesuffix('w')}{BOXES[name]}\nbox"
    notebook = await lab.open([SETUP, shown])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run_all()
    card = Card(notebook.output(1))
    await card.shows(4)
    assert (await box(card.root))["width"] > 0.8 * (await box(notebook.output(1)))["width"] - 100
    await covers_the_window(await card.open(2))
    await notebook.page.keyboard.press("Escape")
    copies = notebook.output(1).locator(".dreambooth-copy img")
    await expect(copies).to_have_count(4)
    await expect(copies.locator("visible=true")).to_have_count(0)
    assert (await notebook.save()).count("data:image/jpeg") == 4


async def test_new_view_for_output(lab: Lab, endpoint: Endpoint) -> None:
    """The output in a tab of its own: the same card with its pictures and its own dialog, one selection, one load."""
    notebook, card = await finished(lab, endpoint)
    await notebook.page.evaluate("path => desk.activate(path, 1)", notebook.path.name)
    await notebook.page.evaluate("() => jupyterapp.commands.execute('notebook:create-output-view')")
    view = lab.page.locator(".jp-LinkedOutputView")
    second = Card(view)
    await second.shows(4)
    await expect(view.locator(".dreambooth-copy:visible")).to_have_count(0)
    await second.tiles.first.hover()
    await second.root.get_by_role("checkbox").first.check()
    await expect(card.root.get_by_role("checkbox").first).to_be_checked()
    await covers_the_window(await second.open(3))
    await lab.page.keyboard.press("Escape")
    assert len(endpoint.gets) == 4


async def test_twenty_widgets_in_one_notebook(lab: Lab, endpoint: Endpoint) -> None:
    """Each shows its own pictures, once; the file has one copy of each, and stays small."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING] * 20 + [endpoint.success(*links(endpoint))]
    cells = [make(endpoint, more=f"request_id={7000 + number}") for number in range(20)]
    notebook = await lab.open([SETUP, *cells])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.page.evaluate(WINDOWED, [notebook.path.name, "none"])
    await notebook.run_all()
    cards: Locator = notebook.view.locator(".dreambooth-card")
    await expect(cards).to_have_count(20)
    await expect(cards.locator(".dreambooth-chip", has_text="Done")).to_have_count(20)
    await expect(cards.locator(".dreambooth-tile img")).to_have_count(80)
    await expect(notebook.view.locator(".dreambooth-copy img")).to_have_count(80)
    await expect(notebook.view.locator(".dreambooth-copy:visible")).to_have_count(0)
    text = await notebook.save()
    assert text.count("data:image/jpeg") == 80
    assert len(text) < 20 * USUAL + 100_000
