"""notebooks/errors.ipynb: each kind of failure that it announces happens, in the card and in Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dreambooth_widget import errors

from .programs import Workshop

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "errors.ipynb"
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
"""What the cells end with, by their names."""


@pytest.mark.slow
def test_failures_are_shown_and_raised(workshop: Workshop) -> None:
    """The card's copy has the error's two words, the printed line its class; what needs patience ends well."""
    executed = workshop.execute(Path(shutil.copy(NOTEBOOK, workshop.folder)))
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
