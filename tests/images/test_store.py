"""Where the original bytes of pictures are: memory, a temporary folder, the cache's disk; and when they go."""

from __future__ import annotations

import copy
import errno
import gc
import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dreambooth_widget import Client, Retry
from dreambooth_widget.images.cache_folder import PictureCache
from dreambooth_widget.images.files import named, zip_bytes
from dreambooth_widget.images.original import Original
from dreambooth_widget.images.picture import contact_sheet
from dreambooth_widget.images.store import PictureStore

from ..endpoint import CANARY, Endpoint, png
from ..image_files import read_picture
from ..waiting import until_gone

QUICK = Retry(attempts=1, first=0.01, longest=0.05)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's place for temporary files, this test's own."""
    place = tmp_path / "system"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """An endpoint with one finished job of three pictures."""
    async with Endpoint() as endpoint:
        endpoint.answers = [endpoint.success(*(endpoint.serve(f"{n}.png", data) for n, data in enumerate(FILES)))]
        yield endpoint


FILES = [png(color, seed=str(place)) for place, color in enumerate(("red", "green", "blue"))]


ROOM_FOR_ONE = read_picture(FILES[0]).original.bytes_in_memory + 100


def files(place: Path) -> list[Path]:
    """Return the originals in files below a folder, without what belongs to the folder itself."""
    return sorted(path for path in place.rglob("*.original") if path.is_file())


def test_first_stay_in_memory(temporary: Path) -> None:
    """Up to `room` bytes; what does not fit any more is in a file, and reads the same."""
    originals = PictureStore(10)
    kept = [Original(data) for data in (b"123456", b"7890", b"x", b"")]
    for original in kept:
        originals.add(original)
    assert [path.read_bytes() for path in files(temporary)] == [b"x"]
    assert [original.read() for original in kept] == [b"123456", b"7890", b"x", b""]
    assert [original.nbytes for original in kept] == [6, 4, 1, 0]


def test_what_goes_makes_room(temporary: Path) -> None:
    """An original that nobody has any more frees its bytes, or its file; the folder stays for the next."""
    originals = PictureStore(10)
    first, second = Original(b"1" * 10), Original(b"2" * 10)
    originals.add(first)
    originals.add(second)
    (path,) = files(temporary)
    del second
    gc.collect()
    assert not path.exists()
    del first
    gc.collect()
    third = Original(b"3" * 10)
    originals.add(third)
    assert files(temporary) == []
    assert third.read() == b"3" * 10


def test_folder_goes_with_last_picture(temporary: Path) -> None:
    """Not with the client: whoever has a picture has its bytes. The client and the pictures gone, nothing is left."""
    originals = PictureStore(0)
    original = Original(b"bytes")
    originals.add(original)
    del originals
    gc.collect()
    assert original.read() == b"bytes"
    del original
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_folder_is_for_its_owner(temporary: Path) -> None:
    """Other users of the machine neither list nor read it."""
    originals, original = PictureStore(0), Original(b"bytes")
    originals.add(original)
    (folder,) = temporary.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    assert original.read() == b"bytes"


def test_cached_copy_is_linked(tmp_path: Path, temporary: Path) -> None:
    """The same inode as the cache's file; when the cache removes its own, the picture still has its bytes."""
    cache = tmp_path / "cache"
    cache.mkdir()
    copy_ = cache / "0.png"
    copy_.write_bytes(b"bytes")
    originals, original = PictureStore(0, PictureCache(cache)), Original(b"bytes")
    originals.add(original, copy_)
    (linked,) = files(cache)
    assert linked.stat().st_ino == copy_.stat().st_ino
    copy_.unlink()
    assert original.read() == b"bytes"
    assert files(temporary) == []


def test_unlinkable_copy_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without hard links, or a cache file that another kernel has just removed."""
    original, gone = Original(b"bytes"), tmp_path / "gone.png"
    PictureStore(0, PictureCache(tmp_path / "cache")).add(original, gone)
    assert original.read() == b"bytes"

    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    gone.write_bytes(b"other")
    another = Original(b"other")
    PictureStore(0, PictureCache(tmp_path / "cache")).add(another, gone)
    assert another.read() == b"other"
    assert gone.stat().st_nlink == 1


def test_full_disk_costs_only_memory(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The bytes stay in memory, a line in the log says so, and nothing half-written is left."""
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    originals, original = PictureStore(0), Original(b"bytes")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        originals.add(original)
    assert original.read() == b"bytes"
    assert "No space left" in caplog.text
    assert files(temporary) == []
    later = Original(b"later")
    originals.add(later)
    assert len(files(temporary)) == 1


def test_impossible_folder_costs_only_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The cache's folder turned out to be a file meanwhile: the pictures are there all the same."""
    (tmp_path / "file").write_bytes(b"")
    original = Original(b"bytes")
    PictureStore(0, PictureCache(tmp_path / "file" / "cache")).add(original)
    assert original.read() == b"bytes"
    assert "stays in memory" in caplog.text


def test_removed_file_raises(temporary: Path) -> None:
    """`OSError`, not b"": saved empty files would be found much later."""
    originals, original = PictureStore(0), Original(b"bytes")
    originals.add(original)
    for path in files(temporary):
        path.unlink()
    with pytest.raises(FileNotFoundError):
        original.read()
    del original  # and its end disturbs nobody


def test_many_threads_at_once(temporary: Path) -> None:
    """Never more than `room` bytes in memory, no name twice, every byte its own."""
    originals = PictureStore(1000)
    kept: list[Original] = []

    def hold(start: int) -> None:
        for number in range(start, start + 50):
            original = Original(b"%100d" % number)
            originals.add(original)
            kept.append(original)

    threads = [threading.Thread(target=hold, args=(start,)) for start in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files(temporary)) == 390
    assert len(list(temporary.iterdir())) == 1
    assert sorted(int(original.read()) for original in kept) == list(range(400))


@pytest.mark.parametrize("room", [-1, -(2**40)])
def test_negative_memory_raises(room: int) -> None:
    """It names the client's argument."""
    with pytest.raises(ValueError, match="memory must be 0"):
        Client(CANARY, memory=room)


# -- other processes -----------------------------------------------------------------------------------------------

HOLDING = """
import sys
from pathlib import Path
from dreambooth_widget.images.cache_folder import PictureCache
from dreambooth_widget.images.original import Original
from dreambooth_widget.images.store import PictureStore
originals = PictureStore(0, PictureCache(sys.argv[1]))
kept = [Original(b"bytes") for _ in range(3)]
for original in kept:
    originals.add(original)
print("held", flush=True)
sys.stdin.readline()
"""


def start(folder: Path) -> subprocess.Popen[str]:
    """A process that holds three originals in a folder until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_they_go_with_the_process(tmp_path: Path) -> None:
    """At its end nothing of them is left."""
    folder = tmp_path / "cache"
    process = start(folder)
    assert len(files(folder)) == 3
    process.communicate("end\n", timeout=30)
    assert [path.name for path in folder.rglob("*")] == ["dreambooth-widget", "CACHEDIR.TAG"]


def test_next_process_removes_orphans(tmp_path: Path) -> None:
    """Beside a cache, where no system cleans up; those of processes that live are left alone, and so is all else."""
    folder = tmp_path / "cache"
    victim, alive = start(folder), start(folder)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert len(files(folder)) == 6
    foreign = [
        folder / "dreambooth-widget" / "originals-",
        folder / ".dreambooth-originals-host-1-abc",
        folder / "mine",
    ]
    for other in foreign:
        other.mkdir()
    original = Original(b"bytes")
    PictureStore(0, PictureCache(folder)).add(original)
    assert len(files(folder)) == 4
    assert all(other.exists() for other in foreign)
    alive.communicate("end\n", timeout=30)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_forked_child_takes_nothing_away(tmp_path: Path) -> None:
    """`multiprocessing` forks: what its child forgets, or how it ends, is not the parent's loss."""
    script = """
import os, sys
from pathlib import Path
from dreambooth_widget.images.cache_folder import PictureCache
from dreambooth_widget.images.original import Original
from dreambooth_widget.images.store import PictureStore
originals = PictureStore(0, PictureCache(sys.argv[1]))
kept = [Original(b"bytes") for _ in range(2)]
for original in kept:
    originals.add(original)
child = os.fork()
if not child:
    del kept[0], original
    sys.exit()
os.waitpid(child, 0)
print([original.read() for original in kept])
"""
    command = [sys.executable, "-W", "ignore", "-c", script, str(tmp_path / "cache")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "[b'bytes', b'bytes']", ran.stderr


# -- through a client ----------------------------------------------------------------------------------------------


async def test_pictures_read_them_back_unseen(endpoint: Endpoint, tmp_path: Path, temporary: Path) -> None:
    """`data`, `image`, `save`, a zip, thumbnails, sheets, pickles and copies: as if they were in memory."""
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, memory=ROOM_FOR_ONE) as client:
        result = await client.fetch(1)
    assert len(files(temporary)) == 2
    del client
    gc.collect()
    assert [picture.data for picture in result] == FILES
    assert [picture.nbytes for picture in result] == [len(data) for data in FILES]
    assert [picture.image.getpixel((0, 0)) for picture in result] == [(255, 0, 0), (0, 128, 0), (0, 0, 255)]
    assert [picture.save(tmp_path / f"{picture.index}.png").read_bytes() for picture in result] == FILES
    with zipfile.ZipFile(io.BytesIO(zip_bytes(named(result, "1")))) as archive:
        assert [archive.read(name) for name in archive.namelist()] == FILES
    assert all(picture.rendition("thumbnail").data for picture in result)
    assert contact_sheet(result.pictures).width > 0
    for again in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), [copy.copy(each) for each in result]):
        assert [picture.data for picture in again] == FILES
    assert [picture.digest for picture in copy.copy(result)] == [picture.digest for picture in result]
    del result, again
    await until_gone(lambda: not files(temporary))


async def test_pickles_hold_the_bytes(endpoint: Endpoint, temporary: Path) -> None:
    """They are for other machines, where there is no such file."""
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, memory=0) as client:
        pickled = pickle.dumps(await client.fetch(1))
    await until_gone(lambda: not files(temporary))
    assert str(temporary).encode() not in pickled
    assert [picture.data for picture in pickle.loads(pickled)] == FILES


async def test_cache_keeps_nothing_twice(endpoint: Endpoint, tmp_path: Path, temporary: Path) -> None:
    """With `cache=` the originals beyond the memory are the cache's own files."""
    folder = tmp_path / "cache"
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, memory=0, cache=folder) as client:
        result = await client.fetch(1)
    assert files(temporary) == []
    images = [*files(folder), *folder.rglob("*.png")]
    assert len(images) == 6
    assert len({path.stat().st_ino for path in images}) == 3
    assert [picture.data for picture in result] == FILES


async def test_recalled_pictures_leave_memory(endpoint: Endpoint, tmp_path: Path) -> None:
    """Run again next month, a thousand requests out of the cache are no reason for gigabytes of memory."""
    folder = tmp_path / "cache"
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, cache=folder) as client:
        await client.fetch(1)
    async with Client(endpoint=endpoint.url, retry=QUICK, memory=ROOM_FOR_ONE, cache=folder) as again:
        result = await again.fetch(1)
    spilled = [path for path in files(folder) if path.suffix == ".original"]
    assert len(spilled) == 2
    assert all(path.stat().st_nlink == 2 for path in spilled)
    assert [picture.data for picture in result] == FILES
