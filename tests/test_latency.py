"""The kernel's event loop stays free, whatever comes in: measured by a heartbeat in the test's own loop."""

from __future__ import annotations

import asyncio
import io
import json
import random
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from PIL import Image

import dreambooth_widget as dw
from dreambooth_widget import Client, DreamboothWidget, Retry

from .endpoint import CANARY, ProcessEndpoint, png
from .gil import processor_wait

QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)
FREE = 0.02
"""Seconds for which nothing may hold the loop, apart from what the machine itself takes."""

TRIES = 8
"""A loop that is held is held in every try; a machine that is busy is so in some. One good try is a proof."""


@asynccontextmanager
async def heartbeat() -> AsyncIterator[list[float]]:
    """Collect the delays, in seconds, of a task that wants to run every 2 ms, less the waits for a processor."""
    late: list[float] = []
    loop = asyncio.get_running_loop()

    async def beat() -> None:
        while True:
            due, waited = loop.time() + 0.002, processor_wait()
            await asyncio.sleep(0.002)
            late.append(loop.time() - due - max(0.0, processor_wait() - waited))

    task = asyncio.create_task(beat())
    await asyncio.sleep(0.05)
    late.clear()
    try:
        yield late
        await asyncio.sleep(0.003)  # the beat that the last of the work has held up is counted, too
    finally:
        task.cancel()


async def longest_allowed() -> float:
    """Return `FREE`, or twice the longest delay of a loop without work where that is more: a machine that swaps."""
    async with heartbeat() as late:
        await asyncio.sleep(0.2)
    return max(FREE, 2 * max(late))


def bomb(width: int, height: int) -> bytes:
    """A small PNG of `width` × `height` pixels, all of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    compress = zlib.compressobj(9)
    row = b"\0" * (width // 8 + 2)
    rows = b"".join(compress.compress(row) for _ in range(height)) + compress.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def grey(edge: int) -> bytes:
    """A PNG of `edge` × `edge` pixels, RGB, that compresses to next to nothing."""
    out = io.BytesIO()
    Image.new("RGB", (edge, edge), (120, 120, 120)).save(out, "PNG")
    return out.getvalue()


def noise(edge: int) -> bytes:
    """A PNG that does not compress, as a photograph does not."""
    out = io.BytesIO()
    Image.frombytes("RGB", (edge, edge), random.Random(edge).randbytes(edge * edge * 3)).save(out, "PNG")
    return out.getvalue()


INPUTS = {
    "a 300-megapixel bomb": lambda: [bomb(20_000, 15_000)],
    "the largest picture allowed, all grey": lambda: [grey(7000)],
    "64 pictures": lambda: [png("teal", (512, 512), seed=str(index)) for index in range(64)],
    "four photographs of 1024 pixels": lambda: [noise(1024)] * 4,
    "40 MB that are no picture": lambda: [b"\x89PNG\r\n\x1a\n" + b"x" * 40_000_000],
    "base64 text of 20 MB": lambda: [b"QUJD" * 5_000_000],
}


@pytest.mark.measures
@pytest.mark.parametrize("name", INPUTS)
async def test_no_picture_holds_the_loop(name: str) -> None:
    """Download, check, decoding, thumbnails, previews and the static copy: all of them beside a beating loop."""
    files = {f"{index}.png": data for index, data in enumerate(INPUTS[name]())}
    held = []
    with ProcessEndpoint(files=files) as endpoint:
        for _ in range(TRIES):
            allowed = await longest_allowed()
            widget = DreamboothWidget(CANARY, 1, endpoint=endpoint.url, retry=QUICK, autostart=False)
            async with heartbeat() as late:
                widget._viewed = True
                widget.start()
                with suppress(dw.PictureError):
                    await widget
                await widget._sender._tasks.settle()
            held.append(max(late))
            widget.close()
            if held[-1] < allowed:
                return
    pytest.fail(f"the loop was held for {min(held) * 1000:.0f} ms at best")


ANSWERS = {
    "60 MB": lambda: b'{"status": "processing", "message": "' + b"x" * 60_000_000 + b'"}',
    "millions of brackets": lambda: b'{"status": "processing", "message": ' + b"[" * 7_000_000,
    "a million small objects": lambda: json.dumps({"output": [{"a": 1}] * 500_000}).encode(),
    "a number of a million digits": lambda: b'{"status": "processing", "eta": ' + b"9" * 1_000_000 + b"}",
    "four pictures as base64": lambda: json.dumps({"status": "success", "output": ["QUJD" * 400_000] * 4}).encode(),
    "256 links of 30 kB": lambda: json.dumps(
        {
            "status": "success",
            "output": [f"https://cdn.example.org/{number}.png?{'a' * 30_000}" for number in range(256)],
        }
    ).encode(),
    "escapes": lambda: b'{"status": "error", "message": "' + b"\\u00e9" * 1_200_000 + b'"}',
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_no_answer_holds_the_loop(name: str) -> None:
    """An endpoint that answers with absurd bodies gives an `Answer`, while the loop beats on."""
    body = ANSWERS[name]()
    held = []
    with ProcessEndpoint(body) as endpoint:
        async with Client(CANARY, endpoint=endpoint.url) as client:
            await client.check(0)  # imports, first connection
            for _ in range(TRIES):
                allowed = await longest_allowed()
                async with heartbeat() as late:
                    await client.check(1)
                held.append(max(late))
                if held[-1] < allowed:
                    return
    pytest.fail(f"the loop was held for {min(held) * 1000:.0f} ms at best")
