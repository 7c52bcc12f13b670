"""Names, atomic writes and zips."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import threading
import zipfile
from pathlib import Path, PureWindowsPath
from typing import Any, BinaryIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dreambooth_widget.images.files import file_name, file_stem, named, read_file, save_all, write_atomically, zip_bytes
from dreambooth_widget.images.picture import Picture

from ..image_files import encoded, scene

if sys.platform != "win32":
    import fcntl

HOSTILE = [
    *("../../x", "..", ".", "", "/etc/passwd", "C:\\x", "a" * 4096, "a\0b", "🎉", "é", "\ud800", "%2e%2e"),
    *("CON", "nul.txt", "a:b", "a\nb", "-rf", "~", " ", "a."),
]


def pictures(count: int = 3) -> list[Picture]:
    """Some pictures, all different."""
    return [Picture(n, "", encoded(scene((8 + n, 8))), "PNG", 8 + n, 8) for n in range(count)]


def test_usual_ids_stay_readable() -> None:
    """An id as the service gives it stands in the name as it is; one with capitals is told apart by more than them."""
    assert file_name("13443927", 0, "png") == "13443927-1.png"
    assert file_name("3f1c-4ab_9", 11, "webp") == "3f1c-4ab_9-12.webp"
    assert re.fullmatch(r"3f1c-4aB_9-[0-9a-f]{8}-12\.webp", file_name("3f1c-4aB_9", 11, "webp"))


@pytest.mark.parametrize("request_id", HOSTILE)
def test_hostile_ids_are_tamed(request_id: str, tmp_path: Path) -> None:
    """Every id gives one plain name, which can be written on any system, inside of the folder."""
    name = file_name(request_id, 0, "png")
    assert name == Path(name).name == PureWindowsPath(name).name
    assert not re.fullmatch(r"con|prn|aux|nul|(com|lpt)[0-9]", name.partition(".")[0], re.IGNORECASE)  # Windows' own
    assert len(name) < 128
    assert not name.startswith((".", "-"))
    (path,) = save_all(pictures(1), tmp_path, request_id)
    assert path.parent == tmp_path
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@given(st.text(), st.text())
@example("job", "Job")
@example("a b", "a_b-c8687a08")
@example("a b", "A_B-C8687A08")
def test_different_ids_never_share_a_name(one: str, other: str) -> None:
    """What is cleaned away is told apart by a digest, on file systems that ignore case as well."""
    assert (file_stem(one).lower() == file_stem(other).lower()) == (one == other)


def test_save_all_makes_the_folder(tmp_path: Path) -> None:
    """Folders are made; names are numbered by the place in the answer; the bytes are the original ones."""
    three = pictures()
    paths = save_all([three[0], three[2]], tmp_path / "a" / "b", "77")
    assert [path.name for path in paths] == ["77-1.png", "77-3.png"]
    assert [path.read_bytes() for path in paths] == [three[0].data, three[2].data]


@pytest.mark.parametrize(
    ("indices", "kind", "why"),
    [
        ([False, True], IndexError, "no picture with index .*False"),
        ([[0, 1]], IndexError, "no picture with index array"),
        (1, ValueError, "must be a list of picture indices, not ndarray"),
        ([0.0, 1.0], IndexError, "no picture with index"),
    ],
)
def test_arrays_of_no_indices(indices: Any, kind: type[Exception], why: str, tmp_path: Path) -> None:
    """Of numpy's arrays, those of integers in one dimension are indices; a mask is refused, as one of Python is."""
    numpy = pytest.importorskip("numpy")
    with pytest.raises(kind, match=why):
        save_all(pictures(), tmp_path, "77", numpy.array(indices))
    assert list(tmp_path.iterdir()) == []
    paths = save_all(pictures(), tmp_path, "77", numpy.array([2, 0, 2]))
    assert [path.name for path in paths] == ["77-3.png", "77-1.png"]


def test_save_all_overwrites_only_when_told(tmp_path: Path) -> None:
    """One existing file stops all of them before anything is written, and the message says what to do."""
    (tmp_path / "77-2.png").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save_all(pictures(), tmp_path, "77")
    assert [path.name for path in tmp_path.iterdir()] == ["77-2.png"]
    save_all(pictures(), tmp_path, "77", overwrite=True)
    assert (tmp_path / "77-2.png").read_bytes() == pictures()[1].data


def test_file_appearing_meanwhile_is_kept(tmp_path: Path) -> None:
    """Of many writers to one new name exactly one wins, and its bytes are whole."""
    path = tmp_path / "a.png"
    start = threading.Barrier(8)
    won: list[int] = []

    def write(number: int) -> None:
        start.wait()
        try:
            write_atomically(path, bytes([number]) * 200_000, overwrite=False)
        except FileExistsError:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert path.read_bytes() == bytes(won) * 200_000
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_overwritten_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT and some network file systems have none."""

    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a.png"
    write_atomically(path, b"first", overwrite=False)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_atomically(path, b"second", overwrite=False)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failures", [1, 3])
def test_reserved_name_is_given_back(failures: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without hard links, a temporary file that is cleared before it has its name leaves no empty file behind."""
    replace, calls = Path.replace, []

    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    def clear(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) <= failures:
            self.unlink()
        return replace(self, target)

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(Path, "replace", clear)
    path = tmp_path / "a.png"
    if failures == 1:
        write_atomically(path, b"whole", overwrite=False)
        assert path.read_bytes() == b"whole"
        path.unlink()
    else:
        with pytest.raises(FileNotFoundError):
            write_atomically(path, b"whole", overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_locks_of_cifs_are_mandatory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a locked file refuses every other descriptor, pictures are saved; each is locked until it has its name."""
    real, move, locked = Path.open, os.link, []

    def holds_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(file, fcntl.LOCK_UN)
        return True

    def refuse_locked(self: Path, *arguments: str, **named: str) -> object:
        file = real(self, *arguments, **named)
        if not holds_lock(file):  # type: ignore[arg-type]
            file.close()
            raise PermissionError(errno.EACCES, "Permission denied")
        return file

    def link(temporary: Path, path: Path) -> None:
        with real(temporary, "rb") as file:
            locked.append(not holds_lock(file))
        move(temporary, path)

    monkeypatch.setattr(Path, "open", refuse_locked)
    monkeypatch.setattr(os, "link", link)
    write_atomically(tmp_path / "a.png", b"whole", overwrite=False)
    monkeypatch.undo()
    assert locked == [True]
    assert (tmp_path / "a.png").read_bytes() == b"whole"


def test_a_failing_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file nor its temporary neighbour stays when writing fails half way."""
    real = Path.open

    def broken(self: Path, *arguments: str, **named: str) -> object:
        file = real(self, *arguments, **named)
        file.write(b"half")  # type: ignore[arg-type]
        file.close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", broken)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "a.png", b"whole", overwrite=True)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_overwritten_file_is_always_whole(tmp_path: Path) -> None:
    """A reader sees the old bytes or the new ones, whenever it looks."""
    path = tmp_path / "a.png"
    path.write_bytes(b"o" * 300_000)
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for n in range(40):
        write_atomically(path, bytes([n]) * 300_000, overwrite=True)
    done.set()
    reader.join()
    assert all(len(content) == 300_000 and len(set(content)) == 1 for content in seen)


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    """A saved picture is as readable as any other file the user writes."""
    (tmp_path / "usual").write_bytes(b"")
    write_atomically(tmp_path / "ours", b"", overwrite=False)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_zip_holds_the_original_files() -> None:
    """Names and bytes are those of `save`, uncompressed."""
    three = pictures()
    with zipfile.ZipFile(io.BytesIO(zip_bytes(named(three, "../x")))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [file_name("../x", n, "png") for n in range(3)]
        assert [archive.read(name) for name in archive.namelist()] == [picture.data for picture in three]


def test_zip_is_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """No clock and no operating system shows in it."""
    first = zip_bytes(named(pictures(), "1"))
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert zip_bytes(named(pictures(), "1")) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_large_zip() -> None:
    """Beyond 8 MiB it is put together on disk, and is the same."""
    large = [Picture(n, "", os.urandom(3_000_000), "PNG", 1, 1) for n in range(4)]
    with zipfile.ZipFile(io.BytesIO(zip_bytes(named(large, "1")))) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [picture.data for picture in large]


def test_cleaned_looking_id_gets_digest() -> None:
    """The id "a b" becomes "a_b-c8687a08": an id of that very text gets a name of its own."""
    assert file_stem("a b") == "a_b-c8687a08"
    assert file_stem("a_b-c8687a08") not in ("a_b-c8687a08", file_stem("a b"))


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """The error names the folder that is not there, not the temporary file."""
    with pytest.raises(FileNotFoundError, match=r"no such folder.*new'"):
        write_atomically(tmp_path / "new" / "x.png", b"", overwrite=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs and no devices")
@pytest.mark.parametrize("planted", ["fifo", "link", "device", "folder", "too large", "nothing"])
def test_planted_files_are_not_read(planted: str, tmp_path: Path) -> None:
    """What is no regular file of the expected size is an OSError at once: for the cache a disk error like others."""
    path = tmp_path / "CACHEDIR.TAG"
    match planted:
        case "fifo":
            os.mkfifo(path)
        case "link":
            (tmp_path / "target").write_bytes(b"x")
            path.symlink_to(tmp_path / "target")
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "too large":
            path.write_bytes(b"12345")
    with pytest.raises(OSError, match=str(path)):
        read_file(path, 4)
