"""Files made to crash, to stall or to take memory: a picture or a refusal with a reason, and nothing else happens.

With `--soak N` N mutated files go through the workers; a few hundred otherwise.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

import psutil
import pytest
from PIL import Image

from dreambooth_widget.images.inspection import Inspection
from dreambooth_widget.images.pool import WorkerPool
from dreambooth_widget.images.sniff import ImageFormat, PictureRefusedError

from ..image_files import FORMATS, announcing, chunk, encoded, exif, noise, plain_png, scene, with_chunks

LIMIT = 100_000_000
WORKER, KERNEL = 1 << 30, 450_000_000
"""Bytes that a worker may take, and that the kernel's process may grow by."""


async def verdict(pool: WorkerPool, data: bytes) -> Inspection | str:
    """Return what is known of a file, or the reason for its refusal."""
    try:
        return await pool.inspect(data, max_pixels=LIMIT)
    except PictureRefusedError as refused:
        reason = str(refused)
    assert 0 < len(reason) < 200
    return reason


def scans(count: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    data = encoded(scene((3000, 3000)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + data[-2:]


def jpeg_segments(marker: bytes, content: bytes, count: int) -> bytes:
    """Return a JPEG with many segments of metadata."""
    data = encoded(scene(), "JPEG")
    return data[:2] + (b"\xff" + marker + struct.pack(">H", len(content) + 2) + content) * count + data[2:]


def gif_comments(size: int) -> bytes:
    """Return a GIF with `size` bytes of empty comment blocks in front of its picture."""
    data = encoded(scene((16, 16)), "GIF")
    at = 13 + 3 * (2 << (data[10] & 7)) * (data[10] >> 7)
    return data[:at] + b"!\xfe\x00" * (size // 3) + data[at:]


def column(height: int) -> bytes:
    """Return a PNG that is one pixel wide."""
    header = struct.pack(">IIBBBBB", 1, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(2 * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND")


def text_bombs(name: bytes, content: bytes, count: int) -> bytes:
    """Return a PNG with many compressed chunks."""
    return with_chunks(plain_png(8, 8), *[chunk(name, b"k%d\0" % n + content) for n in range(count)])


def avif(width: int, height: int) -> bytes:
    """Return an AVIF that announces a size, and has hardly any pixels."""
    data = bytearray(encoded(scene((16, 16)), "AVIF"))
    struct.pack_into(">II", data, data.index(b"ispe") + 8, width, height)
    return bytes(data)


def animation(kind: str, count: int) -> bytes:
    """Return an animation of many frames."""
    frames = [Image.new("RGB", (16, 16), (n % 256, n // 256, 7)) for n in range(count)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=10)


PACKED = zlib.compress(b"Steps:" + b"," * 1_000_000, 9)

BOMBS: dict[str, Callable[[], bytes]] = {
    "texts of commas": lambda: text_bombs(b"zTXt", b"\0" + PACKED, 64),
    "parameters of commas": lambda: with_chunks(plain_png(8, 8), chunk(b"zTXt", b"parameters\0\0" + PACKED)),
    "19,000 iTXt": lambda: text_bombs(b"iTXt", b"\1\0\0\0" + PACKED, 19_000),
    "19,000 empty tEXt": lambda: text_bombs(b"tEXt", b"", 19_000),
    "7,000 profiles": lambda: text_bombs(b"iCCP", b"\0" + zlib.compress(bytes(1_000_000), 9), 7_000),
    "a million empty chunks": lambda: with_chunks(plain_png(8, 8), chunk(b"teSt") * 1_000_000),
    "a text of a gigabyte": lambda: text_bombs(b"zTXt", b"\0" + zlib.compress(bytes(1 << 28), 9), 4),
    "a column of 50 million": lambda: column(50_000_000),
    "100 megapixels with alpha": lambda: plain_png(10_000, 10_000, 6),
    "300 megapixels": lambda: plain_png(20_000, 15_000, 0),
    "GIF of empty comments": lambda: gif_comments(32 << 20),
    "GIF of 65,535 × 65,535": lambda: announcing("GIF", 65_535, 65_535),
    "GIF frame beyond its screen": lambda: (
        announcing("GIF", 40_000, 40_000)[:6] + b"\1\0\1\0" + announcing("GIF", 40_000, 40_000)[10:]
    ),
    "JPEG of 99 scans": lambda: scans(99),
    "JPEG of 19,000 Exif": lambda: jpeg_segments(b"\xe1", exif(6, b"ASCII\0\0\0x" * 100), 19_000),
    "JPEG of 19,000 comments": lambda: jpeg_segments(b"\xfe", b"x" * 1000, 19_000),
    "JPEG of fill bytes": lambda: encoded(scene(), "JPEG")[:2] + b"\xff" * 20_000_000 + encoded(scene(), "JPEG")[2:],
    "JPEG of 65,500 × 65,500": lambda: announcing("JPEG", 65_500, 65_500),
    "WebP of 16,383 × 16,383": lambda: announcing("WEBP", 16_383, 16_383),
    "AVIF of 65,536 × 65,536": lambda: avif(65_536, 65_536),
    "AVIF of 36 megapixels": lambda: avif(9_000, 4_000),
    "GIF of 5,000 frames": lambda: animation("GIF", 5_000),
    "PNG of 3,000 frames": lambda: animation("PNG", 3_000),
    "WebP of 2,000 frames": lambda: animation("WEBP", 2_000),
    "Exif in a circle": lambda: encoded(
        scene(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0"
    ),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_cost_one_picture(name: str, pool: WorkerPool, capfd: pytest.CaptureFixture[str]) -> None:
    """Each is a picture or a refusal in its time, within the memory, and the next picture is fine."""
    data = BOMBS[name]()
    own = psutil.Process()
    before = own.memory_info().rss
    worker_peak = kernel_peak = 0
    work = asyncio.create_task(verdict(pool, data))
    while not work.done():
        await asyncio.wait({work}, timeout=0.05)
        kernel_peak = max(kernel_peak, own.memory_info().rss - before)
        for child in list(pool._children):
            try:
                worker_peak = max(worker_peak, psutil.Process(child.process.pid).memory_info().rss)
            except psutil.NoSuchProcess:
                continue
    assert await work
    assert kernel_peak < KERNEL
    assert worker_peak <= WORKER
    assert (await pool.inspect(encoded(scene()), max_pixels=LIMIT)).width == 96
    assert capfd.readouterr() == ("", "")


async def test_endless_scans_are_timed_out(pool: WorkerPool) -> None:
    """A small progressive JPEG that keeps libjpeg busy for minutes is refused in time."""
    pool._seconds = 1
    data = bytearray(encoded(scene((16, 16)), "JPEG", progressive=True))
    struct.pack_into(">HH", data, data.index(b"\xff\xc2") + 5, 9_000, 9_000)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert await verdict(pool, bytes(data[:-2] + last * 1_000)) == "decoding it takes longer than 1 s"


async def test_super_resolution_fits_the_limits(pool: WorkerPool) -> None:
    """Eight times 1024 × 1024, as WebP, for which Pillow needs the most memory of all formats."""
    large = encoded(Image.new("RGB", (8192, 8192), "teal"), "WEBP", method=0)
    found = await verdict(pool, large)
    assert isinstance(found, Inspection), found
    assert found.width == 8192


async def test_texts_of_commas_cost_nothing(pool: WorkerPool) -> None:
    """64 compressed chunks of "Steps:,,,," are read once, in the worker."""
    await pool.inspect(encoded(scene()), max_pixels=LIMIT)
    begun = time.monotonic()
    names = [b"parameters", b"UserComment", b"Comment"] + [b"Parameters %d" % n for n in range(61)]
    chunks = [chunk(b"zTXt", name + b"\0\0" + PACKED) for name in names]
    found = await pool.inspect(with_chunks(plain_png(8, 8), *chunks), max_pixels=LIMIT)
    assert sum(map(len, found.text.values())) < 300_000
    assert sum(map(len, found.facts.values())) < 300_000
    assert time.monotonic() - begun < 8


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """Yield small files of all formats with bytes exchanged, removed, doubled and cut."""
    chance = random.Random(seed)
    frames = [Image.new("RGB", (20, 20), name) for name in ("red", "blue")]
    seeds: list[bytes] = []
    for kind in FORMATS:
        picture = noise((24, 24), "L") if kind == "GIF" else noise((24, 24))
        more = {"exif": exif(6, b"ASCII\0\0\0a")} if kind != "GIF" else {"comment": b"hello"}
        seeds += [encoded(picture, kind), encoded(picture, kind, **more)]
        if kind != "JPEG":
            seeds.append(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    seeds += [encoded(scene((24, 24)), "JPEG", progressive=True), encoded(scene((24, 24)).convert("CMYK"), "JPEG")]
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            how = chance.randrange(5)
            if how == 0:
                data[at] = chance.randrange(256)
            elif how == 1:
                data[at : at + 4] = struct.pack(">I", chance.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000]))
            elif how == 2:
                del data[at : at + chance.randint(1, 20)]
            elif how == 3:
                data[at:at] = data[at : at + chance.randint(1, 40)]
            else:
                data[at : at + 8] = chance.randbytes(8)
        yield bytes(data)


async def test_mutated_files_cost_nothing(
    pool: WorkerPool, request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]
) -> None:
    """A picture or a refusal for each in its time; the kernel's memory stays flat, and no process is left behind."""
    count = request.config.getoption("--soak") or 300
    seed = request.config.getoption("--soak-seed") or int.from_bytes(os.urandom(4), "big")
    kernel = psutil.Process()
    others = set(kernel.children())
    found: Counter[str] = Counter()
    slowest, flat = 0.0, 0

    async def judge(data: bytes) -> str:
        nonlocal slowest
        begun = time.monotonic()
        outcome = await verdict(pool, data)
        slowest = max(slowest, time.monotonic() - begun)
        return outcome if isinstance(outcome, str) else "a picture"

    files = mutated(count, seed)
    while batch := list(islice(files, 20)):
        found.update(await asyncio.gather(*map(judge, batch)))
        if found.total() <= count // 10:
            flat = kernel.memory_info().rss  # the first tenth warms up
    grown = kernel.memory_info().rss - flat
    pool.close()
    assert capfd.readouterr() == ("", "")
    if request.config.getoption("--soak"):
        with capfd.disabled():
            lines = [f"{times:6} {reason}" for reason, times in found.most_common()]
            lines.append(f"seed {seed}, slowest {slowest:.1f} s, {grown / 1e6:.1f} MB more")
            sys.stdout.write("\n".join(["", *lines, ""]))
    failed = sum(times for reason, times in found.items() if reason.startswith("decoding it "))
    assert found["a picture"] > count // 20, (seed, found)
    assert found.total() - found["a picture"] > count // 20, (seed, found)
    assert failed <= max(1, count // 1000), (seed, found)
    assert grown < 20_000_000, (seed, grown)
    assert set(kernel.children()) <= others, seed


@pytest.mark.parametrize("kind", FORMATS)
async def test_every_truncation_is_survived(kind: ImageFormat, pool: WorkerPool) -> None:
    """No prefix of a small file crashes anything; one without much of its pixels is refused."""
    data = encoded(noise((24, 24), "L") if kind == "GIF" else noise((24, 24)), kind)
    step = max(1, len(data) // 60)
    found = await asyncio.gather(*(verdict(pool, data[:end]) for end in range(0, len(data), step)))
    assert all(isinstance(each, str) for each in found[: len(found) // 2])
