"""The threads in which files are read and written."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from dreambooth_widget.images.threads import in_picture_thread


async def test_work_leaves_the_loop() -> None:
    """It runs in another thread, with its arguments; what it returns or raises comes back."""

    def work(first: int, *, second: int) -> tuple[int, int]:
        return threading.get_ident(), first - second

    thread, found = await in_picture_thread(work, 44, second=2)
    assert (thread != threading.get_ident(), found) == (True, 42)
    with pytest.raises(ZeroDivisionError):
        await in_picture_thread(lambda: 1 // 0)


async def test_waiting_lookups_do_not_block() -> None:
    """The loop's own threads resolve host names: when all of them wait for DNS, pictures are still read."""
    loop, end = asyncio.get_running_loop(), threading.Event()
    waiting = [loop.run_in_executor(None, end.wait) for _ in range(100)]
    try:
        assert await asyncio.wait_for(in_picture_thread(lambda: "read"), 60) == "read"
    finally:
        end.set()
        await asyncio.gather(*waiting)


FORKS = """
import asyncio, os
from dreambooth_widget.images.threads import in_picture_thread
asyncio.run(in_picture_thread(int))
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    os.write(1, b"%d" % asyncio.run(in_picture_thread(int, "42")))
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_forked_child_has_own_threads() -> None:
    """Those of its parent do not exist in it, and it does not wait for them for ever."""
    command = [sys.executable, "-W", "ignore", "-c", FORKS]
    assert subprocess.run(command, capture_output=True, timeout=60, check=True).stdout == b"42"
