"""The same request again: after a restart, in a second display, closed and made anew."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref

import pytest
from ipywidgets.widgets import widget as registry

from dreambooth_widget import DreamboothWidget, FetchJob, PollSchedule

from ..endpoint import CANARY, PROCESSING, Endpoint, ThreadedEndpoint, png
from ..kernels import kernel

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)

pytestmark = pytest.mark.usefixtures("alone")


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


async def test_closed_and_made_anew_leaves_nothing(endpoint: Endpoint) -> None:
    """A hundred times in mid-job: no task, no widget in ipywidgets' list, no job in memory."""
    endpoint.answers = [PROCESSING]
    jobs: list[weakref.ref[FetchJob]] = []
    for number in range(100):
        widget = DreamboothWidget(CANARY, number, endpoint=endpoint.url, schedule=FAST)
        widget._repr_mimebundle_()
        assert widget._job is not None
        jobs.append(weakref.ref(widget._job))
        await asyncio.sleep(0)
        widget.close()
        del widget
    while [task for task in asyncio.all_tasks() if "dreambooth" in task.get_name()]:
        await asyncio.gather(*(task for task in asyncio.all_tasks() if "dreambooth" in task.get_name()))
    assert not [one for one in registry._instances.values() if isinstance(one, DreamboothWidget)]

    async def until_gone() -> None:
        while any(job() is not None for job in jobs):
            gc.collect()
            await asyncio.sleep(0.05)  # the thread that imported aiohttp lets go of its first caller last

    await asyncio.wait_for(until_gone(), 20)
