"""The widget in real kernels: what the event loop of a notebook does to a job, and a job to it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .endpoint import CANARY, PROCESSING, Endpoint, Reply, ThreadedEndpoint, png
from .kernels import EVERY_WARNING, Kernel, kernel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]

VERSIONS = [None, "7.3.0", "7.0.1"]
"""Kernels whose comm messages come on subshells as JupyterLab sends them; None is the installed one."""

COMPLAINTS = re.compile(
    r"never retrieved|Unclosed|was destroyed|never awaited|Traceback|Exception ignored", re.IGNORECASE
)

SET_UP = f"""{EVERY_WARNING}
import logging, asyncio
from dreambooth_widget import DreamboothWidget, PollSchedule, Retry, Client, fetch
widget = DreamboothWidget({{key!r}}, 13443927, endpoint={{url!r}}, schedule=PollSchedule({{schedule}}))
"""
SLOW = "shortest=600, longest=600, longest_silence=600"
FAST = "shortest=0.05, longest=0.1, longest_silence=0.1"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A scripted endpoint on a loop of its own."""
    with ThreadedEndpoint(Endpoint(PROCESSING)) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def shared_kernel() -> Iterator[Kernel]:
    """One kernel for the tests that leave it as it was."""
    with kernel() as running:
        yield running


def set_up(running: Kernel, endpoint: Endpoint, schedule: str) -> str:
    """Make the widget; returns its model's id."""
    made = running.execute(SET_UP.format(key=CANARY, url=endpoint.url, schedule=schedule) + "\nprint(widget.model_id)")
    assert made.status == "ok", made.error
    return made.text.strip()


def finish(endpoint: Endpoint) -> None:
    """From now on the job is done."""
    endpoint.answers.append(endpoint.success(endpoint.serve("1.png", png())))


def test_cells_run_while_job_waits(shared_kernel: Kernel, endpoint: Endpoint) -> None:
    """The status follows live, from cell to cell."""
    set_up(shared_kernel, endpoint, FAST)
    assert shared_kernel.execute("print(widget.status)").text.strip() == "processing"
    finish(endpoint)
    done = shared_kernel.execute("result = await widget\nprint(widget.status, len(result))")
    assert done.text.strip() == "success 1"


def test_a_blocking_cell_costs_nothing(shared_kernel: Kernel, endpoint: Endpoint) -> None:
    """Polling catches up at once afterwards; the frozen seconds are no fault of the service."""
    set_up(shared_kernel, endpoint, FAST)
    shared_kernel.execute("seen = []\nstop = widget._job.subscribe(lambda state: seen.append(state.activity))")
    before = len(endpoint.polls)
    shared_kernel.execute("import time\ntime.sleep(3)")
    frozen = len(endpoint.polls) - before
    finish(endpoint)
    began = time.monotonic()
    done = shared_kernel.execute("await widget\nprint(widget.status, set(seen))")
    assert done.text.strip() == "success {''}"
    assert time.monotonic() - began < 10
    assert frozen <= 2


def test_interrupted_await_spares_job(shared_kernel: Kernel, endpoint: Endpoint) -> None:
    """Stop in the toolbar ends the cell, the job goes on, and awaiting again gives the pictures."""
    set_up(shared_kernel, endpoint, FAST)
    waiting = shared_kernel.begin("await widget")
    before = len(endpoint.polls)
    while len(endpoint.polls) < before + 3:
        time.sleep(0.01)
    shared_kernel.interrupt()
    assert shared_kernel.ended(waiting).status == "error"
    assert shared_kernel.execute("print(widget.status)").text.strip() == "processing"
    finish(endpoint)
    assert shared_kernel.execute("print(len(await widget))").text.strip() == "1"


@pytest.mark.parametrize("awaited", ["widget", "fetch({key!r}, 8, endpoint={url!r}, schedule=SLOWLY)"])
def test_interrupt_needs_no_event(shared_kernel: Kernel, endpoint: Endpoint, tmp_path: Path, awaited: str) -> None:
    """Stop in the toolbar ends an await although the next poll is ten minutes away."""
    set_up(shared_kernel, endpoint, SLOW)
    running = tmp_path / "running"
    code = f"SLOWLY = PollSchedule({SLOW})\nopen({str(running)!r}, 'x').close()\nawait {awaited}"
    waiting = shared_kernel.begin(code.format(key=CANARY, url=endpoint.url))
    while not running.exists() or len(endpoint.polls) < 1 + awaited.startswith("fetch"):
        time.sleep(0.01)
    began = time.monotonic()
    shared_kernel.interrupt()
    assert shared_kernel.ended(waiting).status == "error"
    assert time.monotonic() - began < 10  # a quarter of a second on a quiet machine
    shared_kernel.execute("widget.stop()")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("on_subshell", [True, False])
def test_view_stops_awaited_job(endpoint: Endpoint, version: str | None, on_subshell: bool) -> None:
    """Button "Stop waiting" acts at once, on a subshell while a cell awaits, and between cells on the main shell."""
    with kernel(version) as running:
        model_id = set_up(running, endpoint, SLOW)
        if on_subshell:
            subshell = running.new_subshell()
            waiting = running.begin("await widget")
            running.send_from_view(model_id, {"type": "stop"}, subshell=subshell)
            began = time.monotonic()
            ended = running.ended(waiting)
            assert time.monotonic() - began < 20
        else:
            running.send_from_view(model_id, {"type": "stop"})
            ended = running.execute("await widget")
        assert "StoppedError" in ended.error
        assert running.execute("print(widget.status)").text.strip() == "stopped"


@pytest.mark.parametrize("end", ["shut down", "restart"])
def test_kernel_ends_without_warnings(endpoint: Endpoint, end: str) -> None:
    """No "Unclosed client session", no "Task was destroyed": polling, downloading and clients left open."""
    endpoint.answers = [PROCESSING]
    with kernel() as running:
        set_up(running, endpoint, FAST)
        link = endpoint.serve("slow.png", Reply(png(), delay=60))
        more = f"""
client = Client({CANARY!r}, endpoint={endpoint.url!r})
job = client.fetch(1)
loading = DreamboothWidget.from_response({endpoint.success(link)!r}, {CANARY!r}, endpoint={endpoint.url!r})
stopped = DreamboothWidget({CANARY!r}, 2, endpoint={endpoint.url!r}); stopped.stop(); stopped.close()
await asyncio.sleep(0.3)
"""
        made = running.execute(more)
        assert made.status == "ok", made.error
        if end == "restart":
            running.restart()
            assert running.execute("import dreambooth_widget").status == "ok"
        running.shut_down()
        assert not COMPLAINTS.search(running.log + made.text), running.log


def run_script(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script in an interpreter of its own."""
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False)


def test_a_plain_script_leaves_nothing_behind(endpoint: Endpoint) -> None:
    """`asyncio.run(fetch(…))` closes all it opened: no complaint in Python's development mode."""
    finish(endpoint)
    ran = run_script(
        f"""
import asyncio
from dreambooth_widget import DreamboothWidget, fetch
print(len(asyncio.run(fetch({CANARY!r}, 1, endpoint={endpoint.url!r}))))
print(DreamboothWidget({CANARY!r}, 1, endpoint={endpoint.url!r}).status)
""",
        "-X",
        "dev",
    )
    assert ran.stdout.split() == ["1", "idle"], ran.stderr
    assert not COMPLAINTS.search(ran.stderr), ran.stderr


def test_open_client_ends_without_warnings(endpoint: Endpoint) -> None:
    """Also when it is used from one `asyncio.run` after another."""
    finish(endpoint)
    ran = run_script(
        f"""
import asyncio
from dreambooth_widget import Client
client = Client({CANARY!r}, endpoint={endpoint.url!r})
async def once():
    return await client.fetch(1)
print(len(asyncio.run(once())), len(asyncio.run(once())))
"""
    )
    assert ran.stdout.split() == ["1", "1"], ran.stderr
    assert not ran.stderr


def test_a_batch_in_a_cell(shared_kernel: Kernel, endpoint: Endpoint) -> None:
    """Displayed, awaited, and as its outcomes come: the copy with every picture reaches the notebook each time."""
    finish(endpoint)
    code = f"""
from dreambooth_widget import DreamboothBatch, PollSchedule
fast = PollSchedule({FAST})
def make(*ids):
    return DreamboothBatch({CANARY!r}, {{f"prompt {{n}}": n for n in ids}}, endpoint={endpoint.url!r}, schedule=fast)
"""
    assert shared_kernel.execute(code).status == "ok"
    shown = shared_kernel.execute("batch = make(1, 2)\nbatch")
    assert shown.status == "ok", shown.error
    assert "application/vnd.jupyter.widget-view+json" in shown.outputs[0]["data"]
    waited = shared_kernel.execute("[len(result) for result in await batch]")
    assert waited.outputs[-1]["data"]["text/plain"] == "[1, 1]", waited.error
    copies = [output["data"]["text/html"] for output in waited.outputs if "text/html" in output["data"]]
    assert copies[-1].count("data:image/jpeg") == 2
    assert "prompt 1" in copies[-1]
    looped = shared_kernel.execute(
        "other = make(3)\ndisplay(other)\nasync for result in other.as_completed():\n    print(len(result))"
    )
    assert "1\n" in looped.text, looped.error
    copies = [output["data"]["text/html"] for output in looped.outputs if "text/html" in output["data"]]
    assert copies[-1].count("data:image/jpeg") == 1
    assert CANARY not in str(waited.outputs) + str(looped.outputs) + shared_kernel.log


def test_view_stops_awaited_batch(shared_kernel: Kernel, endpoint: Endpoint) -> None:
    """The view's messages come through while `await batch` runs, and an interrupt leaves the jobs running."""
    code = f"""
from dreambooth_widget import DreamboothBatch, PollSchedule
batch = DreamboothBatch({CANARY!r}, [1, 2], endpoint={endpoint.url!r}, schedule=PollSchedule({FAST}))
print(batch.model_id)
"""
    made = shared_kernel.execute(code)
    assert made.status == "ok", made.error
    waiting = shared_kernel.begin("await batch")
    before = len(endpoint.polls)
    while len(endpoint.polls) < before + 4:
        time.sleep(0.01)
    shared_kernel.interrupt()
    assert shared_kernel.ended(waiting).status == "error"
    assert shared_kernel.execute("batch.status").text == "'processing'"
    subshell = shared_kernel.new_subshell()
    waiting = shared_kernel.begin("[type(error).__name__ for error in await batch]")
    shared_kernel.send_from_view(made.text.strip(), {"type": "stop"}, subshell=subshell)
    ended = shared_kernel.ended(waiting)
    assert ended.outputs[-1]["data"]["text/plain"] == "['StoppedError', 'StoppedError']", ended.error


@pytest.mark.parametrize("what", ["DreamboothWidget({}, 1, {})", "DreamboothBatch({}, [1, 2], {})"])
def test_user_button_starts_it(endpoint: Endpoint, what: str) -> None:
    """Up to 7.3 its callback runs in a subshell's thread and loop; the jobs begin on the kernel's all the same."""
    widget = what.format(repr(CANARY), f"endpoint={endpoint.url!r}, autostart=False")
    finish(endpoint)
    code = f"""
import asyncio, threading
from ipywidgets import Button
from dreambooth_widget import DreamboothBatch, DreamboothWidget
widget, button, loops = {widget}, Button(), []
button.on_click(lambda _: loops.append(asyncio.get_running_loop()))
button.on_click(lambda _: widget.start())
print(button.model_id)
"""
    ended = """
while widget.status != "success":
    await asyncio.sleep(0.01)
await asyncio.wait_for(widget, 10)
loops[0] is asyncio.get_running_loop(), widget.status
"""
    with kernel("7.3.0") as running:
        button = running.execute(code).text.strip()
        running.send_from_view(button, {"event": "click"}, subshell=running.new_subshell())
        assert running.execute(ended).text == "(False, 'success')"


def test_a_restarted_kernel_continues_at_once() -> None:
    """Restart in mid-job, run the cells again: the same request is polled immediately, and comes."""
    code = "from dreambooth_widget import DreamboothWidget, PollSchedule\n"
    code += "slow = PollSchedule(shortest=600, longest=600, longest_silence=600)\n"
    with ThreadedEndpoint(Endpoint(PROCESSING)) as endpoint, kernel(DREAMBOOTH_API_KEY=CANARY) as running:
        code += f"w = DreamboothWidget(request_id=7, endpoint={endpoint.url!r}, schedule=slow)\n"
        assert running.execute(code).status == "ok"
        while not endpoint.polls:
            time.sleep(0.01)
        running.restart()
        endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
        done = running.execute(code + "print(len(await w), w.polls)")
        assert done.text.strip() == "1 1", done.error
        assert {seen.body for seen in endpoint.polls} == {endpoint.polls[0].body}


def test_a_token_after_a_restart() -> None:
    """Another kernel goes on with the request of a token, with its clock, and with the key from its environment."""
    with ThreadedEndpoint(Endpoint(PROCESSING)) as endpoint:
        make = "from dreambooth_widget import DreamboothWidget\n"
        with kernel(DREAMBOOTH_API_KEY=CANARY) as first:
            first.execute(f"{make}w = DreamboothWidget(request_id=7, endpoint={endpoint.url!r}, eta=100)")
            while not endpoint.polls:
                time.sleep(0.01)
            token, started = first.execute("print(w.resume_token)\nprint(w.started_at)").text.split("\n")[:2]
        endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]
        with kernel(DREAMBOOTH_API_KEY=CANARY) as second:
            again = f"{make}w = DreamboothWidget.resume({token!r})\nprint(len(await w), w.started_at, w.eta)"
            assert second.execute(again).text.split() == ["1", started, "100.0"]
