"""One marimo notebook, served as an app: its cells run when the page is opened."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from .server import Server, free_port

HEAD = "import marimo\n\napp = marimo.App()\n"
CELL = "\n\n@app.cell\nasync def _():\n{body}\n    return\n"


def source(cells: Sequence[str]) -> str:
    """A marimo file whose cells stand alone: what one defines, the others do not see."""
    bodies = (textwrap.indent(cell.strip(), "    ") for cell in cells)
    return HEAD + "".join(CELL.format(body=body) for body in bodies)


async def start_marimo(folder: Path, cells: Sequence[str]) -> tuple[Server, str]:
    """A marimo server in the new `folder` for a notebook made of `cells`, and the page's address."""
    port = free_port()
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    (folder / "notebooks" / "page.py").write_text(source(cells), encoding="utf-8")
    arguments = ["marimo", "run", "page.py", "--headless", "--no-token", "--host=127.0.0.1", f"--port={port}"]
    server = Server(folder, arguments, {"MARIMO_SKIP_UPDATE_CHECK": "1"})
    return server, await server.listening(port)
