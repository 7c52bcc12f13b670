"""The outputs of a widget in real kernels: the live view where it was put, and a static copy in the notebook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ..endpoint import CANARY, PROCESSING, Endpoint, ThreadedEndpoint, png
from ..kernels import Kernel, kernel

VIEW = "application/vnd.jupyter.widget-view+json"
SET_UP = """
from IPython.display import display
from ipywidgets import Accordion, HBox, Output, Tab, VBox
from dreambooth_widget import DreamboothBatch, DreamboothWidget, PollSchedule
def make(kind=DreamboothWidget, request=13443927, **more):
    fast = PollSchedule(shortest=0.05, longest=0.1, longest_silence=0.1)
    return kind({key!r}, request, endpoint={url!r}, schedule=fast, **more)
"""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A scripted endpoint on a loop of its own."""
    with ThreadedEndpoint(Endpoint(PROCESSING)) as endpoint:
        yield endpoint


@pytest.fixture(scope="module", params=[None, "6.31.0"], ids=["installed", "6.31"])
def kernel_of_all(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """One kernel for all tests, of the ipykernel that is installed, and of the last one before 7."""
    with kernel(request.param) as running:
        yield running


@pytest.fixture
def running(kernel_of_all: Kernel, endpoint: Endpoint) -> Kernel:
    """The kernel with `make()` for the endpoint."""
    assert kernel_of_all.execute(SET_UP.format(key=CANARY, url=endpoint.url)).status == "ok"
    return kernel_of_all


def finish(endpoint: Endpoint) -> None:
    """From now on the job is done."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png(seed="7")))]


def bundles(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The MIME bundles of a cell as a notebook has them at the end: updates replace what they update."""
    shown: dict[str, dict[str, Any]] = {}
    for number, output in enumerate(outputs):
        shown[output.get("transient", {}).get("display_id", str(number))] = output["data"]
    return list(shown.values())


def test_first_second_leaves_a_line(running: Kernel, endpoint: Endpoint) -> None:
    """A notebook that is saved in mid-job names the request, in HTML and in plain text; the end replaces it."""
    shown = running.execute("w = make()\nw")
    view, copy = bundles(shown.outputs)
    assert VIEW in view
    assert (view["text/html"], view["text/latex"]) == ("", "")
    assert "processing" not in view["text/plain"]
    assert "Still generating when this was saved. Run the cell to fetch request 13443927." in copy["text/html"]
    assert copy["text/plain"] == "Still generating when this was saved. Run the cell to fetch request 13443927."
    finish(endpoint)
    waited = running.execute("result = await w")
    (copy,) = bundles(waited.outputs)
    assert copy["text/html"].count("data:image/jpeg") == 1
    assert copy["image/jpeg"].startswith("/9j/")
    assert copy["text/plain"].startswith("1 picture")


@pytest.mark.parametrize("kind", ["DreamboothWidget, 1", "DreamboothBatch, [1, 2]"])
def test_captured_widget_leaves_a_copy(running: Kernel, endpoint: Endpoint, kind: str) -> None:
    """`Output.append_display_data` shows the card in the `Output`, and the copy stays in the running cell."""
    finish(endpoint)
    code = f"out = Output()\nw = make({kind})\nout.append_display_data(w)\n_ = await w\nout.outputs[0]['data'].keys()"
    shown = running.execute(code)
    assert VIEW in shown.outputs[-1]["data"]["text/plain"]
    copy, _ = bundles(shown.outputs)
    assert "data:image/jpeg" in copy["text/html"]
    assert VIEW not in copy


def test_redirected_widget_leaves_a_copy(running: Kernel, endpoint: Endpoint) -> None:
    """`with out:` gets the card alone: it takes in no update. The copy goes to the cell that awaits."""
    finish(endpoint)
    shown = running.execute("out = Output()\nw = make()\nwith out:\n    display(w)")
    assert [VIEW in bundle for bundle in bundles(shown.outputs)] == [True]
    (copy,) = bundles(running.execute("_ = await w").outputs)
    assert "data:image/jpeg" in copy["text/html"]


@pytest.mark.parametrize("box", ["VBox([w])", "Tab([VBox([w])])", "Accordion([w])"])
def test_boxed_widget_leaves_a_copy(running: Kernel, endpoint: Endpoint, box: str) -> None:
    """A container shows the card: once a view appears, the copy goes to the cell that made the widget."""
    making = running.begin(f"w = make()\nbox = {box}\ndisplay(box)")
    running.ended(making)
    running.send_from_view(running.execute("w.model_id").text.strip("'"), {"type": "ready", "have": []})
    *_, copy = running.published(making)
    assert "Run the cell to fetch request 13443927." in copy["data"]["text/html"]
    finish(endpoint)
    assert "data:image/jpeg" in bundles(running.execute("_ = await w").outputs)[0]["text/html"]


def test_boxed_widget_without_view(running: Kernel, endpoint: Endpoint) -> None:
    """In a run without a browser no view appears: the cell that awaits gets the copy."""
    finish(endpoint)
    shown = running.execute("w = make()\nbox = HBox([w])\ndisplay(box)\n_ = await w")
    assert [output["data"]["text/html"].count("data:image") for output in shown.outputs[1:]] == [1]
    assert running.execute("w = make()\n_ = await w").outputs == []  # which nothing shows


def test_lacking_copy_is_published_again(running: Kernel, endpoint: Endpoint) -> None:
    """A host has dropped the output on re-running the cell: its view reports it, and gets another one there."""
    showing = running.begin("w = make()\nw")
    shown = running.ended(showing)
    model_id = running.execute("w.model_id").text.strip("'")
    running.send_from_view(model_id, {"type": "copy_missing"})
    *_, copy = running.published(showing)
    assert "dreambooth-copy" in copy["data"]["text/html"]
    assert copy["transient"]["display_id"] != shown.outputs[-1]["transient"]["display_id"]
    running.execute("w.close()")


def test_copies_asked_for_twice_leave_one(running: Kernel, endpoint: Endpoint) -> None:
    """Two views report a copy that was late and not lost: the notebook has it once, also after the next run."""
    finish(endpoint)
    showing = running.begin("w = make()\ndisplay(w)\n_ = await w")
    outputs = running.ended(showing).outputs
    model_id = running.execute("w.model_id").text.strip("'")
    for _ in range(2):
        running.send_from_view(model_id, {"type": "copy_missing"})
        outputs += running.published(showing)
    found = [bundle["text/html"].count("data:image/jpeg") for bundle in bundles(outputs)]
    assert found == [0, 0, 0, 1]
    outputs += running.execute("w.start()\n_ = await w").outputs
    assert [bundle["text/html"].count("data:image/jpeg") for bundle in bundles(outputs)] == [0, 0, 0, 1]
    running.execute("w.close()")


def test_closed_widget_shows_its_text(running: Kernel) -> None:
    """Displayed, awaited, put into an `Output`: a sentence instead of an `AttributeError`."""
    shown = running.execute("w = make()\nw.close()\nw")
    assert [output["data"] for output in shown.outputs] == [{"text/plain": "<DreamboothWidget 13443927: closed>"}]
    assert "StoppedError: The widget was closed." in running.execute("await w").error
    assert (
        "StoppedError: The widget was closed."
        in running.execute("b = make(DreamboothBatch, [1])\nb.close()\nawait b").error
    )
    captured = running.execute("out = Output()\nout.append_display_data(w)\nout.outputs[0]['data']")
    assert "closed" in captured.text


def test_closed_widget_keeps_its_result(running: Kernel, endpoint: Endpoint) -> None:
    """What was there before `close()` is there afterwards."""
    finish(endpoint)
    assert running.execute("w = make()\n_ = await w\nw.close()\nlen(await w)").outputs[-1]["data"]["text/plain"] == "1"


def test_terminal_shows_one_line(endpoint: Endpoint) -> None:
    """IPython in a terminal: no promise of pictures that do not come, and no empty lines."""
    code = SET_UP.format(key=CANARY, url=endpoint.url) + "\nw = make()\ndisplay(w)\nw"
    ran = subprocess.run(
        [sys.executable, "-m", "IPython", "--quick", "--no-banner", "--colors=NoColor", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in ran.stdout.splitlines() if "DreamboothWidget" in line]
    assert len(lines) == 2
    assert all("DreamboothWidget for request 13443927. It shows" in line for line in lines)
    assert "below" not in ran.stdout
    assert "\n\n" not in ran.stdout.strip()


def test_reloaded_page_is_sent_the_copy(running: Kernel) -> None:
    """One view more than displays: its page may lack the copy, and is sent it once others have had time to take it."""
    shown = running.execute("w = make()\nsent = []\nw._outputs._send = sent.append\nw")
    assert shown.status == "ok", shown.error
    model_id = running.execute("w.model_id").text.strip("'")
    running.send_from_view(model_id, {"type": "ready", "have": []})
    running.send_from_view(model_id, {"type": "ready", "have": []})
    waited = running.execute("import asyncio\nwhile not sent:\n    await asyncio.sleep(0.01)\nlen(sent)")
    assert waited.outputs[-1]["data"]["text/plain"] == "1"
    running.execute("w.close()")
