"""The cache on disk: what it keeps, whom it asks no more, and what two kernels or a killed one do to it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, DreamboothWidget, PollSchedule, Retry
from dreambooth_widget.images.cache_folder import PictureCache, StoredRequest
from dreambooth_widget.images.files import save_all
from dreambooth_widget.images.picture import Picture

from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, ThreadedEndpoint, png
from ..image_files import read_picture

QUICK = Retry(attempts=1, first=0.01, longest=0.05)
FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
WHERE = "https://service.example/fetch"
COLORS = ("red", "green", "blue", "gold")

pytestmark = pytest.mark.usefixtures("alone")


def client(endpoint: Endpoint, folder: Path, **options: Any) -> Client:
    """A client of the endpoint with a cache in `folder`."""
    return Client(CANARY, endpoint=endpoint.url, retry=QUICK, schedule=FAST, cache=folder, **options)


def serve(endpoint: Endpoint, query: str = "") -> list[bytes]:
    """Let the endpoint have a finished job of four pictures; their bytes."""
    files = [png(color, seed=str(index)) for index, color in enumerate(COLORS)]
    links = [endpoint.serve(f"{index}.png", data) + query for index, data in enumerate(files)]
    endpoint.answers = [endpoint.success(*links, meta={"prompt": "a dog", "init_image": f"{links[0]}?token=x"})]
    return files


def picture(color: str, index: int = 0) -> Picture:
    """A picture as the download gives it."""
    return read_picture(png(color), index=index)


def keep(cache: PictureCache, request_id: str, picture: Picture, count: int, meta: Any = None) -> Path:
    """Put a picture into the cache."""
    return cache.keep(WHERE, request_id, picture.index, picture.original, count, meta or {})


def requests(folder: Path) -> list[Path]:
    """Return the folders of requests below a cache folder."""
    return [place for place in (folder / "dreambooth-widget").iterdir() if place.is_dir()]


def complete(stored: StoredRequest) -> bool:
    """Tell whether every picture of a request is there, with what was found in it."""
    found = [original for original in stored.pictures.values() if original.inspection is not None]
    return len(found) == stored.count > 0


def find(cache: PictureCache, request_id: str = "1", **limits: int) -> StoredRequest:
    """What the cache has of a request, within generous limits."""
    return cache.find(WHERE, request_id, **{"max_bytes": 10**7, "max_pixels": 10**6, **limits})


async def test_run_again_after_the_links_died(endpoint: Endpoint, tmp_path: Path) -> None:
    """The same request gives the same bytes and facts without a poll or a download, in success at once."""
    files = serve(endpoint)
    async with client(endpoint, tmp_path) as first:
        await first.fetch(7)
    endpoint.seen.clear()
    endpoint.answers = [{"status": "error", "message": "Request not found"}]
    endpoint.files.clear()
    async with client(endpoint, tmp_path) as second:
        job = second.fetch("7")
        result = await job
    assert [picture.data for picture in result] == files
    assert result.meta["prompt"] == "a dog"
    assert result[2].text == {"seed": "2"}
    assert job.state.message == "4 pictures, from the cache"
    assert endpoint.seen == []


async def test_widget_shows_what_cache_has(endpoint: Endpoint, tmp_path: Path) -> None:
    """`DreamboothWidget(cache=…)` and `fetch(cache=…)` share it; thumbnails and the static copy come as ever."""
    files = serve(endpoint)
    await dw.fetch(CANARY, 7, endpoint=endpoint.url, cache=str(tmp_path))
    endpoint.seen.clear()
    widget = DreamboothWidget(CANARY, 7, endpoint=endpoint.url, cache=tmp_path)
    await widget
    assert [entry["status"] for entry in widget.pictures] == ["ready"] * 4
    assert [path.read_bytes() for path in widget.save(tmp_path / "saved")] == files
    assert widget.to_html().count("<img") == 4
    assert endpoint.seen == []


async def test_off_by_default(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written by who did not ask for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    serve(endpoint)
    await dw.fetch(CANARY, 7, endpoint=endpoint.url)
    await dw.fetch(CANARY, 7, endpoint=endpoint.url)
    assert list(tmp_path.iterdir()) == []
    assert len(endpoint.polls) == 2


@pytest.mark.parametrize("other", ["id", "endpoint"])
async def test_another_request_is_another_entry(endpoint: Endpoint, tmp_path: Path, other: str) -> None:
    """What was kept is for this request id at this endpoint alone."""
    serve(endpoint)
    async with client(endpoint, tmp_path) as first:
        await first.fetch(7)
        polls = len(endpoint.polls)
        if other == "id":
            await first.fetch(8)
    if other == "endpoint":
        await dw.fetch(CANARY, 7, endpoint=f"{endpoint.url}?version=2", cache=tmp_path)
    assert len(endpoint.polls) == polls + 1


async def test_what_is_missing_is_asked_for(endpoint: Endpoint, tmp_path: Path) -> None:
    """With a part of the pictures here, the job polls, and loads the others only."""
    files = serve(endpoint)
    endpoint.serve("2.png", Reply(b"", 404))
    async with client(endpoint, tmp_path) as first:
        assert len(await first.fetch(7)) == 3
    endpoint.seen.clear()
    endpoint.serve("2.png", files[2])
    async with client(endpoint, tmp_path) as second:
        result = await second.fetch(7)
        assert [picture.data for picture in result] == files
        assert [seen.path for seen in endpoint.gets] == ["/files/2.png"]
        assert len(endpoint.polls) == 1
        endpoint.seen.clear()
        assert len(await second.fetch(7)) == 4
    assert endpoint.seen == []


async def test_cache_holds_pictures_and_facts(endpoint: Endpoint, tmp_path: Path) -> None:
    """No key, no link, no query: the original files, named by their hashes, what was found in them, and a manifest."""
    files = serve(endpoint, "?X-Signature=secret-token")
    url = f"{endpoint.url}?token=secret-token"
    await dw.fetch(CANARY, "7", endpoint=url, cache=tmp_path)
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in found if path.suffix == ".png") == sorted(files)
    (manifest,) = [path for path in found if path.suffix == ".json"]
    assert len([path for path in found if path.suffix == ".inspected"]) == 4
    assert len(found) == 10  # and our mark
    assert json.loads(manifest.read_text()) == {
        "version": 2,
        "endpoint": endpoint.url,
        "request_id": "7",
        "count": 4,
        "meta": {"prompt": "a dog"},
    }
    everything = b"".join(bytes(path) + path.read_bytes() for path in found)
    for secret in (CANARY, "secret-token", "/files/"):
        assert secret.encode() not in everything


@pytest.mark.parametrize("request_id", ["../../etc", "a/b", "CON", "日本", "x" * 300, ".hidden"])
def test_a_hostile_request_id_stays_inside(tmp_path: Path, request_id: str) -> None:
    """Whatever the id, its entry is one folder below the cache."""
    cache = PictureCache(tmp_path / "cache")
    keep(cache, request_id, picture("red"), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    (place,) = requests(tmp_path / "cache")
    assert {path.suffix for path in place.iterdir()} == {".png", ".json", ".inspected"}
    stored = find(cache, request_id)
    assert complete(stored)


@pytest.mark.parametrize("damage", ["cut", "changed", "swapped", "not a picture"])
def test_a_damaged_file_is_ignored(tmp_path: Path, damage: str) -> None:
    """A file whose content is not what its name says, or is no picture, is as good as none."""
    cache = PictureCache(tmp_path)
    keep(cache, "1", picture("red"), 1)
    (path,) = tmp_path.rglob("*.png")
    data = path.read_bytes()
    if damage == "not a picture":
        path.with_name(f"0-{hashlib.sha256(b'<html>').hexdigest()}.png").write_bytes(b"<html>")
        path.unlink()
    else:
        path.write_bytes({"cut": data[:-20], "changed": data[:-1] + b"x", "swapped": png("blue")}[damage])
    stored = find(cache)
    assert stored.count == 1
    assert not complete(stored)
    keep(cache, "1", picture("red"), 1)
    if damage in ("cut", "not a picture"):
        assert complete(find(cache))  # kept again


@pytest.mark.parametrize("text", ["", "{", "[]", '{"count": "many"}', '{"count": 1}', '{"count": 1, "meta": 5}', "\0"])
def test_a_damaged_manifest_is_ignored(tmp_path: Path, text: str) -> None:
    """It is written anew with the next picture."""
    cache = PictureCache(tmp_path)
    keep(cache, "1", picture("red"), 1)
    (manifest,) = tmp_path.rglob("*.json")
    manifest.write_text(text)
    assert find(cache) == StoredRequest()
    keep(cache, "1", picture("red"), 1)
    assert complete(find(cache))  # kept again


def test_limits_hold_for_kept_pictures(tmp_path: Path) -> None:
    """A smaller limit than that of the run which kept the picture is not circumvented."""
    cache = PictureCache(tmp_path)
    keep(cache, "1", picture("red"), 1)
    for limits in ({"max_pixels": 10}, {"max_bytes": 10}):
        stored = find(cache, **limits)
        assert stored.count == 1
        assert not complete(stored)


def test_its_size_is_bounded(tmp_path: Path) -> None:
    """The request that was not used for longest goes first; other people's files stay."""
    one = picture("red").original
    assert one.inspection is not None
    size = len(one.read()) + len(one.inspection.pack())
    cache = PictureCache(tmp_path, max_bytes=3 * (size + 250))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_bytes(bytes(10 * size))
    for number in range(3):
        keep(cache, str(number), picture("red"), 1)
        (manifest,) = tmp_path.glob(f"*/{number}-*/manifest.json")
        os.utime(manifest, (1000 + number, 1000 + number))
    assert find(cache, "0").count  # used: 1 is now the oldest
    for number in (3, 4):
        keep(cache, str(number), picture("red"), 1)
    kept = [number for number in range(5) if find(cache, str(number)).count]
    assert 4 in kept
    assert 0 in kept
    assert 1 not in kept
    total = sum(path.stat().st_size for path in tmp_path.glob("*/*-*/*"))
    assert total <= cache.max_bytes
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_newest_request_outlives_the_bound(tmp_path: Path) -> None:
    """The pictures of the running job are not taken away under it."""
    cache = PictureCache(tmp_path, max_bytes=10)
    for index, color in enumerate(COLORS):
        keep(cache, "1", picture(color, index), 4)
    assert complete(find(cache))  # just kept


def test_complete_request_is_recognized(tmp_path: Path) -> None:
    """Told by the names alone; a missing picture, a stranger's file or a damaged manifest is no complete request."""
    cache = PictureCache(tmp_path)
    assert not cache.has_all(WHERE, "1")
    keep(cache, "1", picture("red", 0), 2)
    assert not cache.has_all(WHERE, "1")
    second = keep(cache, "1", picture("blue", 1), 2)
    assert cache.has_all(WHERE, "1")
    assert not cache.has_all(WHERE, "2")
    assert not cache.has_all(WHERE + "/elsewhere", "1")
    second.rename(second.with_name(second.name.replace("1-", "7-", 1)))
    assert not cache.has_all(WHERE, "1")
    second.with_name(second.name.replace("1-", "7-", 1)).rename(second)
    (second.parent / "manifest.json").write_text('{"count": "two"}')
    assert not cache.has_all(WHERE, "1")


def test_caches_of_same_folder_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the path was written; another bound is another cache."""
    monkeypatch.chdir(tmp_path)
    assert PictureCache("a") == PictureCache(tmp_path / "a")
    assert len({PictureCache("a"), PictureCache(str(tmp_path / "a"))}) == 1
    assert PictureCache("a") != PictureCache("b")
    assert PictureCache("a") != PictureCache("a", max_bytes=5)
    assert PictureCache("a") != "a"


def test_two_threads_at_once(tmp_path: Path) -> None:
    """Writers and readers of the same entry never see half of it, nor fail."""
    pictures = [picture(color, index) for index, color in enumerate(COLORS)]
    faults: list[BaseException] = []

    def work() -> None:
        cache = PictureCache(tmp_path)
        try:
            for _ in range(15):
                for one in pictures:
                    keep(cache, "1", one, 4, {"prompt": "a dog"})
                    stored = find(cache)
                    assert one.index in stored.pictures
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert not list(tmp_path.rglob("*.part"))
    assert complete(find(PictureCache(tmp_path)))  # by three writers


CROWD = """
import sys
from pathlib import Path
from dreambooth_widget.images.cache_folder import PictureCache
from dreambooth_widget.images.original import Original
from dreambooth_widget.images.worker import inspect
folder, name, bound, *files = sys.argv[1:]
wholes = [Path(file).read_bytes() for file in files]
originals = [Original(data, inspect(data, max_pixels=10**6)) for data in wholes]
cache = PictureCache(folder, max_bytes=int(bound))
print("ready", flush=True)
sys.stdin.readline()
found = 0
for number in range({rounds}):
    for request in ("shared", f"{{name}}-{{number % 3}}"):
        for index, original in enumerate(originals):
            cache.keep({where!r}, request, index, original, len(originals), {{"prompt": "a dog"}})
            stored = cache.find({where!r}, "shared", max_bytes=10**6, max_pixels=10**6)
            for index, one in stored.pictures.items():
                assert one.read() == wholes[index]
                found += 1
print(found)
"""


def whole(path: Path, index: int = 0) -> Picture:
    """Return the picture in a file."""
    return read_picture(path.read_bytes(), index=index)


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Two kernels keep the same request, and remove old ones to stay within the bound: no fault, no half of a file."""
    sources = [tmp_path / f"{color}.png" for color in COLORS]
    for path, color in zip(sources, COLORS, strict=True):
        path.write_bytes(png(color, (256, 256)))
    size = sum(len(one.data) + len(one.original.inspection.pack()) for one in map(whole, sources))  # type: ignore[union-attr]
    bound = 2 * size + 1000  # two requests fit, five are written
    folder = tmp_path / "cache"
    command = [sys.executable, "-c", CROWD.format(rounds=25, where=WHERE), str(folder)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    workers = [
        subprocess.Popen([*command, name, str(bound), *map(str, sources)], text=True, **pipes) for name in ("a", "b")
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n", worker.communicate()[1]
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    ends = [worker.communicate(timeout=60) for worker in workers]
    assert [errors for _, errors in ends] == ["", ""]
    assert all(int(output) > 25 for output, _ in ends)
    wholes = {path.read_bytes() for path in sources}
    kept = list(folder.rglob("*.png"))
    assert {path.read_bytes() for path in kept} <= wholes
    assert not list(folder.rglob("*.part"))
    # A folder without a manifest is nobody's: no bound would ever count or remove it.
    assert [place.name for place in requests(folder) if not (place / "manifest.json").is_file()] == []
    cache = PictureCache(folder, max_bytes=bound)
    for index, path in enumerate(sources):
        one = whole(path, index)
        keep(cache, "shared", one, len(sources))
    assert complete(find(cache, "shared"))  # just kept
    assert sum(path.stat().st_size for path in folder.glob("*/*/*.*")) <= bound


@pytest.mark.parametrize(("cache", "error"), [(5, TypeError), (b"x", TypeError), (__file__, ValueError)])
def test_what_cannot_be_a_folder(cache: Any, error: type[Exception]) -> None:
    """Said at construction, by the class that was called."""
    with pytest.raises(error, match="cache"):
        DreamboothWidget(CANARY, 1, cache=cache)
    with pytest.raises(error, match="cache"):
        Client(CANARY, cache=cache)


async def test_unwritable_folder_costs_only_cache(
    endpoint: Endpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The job succeeds; the log says what was wrong."""
    files = serve(endpoint)
    (tmp_path / "file").write_text("in the way")
    cache = PictureCache(tmp_path / "folder")
    cache.folder = tmp_path / "file" / "folder"
    async with client(endpoint, cache) as one:  # type: ignore[arg-type]  # a cache is taken too
        assert [picture.data for picture in await one.fetch(7)] == files
    assert "cannot keep a picture" in caplog.text


async def test_the_loop_stays_free(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache works in threads: not one of its calls is made on the event loop's."""
    serve(endpoint)
    own = threading.get_ident()
    where: list[int] = []
    for name in ("find", "keep"):
        real = getattr(PictureCache, name)

        def spied(*args: Any, real: Any = real, **named: Any) -> Any:
            where.append(threading.get_ident())
            return real(*args, **named)

        monkeypatch.setattr(PictureCache, name, spied)
    async with client(endpoint, tmp_path) as one:
        await one.fetch(7)
    assert len(where) == 5
    assert own not in where


SCRIPT = """
import asyncio, sys
from dreambooth_widget import fetch
url, folder = sys.argv[1:]
result = asyncio.run(fetch({key!r}, 7, endpoint=url, cache=folder))
for picture in result:
    picture.save(f"{{folder}}/{{picture.index}}.png", overwrite=True)
print(len(result))
"""


def start(url: str, folder: Path) -> subprocess.Popen[str]:
    """A process of its own that fetches request 7 with a cache, and saves its pictures."""
    command = [sys.executable, "-c", SCRIPT.format(key=CANARY), url, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition: Any) -> None:
    """Wait until a condition holds in another process."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.slow
def test_killed_while_downloading(tmp_path: Path) -> None:
    """After SIGKILL there is nothing half-written under a final name; the next run loads only what was missing."""
    with ThreadedEndpoint(Endpoint()) as endpoint:
        files = serve(endpoint)
        endpoint.answers = [PROCESSING, *endpoint.answers]
        endpoint.serve("3.png", Reply(files[3], gate=asyncio.Event()))  # never comes
        victim = start(endpoint.url, tmp_path)
        until(lambda: len(list(tmp_path.rglob("*-*.png"))) == 3)
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        for path in tmp_path.rglob("*.png"):
            assert path.read_bytes() in files
        endpoint.seen.clear()
        endpoint.serve("3.png", files[3])
        again = start(endpoint.url, tmp_path)
        output, errors = again.communicate(timeout=60)
        assert output.strip() == "4", errors
        assert [seen.path for seen in endpoint.gets] == ["/files/3.png"]
    assert [(tmp_path / f"{index}.png").read_bytes() for index in range(4)] == files


SAVING = """
import hashlib, sys
from dreambooth_widget.images.inspection import Inspection, Rendition
from dreambooth_widget.images.original import Original
from pathlib import Path
from dreambooth_widget.images.picture import Picture
from dreambooth_widget.images.cache_folder import PictureCache
folder = Path(sys.argv[1])
data = bytes(40_000_000)
small = {"thumbnail": Rendition("image/webp", b"x"), "preview": Rendition("image/webp", b"x")}
found = Inspection("PNG", 1, 1, hashlib.sha256(data).hexdigest(), {}, {}, small)
picture = Picture(0, "", Original(data, found), "PNG", 1, 1)
while True:
    picture.save(folder / "saved.png", overwrite=True)
    PictureCache(folder / "cache").keep("https://x", "1", 0, picture.original, 1, {})
    for path in folder.rglob("*-*.png"):
        path.unlink()
"""


def write_until_stopped(folder: Path, pattern: str) -> tuple[subprocess.Popen[bytes], set[Path]]:
    """Return a stopped process that is in the middle of writing a file, and that file."""
    writer = subprocess.Popen([sys.executable, "-c", SAVING, str(folder)])
    while True:
        until(lambda: any(_size(path) for path in folder.glob(pattern)))
        writer.send_signal(signal.SIGSTOP)
        os.waitpid(writer.pid, os.WUNTRACED)
        if unfinished := {path for path in folder.glob(pattern) if _size(path)}:
            return writer, unfinished
        writer.send_signal(signal.SIGCONT)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot stop a process")
@pytest.mark.parametrize("where", ["cache", "save", "save all"])
def test_only_killed_writers_are_cleared(tmp_path: Path, where: str) -> None:
    """The next writing leaves the unfinished file of a living process alone, and removes it once that was killed.

    The name itself is the whole file or is not there.
    """
    one = picture("red")
    mine = tmp_path / ".dreambooth-mine.txt"
    mine.write_bytes(b"mine")
    writer, unfinished = write_until_stopped(tmp_path, f"{'cache/*/*/' if where == 'cache' else ''}.dreambooth-*.part")

    def write() -> None:
        if where == "cache":
            keep(PictureCache(tmp_path / "cache"), "2", one, 1)
        elif where == "save":
            one.save(tmp_path / "b.png", overwrite=True)
        else:
            save_all([one], tmp_path, "7", overwrite=True)

    try:
        write()
        assert all(path.exists() for path in unfinished)
    finally:
        writer.kill()
        writer.wait()
    write()
    assert not any(path.exists() for path in unfinished)
    assert mine.exists()
    assert all(path.stat().st_size in (40_000_000, one.nbytes) for path in tmp_path.rglob("*.png"))


def test_half_a_first_manifest_is_cleared(tmp_path: Path) -> None:
    """A process that was killed at the first file of a request leaves nothing behind either."""
    cache = PictureCache(tmp_path)
    half = cache.open() / f"1-{'0' * 16}" / ".dreambooth-0.part"
    half.parent.mkdir(mode=0o700)
    half.write_bytes(b"{")
    keep(cache, "2", picture("red"), 1)
    assert not half.exists()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


# -- folders that others may write to ------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")


def test_only_our_own_is_ever_removed(tmp_path: Path) -> None:
    """Making room removes nothing beside our folder, and in it nothing but requests, whatever others are called."""
    stranger = tmp_path / "album-0123456789abcdef"
    inside = tmp_path / "dreambooth-widget" / "album-0123456789abcdef"
    cache = PictureCache(tmp_path, max_bytes=10)
    keep(cache, "1", picture("red"), 1)
    for folder in (stranger, inside):
        folder.mkdir()
        (folder / "thesis.txt").write_bytes(b"mine")
    (stranger / "manifest.json").write_text("{}")
    for number in range(3):
        keep(PictureCache(tmp_path, max_bytes=10), str(number), picture("blue"), 1)
    assert (stranger / "thesis.txt").exists()
    assert (inside / "thesis.txt").exists()
    assert find(cache, "1") == StoredRequest()
    assert complete(find(cache, "2"))


def test_folder_without_mark_is_foreign(tmp_path: Path) -> None:
    """Somebody's own "dreambooth-widget" is neither written to nor read."""
    mine = tmp_path / "dreambooth-widget"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    with pytest.raises(OSError, match=r"No such file|not made by"):
        keep(PictureCache(tmp_path), "1", picture("red"), 1)
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]


@posix
def test_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Whatever the umask."""
    before = os.umask(0)
    try:
        path = keep(PictureCache(tmp_path), "1", picture("red"), 1)
    finally:
        os.umask(before)
    assert [folder.stat().st_mode & 0o777 for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


@posix
@pytest.mark.parametrize("which", ["own", "request"])
@pytest.mark.parametrize("planted", ["link", "writable", "stranger's"])
def test_planted_folders_are_refused(tmp_path: Path, which: str, planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link, a folder that others may write to, or one of another user: nothing is written through it, nor read."""
    cache = PictureCache(tmp_path / "cache")
    path = keep(cache, "1", picture("red"), 1)
    folder = path.parent if which == "request" else path.parent.parent
    if planted == "link":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    elif planted == "writable":
        folder.chmod(0o777)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    content = sorted(each.name for each in folder.iterdir())
    assert find(cache) == StoredRequest()
    assert not cache.has_all(WHERE, "1")
    with pytest.raises(OSError, match=r"folder of its own|belongs to another"):
        keep(cache, "1", picture("blue"), 1)
    assert sorted(each.name for each in folder.iterdir()) == content


@posix
@pytest.mark.parametrize("which", ["manifest.json", ".png", ".inspected"])
@pytest.mark.parametrize("planted", ["fifo", "link", "/dev/zero", "folder", "endless"])
def test_planted_files_are_not_read(tmp_path: Path, which: str, planted: str) -> None:
    """No FIFO hangs, no device fills the memory, no link is followed, and size is checked before reading."""
    cache = PictureCache(tmp_path / "cache")
    keep(cache, "1", picture("red"), 1)
    (path,) = [path for path in tmp_path.rglob("*") if path.name.endswith(which)]
    data = path.read_bytes()
    path.unlink()
    if planted == "fifo":
        os.mkfifo(path)
    elif planted == "folder":
        path.mkdir()
    elif planted == "endless":
        path.write_bytes(data)
        os.truncate(path, 1 << 40)
    else:
        target = Path("/dev/zero") if planted == "/dev/zero" else tmp_path / "secret"
        (tmp_path / "secret").write_bytes(data)
        path.symlink_to(target)
    stored = find(cache)
    assert not complete(stored)


@pytest.mark.parametrize(
    "text",
    [
        '{"count": 1e9, "meta": {}}',
        '{"count": 1000000000, "meta": {}}',
        '{"count": true, "meta": {}}',
        '{"count": 1, "meta": ' + "[" * 100_000,
        '{"count": 1, "meta": {"a": "' + "x" * 2_000_000 + '"}}',
        '{"count": -5, "meta": {}}',
    ],
    ids=lambda text: text[:40],
)
def test_a_hostile_manifest_is_ignored(tmp_path: Path, text: str) -> None:
    """It breaks no constructor and takes no memory: the request is polled as if nothing were there."""
    cache = PictureCache(tmp_path)
    keep(cache, "1", picture("red"), 1)
    (manifest,) = tmp_path.rglob("manifest.json")
    manifest.write_text(text)
    assert find(cache) == StoredRequest()
    assert not cache.has_all(WHERE, "1")


def test_facts_in_a_manifest_are_bounded(tmp_path: Path) -> None:
    """Nested values, links, endless texts and numbers are left out when it is read, too."""
    cache = PictureCache(tmp_path)
    keep(cache, "1", picture("red"), 1)
    (manifest,) = tmp_path.rglob("manifest.json")
    meta = {"seed": 5, "prompt": "a dog", "link": "https://x/?sig=1", "nested": [1], "long": "x" * 20_000}
    meta |= {"endless": float("inf"), "none": float("nan"), "guidance": 7.5}
    manifest.write_text(json.dumps({"count": 1, "meta": meta}))
    stored = find(cache)
    assert stored.meta == {"seed": 5, "prompt": "a dog", "guidance": 7.5}
