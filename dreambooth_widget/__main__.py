"""``python -m dreambooth_widget``: open the quickstart notebook in JupyterLab.

``--check`` executes the same notebook without a browser, prints a line for each step, and exits 0 or 1.

JupyterLab is started from here and not by hand because ``jupyter lab`` refuses to run as root (containers, CI) and
looks for a browser where there is no screen.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parent
QUICKSTART: Final = "dreambooth-quickstart.ipynb"
INTERRUPTED: Final = 130  # what a shell reports for Ctrl-C


def find_quickstart() -> Path:
    """Return the quickstart as shipped: inside an installed package, beside it in a checkout."""
    places = (PACKAGE / "notebooks" / "quickstart.ipynb", PACKAGE.parent / "notebooks" / "quickstart.ipynb")
    for place in places:
        if place.is_file():
            return place
    raise SystemExit("The quickstart notebook is missing from this installation of dreambooth-widget: reinstall it.")


def copy_quickstart(folder: Path) -> Path:
    """Put the reader's own copy into `folder`; a copy that is there already, with their edits, stays as it is."""
    copy = folder / QUICKSTART
    if copy.exists():
        print(f"Opening your copy of the quickstart: {copy}")
        return copy
    try:
        shutil.copyfile(find_quickstart(), copy)
    except OSError as error:
        raise SystemExit(f"Cannot put a copy of the quickstart here: {error}. Try it in another folder.") from None
    print(f"Copied the quickstart to {copy}")
    return copy


def has_screen(platform: str, environ: Mapping[str, str]) -> bool:
    """Tell whether a browser that is started here would be seen by somebody."""
    if platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def lab_command(notebook: Path, *, root: bool, browser: bool, port: int | None) -> list[str]:
    """Compose the command that serves the notebook's folder and opens the notebook."""
    command = [
        *(sys.executable, "-m", "jupyterlab", "--log-level=WARN"),
        f"--ServerApp.root_dir={notebook.parent}",
        # The address that is printed leads to the notebook, and not only to JupyterLab.
        f"--LabApp.default_url=/lab/tree/{notebook.name}",
        # Ctrl-C ends the server at once; its question would wait for an answer nobody expects here.
        "--ServerApp.answer_yes=True",
    ]
    if port is not None:
        command.append(f"--ServerApp.port={port}")
    if root:
        command.append("--allow-root")
    if not browser:
        command.append("--no-browser")
    return command


def serve(command: Sequence[str]) -> int:
    """Run JupyterLab until it ends or is told to; return the exit code, 0 for an end by Ctrl-C."""
    # Kernels of this environment before those of the user's account: theirs do not know this package.
    server = subprocess.Popen(command, env={**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"})
    # A `kill` of this process ends the server too, in the same way as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return server.wait()
    except KeyboardInterrupt:
        # In a terminal the server has been told already; it takes a second telling well.
        server.terminate()
        try:
            server.wait(timeout=20)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            server.kill()
        print("JupyterLab has ended.")
        return 0


def open_quickstart(*, browser: bool | None, port: int | None) -> int:
    """Copy the quickstart here and open it in JupyterLab; `browser` is None to find out whether there is a screen."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise SystemExit('JupyterLab is not installed here. Run: pip install "dreambooth-widget[lab]"')
    if browser is None:
        browser = has_screen(sys.platform, os.environ)
    notebook = copy_quickstart(Path.cwd())
    print("Starting JupyterLab; Ctrl-C ends it.", flush=True)
    root = hasattr(os, "getuid") and os.getuid() == 0
    return serve(lab_command(notebook, root=root, browser=browser, port=port))


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, do it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dreambooth_widget", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="execute the quickstart without a browser; exit 0 or 1")
    parser.add_argument(
        "--browser", action=argparse.BooleanOptionalAction, help="open a browser, or only print the URL"
    )
    parser.add_argument("--port", type=int, help="JupyterLab's port; the first free one from 8888 on when not given")
    wanted = parser.parse_args(argv)
    try:
        if wanted.check:
            from .rehearsal import rehearse

            return rehearse(find_quickstart())
        return open_quickstart(browser=wanted.browser, port=wanted.port)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
