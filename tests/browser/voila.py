"""One notebook served by Voila, which executes it when its page is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .lab import write_notebook
from .server import Server, free_port


async def start_voila(folder: Path, cells: Sequence[str]) -> tuple[Server, str]:
    """A Voila server in the new `folder` for a notebook made of `cells`, and the page's address."""
    port = free_port()
    arguments = ["voila", "page.ipynb", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    write_notebook(folder / "notebooks" / "page.ipynb", cells)
    server = Server(folder, arguments)
    return server, await server.listening(port)
