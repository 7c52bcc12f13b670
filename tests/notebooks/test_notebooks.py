"""Every notebook that is shipped runs from top to bottom, without a key, a browser or anything left in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from dreambooth_widget import errors

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


Run = Callable[[str], Executed]


def group(notebook: str) -> pytest.MarkDecorator:
    """Keep the tests of one notebook on one worker, which executes it once."""
    return pytest.mark.xdist_group(f"notebooks/{notebook}")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The notebook of a name after papermill, which stops at the first error; in a folder of its own, without a key."""

    @cache
    def executed(name: str) -> Executed:
        folder = tmp_path_factory.mktemp(name)
        copy = folder / f"{name}.ipynb"
        path = next(path for path in NOTEBOOKS if path.stem == name)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        # dask warns where one of its workers takes more than 4 s to end, as on a busy machine.
        return Workshop(folder, {"DASK_LOGGING__DISTRIBUTED": "error"}).execute(copy, "papermill")

    return executed


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(path.stem, marks=group(path.stem)) for path in NOTEBOOKS])
def test_it_runs_from_top_to_bottom(name: str, run: Run) -> None:
    """No cell fails or complains, and every widget that was shown has its copy in the file, or waits with the form."""
    done = run(name)
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
@group("automation")
def test_automation_keeps_its_promises(run: Run) -> None:
    """A time-out that is resumed, a second run without a poll, files that were written, an error that is caught."""
    done = run("automation")
    cells, text = outputs(done)
    assert "Not ready after 0:01" in text["deadline"]
    assert "2 pictures" in text["resume"]
    assert done.outputs(cells["cache-same"])[0]["text/plain"] == "('4 pictures, from the cache', 0, True)"
    assert "gallery.html" in text["export"]
    assert "EndpointUnreachableError" in text["error"]


@pytest.mark.slow
@group("batch")
def test_batch_keeps_its_promises(run: Run) -> None:
    """Fifty prompts, two of which fail, in one card; a manifest, a data frame, `fetch_all`, and a cluster's workers."""
    done = run("batch")
    cells, text = outputs(done)
    assert "48 of 50 done, 2 failed" in text["all"]
    assert text["all"].count("GenerationFailedError") == 2
    assert "50 files" in text["keep"]
    assert "'error': 2, 'success': 48" in text["frame"]
    assert "FetchResult" in text["client"]
    assert "16 requests from 2 processes" in text["dask"]
    assert "1 picture" in text["dask"]
    copy = done.gallery(cells["show"])
    assert copy.count("<img") == 48
    assert "a fox in the snow" in copy
    assert len(copy) < 512 * 1024


ENDS = {
    "key": "InvalidKeyError",
    "account": "AccountError",
    "not-found": "RequestNotFoundError",
    "failed": "GenerationFailedError",
    "empty": "EmptyResultError",
    "deadline": "DeadlineExceededError",
    "unreachable": "EndpointUnreachableError",
    "stop": "StoppedError",
}
"""What the cells of errors.ipynb end with, by their names."""


@pytest.mark.slow
@group("errors")
def test_errors_are_shown_and_raised(run: Run) -> None:
    """The card's copy has the error's two words, the printed line its class; what needs patience ends well."""
    executed = run("errors")
    cells = {cell.id: index for index, cell in enumerate(executed.notebook.cells)}

    def printed(name: str) -> str:
        outputs = executed.notebook.cells[cells[name]].outputs
        return "".join(output["text"] for output in outputs if output["output_type"] == "stream")

    for name, kind in ENDS.items():
        assert printed(name).startswith(f"{kind}: "), name
        assert getattr(errors, kind).title in executed.gallery(cells[name]), name
    for name in ("unavailable", "rate-limit"):
        assert printed(name).startswith("<FetchResult"), name
    assert "2 pictures" in printed("missing")
    assert "1 missing" in printed("missing")
    assert "1 could not be loaded" in executed.gallery(cells["missing"])
    assert [line.partition(":")[0] for line in printed("arguments").splitlines()] == ["TypeError", *["ValueError"] * 2]
    assert [line.partition(":")[0] for line in printed("script").splitlines()] == ["message", "advice", "details"]


def outputs(done: Executed) -> tuple[dict[str, int], dict[str, str]]:
    """The indices of the code cells by their ids, and what each has put out as JSON text."""
    cells = {cell.id: index for index, cell in enumerate(done.notebook.cells) if cell.cell_type == "code"}
    return cells, {name: json.dumps(done.notebook.cells[index].outputs) for name, index in cells.items()}


ORDER = ["quickstart", "gallery", "errors", "batch", "automation", "quickstart"]


def test_each_notebook_links_to_next() -> None:
    """From the quickstart on a reader comes to every notebook."""
    assert {path.stem for path in NOTEBOOKS} == set(ORDER)
    for name, following in pairwise(ORDER):
        path = next(path for path in NOTEBOOKS if path.stem == name)
        last = [
            cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown"
        ][-1]
        assert f"]({following}.ipynb)" in "".join(last["source"]), name
