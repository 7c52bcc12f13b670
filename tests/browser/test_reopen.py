"""A notebook that was saved and is opened again when its kernel, its endpoint and its links have gone.

What an application does that opens a file is tried in JupyterLab and Notebook 7; what the kernel writes, in one.
"""

from __future__ import annotations

import json

import pytest
from playwright.async_api import Locator, expect

from ..endpoint import CANARY, PROCESSING, Endpoint
from .card import HAND_OVER_KEY, SETUP, Card, decoded, links, make, serve_pictures
from .conftest import Opener
from .lab import Notebook
from .watch import Watch

WIDGET = 1
DEAD = "Error displaying widget"


@pytest.fixture(params=["lab", "notebook7"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """`await opener([...cells])` in each of the two."""
    return request.getfixturevalue(f"open_{request.param}")  # type: ignore[no-any-return]


async def finished(opener: Opener, endpoint: Endpoint) -> Notebook:
    """A notebook with a finished gallery, saved."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    notebook = await opener([SETUP, make(endpoint)])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run(0)
    await notebook.run(WIDGET)
    card = Card(notebook.output(WIDGET))
    await card.shows(4)
    await expect(copies(notebook)).to_have_count(4)
    return notebook


def copies(notebook: Notebook) -> Locator:
    """The pictures of the static copy."""
    return notebook.output(WIDGET).locator("img[src^='data:image/jpeg']")


async def shows_copies(notebook: Notebook) -> None:
    """Wait until the four pictures of the static copy are to be seen."""
    await expect(copies(notebook)).to_have_count(4)
    for index in range(4):
        await decoded(copies(notebook).nth(index))


async def test_the_live_view_hides_the_copy(opener: Opener, endpoint: Endpoint) -> None:
    """While the kernel lives each picture is shown once."""
    notebook = await finished(opener, endpoint)
    for index in range(4):
        await expect(copies(notebook).nth(index)).to_be_hidden()


@pytest.mark.parametrize("widget_state", [False, True], ids=["as usual", "with widget state"])
async def test_reopened_with_a_new_kernel(opener: Opener, endpoint: Endpoint, watch: Watch, widget_state: bool) -> None:
    """The pictures are there, and no error line; the endpoint is not asked; the file holds neither key nor link."""
    watch.expect("widget model not found|403 .*woff2")  # what Jupyter says of a dead widget, and its sign for it
    notebook = await finished(opener, endpoint)
    text = await notebook.save(widget_state=widget_state)
    assert CANARY not in text
    asked = len(endpoint.seen)
    await notebook.restart()
    await notebook.reload()
    await shows_copies(notebook)
    for line in await notebook.output(WIDGET).get_by_text(DEAD).all():
        await expect(line).to_be_hidden()
    assert len(endpoint.seen) == asked
    outputs = json.dumps(json.loads(text)["cells"][WIDGET]["outputs"])
    assert "127.0.0.1" not in outputs


async def test_reopened_without_trust(opener: Opener, endpoint: Endpoint) -> None:
    """A copy from somebody else, which Jupyter does not trust, shows the pictures too."""
    notebook = await finished(opener, endpoint)
    await notebook.save()
    await notebook.restart()
    content = json.loads(notebook.path.read_text(encoding="utf-8"))
    content["cells"][WIDGET]["outputs"][-1]["data"]["text/html"].append("<p>not signed</p>")
    await notebook.replace_file(json.dumps(content))
    assert not await notebook.trusted()
    await shows_copies(notebook)


async def test_saved_state_adds_no_gallery(opener: Opener, endpoint: Endpoint, watch: Watch) -> None:
    """With saved widget state the card comes back too, but it has no pictures any more: only the copy is seen."""
    watch.expect("widget model not found|403 .*woff2")
    notebook = await finished(opener, endpoint)
    assert "widget-state+json" in await notebook.save(widget_state=True)
    await notebook.restart()
    await notebook.reload()
    await shows_copies(notebook)
    await expect(notebook.output(WIDGET).locator(".dreambooth-card")).to_have_count(1)
    await expect(notebook.output(WIDGET).locator(".dreambooth-card")).to_be_hidden()


async def test_without_trust_and_with_widget_state(opener: Opener, endpoint: Endpoint, watch: Watch) -> None:
    """A stranger's file with saved widget state shows each picture once, and no error line beside them."""
    watch.expect("widget model not found|403 .*woff2")
    notebook = await finished(opener, endpoint)
    content = json.loads(await notebook.save(widget_state=True))
    assert "application/vnd.jupyter.widget-state+json" in content["metadata"]["widgets"]
    await notebook.restart()
    content["cells"][WIDGET]["outputs"][-1]["data"]["text/html"].append("<p>not signed</p>")
    await notebook.replace_file(json.dumps(content))
    assert not await notebook.trusted()
    await shows_copies(notebook)
    output = notebook.output(WIDGET)
    assert [await image.is_visible() for image in await output.locator("img").all()] == [True] * 4
    await expect(output.get_by_text("not signed")).to_be_visible()
    for line in await output.get_by_text(DEAD).all():
        await expect(line).to_be_hidden()


async def test_reloaded_in_mid_job(open_lab: Opener, endpoint: Endpoint) -> None:
    """A page that was loaded anew while the job ran gets the copy written all the same."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING]
    notebook = await open_lab([SETUP, make(endpoint)])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run(0)
    await notebook.run(WIDGET)
    card = Card(notebook.output(WIDGET))
    await expect(card.chip).to_have_text("Generating")
    await notebook.save()
    await notebook.reload()
    card = Card(notebook.output(WIDGET))
    await expect(card.chip).to_have_text("Generating")
    endpoint.answers = [endpoint.success(*links(endpoint))]
    await card.shows(4)
    await expect(copies(notebook)).to_have_count(4)
    for index in range(4):
        await expect(copies(notebook).nth(index)).to_be_hidden()
    assert (await notebook.save()).count("data:image/jpeg") == 4


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
async def test_saved_in_mid_job(opener: Opener, endpoint: Endpoint, watch: Watch, trusted: bool) -> None:
    """Reopened without its kernel, the notebook says what was going on, with caption, count and id; and no error."""
    watch.expect("widget model not found|403 .*woff2")
    endpoint.answers = [PROCESSING]
    notebook = await opener([SETUP, make(endpoint, more="samples=4, caption='a dog on a pier'")])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run(0)
    await notebook.run(WIDGET)
    await expect(Card(notebook.output(WIDGET)).chip).to_have_text("Generating")
    content = json.loads(await notebook.save())
    await notebook.restart()
    if trusted:
        await notebook.reload()
    else:
        content["cells"][WIDGET]["outputs"][-1]["data"]["text/html"].append("<p>not signed</p>")
        await notebook.replace_file(json.dumps(content))
    assert await notebook.trusted() == trusted
    output = notebook.output(WIDGET)
    line = "Still generating when this was saved. Run the cell to fetch request 13443927."
    for text in (line, "a dog on a pier", "4 pictures"):
        await expect(output.get_by_text(text)).to_be_visible()
    for error in await output.get_by_text(DEAD).all():
        await expect(error).to_be_hidden()


async def test_no_copy_when_none_is_wanted(open_lab: Opener, endpoint: Endpoint) -> None:
    """`save_copy=False` leaves no pixel in the file."""
    serve_pictures(endpoint)
    endpoint.answers = [endpoint.success(*links(endpoint))]
    notebook = await open_lab([SETUP, make(endpoint, more="save_copy=False")])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run(0)
    await notebook.run(WIDGET)
    await Card(notebook.output(WIDGET)).shows(4)
    assert "data:image" not in await notebook.save(widget_state=True)


async def test_displayed_again_after_the_end(open_lab: Opener, endpoint: Endpoint) -> None:
    """A second display of the same widget shows the pictures once, and keeps a copy of its own."""
    serve_pictures(endpoint)
    endpoint.answers = [endpoint.success(*links(endpoint))]
    notebook = await open_lab([SETUP, make(endpoint), "w"])
    await notebook.execute(HAND_OVER_KEY)
    await notebook.run_all()
    for cell in (1, 2):
        await Card(notebook.output(cell)).shows(4)
        await expect(notebook.output(cell).locator("img[src^='data:image/jpeg']")).to_have_count(4)
        await expect(notebook.output(cell).locator("img[src^='data:image/jpeg']:visible")).to_have_count(0)
    assert len(endpoint.polls) == 1
