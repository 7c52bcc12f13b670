"""Serves the blank page, the built bundle and some pictures on a free loopback port.

The page is at `<url>/page/index.html`, the bundle at `<url>/static/`, the pictures at `<url>/pictures/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

PAGE = Path(__file__).parent
BUNDLE = PAGE.parents[2] / "dreambooth_widget" / "static"


class _Handler(SimpleHTTPRequestHandler):
    """Files of a few named folders, and nothing else."""

    def __init__(self, *args: Any, folders: Mapping[str, Path], **kwargs: Any) -> None:
        self.folders = folders
        self.extensions_map = {**self.extensions_map, ".webp": "image/webp"}  # Python 3.10 does not know it
        super().__init__(*args, **kwargs)

    def translate_path(self, path: str) -> str:
        """`/<folder's name>/<file>`; no folder below a folder, so nothing can climb out."""
        _, folder, *names = path.partition("?")[0].split("/")
        return str(self.folders.get(folder, Path("/nowhere")) / (names[-1] if names else ""))

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a test's output is the test's."""


@contextmanager
def serve(*, bundle: Path = BUNDLE, pictures: Path | None = None) -> Iterator[str]:
    """The server's URL, without a slash at its end, as long as the context lasts."""
    folders = {"page": PAGE, "static": bundle, **({"pictures": pictures} if pictures else {})}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, folders=folders))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
