"""Execute a notebook without a browser and tell how each step went: ``python -m dreambooth_widget --check``."""

from __future__ import annotations

import importlib.util
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nbclient import NotebookClient

__all__ = ["rehearse"]

STEP_TIMEOUT: Final = 180  # seconds for one cell


def steps(cells: list[Any]) -> Iterator[tuple[int, Any, str]]:
    """Yield index, cell and name of each code cell that has something in it; the name is the heading above it."""
    heading, parts = "", 0
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            found = re.search(r"^#+ +(.+)$", cell.source, re.MULTILINE)
            if found:
                heading, parts = found[1].strip(), 0
        elif cell.cell_type == "code" and cell.source.strip():
            parts += 1
            under = heading if parts == 1 else f"{heading} ({parts})"
            yield index, cell, under if heading else cell.source.strip().splitlines()[0]


def open_client(notebook: Any, folder: str) -> NotebookClient:
    """Return the client that executes `notebook` in `folder`, in a kernel of this very Python."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    # Without folders to look into, "python3" is the ipykernel beside us and not one of the user's account,
    # which may not know this package.
    specs = KernelSpecManager(kernel_dirs=[])
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
    return NotebookClient(
        notebook,
        km=manager,
        timeout=STEP_TIMEOUT,
        resources={"metadata": {"path": folder}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # its warnings would stand between the lines of the steps
    )


def rehearse(path: Path) -> int:
    """Execute the notebook at `path`, print a line for each step, and return 0, or 1 at the first step that fails.

    Files that the notebook writes go to a temporary folder.
    """
    if importlib.util.find_spec("nbclient") is None or importlib.util.find_spec("ipykernel") is None:
        raise SystemExit('JupyterLab is not installed here. Run: pip install "dreambooth-widget[lab]"')
    import nbformat
    from nbclient.exceptions import CellControlSignal, DeadKernelError

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat types only a part
    plan = list(steps(notebook.cells))
    # Windows cannot remove the folder in which the ending kernel still stands.
    with tempfile.TemporaryDirectory(prefix="dreambooth-", ignore_cleanup_errors=True) as folder:
        client = open_client(notebook, folder)
        with client.setup_kernel(cleanup_kc=True):  # a manager that it did not make itself it would leave running
            for number, (index, cell, name) in enumerate(plan, start=1):
                began = time.monotonic()
                try:
                    client.execute_cell(cell, index)
                except (CellControlSignal, DeadKernelError) as error:
                    told = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # IPython colours its tracebacks
                    print(f"FAILED {number}/{len(plan)}  {name}\n{told}", flush=True)
                    return 1
                print(f"ok     {number}/{len(plan)}  {name}  ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"The quickstart works here: {len(plan)} steps.")
    return 0
