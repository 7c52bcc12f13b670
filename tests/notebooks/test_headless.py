"""Notebooks executed and converted without a browser, by the real programs: the pictures are in the file."""

from __future__ import annotations

import base64
import io
import json
import re

import pytest
from bs4 import BeautifulSoup
from PIL import Image
from playwright.sync_api import sync_playwright

from ..browser import chromium
from ..endpoint import CANARY, PROCESSING, Endpoint, Reply
from .programs import PROGRAMS, VIEW, Program, Workshop

RUNS = [
    *((program, None) for program in PROGRAMS),
    *(("nbclient", version) for version in ("7.3.0", "7.0.1", "6.31.0")),
]
"""Each program with the installed ipykernel, and the older ones with nbclient, by which the other two execute."""

SET_UP = "from IPython.display import display\nfrom dreambooth_widget import DreamboothWidget, PollSchedule"


def make(endpoint: Endpoint, name: str, more: str = "") -> str:
    """A line that makes a widget for the endpoint, called `name`."""
    fast = "schedule=PollSchedule(shortest=0.2, longest=0.4, longest_silence=0.4)"
    return f"{name} = DreamboothWidget(request_id=13443927, endpoint={endpoint.url!r}, {fast}{more})"


def thumbnails(html: str) -> list[Image.Image]:
    """The pictures that are in the HTML itself, decoded."""
    uris = [image["src"] for image in BeautifulSoup(html, "html.parser").find_all("img")]
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in uris)
    images = [Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) for uri in uris]
    for image in images:
        image.load()
    return images


@pytest.mark.slow
@pytest.mark.parametrize(("program", "version"), RUNS, ids=lambda value: value or "installed")
def test_the_pictures_are_in_the_file(
    program: Program, version: str | None, workshop: Workshop, endpoint: Endpoint
) -> None:
    """Awaited in the same cell or in a later one, the cell that shows the widget has its final state and pictures."""
    same = f"{make(endpoint, 'first')}\ndisplay(first)\nresult = await first"
    later = f"{make(endpoint, 'second')}\nsecond"
    versions = "import ipykernel; print(ipykernel.__version__)"
    path = workshop.write([SET_UP, same, later, "await second", versions], workshop.kernel(version))
    executed = workshop.execute(path, program)
    shift = len(executed.notebook.cells) - 5  # papermill may add a cell of its own
    if version is not None:
        assert executed.notebook.cells[4 + shift].outputs[0]["text"].strip() == version
    for cell in (1 + shift, 2 + shift):
        views = [bundle for bundle in executed.outputs(cell) if VIEW in bundle]
        assert len(views) == 1
        assert len(thumbnails(executed.gallery(cell))) == 4
    assert executed.outputs(3 + shift)[0]["text/plain"].startswith("<FetchResult 13443927: 4 pictures")
    states = executed.states()
    assert [state["status"] for state in states] == ["success", "success"]
    assert [entry["status"] for state in states for entry in state["pictures"]] == ["ready"] * 8
    assert CANARY not in executed.text


@pytest.mark.slow
def test_saved_widget_is_small(workshop: Workshop, endpoint: Endpoint) -> None:
    """Four pictures of 1024×1024: at most 128 KiB for the static copy, 60 kB for the state."""
    plain = workshop.execute(workshop.write([SET_UP, "None", "None"]))
    shown = workshop.execute(workshop.write([SET_UP, f"{make(endpoint, 'w')}\nw", "await w"]))
    saved = shown.notebook.metadata["widgets"]
    state = len(json.dumps(saved, indent=1).encode())
    copy = len(shown.text.encode()) - len(plain.text.encode()) - state
    assert state <= 60_000
    assert 20_000 < copy <= 128 * 1024


@pytest.mark.slow
def test_converted_to_html(workshop: Workshop, endpoint: Endpoint) -> None:
    """`nbconvert --execute` shows one gallery with text for each picture, and nothing is loaded from the service."""
    path = workshop.write([SET_UP, f"{make(endpoint, 'w')}\nw", "await w"])
    page = workshop.convert(path, "--execute")
    copies = BeautifulSoup(page, "html.parser").select(".dreambooth-copy")
    assert len(copies) == 1
    assert len(thumbnails(str(copies[0]))) == 4
    assert CANARY not in page
    assert "127.0.0.1" not in str(copies[0])
    assert all("dog" in image["alt"] for image in copies[0].find_all("img"))


@pytest.mark.slow
def test_converted_again_without_a_kernel(workshop: Workshop, endpoint: Endpoint) -> None:
    """An executed notebook becomes HTML for PDF, with the pictures, when endpoint and kernel are gone."""
    executed = workshop.execute(workshop.write([SET_UP, f"{make(endpoint, 'w')}\nw", "await w"]))
    seen = len(endpoint.seen)
    page = workshop.convert(executed.path, "--no-input")
    assert len(thumbnails(str(BeautifulSoup(page, "html.parser").select_one(".dreambooth-copy")))) == 4
    assert len(endpoint.seen) == seen


@pytest.mark.slow
@pytest.mark.browser
def test_printed_to_pdf(workshop: Workshop, endpoint: Endpoint) -> None:
    """The exported page, printed as nbconvert's webpdf does it, has each picture once and whole; nothing is fetched."""
    executed = workshop.execute(workshop.write([SET_UP, f"{make(endpoint, 'w')}\nw", "await w"]))
    workshop.convert(executed.path)
    seen = len(endpoint.seen)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
        page = browser.new_page()
        page.emulate_media(media="print")
        page.goto(executed.path.with_suffix(".html").as_uri())
        shown = page.locator("img")
        assert [image.is_visible() for image in shown.all()] == [True] * 4
        assert page.locator(".dreambooth-card").count() == 0
        pdf = page.pdf(print_background=True)
        browser.close()
    assert pdf.startswith(b"%PDF-")
    # Chromium puts a JPEG into the file as it is, so that what was saved is what is printed.
    uris = re.findall(r"data:image/jpeg;base64,([\w+/=]+)", executed.gallery(1))
    assert [pdf.count(base64.b64decode(uri)) for uri in uris] == [1] * 4
    images = re.findall(rb"/Subtype /Image\b.*?>>", pdf, re.DOTALL)
    assert sum(b"/DCTDecode" in image for image in images) == 4
    assert len(endpoint.seen) == seen


STYLING = ("style", "class", "srcset", "download")


@pytest.mark.slow
def test_without_any_style(workshop: Workshop, endpoint: Endpoint) -> None:
    """As GitHub shows it: rows of pictures of a sensible size, each with its seed, then the facts."""
    executed = workshop.execute(workshop.write([SET_UP, f"{make(endpoint, 'w')}\nw", "await w"]))
    soup = BeautifulSoup(executed.gallery(1), "html.parser")
    for element in soup.find_all("style"):
        element.decompose()
    for element in soup.find_all(True):
        for name in STYLING:
            element.attrs.pop(name, None)
    assert len(soup.select("table tr")) == 1
    cells = soup.select("table td")
    assert [re.sub(r"\s+", " ", cell.get_text()).strip() for cell in cells] == [f"seed {seed}" for seed in range(4)]
    for image in soup.find_all("img"):
        assert (image["width"], image["height"]) == ("200", "200")
        assert image["alt"].startswith("Picture ")
    summary = soup.select_one("details summary")
    assert summary is not None
    assert "4 pictures" in summary.get_text()
    assert "request 13443927" in summary.get_text()
    assert "Prompt" in [label.get_text() for label in soup.select("dt")]
    outside = soup.get_text().replace(soup.select_one("details").get_text(), "")  # type: ignore[union-attr]
    assert "{" not in outside


@pytest.mark.slow
def test_no_copy_when_none_is_wanted(workshop: Workshop, endpoint: Endpoint) -> None:
    """`save_copy=False` leaves no pixel in the file."""
    executed = workshop.execute(workshop.write([SET_UP, f"{make(endpoint, 'w', ', save_copy=False')}\nw", "await w"]))
    assert "data:image" not in executed.text
    assert len(executed.outputs(1)) == 1
    assert executed.states()[0]["status"] == "success"


@pytest.mark.slow
def test_failed_job_stops_the_run(workshop: Workshop, endpoint: Endpoint) -> None:
    """The error ends a scheduled run; the cell above it shows what happened, the traceback has no key."""
    endpoint.answers = [Reply({"status": "failed", "message": f"out of memory, {CANARY}"})]
    path = workshop.write([SET_UP, f"{make(endpoint, 'w')}\nw", "try:\n    await w\nexcept Exception as e: error = e"])
    executed = workshop.execute(path)
    assert "out of memory" in executed.gallery(1)
    assert "<img" not in executed.gallery(1)
    assert CANARY not in executed.text
    with pytest.raises(AssertionError, match="GenerationFailedError"):
        workshop.execute(workshop.write([SET_UP, f"{make(endpoint, 'w')}\nawait w"]))


@pytest.mark.slow
def test_deadline_is_saved(workshop: Workshop, endpoint: Endpoint) -> None:
    """A run that ends before the job is recorded in the file, and its token lets the next run go on."""
    endpoint.answers = [PROCESSING]
    awaited = "try:\n    await w\nexcept TimeoutError:\n    print(w.resume_token)"
    executed = workshop.execute(workshop.write([SET_UP, f"{make(endpoint, 'w', ', deadline=1')}\nw", awaited]))
    assert "Still running" in executed.gallery(1)
    assert "Run the cell to fetch request 13443927." in executed.gallery(1)
    assert executed.states()[0]["status"] == "timed_out"
    token = executed.notebook.cells[2].outputs[0]["text"].strip()
    endpoint.answers = [endpoint.success(endpoint.link("0.png"))]
    again = f"w = DreamboothWidget.resume({token!r})\ndisplay(w)\nawait w"
    executed = workshop.execute(workshop.write([SET_UP, again]))
    assert len(thumbnails(executed.gallery(1))) == 1


@pytest.mark.slow
def test_run_without_await_names_request(workshop: Workshop, endpoint: Endpoint) -> None:
    """A run that ends in mid-job leaves a line with caption, count and id instead of nothing."""
    endpoint.answers = [PROCESSING]
    made = make(endpoint, "w", ", samples=4, caption='a red dog'")
    executed = workshop.execute(workshop.write([SET_UP, f"{made}\nw"]))
    text = BeautifulSoup(executed.gallery(1), "html.parser").get_text(" ")
    assert "Still generating when this was saved. Run the cell to fetch request 13443927." in text
    assert "a red dog" in text
    assert "4 pictures" in text


@pytest.mark.slow
def test_widget_in_a_box_keeps_pictures(workshop: Workshop, endpoint: Endpoint) -> None:
    """In a `VBox`, `Output.append_display_data(w)` or `with out:`, the pictures are in the file as of `w` itself."""
    boxed = f"import ipywidgets\n{make(endpoint, 'w')}\ndisplay(ipywidgets.VBox([w]))\nresult = await w"
    captured = (
        f"out = ipywidgets.Output()\n{make(endpoint, 'v')}\nout.append_display_data(v)\ndisplay(out)\nr = await v"
    )
    inside = f"out = ipywidgets.Output()\ndisplay(out)\n{make(endpoint, 'u')}\nwith out:\n    display(u)\nr = await u"
    executed = workshop.execute(workshop.write([SET_UP, boxed, captured, inside]))
    assert [len(thumbnails(executed.gallery(cell))) for cell in (1, 2, 3)] == [4, 4, 4]
    assert "Still generating" not in executed.text


@pytest.mark.slow
def test_converted_to_latex(workshop: Workshop, endpoint: Endpoint) -> None:
    """LaTeX, and PDF by it, has the contact sheet, no status of long ago and no promise; a failure is one sentence."""
    failed = f"{make(endpoint, 'v')}\nv"
    cells = [SET_UP, f"{make(endpoint, 'w')}\nw", "_ = await w", failed, "try:\n    await v\nexcept Exception: pass"]
    executed = workshop.execute(workshop.write(cells[:3]))
    assert len(json.dumps(executed.outputs(1)).encode()) < 128 * 1024 + 2000
    workshop.run("nbconvert", "--to=latex", str(executed.path))
    latex = executed.path.with_suffix(".tex").read_text(encoding="utf-8")
    assert "DreamboothWidget for" not in latex
    assert "static copy" not in latex
    assert latex.count("includegraphics") + latex.count("adjustimage") >= 1
    (sheet,) = executed.path.parent.glob("*_files/*.jpg")
    with Image.open(sheet) as image:
        assert image.width > 700
    endpoint.answers = [Reply({"status": "failed", "message": "out of memory"})]
    executed = workshop.execute(workshop.write([SET_UP, *cells[3:]]))
    workshop.run("nbconvert", "--to=latex", str(executed.path))
    latex = executed.path.with_suffix(".tex").read_text(encoding="utf-8")
    assert "Job failed." in latex
    assert "Request 13443927" in latex
