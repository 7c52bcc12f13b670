"""The programs that execute notebooks without a browser, and what they leave in the file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat

from ..browser.lab import write_notebook
from ..browser.server import environment
from ..kernels import write_kernelspec

Program = Literal["nbclient", "nbconvert", "papermill"]
PROGRAMS: tuple[Program, ...] = ("nbclient", "nbconvert", "papermill")
PATIENCE = 280
"""Seconds for a whole run on a slow machine."""
PORT_TAKEN = "zmq.error.ZMQError: Address already in use"

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


@dataclass
class Executed:
    """A notebook after its execution: the file's text and what is in it."""

    path: Path
    text: str = ""
    notebook: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.text = self.path.read_text(encoding="utf-8")
        self.notebook = nbformat.reads(self.text, as_version=4)  # type: ignore[no-untyped-call]

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """The MIME bundles that a cell shows."""
        return [output["data"] for output in self.notebook.cells[cell].get("outputs", ()) if "data" in output]

    def gallery(self, cell: int) -> str:
        """The HTML of the static copies of a cell."""
        return "".join(bundle.get("text/html", "") for bundle in self.outputs(cell))

    def states(self) -> list[dict[str, Any]]:
        """The saved state of every DreamboothWidget."""
        saved = self.notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
        return [entry["state"] for entry in saved.values() if "request_id" in entry["state"]]


class Workshop:
    """A folder with notebooks, kernelspecs and a private Jupyter, in which programs execute notebooks."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.jupyter_path = folder / "share"
        self.variables = {**variables, "JUPYTER_PATH": str(self.jupyter_path)}
        self._made = 0

    def write(self, cells: Sequence[str], kernel: str = "python3") -> Path:
        """A new notebook of `cells`."""
        self._made += 1
        path = self.folder / f"notebook-{self._made}.ipynb"
        write_notebook(path, cells, kernel)
        return path

    def kernel(self, version: str | None) -> str:
        """The name of a kernelspec with that ipykernel."""
        return write_kernelspec(self.jupyter_path, version)

    def execute(self, path: Path, program: Program = "nbclient") -> Executed:
        """The notebook as `program` leaves it."""
        done = path.with_name(f"{path.stem}-{program}.ipynb")
        commands = {
            "nbclient": ["jupyter", "execute", str(path), f"--output={done}"],
            "nbconvert": ["nbconvert", "--to=notebook", "--execute", str(path), f"--output={done.name}"],
            "papermill": ["papermill", str(path), str(done), "--no-progress-bar"],
        }
        self.run(*commands[program])
        return Executed(done)

    def convert(self, path: Path, *options: str) -> str:
        """The HTML that nbconvert makes of a notebook."""
        page = path.with_suffix(".html")
        self.run("nbconvert", "--to=html", *options, str(path), f"--output={page.name}")
        return page.read_text(encoding="utf-8")

    def run(self, *command: str) -> str:
        """`python -m …` in the folder; what it printed. Fails with its words.

        Once more if another process took a port between jupyter_client's choice and the kernel's start.
        """
        done = self._run(command)
        if done.returncode and PORT_TAKEN in done.stderr:
            done = self._run(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env=environment(self.folder, self.variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
