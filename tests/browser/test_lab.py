"""The widget in JupyterLab: the whole path from a request id to a gallery, with a real kernel and a real endpoint."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect

from ..endpoint import CANARY, PROCESSING, Endpoint, Reply
from .axe import Axe
from .card import HAND_OVER_KEY, SETUP, Card, box, covers_the_window, links, make, run_widget, serve_pictures
from .lab import Lab, Notebook
from .watch import Watch


async def started(lab: Lab, endpoint: Endpoint, *cells: str, schedule: str = "FAST", more: str = "") -> Notebook:
    """A notebook: the set-up, the widget (cell 1, run), and `cells` (from 2 on, not run)."""
    notebook = await lab.open([SETUP, make(endpoint, schedule=schedule, more=more), *cells])
    await run_widget(notebook)
    return notebook


async def finished(lab: Lab, endpoint: Endpoint, *cells: str, count: int = 4) -> tuple[Notebook, Card]:
    """A notebook whose job is done and shows `count` pictures."""
    serve_pictures(endpoint, count)
    endpoint.answers = [endpoint.success(*links(endpoint, count))]
    notebook = await started(lab, endpoint, *cells)
    card = Card(notebook.output(1))
    await card.shows(count)
    await expect(card.chip).to_have_text("Done")
    return notebook, card


async def test_a_request_id_becomes_a_gallery(lab: Lab, endpoint: Endpoint) -> None:
    """Waiting is shown at once, other cells run meanwhile, the status is followed, pictures open large."""
    data = serve_pictures(endpoint)
    first_answer, first_pictures, last_picture = asyncio.Event(), asyncio.Event(), asyncio.Event()
    for index, gate in enumerate([first_pictures] * 3 + [last_picture]):
        endpoint.serve(f"{index}.png", Reply(data[index], gate=gate))
    end = endpoint.success(*links(endpoint), meta={"W": 640, "H": 480})
    endpoint.answers = [Reply(PROCESSING, gate=first_answer), PROCESSING, end]

    notebook = await started(lab, endpoint, "6 * 7")
    card = Card(notebook.output(1))
    await expect(card.chip).to_have_text("Generating")  # before the service has said a word
    assert len(endpoint.polls) <= 1
    assert await notebook.value("w.status") == "processing"

    await notebook.run(2)
    await expect(notebook.output(2)).to_contain_text("42")
    await expect(card.chip).to_have_text("Generating")

    first_answer.set()
    await expect(card.chip).to_have_text("Downloading")
    await expect(card.line).to_have_text("0 of 4 pictures")
    await expect(card.tiles).to_have_count(4)
    assert await notebook.value("w.status") == "downloading"
    before = [await box(tile) for tile in await card.tiles.all()]
    first_pictures.set()
    await expect(card.line).to_have_text("3 of 4 pictures")

    last_picture.set()
    await expect(card.chip).to_have_text("Done")
    await card.shows(4)
    assert await notebook.value("w.status") == "success"
    assert await notebook.value("[list(image.size) for image in w.images]") == [[640, 480]] * 4
    after = [await box(tile) for tile in await card.tiles.all()]
    assert after == [pytest.approx(place, abs=1) for place in before]  # nothing jumped

    dialog = await card.open(2)
    await covers_the_window(dialog)
    await expect(dialog).to_contain_text("2 of 4")
    await lab.page.keyboard.press("Escape")
    await expect(card.dialog).to_have_count(0)
    await expect(card.opener(2)).to_be_focused()


@pytest.mark.parametrize("awaited", [False, True], ids=["free kernel", "while a cell awaits the widget"])
async def test_check_now_stop_and_check_again(lab: Lab, endpoint: Endpoint, awaited: bool) -> None:
    """The buttons work, also while a cell runs `await w`."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, PROCESSING, endpoint.success(*links(endpoint))]
    notebook = await started(lab, endpoint, "await w", "await w", schedule="SLOW")
    card = Card(notebook.output(1))
    await endpoint.saw(1)
    await expect(card.line).to_contain_text("next check in")
    if awaited:
        await notebook.begin(2)

    await card.button("Check now").click()
    await endpoint.saw(2)
    await expect(card.line).to_contain_text("next check in")

    await card.button("Stop waiting").click()
    await expect(card.chip).to_have_text("Stopped waiting")
    await expect(card.line).to_have_text("The job keeps running on the service")
    await expect(card.button("Check now")).to_have_count(0)
    if awaited:
        await expect(notebook.output(2)).to_contain_text("StoppedError")
        await notebook.ended(2)
    assert len(endpoint.polls) == 2

    await card.button("Check again").click()
    if awaited:
        await notebook.run(3)
        await expect(notebook.output(3)).to_contain_text("<FetchResult 13443927: 4 pictures")
    await card.shows(4)
    assert len(endpoint.polls) == 3


async def test_form(lab: Lab, endpoint: Endpoint) -> None:
    """Without a key the cell asks for it and the id, hides the key, and says what is lacking."""
    serve_pictures(endpoint)
    endpoint.answers = [endpoint.success(*links(endpoint))]
    notebook = await lab.open([SETUP, make(endpoint, more="request_id=None")])
    await notebook.run_all()
    card = Card(notebook.output(1))
    await expect(card.chip).to_have_text("Not started")
    await expect(card.root.get_by_label("API key")).to_have_attribute("type", "password")

    await card.button("Show pictures").click()
    await expect(card.root.get_by_role("alert")).to_have_text("The API key is missing.")
    assert endpoint.polls == []

    await card.fill_form(CANARY, " 13443927 ")
    await card.shows(4)
    await expect(card.root.get_by_label("API key")).to_have_count(0)
    assert await notebook.value("w.request_id") == "13443927"
    assert CANARY not in await lab.page.content()
    assert CANARY not in await notebook.save()


async def test_refused_key_is_replaced(lab: Lab, endpoint: Endpoint) -> None:
    """The card says that the key was refused and what to do; the right key, typed there, goes on."""
    serve_pictures(endpoint)
    refusal = {"status": "error", "message": f"Invalid Api Key {CANARY}", "tip": "1. Make sure …"}
    endpoint.answers = [refusal, endpoint.success(*links(endpoint))]
    notebook = await started(lab, endpoint, "await w")
    card = Card(notebook.output(1))
    await expect(card.chip).to_have_text("Key refused")
    await expect(card.root.get_by_role("alert")).to_contain_text("refused the API key")
    await expect(card.root.get_by_role("alert")).to_contain_text("Check the key in your account")
    await card.root.get_by_text("Details").click()
    await expect(card.root.locator("pre")).to_contain_text("Invalid Api Key")
    await notebook.run(2)
    await expect(notebook.output(2)).to_contain_text("InvalidKeyError")
    assert CANARY not in await lab.page.content()

    await card.root.get_by_label("API key").fill("another-key-1234567890")
    await card.button("Show pictures").click()
    await card.shows(4)
    assert b"another-key-1234567890" in endpoint.polls[-1].body


async def test_a_failed_job(lab: Lab, endpoint: Endpoint) -> None:
    """A dead job is never submitted again; "Check again" asks once more."""
    endpoint.answers = [{"status": "failed", "id": "", "message": "Failed, Try Again", "output": ""}]
    notebook = await started(lab, endpoint)
    card = Card(notebook.output(1))
    await expect(card.chip).to_have_text("Job failed")
    await expect(card.root.get_by_role("alert")).to_contain_text("Submit the generation again")
    await expect(card.root.get_by_role("progressbar")).to_have_count(0)
    await expect(card.button("Stop waiting")).to_have_count(0)

    serve_pictures(endpoint)
    endpoint.answers = [endpoint.success(*links(endpoint))]
    await card.button("Check again").click()
    await card.shows(4)
    assert {seen.path for seen in endpoint.polls} == {"/api/v4/dreambooth/fetch"}


async def test_a_missing_picture_can_be_retried(lab: Lab, endpoint: Endpoint) -> None:
    """One picture that cannot be loaded says why and leaves the others alone; Retry loads it."""
    data = serve_pictures(endpoint, 3)
    endpoint.serve("1.png", b"<html>not a picture</html>")
    endpoint.answers = [endpoint.success(*links(endpoint, 3))]
    notebook = await started(lab, endpoint)
    card = Card(notebook.output(1))
    await expect(card.line).to_have_text("2 of 3 pictures · 1 could not be loaded")
    await card.shows(2)
    await expect(card.tiles.nth(1).locator("p")).not_to_be_empty()

    endpoint.serve("1.png", data[1])
    await card.button("Retry picture 2").click()
    await card.shows(3)
    assert await notebook.value("len(w.result)") == 3


async def test_downloads_are_the_original_bytes(lab: Lab, endpoint: Endpoint) -> None:
    """One picture comes as its own file under its right name, several as a zip."""
    data = serve_pictures(endpoint)
    _, card = await finished(lab, endpoint)
    async with lab.page.expect_download() as one:
        await card.tiles.nth(2).hover()
        await card.button("Download picture 3").click()
    download = await one.value
    assert download.suggested_filename == "13443927-3.png"
    assert Path(await download.path()).read_bytes() == data[2]

    async with lab.page.expect_download() as several:
        await card.root.locator(".dreambooth-toolbar").get_by_role("button", name="Download").click()
    download = await several.value
    with zipfile.ZipFile(io.BytesIO(Path(await download.path()).read_bytes())) as archive:
        assert [archive.read(name) for name in archive.namelist()] == data


async def test_selection_goes_both_ways(lab: Lab, endpoint: Endpoint) -> None:
    """A click selects in Python, Python selects in the grid."""
    notebook, card = await finished(lab, endpoint)
    boxes = card.root.get_by_role("checkbox")
    await card.tiles.nth(1).hover()
    await boxes.nth(1).check()
    await notebook.becomes("w.selected", [1])
    await notebook.execute("w.selected = [0, 3]")
    await expect(boxes.nth(0)).to_be_checked()
    await expect(boxes.nth(1)).not_to_be_checked()
    await expect(boxes.nth(3)).to_be_checked()


async def test_reload_restores_the_card(lab: Lab, endpoint: Endpoint) -> None:
    """The page is loaded anew while the job runs and after its end, and shows the truth each time."""
    serve_pictures(endpoint)
    ready = asyncio.Event()
    endpoint.answers = [PROCESSING, Reply(endpoint.success(*links(endpoint)), gate=ready)]
    notebook = await started(lab, endpoint)
    await expect(Card(notebook.output(1)).chip).to_have_text("Generating")
    await notebook.save()
    await notebook.reload()
    card = Card(notebook.output(1))
    await expect(card.chip).to_have_text("Generating")
    await expect(card.button("Stop waiting")).to_be_visible()

    ready.set()
    await card.shows(4)
    polls = len(endpoint.polls)
    await notebook.save()
    await notebook.reload()
    card = Card(notebook.output(1))
    await expect(card.chip).to_have_text("Done")
    await card.shows(4)
    await covers_the_window(await card.open(1))
    await lab.page.keyboard.press("Escape")
    assert len(endpoint.polls) == polls
    assert len(endpoint.gets) == 4


async def test_a_page_that_is_held_up(lab: Lab, endpoint: Endpoint, watch: Watch) -> None:
    """anywidget gives up on a module that takes two seconds, and leaves the model deaf: the card makes it hear."""
    watch.expect(r"\[anywidget\] Failed to initialize model")
    await lab.page.evaluate(
        "() => { AbortSignal.kept = AbortSignal.timeout; AbortSignal.timeout = () => AbortSignal.kept(0); }"
    )
    try:
        await finished(lab, endpoint)
    finally:
        await lab.page.evaluate("() => { AbortSignal.timeout = AbortSignal.kept; }")


async def test_a_second_view_shows_the_same(lab: Lab, endpoint: Endpoint) -> None:
    """The widget, shown in another cell after its end, has the pictures there too."""
    notebook, first = await finished(lab, endpoint, "w")
    await notebook.run(2)
    second = Card(notebook.output(2))
    await second.shows(4)
    await first.shows(4)
    assert len(endpoint.gets) == 4


async def test_blocked_kernel_is_shown(lab: Lab, endpoint: Endpoint) -> None:
    """While a cell blocks the kernel the card says so, and afterwards polling catches up."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING]
    blocker = "import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"
    notebook = await started(lab, endpoint, blocker, schedule="STEADY")
    card = Card(notebook.output(1))
    await expect(card.line).to_contain_text("next check in")
    await notebook.begin(2)
    await expect(card.chip).to_have_text("Kernel busy")
    await expect(card.line).to_contain_text("Waiting for the running cell to finish")
    endpoint.answers = [endpoint.success(*links(endpoint))]
    go = lab.server.root / "go"
    go.touch()
    try:
        await card.shows(4)
    finally:
        go.unlink()


async def test_restarted_kernel_is_no_busy_kernel(lab: Lab, endpoint: Endpoint) -> None:
    """The card says that the kernel was restarted and what to do; the cell, run again, picks the request up."""
    endpoint.answers = [PROCESSING]
    notebook = await started(lab, endpoint, more="samples=4")
    card = Card(notebook.output(1))
    await expect(card.tiles).to_have_count(4)
    await notebook.restart()
    await expect(card.chip).to_have_text("Kernel restarted")
    await expect(card.line).to_have_text("Run this cell again to pick up request 13443927")
    await expect(card.tiles).to_have_count(0)
    await expect(card.root.get_by_role("button")).to_have_count(0)
    await run_widget(notebook)
    await expect(card.chip).to_have_text("Generating")


async def test_pictures_outlive_the_kernel(lab: Lab, endpoint: Endpoint) -> None:
    """After a restart the pictures are still opened, and downloaded as the previews that the page has."""
    notebook, card = await finished(lab, endpoint)
    await notebook.restart()
    await expect(card.root.get_by_text("The kernel has gone")).to_be_visible()
    await expect(card.chip).to_have_text("Done")
    dialog = await card.open(2)
    async with lab.page.expect_download() as download:
        await dialog.get_by_role("button", name="Download").click()
    assert re.fullmatch(r"13443927-2\.(webp|jpg)", (await download.value).suggested_filename)
    await lab.page.keyboard.press("Escape")


async def test_all_that_waits_for_a_running_cell(lab: Lab, endpoint: Endpoint) -> None:
    """Download, Copy and Retry say what they wait for while a cell runs, and are done after it."""
    data = serve_pictures(endpoint)
    blocker = "import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"
    endpoint.serve("3.png", Reply(b"", 404))
    endpoint.answers = [endpoint.success(*links(endpoint))]
    notebook = await started(lab, endpoint, blocker)
    card, words = Card(notebook.output(1)), "Waiting for the running cell to finish"
    await card.shows(3)
    await expect(card.tiles.nth(3)).to_contain_text("Missing (404)")
    await expect(card.chip).to_have_text("Done")
    endpoint.serve("3.png", data[3])
    await notebook.begin(2)
    await card.button("Retry picture 4").click()
    await expect(card.tiles.nth(3)).to_contain_text(words)
    await card.root.locator(".dreambooth-toolbar").get_by_role("button", name="Download").click()
    await expect(card.root.locator(".dreambooth-note")).to_contain_text(words)
    dialog = await card.open(1)
    await lab.page.keyboard.press("c")
    await expect(dialog).to_contain_text(words)
    go = lab.server.root / "go"
    async with lab.page.expect_download() as download:
        go.touch()
    go.unlink()
    assert (await download.value).suggested_filename.endswith(".zip")
    await expect(dialog).not_to_contain_text(words)
    await lab.page.keyboard.press("Escape")
    await card.shows(4)
    await expect(card.root.get_by_text(words)).to_have_count(0)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
async def test_the_card_follows_the_theme(lab: Lab, endpoint: Endpoint, theme: str, axe: Axe) -> None:
    """The card takes the theme's colours, and axe finds nothing in it nor in the dialog."""
    notebook, card = await finished(lab, endpoint)
    await notebook.theme(theme)
    try:
        color = await card.root.evaluate("card => getComputedStyle(card).color")
        wanted = await lab.page.evaluate(
            "() => { const probe = document.body.appendChild(document.createElement('i'));"
            " probe.style.color = 'var(--jp-content-font-color1)';"
            " const { color } = getComputedStyle(probe); probe.remove(); return color; }"
        )
        assert color == wanted
        await axe.finds_nothing(card.root)
        dialog = await card.open(1)
        await axe.finds_nothing(dialog)
        await lab.page.keyboard.press("Escape")
    finally:
        await notebook.theme("JupyterLab Light")


async def test_the_key_is_nowhere(lab: Lab, endpoint: Endpoint, watch: Watch) -> None:
    """Not in the notebook's file with or without widget state, the page, the console, the kernel's log at DEBUG."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint), meta={"prompt": f"echo {CANARY}"})]
    loud = "import logging, sys\nlogging.basicConfig(level=logging.DEBUG, stream=sys.__stderr__, force=True)"
    notebook = await lab.open([f"{loud}\n{SETUP}", make(endpoint), "w", "repr(w), str(w), vars(w), w.get_state()"])
    await notebook.execute(HAND_OVER_KEY)
    for index in range(2):
        await notebook.run(index)
    await Card(notebook.output(1)).shows(4)
    await notebook.run(2)
    await notebook.run(3)
    await expect(notebook.output(3)).to_contain_text("DreamboothWidget 13443927")
    assert CANARY not in await notebook.save()
    text = await notebook.save(widget_state=True)
    assert "application/vnd.jupyter.widget-state+json" in text
    assert CANARY not in text
    assert CANARY not in await lab.page.content()
    assert CANARY not in "\n".join(watch.log)
    log = lab.server.log.read_text(errors="replace")
    assert "DEBUG" in log
    assert CANARY not in log
    for seen in endpoint.gets:
        assert CANARY not in f"{seen.path} {seen.headers} {seen.body!r}"
    assert {CANARY in poll.body.decode() for poll in endpoint.polls} == {True}


async def test_restart_leaves_no_warnings(lab: Lab, endpoint: Endpoint) -> None:
    """Restarting and shutting down the kernel while a job runs writes no asyncio or aiohttp warning anywhere."""
    endpoint.answers = [PROCESSING]
    notebook = await started(lab, endpoint)
    await endpoint.saw(2)
    start = lab.server.log.stat().st_size
    await notebook.restart()
    polls = len(endpoint.polls)
    await run_widget(notebook)
    await endpoint.saw(polls + 1)
    await notebook.close()
    log = lab.server.log.read_text(errors="replace")[start:]
    assert not re.search(r"never retrieved|Unclosed|was destroyed|Traceback", log), log
