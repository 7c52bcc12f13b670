"""The benchmarks behind README's numbers run, and what they find is written where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import readme
from .running import found


@pytest.mark.slow
@pytest.mark.timeout(900)  # 30 s of a processor
def test_many_requests_meet_their_targets() -> None:
    """In virtual time the same comes out on every machine: half the delay of loops, and cost that grows linearly."""
    result = found("many")
    assert [row["way"] for row in result["compared"]] == ["ours", "every 1 s", "every 5 s"]
    slow, fast = result["links"]
    assert fast["mean delay"] < slow["mean delay"] < result["compared"][0]["mean delay"]
    assert [row["requests"] for row in result["grown"]] == [10, 100, 1000, 10_000]
    assert [target["target"] for target in result["targets"] if not target["met"]] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "rows"),
    [("thumbnails", ("--pictures", "4", "--rounds", "1"), 4), ("imports", ("--rounds", "1"), 5)],
)
def test_the_timed_ones_run(name: str, arguments: tuple[str, ...], rows: int) -> None:
    """What they measure means nothing here, where other tests run beside them; but they do measure."""
    result = found(name, *arguments)
    assert len(result["rows"]) == rows
    assert result["targets"]


def test_numbers_are_written_between_the_marks(tmp_path: Path) -> None:
    """What stands around them stays; without the marks nothing is written."""
    path = tmp_path / "README.md"
    path.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n", encoding="utf-8")
    readme.write("new", path)
    assert path.read_text(encoding="utf-8") == f"before\n{readme.BEGIN}\n\nnew\n\n{readme.END}\nafter\n"
    path.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="marks"):
        readme.write("new", path)
    assert path.read_text(encoding="utf-8") == "no marks"


def test_readmes_have_their_numbers() -> None:
    """The marks are there, between them the benchmarks that are named, and in the project's README three numbers."""
    brief = readme.README.read_text(encoding="utf-8").partition(readme.BEGIN)[2].partition(readme.END)[0]
    assert len(brief.strip().splitlines()) == 2 + 3
    text = readme.DETAILS.read_text(encoding="utf-8")
    block = text.partition(readme.BEGIN)[2].partition(readme.END)[0]
    for name in readme.NAMES:
        assert f"`{name}.py`" in block
