"""`fetch_sync`: in scripts, threads, notebooks and forked processes; interrupted, pickled, called from a loop."""

from __future__ import annotations

import asyncio
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

import dreambooth_widget as dw
from dreambooth_widget import FetchResult, FetchState, PollSchedule, Retry, fetch_sync

from ..endpoint import CANARY, PROCESSING, Endpoint, ThreadedEndpoint, png
from ..kernels import kernel

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)
DATA = png(seed="7")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An endpoint in a thread, with a job that is done at its second poll."""
    with ThreadedEndpoint(Endpoint()) as endpoint:
        endpoint.answers = [PROCESSING, endpoint.success(endpoint.serve("1.png", DATA))]
        yield endpoint


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMBOOTH_API_KEY", CANARY)


def run(script: str, endpoint: Endpoint, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script whose argument is the endpoint's address."""
    command = [sys.executable, *options, "-c", script, endpoint.url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_call_waits_for_pictures(endpoint: Endpoint) -> None:
    """Waits for the pictures; each state is reported in another thread."""
    updates: list[tuple[str, bool]] = []
    here = threading.get_ident()
    result = fetch_sync(
        request_id=13443927,
        endpoint=endpoint.url,
        schedule=FAST,
        on_update=lambda state: updates.append((state.status, threading.get_ident() == here)),
    )
    assert [picture.data for picture in result] == [DATA]
    assert [status for status, _ in updates][-1] == "success"
    assert not any(same for _, same in updates)
    assert len(endpoint.polls) == 2


def test_call_from_its_own_update(endpoint: Endpoint) -> None:
    """It raises instead, and the outer call goes on."""
    messages: list[str] = []

    def nested(state: FetchState) -> None:
        with pytest.raises(RuntimeError) as error:
            fetch_sync(request_id=1, endpoint=endpoint.url)
        messages.append(str(error.value))

    assert len(fetch_sync(request_id=7, endpoint=endpoint.url, schedule=FAST, on_update=nested)) == 1
    assert set(messages) == {"fetch_sync cannot be called from its own on_update"}


def test_calls_share_their_connections(endpoint: Endpoint) -> None:
    """One after the other and at the same time, from whatever threads: one limit, connections that stay open."""
    for _ in range(3):
        fetch_sync(request_id=1, endpoint=endpoint.url, schedule=FAST)
    assert len({seen.peer for seen in endpoint.polls}) == 1
    with ThreadPoolExecutor(8) as threads:
        call = partial(fetch_sync, endpoint=endpoint.url, schedule=FAST)
        results = list(threads.map(lambda number: call(request_id=number), range(8)))
    assert [result.request_id for result in results] == [str(number) for number in range(8)]
    assert len({seen.peer for seen in endpoint.polls}) <= 8


def test_arguments_and_errors_of_fetch(endpoint: Endpoint, tmp_path: Path) -> None:
    """Wrong ones at once, the service's as the typed error, a deadline, a cache."""
    with pytest.raises(TypeError, match="request_id"):
        fetch_sync(request_id=1.5, endpoint=endpoint.url)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ValueError, match="eta"):
        fetch_sync(request_id=1, eta=-1)
    with pytest.raises(ValueError, match="http"):
        fetch_sync(request_id=1, endpoint="ftp://example.com")
    assert not endpoint.seen
    endpoint.answers = [{"status": "failed", "message": "Failed, Try Again"}]
    with pytest.raises(dw.GenerationFailedError) as caught:
        fetch_sync(request_id="abc", endpoint=endpoint.url)
    assert caught.value.request_id == "abc"
    endpoint.answers = [PROCESSING]
    with pytest.raises(TimeoutError):
        fetch_sync(request_id=1, endpoint=endpoint.url, schedule=FAST, deadline=0.2)
    endpoint.answers = [endpoint.success(endpoint.link("1.png"))]
    fetch_sync(request_id=1, endpoint=endpoint.url, cache=tmp_path)
    polls = len(endpoint.polls)
    assert [each.data for each in fetch_sync(request_id=1, endpoint=endpoint.url, cache=tmp_path)] == [DATA]
    assert len(endpoint.polls) == polls


def test_call_without_a_key(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable to set is named."""
    monkeypatch.delenv("DREAMBOOTH_API_KEY")
    with pytest.raises(ValueError, match="DREAMBOOTH_API_KEY"):
        fetch_sync(request_id=1, endpoint=endpoint.url)
    assert len(fetch_sync(CANARY, 1, endpoint=endpoint.url, schedule=FAST)) == 1


async def test_inside_a_running_loop(endpoint: Endpoint) -> None:
    """It blocks the loop that it is called in, and works; from a thread it lets the loop run."""
    assert len(fetch_sync(request_id=1, endpoint=endpoint.url, schedule=FAST)) == 1
    turns = 0
    work = asyncio.ensure_future(asyncio.to_thread(fetch_sync, request_id=1, endpoint=endpoint.url, eta=1))
    while not work.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(await work) == 1
    assert turns > 2


def test_call_and_result_are_picklable(endpoint: Endpoint) -> None:
    """As `dask.distributed` and `ProcessPoolExecutor` send them: without the key, and with the original bytes."""
    call = partial(fetch_sync, request_id=13443927, endpoint=endpoint.url, schedule=FAST, retry=QUICK)
    sent = pickle.dumps(call)
    assert CANARY.encode() not in sent
    result: FetchResult = pickle.loads(sent)()
    answered = pickle.dumps(result)
    assert CANARY.encode() not in answered
    again: FetchResult = pickle.loads(answered)
    assert [picture.data for picture in again] == [DATA]
    assert (again.request_id, again.meta, again.duration) == (result.request_id, result.meta, result.duration)


def test_errors_are_picklable(endpoint: Endpoint) -> None:
    """A worker's error arrives as what it was."""
    endpoint.answers = [{"status": "error", "message": f"Invalid Api Key {CANARY}"}]
    with pytest.raises(dw.InvalidKeyError) as caught:
        fetch_sync(request_id=3, endpoint=endpoint.url)
    sent = pickle.dumps(caught.value)
    assert CANARY.encode() not in sent
    again = pickle.loads(sent)
    assert type(again) is dw.InvalidKeyError
    assert (again.request_id, str(again)) == ("3", str(caught.value))


def test_script_leaves_nothing_behind(endpoint: Endpoint) -> None:
    """It ends at once, without output."""
    script = (
        "import sys; from dreambooth_widget import fetch_sync; print(len(fetch_sync(None, 1, endpoint=sys.argv[1])))"
    )
    endpoint.answers = endpoint.answers[1:]
    ran = run(script, endpoint)
    assert ran.stdout.split() == ["1"], ran.stderr
    assert not ran.stderr


def test_no_jupyter_is_imported(endpoint: Endpoint) -> None:
    """A worker of a cluster needs none."""
    script = """
import sys
for name in ("IPython", "anywidget", "ipywidgets", "traitlets"):
    sys.modules[name] = None
from dreambooth_widget import fetch_sync
print(len(fetch_sync(None, 1, endpoint=sys.argv[1])))
"""
    endpoint.answers = endpoint.answers[1:]
    ran = run(script, endpoint)
    assert ran.stdout.split() == ["1"], ran.stderr


FORKING = """
import os, signal, sys
signal.alarm(30)  # should one of them wait for ever
from dreambooth_widget import PollSchedule, fetch_sync
fast = PollSchedule(shortest=0.05, longest=0.1, longest_silence=0.1)
def call():
    return len(fetch_sync(None, 1, endpoint=sys.argv[1], schedule=fast))
print("parent", call(), flush=True)
child = os.fork()
if not child:
    signal.alarm(30)
    print("child", call(), flush=True)
    END
os.waitpid(child, 0)
print("parent", call(), flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no forks here")
@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit()"])
def test_call_after_a_fork(endpoint: Endpoint, end: str) -> None:
    """The child makes its own loop and connections, and does not disturb the parent's, however it ends."""
    ran = run(FORKING.replace("END", end), endpoint, "-W", "ignore")
    assert ran.stdout.split("\n")[:3] == ["parent 1", "child 1", "parent 1"], ran.stderr
    peers = [seen.peer for seen in endpoint.polls]
    assert peers[-1] == peers[0]
    assert len(set(peers)) == 2


INTERRUPTED = """
import sys, time
from dreambooth_widget import PollSchedule, fetch_sync
states = []
fast = PollSchedule(shortest=0.05, longest=0.1, longest_silence=0.1)
try:
    fetch_sync(None, 1, endpoint=sys.argv[1], schedule=fast, on_update=states.append)
except KeyboardInterrupt:
    print("interrupted", flush=True)
while not states[-1].final:
    time.sleep(0.01)
print(states[-1].status)
"""


def test_interrupt_ends_the_job(endpoint: Endpoint) -> None:
    """Ctrl+C comes through at once, and nothing is polled any more."""
    endpoint.answers = [PROCESSING]
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, endpoint.url], stdout=subprocess.PIPE, text=True)
    seen(endpoint, 2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert output.split() == ["interrupted", "stopped"]


def test_call_in_a_notebook(endpoint: Endpoint) -> None:
    """A cell waits for it, although its kernel's loop is busy running that cell; the stop button ends it."""
    with kernel(DREAMBOOTH_API_KEY=CANARY) as running:
        made = running.execute(
            "from dreambooth_widget import PollSchedule, fetch_sync\n"
            f"url = {endpoint.url!r}\nfast = PollSchedule(shortest=0.05, longest=0.1, longest_silence=0.1)\n"
            "states = []\n"
            "len(fetch_sync(request_id=1, endpoint=url, schedule=fast))"
        )
        assert made.text == "1", made.error
        endpoint.answers = [PROCESSING]
        before = len(endpoint.polls)
        waiting = running.begin("fetch_sync(request_id=2, endpoint=url, schedule=fast, on_update=states.append)")
        seen(endpoint, before + 2)
        running.interrupt()
        assert running.ended(waiting).error.startswith("KeyboardInterrupt")
        assert running.execute("states[-1].status").text == "'stopped'"


def seen(endpoint: Endpoint, count: int) -> None:
    """Wait until an endpoint in another thread saw so many polls."""
    end = time.monotonic() + 30
    while len(endpoint.polls) < count:
        assert time.monotonic() < end
        time.sleep(0.001)
