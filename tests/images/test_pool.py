"""The work of the child processes, how they end, and who works where none can start."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageChops, ImageOps

import dreambooth_widget
from dreambooth_widget.images import child
from dreambooth_widget.images.inspection import Inspection, Rendition
from dreambooth_widget.images.pool import WorkerPool, _Job
from dreambooth_widget.images.sniff import PictureRefusedError

from ..gil import longest_hold
from ..image_files import FORMATS, SWAPPED, encoded, exif, noise, plain_png, scene, text_png
from ..waiting import until
from .workers import in_worker, processes

LIMIT = 100_000_000
PNG = encoded(scene())

posix = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")

SPIN = "while True:\n    pass"
HANG = "import time\ntime.sleep(600)"
CRASH = "import os\nos.abort()"


# -- the work ------------------------------------------------------------------------------------------------------


async def test_pictures_come_back_inspected(pool: WorkerPool) -> None:
    """Format, size, texts and renditions, many at once, by two processes at most."""
    files = [encoded(scene((200 + n, 100)), FORMATS[n % len(FORMATS)]) for n in range(12)]
    found = await asyncio.gather(*(pool.inspect(data, max_pixels=LIMIT) for data in files))
    assert [each.width for each in found] == [200 + n for n in range(12)]
    assert len(processes(pool)) == 2
    text = await pool.inspect(text_png(prompt="a dog"), max_pixels=LIMIT)
    assert (text.text, text.facts) == ({"prompt": "a dog"}, {"prompt": "a dog"})


async def test_refusals_come_back_with_their_reason(pool: WorkerPool) -> None:
    """And the processes go on with the next picture."""
    pool.start()
    await until(lambda: len(processes(pool)) == 2)
    started = processes(pool)
    for data, retryable in ((PNG[:200], True), (b"glTF", False), (plain_png(300, 300), False)):
        with pytest.raises(PictureRefusedError) as refused:
            await pool.inspect(data, max_pixels=50_000)
        assert str(refused.value)
        assert refused.value.retryable is retryable
    assert (await pool.inspect(PNG, max_pixels=LIMIT)).width == 96
    assert processes(pool) == started


async def test_start_returns_at_once(pool: WorkerPool) -> None:
    """Both processes start beside the loop; a thousand calls, one for each job, start no more and queue nothing."""
    for _ in range(1000):
        pool.start()
    assert pool._queue.qsize() <= 1
    assert len(pool._children) <= 2
    await until(lambda: len(processes(pool)) == 2)
    started = processes(pool)
    pool.start()
    await pool.inspect(PNG, max_pixels=LIMIT)
    assert processes(pool) == started


# -- crops ---------------------------------------------------------------------------------------------------------


def positions() -> Image.Image:
    """Return a picture of 256 × 200 in which each pixel's red is its column and its green its row."""
    rows = Image.linear_gradient("L")
    picture = Image.merge("RGB", (rows.transpose(Image.Transpose.TRANSPOSE), rows, Image.new("L", rows.size)))
    return picture.crop((0, 0, 256, 200))


def pixels(rendition: Rendition) -> Image.Image:
    """Return what a browser shows of a rendition, without transparency."""
    return Image.open(io.BytesIO(rendition.data)).convert("RGB")


def same(found: Image.Image, wanted: Image.Image, tolerance: int = 4) -> bool:
    """Tell whether two pictures are the same to the eye."""
    difference = ImageChops.difference(found, wanted.convert("RGB"))
    return found.size == wanted.size and max(difference.tobytes()) <= tolerance


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
async def test_crop_shows_the_originals_pixels(pool: WorkerPool, kind: str) -> None:
    """Nothing is scaled, in no format."""
    options = {} if kind == "PNG" else {"quality": 100}
    data = encoded(positions(), kind, **options)
    part = await pool.crop(data, (100, 50, 180, 110), max_pixels=LIMIT)
    assert same(pixels(part), positions().crop((100, 50, 180, 110)), 8)
    assert part.mime == "image/jpeg"


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_crop_counts_from_the_upright(pool: WorkerPool, orientation: int) -> None:
    """The box is one of the picture as it is displayed, whatever its EXIF orientation."""
    data = encoded(positions(), "JPEG", exif=exif(orientation), quality=95, subsampling=0)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    part = await pool.crop(data, (20, 60, 120, 150), max_pixels=LIMIT)
    assert same(pixels(part), upright.crop((20, 60, 120, 150)))


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ((-50, -60, 30, 20), (0, 0, 30, 20)),
        ((200, 150, 900, 800), (200, 150, 256, 200)),
        ((-9, -9, 1000, 1000), (0, 0, 256, 200)),
        ((900, 900, 950, 950), (255, 199, 256, 200)),
        ((-90, -90, -50, -50), (0, 0, 1, 1)),
    ],
)
async def test_crop_is_clamped_to_the_picture(
    pool: WorkerPool, box: tuple[int, int, int, int], inside: tuple[int, int, int, int]
) -> None:
    """What lies outside is left out, and one pixel is left at least."""
    part = await pool.crop(encoded(positions()), box, max_pixels=LIMIT)
    assert same(pixels(part), positions().crop(inside))


async def test_crop_keeps_transparency_and_colours(pool: WorkerPool) -> None:
    """As the preview does: sRGB by the file's profile, sixteen bits scaled, WebP where something shines through."""
    glass = Image.new("RGBA", (50, 50), (255, 0, 0, 100))
    part = await pool.crop(encoded(glass), (10, 10, 40, 40), max_pixels=LIMIT)
    assert part.mime == "image/webp"
    assert Image.open(io.BytesIO(part.data)).getpixel((5, 5)) == pytest.approx((255, 0, 0, 100), abs=3)
    swapped = encoded(Image.new("RGB", (50, 50), "red"), icc_profile=SWAPPED)
    assert same(pixels(await pool.crop(swapped, (0, 0, 9, 9), max_pixels=LIMIT)), Image.new("RGB", (9, 9), "lime"), 20)
    grey = encoded(Image.new("I;16", (50, 50), 32768))
    assert same(pixels(await pool.crop(grey, (0, 0, 9, 9), max_pixels=LIMIT)), Image.new("L", (9, 9), 128))


async def test_crop_of_damaged_file_is_refused(pool: WorkerPool) -> None:
    """With the reason that the whole picture would have had."""
    for data, limit, reason in ((PNG[:200], LIMIT, "truncated"), (b"glTF", LIMIT, "3D"), (PNG, 50, "megapixels")):
        with pytest.raises(PictureRefusedError, match=reason):
            await pool.crop(data, (0, 0, 9, 9), max_pixels=limit)


async def test_crop_by_hijacked_worker_fails(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is not believed: what is no picture for a browser does not reach one."""
    monkeypatch.setattr(child, "_PROGRAM", in_worker("return worker.Rendition('text/html', b'<script>')", when="crop"))
    with pytest.raises(PictureRefusedError, match="decoding it failed"):
        await pool.crop(PNG, (0, 0, 9, 9), max_pixels=LIMIT)
    assert processes(pool) == []


async def test_crop_without_processes(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads give the same."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    part = await pool.crop(encoded(positions()), (100, 50, 180, 110), max_pixels=LIMIT)
    assert same(pixels(part), positions().crop((100, 50, 180, 110)))


# -- its end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [CRASH, "raise SystemExit(1)", "worker.nonsense", "import os\nos._exit(0)"])
async def test_a_crash_costs_one_picture(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """A crash in an image library is a refusal, and the next picture has a new process."""
    with monkeypatch.context() as patch:
        patch.setattr(child, "_PROGRAM", in_worker(program))
        with pytest.raises(PictureRefusedError, match="decoding it failed"):
            await pool.inspect(PNG, max_pixels=LIMIT)
    assert (await pool.inspect(PNG, max_pixels=LIMIT)).width == 96


@pytest.mark.parametrize(
    ("program", "busy"),
    [
        pytest.param(SPIN, 1e5, marks=pytest.mark.skipif(sys.platform == "win32", reason="its timer is POSIX's")),
        (HANG, 3.0),
    ],
)
async def test_a_picture_that_takes_too_long(monkeypatch: pytest.MonkeyPatch, program: str, busy: float) -> None:
    """The process ends by its own timer if it computes, and is killed if it hangs; the next picture has a new one."""
    pool = WorkerPool(seconds=0.2)
    monkeypatch.setattr(child, "_BUSY", busy)
    monkeypatch.setattr(child, "_PROGRAM", in_worker(program))
    with pytest.raises(PictureRefusedError, match=r"decoding it takes longer than 0\.2 s"):
        await pool.inspect(PNG, max_pixels=LIMIT)
    assert processes(pool) == []
    pool.close()


async def test_cancelling_ends_the_decoding(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stopped job leaves no process at work, and no thread that the kernel's end would wait for."""
    at_work = tmp_path / "at work"
    monkeypatch.setattr(child, "_PROGRAM", in_worker(f"open({str(at_work)!r}, 'w').close()\n{SPIN}"))
    work = asyncio.create_task(pool.inspect(PNG, max_pixels=LIMIT))
    await until(at_work.exists)
    (process,) = processes(pool)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await until(lambda: not process.is_running())
    assert processes(pool) == []


def test_cancelling_spares_the_next_picture() -> None:
    """A process that finishes its picture while it is being cancelled is not killed over the one that comes next."""
    finish, finished = threading.Event(), threading.Event()
    killed_late = []

    class Child:
        @property
        def process(self) -> Child:
            """Set out to kill this process, which finishes now, if it can."""
            finish.set()
            finished.wait(0.5)
            return self

        def kill(self) -> None:
            killed_late.append(finished.is_set())

        def answer(self, *_request: object) -> str:
            finish.wait()
            return "a picture"

    job: _Job[object] = _Job({}, PNG, lambda *_: None)
    job.future.add_done_callback(lambda _: finished.set())
    thread = threading.Thread(target=job.run, args=(Child(),))
    thread.start()
    while not job.future.running():
        time.sleep(0.001)
    job.cancel()
    thread.join()
    assert job.future.result() == "a picture"
    assert killed_late == [False]


async def test_idle_processes_are_ended() -> None:
    """After a minute (here: less), and started again when there is a picture."""
    pool = WorkerPool(idle=0.05)
    await pool.inspect(PNG, max_pixels=LIMIT)
    await until(lambda: not pool._children)
    assert (await pool.inspect(PNG, max_pixels=LIMIT)).width == 96
    pool.close()


async def test_a_killed_idle_process_is_replaced(pool: WorkerPool) -> None:
    """The system may take it for its memory: the next picture does not pay for that."""
    await pool.inspect(PNG, max_pixels=LIMIT)
    (process,) = processes(pool)
    process.kill()
    await until(lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert (await pool.inspect(PNG, max_pixels=LIMIT)).width == 96


KERNEL = """
import asyncio, os, sys, threading
sys.path.insert(0, {folder!r})
from dreambooth_widget.images import child as module
from dreambooth_widget.images.pool import WorkerPool
pool = WorkerPool()
async def main():
    await pool.inspect(bytes.fromhex({data!r}), max_pixels=10**6)
    {more}
{run}
"""


def kernel(more: str, *, run: str = "asyncio.run(main())") -> subprocess.Popen[str]:
    """Start a process that inspects a picture and goes on with `more`."""
    code = KERNEL.format(folder=str(Path(dreambooth_widget.__file__).parents[1]), data=PNG.hex(), more=more, run=run)
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read_pids(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes that a kernel names in a line."""
    assert process.stdout is not None
    return [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]


@posix
@pytest.mark.parametrize("busy", [False, True])
async def test_no_orphan_after_sigkill(busy: bool) -> None:
    """The kernel's death closes the pipe: an idle process ends at once, one in C code when its time is over."""
    more = "print(*(child.process.pid for child in pool._children), flush=True); sys.stdin.readline()"
    if busy:
        more = f"""module._PROGRAM = {in_worker("while True: pass")!r}
    pool.close()
    other = WorkerPool(seconds=1)
    task = asyncio.create_task(other.inspect(b'', max_pixels=1))
    while not other._children: await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    {more.replace("pool.", "other.")}"""
    process = kernel(more)
    children = read_pids(process)
    assert len(children) == 1
    process.send_signal(signal.SIGKILL)
    process.communicate()
    await until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))


@posix
async def test_a_forked_child_keeps_no_pipe() -> None:
    """`multiprocessing` forks: its child neither keeps the workers alive nor uses its parent's."""
    more = """def say(value): os.write(1, f"{value}\\n".encode())  # whole lines: two processes write
    child = os.fork()
    if not child:
        say(len(pool._children))
        def again(): say(asyncio.run(pool.inspect(DATA, max_pixels=10**6)).width)
        done = threading.Thread(target=again)
        done.start(); done.join()
        pool.close()
        sys.stdin.readline(); os._exit(0)
    say(" ".join(str(child.process.pid) for child in pool._children))
    sys.stdin.readline()""".replace("DATA", repr(PNG))
    process = kernel(more)
    assert process.stdout is not None
    lines = sorted((process.stdout.readline().strip() for _ in range(3)), key=len)
    assert lines[:2] == ["0", "96"]
    (worker,) = [psutil.Process(int(pid)) for pid in lines[2].split()]
    process.send_signal(signal.SIGKILL)  # the forked child lives on, waiting for a line
    process.wait()
    await until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    process.communicate("\n")


@posix
async def test_interrupt_of_kernel_spares_it(pool: WorkerPool) -> None:
    """Jupyter interrupts the kernel's whole process group."""
    await pool.inspect(PNG, max_pixels=LIMIT)
    (process,) = processes(pool)
    assert os.getpgid(process.pid) != os.getpgid(0)
    assert os.getsid(process.pid) != os.getsid(0)


async def test_kernel_ends_without_waiting() -> None:
    """It ends with its processes, the usual way."""
    process = kernel("print(*(child.process.pid for child in pool._children), flush=True); sys.stdin.readline()")
    children = read_pids(process)
    process.communicate("end\n", timeout=30)
    assert process.returncode == 0
    assert not any(child.is_running() for child in children)


async def test_exit_drops_queued_pictures() -> None:
    """A kernel that is restarted while it decodes a gallery ends at once, although its loop ends no task."""
    more = f"""module._PROGRAM = {in_worker(SPIN)!r}
    pool.close()
    pool._seconds = 600
    tasks = [asyncio.create_task(pool.inspect(b'', max_pixels=1)) for _ in range(5)]
    while len(pool._children) < 2: await asyncio.sleep(0.01)
    print(*(child.process.pid for child in pool._children), flush=True)
    sys.stdin.readline()"""
    process = kernel(more, run="loop = asyncio.new_event_loop()\nloop.run_until_complete(main())")
    children = read_pids(process)
    try:
        process.communicate("end\n", timeout=60)
    finally:
        process.kill()
    await until(lambda: not any(child.is_running() for child in children))


# -- without processes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executable", ["/nowhere/python", "", None])
async def test_without_processes_threads_do_it(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, executable: str | None
) -> None:
    """The same work by the same code: pictures and refusals, beside the loop."""
    monkeypatch.setattr(sys, "executable", executable)
    pool.start()
    assert (await pool.inspect(PNG, max_pixels=LIMIT)).width == 96
    with pytest.raises(PictureRefusedError, match="truncated"):
        await pool.inspect(PNG[:200], max_pixels=LIMIT)
    assert processes(pool) == []


@pytest.mark.parametrize("program", ["import time; time.sleep(600)", "nonsense (", "print('hello')"])
async def test_a_process_that_does_not_answer(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """After ten seconds (here: less) threads take over, and no more are started for a while."""
    monkeypatch.setattr(child, "_PROGRAM", program)
    monkeypatch.setattr(child, "_START_SECONDS", 0.3)
    for _ in range(3):
        assert (await pool.inspect(PNG, max_pixels=LIMIT)).width == 96
    assert processes(pool) == []
    assert pool._ensure_child(None) is None


# -- the loop stays free -------------------------------------------------------------------------------------------

HEAVY: dict[str, Callable[[], bytes]] = {
    "49 megapixels of zeros": lambda: plain_png(7000, 7000),
    "a progressive JPEG of 25": lambda: encoded(noise((5000, 5000)), "JPEG", progressive=True),
    "a WebP of 25 megapixels": lambda: encoded(scene((5000, 5000)), "WEBP", method=0),
    "sixteen bits, 9 megapixels": lambda: encoded(noise((3000, 3000), "I;16"), compress_level=1),
}


@pytest.mark.parametrize("name", HEAVY)
async def test_no_picture_holds_the_loop(name: str) -> None:
    """The heaviest inputs leave it free: it never stands still for 5 ms.

    A held GIL shows in every attempt, a busy machine only in some, so one good attempt is a proof.
    """
    data, request = HEAVY[name](), {"max_pixels": LIMIT, "seconds": 20}
    worker = child.ChildProcess()
    worker.wait_for_start()
    holds: list[float] = []
    while len(holds) < 8 and min(holds, default=1) >= 0.005:
        holds.append(await longest_hold(lambda: worker.answer(request, data, Inspection.read)))
    worker.end()
    assert min(holds) < 0.005, f"the loop stood still for {min(holds) * 1000:.1f} ms at best"


def test_one_pool_for_all_clients() -> None:
    """Two processes in all, however many clients there are, from whatever thread they ask."""
    found: list[WorkerPool] = [WorkerPool.shared()]
    thread = threading.Thread(target=lambda: found.append(WorkerPool.shared()))
    thread.start()
    thread.join()
    assert found[0] is found[1]
