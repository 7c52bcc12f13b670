"""No key that is pressed in the widget reaches the notebook: in JupyterLab and Notebook 7, wherever the focus is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
from playwright.async_api import Locator, expect

from ..endpoint import Endpoint
from .card import HAND_OVER_KEY, SETUP, Card, links, make, serve_pictures
from .conftest import Opener
from .lab import Notebook

KEYS = [*"abjkmxdd", "Shift+Enter", "Control+Enter", *"00", *"cvzyhi"]
ARROWS = ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "Home", "End", "PageUp", "PageDown", "Escape", " "]
CELLS = ["1", "2", SETUP, "#md some text", "3", "4"]
WIDGET = 3
"""The index of the widget's cell, with others above and below that keys could cut, move or run."""


@pytest.fixture(params=["lab", "notebook7"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """`await opener([...cells])` in each of the two."""
    return request.getfixturevalue(f"open_{request.param}")  # type: ignore[no-any-return]


async def gallery(opener: Opener, endpoint: Endpoint) -> tuple[Notebook, Card]:
    """A notebook with a finished gallery in its midst, in command mode."""
    serve_pictures(endpoint)
    endpoint.answers = [endpoint.success(*links(endpoint))]
    notebook = await opener([*CELLS[:WIDGET], make(endpoint), *CELLS[WIDGET:]])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run(2)
    await notebook.run(WIDGET)
    card = Card(notebook.output(WIDGET))
    await card.shows(4)
    return notebook, card


async def press_all(notebook: Notebook, focus: Callable[[], Awaitable[None]], keys: list[str]) -> None:
    """Press every key, each with the focus where `focus` puts it, and assert that the notebook is as it was."""
    await focus()
    before = await notebook.look()
    for key in keys:
        await focus()
        await notebook.page.keyboard.press(key)
        assert await notebook.look() == before, f"{key!r} reached the notebook"
    await notebook.execute("")  # a cell that was run would have been queued before this
    assert await notebook.look() == before


def focusing(element: Locator) -> Callable[[], Awaitable[None]]:
    """Puts the focus on `element` and makes sure that it is there."""

    async def focus() -> None:
        await element.focus()
        await expect(element).to_be_focused()

    return focus


async def test_keys_in_the_card(opener: Opener, endpoint: Endpoint) -> None:
    """On a tile, a check box, a button of the toolbar and the card itself."""
    notebook, card = await gallery(opener, endpoint)
    tile = card.opener(2)
    places = [tile, card.root.get_by_role("checkbox").nth(1), card.button("Details"), card.root]

    def closing(place: Locator) -> Callable[[], Awaitable[None]]:
        async def focus() -> None:
            if await card.dialog.count():  # Enter on a tile opens it
                await notebook.page.keyboard.press("Escape")
                await expect(card.dialog).to_have_count(0)
            await focusing(place)()

        return focus

    for place in places:
        await press_all(notebook, closing(place), [*KEYS, *ARROWS])


async def test_keys_in_the_dialog(opener: Opener, endpoint: Endpoint) -> None:
    """On the dialog itself and on its buttons, also with the details open."""
    notebook, card = await gallery(opener, endpoint)
    await card.open(2)

    def within(place: Locator) -> Callable[[], Awaitable[None]]:
        async def focus() -> None:
            if not await card.dialog.count():  # Escape and "Close" close it
                await card.open(2)
            await focusing(place)()

        return focus

    for place in [card.dialog, card.dialog.get_by_role("button", name="Details"), card.dialog.get_by_label("Fit")]:
        await press_all(notebook, within(place), [*KEYS, *ARROWS])


async def test_keys_in_the_comparison(opener: Opener, endpoint: Endpoint) -> None:
    """On the dialog, on its buttons and on the handle of the wipe; Space blinks and Z is the loupe."""
    notebook, card = await gallery(opener, endpoint)
    for number in (0, 1):
        await card.root.get_by_role("checkbox").nth(number).check()
    await card.button("Compare").click()
    await expect(card.dialog.locator("figure")).to_have_count(2)

    def within(role: Literal["button", "slider"], name: str) -> Callable[[], Awaitable[None]]:
        async def focus() -> None:
            if not await card.dialog.count():  # Escape closes it
                await card.button("Compare").click()
            if role == "slider" and not await card.dialog.get_by_role(role).count():
                await card.dialog.get_by_role("button", name="Wipe").click()
            await focusing(card.dialog.get_by_role(role, name=name))()

        return focus

    for focus in (within("button", "Zoom in"), within("slider", "Share")):
        await press_all(notebook, focus, [*KEYS, "w", *ARROWS])


async def test_loupe_keeps_its_key(opener: Opener, endpoint: Endpoint) -> None:
    """Over a picture Z shows the kernel's pixels, and brings no deleted cell back; elsewhere it does."""
    notebook, _ = await gallery(opener, endpoint)
    await notebook.cell(0).locator(".jp-InputPrompt").click()
    await notebook.page.keyboard.press("d")
    await notebook.page.keyboard.press("d")
    await expect(notebook.view.locator(".jp-Cell")).to_have_count(len(CELLS))
    output = Card(notebook.output(WIDGET - 1))
    before = await notebook.look()
    await output.tiles.nth(1).hover()
    await notebook.page.keyboard.down("z")
    await expect(notebook.page.locator(".dreambooth-lens[data-sharp]")).to_have_count(4)
    await notebook.page.keyboard.up("z")
    await expect(notebook.page.locator(".dreambooth-lens")).to_have_count(0)
    assert await notebook.look() == before
    await notebook.cell(0).locator(".jp-InputPrompt").hover()
    await notebook.page.keyboard.press("z")
    await expect(notebook.view.locator(".jp-Cell")).to_have_count(len(CELLS) + 1)


async def test_keys_in_the_form_are_typed(opener: Opener, endpoint: Endpoint) -> None:
    """Letters and digits go into the fields of the form, the rest nowhere."""
    notebook = await opener([*CELLS[:WIDGET], make(endpoint, more="request_id=None"), *CELLS[WIDGET:]])
    await notebook.run(2)
    await notebook.run(WIDGET)
    card = Card(notebook.output(WIDGET))
    for label in ["API key", "Request id"]:
        field = card.root.get_by_label(label)
        await press_all(notebook, focusing(field), [*KEYS, *ARROWS])
        assert await field.input_value() == "abjkmxdd00cvzyhi "
        await field.fill("")
    await press_all(notebook, focusing(card.button("Show pictures")), [*KEYS, *ARROWS])
    assert endpoint.polls == []


COUNT_SAVES = """() => {
  globalThis.saves = 0;
  const note = () => { globalThis.saves += 1; };
  jupyterapp.commands.commandExecuted.connect((_, { id, result }) => id === "docmanager:save" && result.then(note));
}"""


async def save_command_runs(notebook: Notebook) -> None:
    """Assert that Ctrl+S runs the application's own command, where the focus is."""
    before = await notebook.page.evaluate("() => saves")
    await notebook.page.keyboard.press("Control+s")
    await notebook.page.wait_for_function("before => saves > before", arg=before)


async def saves(notebook: Notebook, place: Locator) -> None:
    """Assert that Ctrl+S with the focus on `place` writes the notebook's file, after `COUNT_SAVES`."""
    await focusing(place)()
    before = notebook.path.stat().st_mtime_ns
    await notebook.soil()
    # To the end of the command: JupyterLab passes over a second one until the first has written its checkpoint too.
    await save_command_runs(notebook)
    assert notebook.path.stat().st_mtime_ns > before


FOCUSABLE = "button:not([tabindex='-1']), input:not([tabindex='-1']), summary, [tabindex='0']"
"""What Tab leads to."""


async def test_shortcuts_reach_the_notebook(opener: Opener, endpoint: Endpoint) -> None:
    """Ctrl+S saves from all that Tab leads to in card and lightbox, Ctrl+Shift+C opens the palette from a tile."""
    notebook, card = await gallery(opener, endpoint)
    await card.open(2)
    await notebook.page.keyboard.press("Escape")
    await card.button("Details").click()
    places = await card.root.locator(FOCUSABLE).all()
    assert len(places) > 10
    await notebook.page.evaluate(COUNT_SAVES)
    for place in [card.root, *places]:
        await focusing(place)()
        await save_command_runs(notebook)
    await card.opener(2).focus()
    await notebook.page.keyboard.press("Control+Shift+C")
    palette = notebook.page.locator(".lm-CommandPalette-input")
    await expect(palette).to_be_focused()
    await notebook.page.keyboard.press("Escape")
    await card.open(2)
    places = await card.dialog.locator(FOCUSABLE).locator("visible=true").all()
    assert len(places) > 8
    for place in [card.dialog, *places]:
        await focusing(place)()
        await save_command_runs(notebook)
    await saves(notebook, card.dialog)


async def test_form_passes_shortcuts(opener: Opener, endpoint: Endpoint) -> None:
    """Ctrl+S saves from the fields and the button of the form too."""
    notebook = await opener([SETUP, make(endpoint, more="request_id=None")])
    await notebook.run(0)
    await notebook.run(1)
    card = Card(notebook.output(1))
    await notebook.page.evaluate(COUNT_SAVES)
    for place in [
        card.root.get_by_label("API key"),
        card.root.get_by_label("Request id"),
        card.button("Show pictures"),
    ]:
        await saves(notebook, place)
