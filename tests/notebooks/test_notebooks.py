"""Every notebook that is shipped runs from top to bottom, without a key, a browser or anything left in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .programs import VIEW, Executed, Workshop

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    """The list below is not empty by mistake."""
    assert {"quickstart.ipynb", "automation.ipynb"} <= {path.name for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_left_in_it(path: Path) -> None:
    """No outputs, no counts, no widget state: what is in git is what was written."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def executed(path: Path, folder: Path) -> Executed:
    """The notebook after papermill, which stops at the first error, in a folder of its own and without a key."""
    workshop = Workshop(folder, {})
    copy = folder / path.name
    copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return workshop.execute(copy, "papermill")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    """No cell fails or complains, and every widget that was shown has its copy in the file, or waits with the form."""
    done = executed(path, tmp_path)
    shown = 0
    for index, cell in enumerate(done.notebook.cells):
        for output in cell.get("outputs", ()):
            assert output["output_type"] != "error", output
            assert output.get("name") != "stderr", output
        if any(VIEW in bundle for bundle in done.outputs(index)):
            shown += 1
            assert "dreambooth-copy" in done.gallery(index) or "autostart=False" in cell.source
    assert shown


@pytest.mark.slow
def test_the_automation_says_what_it_promises(tmp_path: Path) -> None:
    """A time-out that is resumed, a second run that asks nobody, files that were written, an error that is caught."""
    path = next(path for path in NOTEBOOKS if path.stem == "automation")
    done = executed(path, tmp_path)
    cells = {cell.id: index for index, cell in enumerate(done.notebook.cells) if cell.cell_type == "code"}
    text = {name: json.dumps(done.notebook.cells[index].outputs) for name, index in cells.items()}
    assert "No result after 0:01" in text["deadline"]
    assert "2 pictures" in text["resume"]
    assert done.outputs(cells["cache-same"])[0]["text/plain"] == "('4 pictures, from the cache', 0, True)"
    assert "gallery.html" in text["export"]
    assert "EndpointUnreachableError" in text["error"]
