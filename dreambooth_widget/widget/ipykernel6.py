"""Workarounds for ipykernel 6: messages of views while a cell awaits the widget, and the cell of an output.

ipykernel 7 gives widget messages a thread of their own, or takes them between two steps of an awaiting cell.
ipykernel 6 keeps them in a queue until the cell has ended: "Stop waiting" would stop nothing. So while a cell awaits,
the widget's own custom messages are taken out of that queue. The queue is private to ipykernel: if it looks
different than in 6.29 to 6.31, it is left alone, and the messages wait.

ipykernel 7 keeps the cell of an output in a context variable. ipykernel 6 has one attribute, which each message
changes: that of a view has no cell at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any

from IPython.core.getipython import get_ipython

__all__ = ["cell_header", "handle_messages", "outputs_in"]

_INTERVAL = 0.15
"""Seconds between two looks at the queue."""


@contextlib.asynccontextmanager
async def handle_messages(comm_id: str) -> AsyncIterator[None]:
    """Handle custom messages to the comm while this context is open, although a cell runs."""
    kernel = _old_kernel()
    if kernel is None:
        yield
        return
    listener = asyncio.ensure_future(_listen(kernel, comm_id))
    try:
        yield
    finally:
        listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listener


def cell_header() -> Any:
    """Return what names the cell of outputs, as `outputs_in` takes it; None where ipykernel 6 does not run."""
    return _publisher().parent_header if _old_kernel() is not None else None


@contextlib.contextmanager
def outputs_in(header: Any) -> Iterator[None]:
    """Publish outputs in that cell while this context is open. None changes nothing."""
    if header is None:
        yield
        return
    publisher = _publisher()
    running, publisher.parent_header = publisher.parent_header, header
    try:
        yield
    finally:
        publisher.parent_header = running


def _publisher() -> Any:
    return getattr(get_ipython(), "display_pub", None)


def _old_kernel() -> Any:
    """Return the running ipykernel 6, or None."""
    ipykernel = sys.modules.get("ipykernel")
    if ipykernel is None or getattr(ipykernel, "version_info", (0,))[0] != 6:
        return None
    kernel = getattr(get_ipython(), "kernel", None)
    waiting = getattr(getattr(kernel, "msg_queue", None), "_queue", None)
    return kernel if isinstance(waiting, deque) else None


async def _listen(kernel: Any, comm_id: str) -> None:
    while True:
        await asyncio.sleep(_INTERVAL)
        for item in tuple(kernel.msg_queue._queue):
            if _is_for(comm_id, item):
                kernel.msg_queue._queue.remove(item)
                _handle(kernel, item[2][0])


def _is_for(comm_id: str, item: Any) -> bool:
    """Return whether a queued item is a custom message to the comm, without consuming its frames."""
    try:
        frames = [bytes(frame.bytes) for frame in item[2][0]]
        start = frames.index(b"<IDS|MSG>")
        header, content = json.loads(frames[start + 2]), json.loads(frames[start + 5])
        return bool(
            header["msg_type"] == "comm_msg" and content["comm_id"] == comm_id and content["data"]["method"] == "custom"
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False


def _handle(kernel: Any, frames: Any) -> None:
    """Handle the message as the kernel would after the cell; the cell stays the current one."""
    identities, parts = kernel.session.feed_identities(frames, copy=False)
    message = kernel.session.deserialize(parts, content=True, copy=False)
    kernel.comm_manager.comm_msg(kernel.shell_stream, identities, message)
