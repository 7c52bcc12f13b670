"""The bytes of one picture: in memory, then in files that go with it."""

from __future__ import annotations

import gc
import hashlib
from pathlib import Path

import pytest

from dreambooth_widget.images.original import INSPECTED, Original

from ..image_files import encoded, inspect_here, scene

DATA = encoded(scene())
FOUND = inspect_here(DATA)


def moved(folder: Path) -> Original:
    """Return an inspected original that has left memory."""
    original, path = Original(DATA, FOUND), folder / "0.original"
    path.write_bytes(DATA)
    path.with_suffix(INSPECTED).write_bytes(FOUND.pack())
    original.move_to(path, None)
    return original


def test_original_knows_size_and_digest() -> None:
    """With and without what a worker found."""
    for original in (Original(DATA), Original(DATA, FOUND)):
        assert original.read() is DATA
        assert (original.nbytes, original.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert Original(DATA).inspection is None
    assert Original(DATA, FOUND).inspection is FOUND


def test_held_counts_bytes_and_renditions(tmp_path: Path) -> None:
    """What lies in files takes no memory."""
    assert Original(DATA).bytes_in_memory == len(DATA)
    assert Original(DATA, FOUND).bytes_in_memory == len(DATA) + sum(
        len(each.data) for each in FOUND.renditions.values()
    )
    assert moved(tmp_path).bytes_in_memory == 0


def test_moved_original_reads_the_same(tmp_path: Path) -> None:
    """Bytes, inspection, size and digest come from the files, or need none."""
    original = moved(tmp_path)
    assert (original.read(), original.inspection) == (DATA, FOUND)
    assert (original.nbytes, original.sha256) == (len(DATA), FOUND.sha256)


def test_files_go_with_their_original(tmp_path: Path) -> None:
    """Both of them, and it does not matter when one is gone already."""
    original = moved(tmp_path)
    (tmp_path / "0.original").unlink()
    with pytest.raises(FileNotFoundError):
        original.read()
    assert len(list(tmp_path.iterdir())) == 1
    del original
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_keeper_lives_with_the_original(tmp_path: Path) -> None:
    """A folder that is removed with its store stays while an original is in it."""

    class Keeper:
        gone = False

        def __del__(self) -> None:
            Keeper.gone = True

    original = Original(DATA)
    (tmp_path / "0.original").write_bytes(DATA)
    original.move_to(tmp_path / "0.original", Keeper())
    gc.collect()
    assert not Keeper.gone
    del original
    gc.collect()
    assert Keeper.gone
