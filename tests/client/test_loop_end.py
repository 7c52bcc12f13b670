"""`client.loop_end`: whatever is left open, a script that ends leaves no connection and no task behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, ThreadedEndpoint, png

SCRIPTS = {
    "fetch_sync": """
print(len(fetch_sync(key, 1, endpoint=url)), len(fetch_sync(key, 2, endpoint=url)))
""",
    "fetch_sync that fails": """
try:
    fetch_sync(key, 1, endpoint=url + "/failing")
except DreamboothError as error:
    print(1, 1)
""",
    "a widget and a batch": """
async def main():
    print(len(await DreamboothWidget(key, 1, endpoint=url)), len(await DreamboothBatch(key, [2], endpoint=url)))
asyncio.run(main())
""",
    "a client that is never closed": """
async def main():
    print(len(await Client(key, endpoint=url).fetch(1)), end=" ")
asyncio.run(main())
asyncio.run(main())
""",
    "a job that runs": """
async def main():
    job = Client(key, endpoint=url + "/processing").fetch(1)
    async for state in job:
        if state.polls and state.next_poll_at:
            print(1, state.polls)
            return
asyncio.run(main())
""",
}

IMPORTS = """
import asyncio, sys
from dreambooth_widget import Client, DreamboothBatch, DreamboothError, DreamboothWidget, fetch_sync
url, key = sys.argv[1:]
"""


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_nothing_is_left_open(script: str) -> None:
    """Python's development mode sees no unclosed transport, session or socket, and no pending task."""
    with ThreadedEndpoint(Endpoint()) as endpoint:
        finished = endpoint.success(endpoint.serve("1.png", png()))
        failed = {"status": "failed", "message": "Failed, Try Again"}
        replies = {"failing": failed, "processing": PROCESSING}
        endpoint.when = lambda seen: Reply(replies.get(seen.path.rpartition("/")[2], finished))
        quiet = "ignore::DeprecationWarning"  # old versions of ipywidgets deprecate what they do themselves
        command = [sys.executable, "-X", "dev", "-W", quiet, "-c", IMPORTS + script, endpoint.url, CANARY]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stdout.split() == ["1", "1"], ran.stderr
    # A loaded machine makes asyncio's debug mode report slow steps, which is no fault.
    faults = [line for line in ran.stderr.splitlines() if not line.startswith("Executing <")]
    assert faults == []
