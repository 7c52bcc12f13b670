"""How long work in a thread keeps the event loop from running, apart from what the machine itself is busy with."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path


class ProcessorQueue:
    """Seconds that a thread has waited for a processor, as Linux counts them; elsewhere 0, so the waits are charged."""

    def __init__(self) -> None:
        path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._file = os.open(path, os.O_RDONLY) if path.exists() else None

    def waited(self) -> float:
        """So far."""
        return int(os.pread(self._file, 100, 0).split()[1]) / 1e9 if self._file is not None else 0.0

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)


def processor_wait() -> float:
    """Return the seconds for which the threads of this process have waited for a processor, all together.

    One that holds the GIL and has no processor keeps the loop from running, too, and that is the machine's doing.
    """
    waited = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # the thread has ended
            waited += int(path.read_bytes().split()[1])
    return waited / 1e9


async def longest_hold(work: Callable[[], object]) -> float:
    """The longest time, in seconds, for which `work`, in a thread, held the GIL and this loop stood still.

    That is the gap between two beats of the loop, less the time for which one of the two threads was ready to run
    and had no processor: on a busy machine that is most of it.
    """
    loop = asyncio.get_running_loop()
    ready, done = asyncio.Event(), threading.Event()
    queues: list[ProcessorQueue] = []

    def run() -> object:
        queues.append(ProcessorQueue())
        loop.call_soon_threadsafe(ready.set)
        try:
            return work()
        finally:
            done.set()

    queues.append(ProcessorQueue())
    working = asyncio.create_task(asyncio.to_thread(run))
    await ready.wait()
    longest = 0.0
    last, charged = time.perf_counter(), sum(queue.waited() for queue in queues)
    while not done.is_set():
        await asyncio.sleep(0.001)
        now, waited = time.perf_counter(), sum(queue.waited() for queue in queues)
        longest = max(longest, (now - last) - (waited - charged))
        last, charged = now, waited
    assert await working is not None
    for queue in queues:
        queue.close()
    return longest
