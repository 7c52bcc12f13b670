"""Text from the service, from the pictures and from the user is shown as text, wherever it is shown."""

from __future__ import annotations

import json

from playwright.async_api import expect

from ..endpoint import Endpoint, png
from .card import SETUP, Card, make, run_widget
from .lab import Lab, Notebook

ATTACK = "<img src=x onerror=\"window.hacked='{}'\"><b>{}</b>"


def attack(where: str) -> str:
    """Markup that betrays itself if it is ever taken for markup."""
    return ATTACK.format(where, where)


async def unharmed(notebook: Notebook) -> None:
    """Assert that no markup of `attack` came to life anywhere on the page."""
    page = notebook.page
    hacked = await page.evaluate("() => { const { hacked } = globalThis; delete globalThis.hacked; return hacked; }")
    assert hacked is None
    assert await page.evaluate("() => document.querySelectorAll('img[src=x], img[onerror]').length") == 0


async def test_an_error_message_is_text(lab: Lab, endpoint: Endpoint) -> None:
    """`message` and `tip` of an error, in the card, in the exception and in the reopened notebook.

    Python takes the tags out of what the service says; that the front end escapes them is a unit test of its own.
    """
    endpoint.answers = [{"status": "error", "message": attack("message"), "tip": attack("tip")}]
    notebook = await lab.open(
        [SETUP, make(endpoint), "try:\n    await w\nexcept Exception as error:\n    print(error)"]
    )
    card = await run_widget(notebook)
    await expect(card.root).to_contain_text("did not accept the request: message.")
    for summary in await card.root.locator("summary").all():
        await summary.click()
    await notebook.run(2)
    await unharmed(notebook)
    await notebook.save()
    await notebook.restart()
    await notebook.reopen()
    await expect(notebook.output(1)).to_contain_text("did not accept the request: message.")
    await unharmed(notebook)


async def test_finished_job_texts_stay_text(lab: Lab, endpoint: Endpoint) -> None:
    """`meta`, `tip`, the picture's own text chunks and the id: in the details, the lightbox and the static copy."""
    endpoint.serve("0.png", png("teal", (300, 200), prompt=attack("prompt"), seed=attack("seed")))
    meta = {"prompt": attack("meta"), "model_id": attack("model"), attack("name"): "x"}
    endpoint.answers = [endpoint.success(endpoint.link("0.png"), meta=meta, tip=attack("tip"))]
    notebook = await lab.open([SETUP, make(endpoint, more=f"request_id={attack('id')!r}")])
    card = await run_widget(notebook)
    await card.shows(1)
    await expect(card.root.locator("header bdi")).to_have_text(attack("meta"))
    await card.button("Details").click()
    await expect(card.root).to_contain_text(attack("id"))
    await expect(card.root).to_contain_text(attack("meta"))
    dialog = await card.open(1)
    await dialog.get_by_role("button", name="Details").click()
    await expect(dialog).to_contain_text(attack("prompt"))
    await lab.page.keyboard.press("Escape")
    await unharmed(notebook)

    cells = json.loads(await notebook.save())["cells"]
    saved = ["".join(output["data"].get("text/html", "")) for output in cells[1]["outputs"]]
    assert "&lt;img src=x" in "".join(saved)
    assert "<img src=x" not in "".join(saved)
    await notebook.restart()
    await notebook.reopen()
    await expect(notebook.output(1).locator("img[src^='data:image/']")).to_have_count(1)
    await unharmed(notebook)


async def test_a_message_while_waiting_is_text(lab: Lab, endpoint: Endpoint) -> None:
    """An unknown status word and its message, which the card shows while it waits."""
    endpoint.answers = [{"status": attack("status"), "message": attack("message"), "tip": attack("tip"), "output": ""}]
    notebook = await lab.open([SETUP, make(endpoint)])
    await run_widget(notebook)
    await endpoint.saw(3)
    await expect(Card(notebook.output(1)).chip).to_have_text("Generating")
    await unharmed(notebook)


async def test_browser_opens_no_links(lab: Lab, endpoint: Endpoint) -> None:
    """`javascript:`, `data:` markup and `file:` become missing pictures; the card has no link and no image of them."""
    bad = ["javascript:window.hacked=1", "data:text/html,<script>window.hacked=1</script>", "file:///etc/passwd"]
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked=1"/>'
    endpoint.serve("0.png", png())
    bad.append(endpoint.serve("evil.svg", svg))
    endpoint.answers = [endpoint.success(endpoint.link("0.png"), *bad)]
    notebook = await lab.open([SETUP, make(endpoint)])
    card = await run_widget(notebook)
    await expect(card.line).to_have_text("1 of 5 pictures · 4 could not be loaded")
    await card.shows(1)
    await expect(card.root.locator("a")).to_have_count(0)
    await unharmed(notebook)
