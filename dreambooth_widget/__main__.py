"""`python -m dreambooth_widget`: open the quickstart notebook in JupyterLab.

With `--check` the same notebook is executed without a browser. JupyterLab is started from here because `jupyter lab`
refuses to run as root (containers, CI) and looks for a browser where there is no screen.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = Path(__file__).parent
QUICKSTART: Final = "dreambooth-quickstart.ipynb"
FIRST_PORT: Final = 8888  # JupyterLab's own default
CELL_TIMEOUT: Final = 180  # seconds
INTERRUPTED: Final = 130  # the exit status that a shell reports for Ctrl-C
NO_LAB: Final = (
    "JupyterLab is not installed in this environment. "
    'In a checkout run: pip install ".[lab]"; '
    'from a git address: pip install "dreambooth-widget[lab] @ git+ADDRESS"; '
    "or add it to what is installed: pip install jupyterlab"
)


def find_quickstart() -> Path:
    """Return the quickstart as shipped: inside an installed package, beside it in a checkout."""
    for folder in (PACKAGE, PACKAGE.parent):
        path = folder / "notebooks" / "quickstart.ipynb"
        if path.is_file():
            return path
    raise SystemExit("The quickstart notebook is missing from this installation of dreambooth-widget: reinstall it.")


def copy_quickstart(folder: Path) -> Path:
    """Copy the quickstart into `folder`, unless a copy is there: it may have the user's edits."""
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


def require(*modules: str) -> None:
    """End the command with what to install if one of the modules is missing."""
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise SystemExit(NO_LAB)


# -- in JupyterLab ---------------------------------------------------------------------------------------------


def has_screen(platform: str, environ: Mapping[str, str]) -> bool:
    """Return whether the user would see a browser that is started here."""
    if platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def free_port(first: int = FIRST_PORT) -> int:
    """Return the first port from `first` on that no program listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return first


def lab_command(notebook: Path, *, root: bool, browser: bool, port: int) -> list[str]:
    """Compose the command that serves the notebook's folder and opens the notebook."""
    command = [
        *(sys.executable, "-m", "jupyterlab", "--log-level=WARN"),
        f"--ServerApp.root_dir={notebook.parent}",
        f"--ServerApp.port={port}",
        # The address that is printed leads to the notebook, not only to JupyterLab.
        f"--LabApp.default_url=/lab/tree/{notebook.name}",
        "--ServerApp.answer_yes=True",  # Ctrl-C ends the server without a question
    ]
    if root:
        command.append("--allow-root")
    if not browser:
        command.append("--no-browser")
    return command


def serve(command: Sequence[str]) -> int:
    """Run JupyterLab until it ends; return its exit status, or 0 after Ctrl-C."""
    # Kernels of this environment come before those of the user's account, which lack this package.
    server = subprocess.Popen(command, env={**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"})
    # A `kill` of this process ends the server in the same way as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()  # in a terminal it got the signal already; a second one does no harm
        try:
            server.wait(timeout=20)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            server.kill()
        print("JupyterLab has ended.")
        return 0


def open_quickstart(*, browser: bool | None, port: int | None) -> int:
    """Copy the quickstart here and open it in JupyterLab.

    Args:
        browser: Whether to open a browser; None finds out whether there is a screen.
        port: JupyterLab's port; None takes the first free one.
    """
    require("jupyterlab")
    if browser is None:
        browser = has_screen(sys.platform, os.environ)
    if port is None:
        port = free_port()
    notebook = copy_quickstart(Path.cwd())
    print("Starting JupyterLab; Ctrl-C ends it.")
    if not browser:
        print(
            f"No browser is opened. Open the address below that begins with http://127.0.0.1:{port}/ yourself.\n"
            f"If your browser runs on another machine, forward port {port} to it first:\n"
            f"    ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}"
        )
    sys.stdout.flush()
    root = hasattr(os, "getuid") and os.getuid() == 0
    return serve(lab_command(notebook, root=root, browser=browser, port=port))


# -- without a browser -----------------------------------------------------------------------------------------


def name_cells(cells: Sequence[Any]) -> Iterator[tuple[int, str]]:
    """Yield the index and the name of each code cell; its name is the heading above it, or its first line."""
    heading, parts = "", 0
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            found = re.search(r"^#+ +(.+)$", cell.source, re.MULTILINE)
            if found:
                heading, parts = found[1].strip(), 0
        elif cell.cell_type == "code" and cell.source.strip():
            parts += 1
            numbered = heading if parts == 1 else f"{heading} ({parts})"
            yield index, numbered if heading else cell.source.strip().splitlines()[0]


def check(path: Path) -> int:
    """Execute the notebook at `path` and print a line for each code cell.

    The notebook's files go to a temporary folder.

    Returns:
        The exit status: 0, or 1 at the first cell that fails.
    """
    require("nbclient", "nbformat", "ipykernel")
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, DeadKernelError

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat types only a part
    names = dict(name_cells(notebook.cells))
    number, name, began = 0, "start of the kernel", time.monotonic()

    def on_start(cell: Any, cell_index: int) -> None:
        nonlocal number, name, began
        if cell_index in names:
            number, name, began = list(names).index(cell_index) + 1, names[cell_index], time.monotonic()

    def on_executed(cell: Any, cell_index: int, execute_reply: Mapping[str, Any]) -> None:
        if execute_reply["content"]["status"] == "ok":
            print(f"ok     {number}/{len(names)}  {name}  ({time.monotonic() - began:.1f} s)", flush=True)

    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # a kernel of this environment, as in `serve`
    # Windows cannot remove the folder while the kernel that ends is still in it.
    with tempfile.TemporaryDirectory(prefix="dreambooth-", ignore_cleanup_errors=True) as folder:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=CELL_TIMEOUT,
            resources={"metadata": {"path": folder}},
            extra_arguments=["--IPKernelApp.log_level=ERROR"],  # warnings would stand between the lines
            on_cell_start=on_start,
            on_cell_executed=on_executed,
        )
        try:
            client.execute()
        except (CellControlSignal, DeadKernelError, RuntimeError) as error:  # RuntimeError: it died while it started
            reason = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()  # IPython colours its tracebacks
            separator = "\n" if isinstance(error, CellControlSignal) else ": "
            print(f"FAILED {number}/{len(names)}  {name}{separator}{reason}", flush=True)
            return 1
    print(f"The quickstart works here: {len(names)} steps.")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dreambooth_widget",
        description="Open the quickstart notebook of dreambooth_widget in JupyterLab.",
    )
    parser.add_argument("--check", action="store_true", help="execute the quickstart without a browser; exit 0 or 1")
    parser.add_argument(
        "--browser", action=argparse.BooleanOptionalAction, help="open a browser, or only print the address"
    )
    parser.add_argument(
        "--port", type=int, help=f"JupyterLab's port (default: the first free one from {FIRST_PORT} on)"
    )
    options = parser.parse_args(argv)
    if options.port is not None and not 1 <= options.port <= 65535:
        raise SystemExit(f"--port {options.port}: a port is a number from 1 to 65535.")
    try:
        if options.check:
            return check(find_quickstart())
        return open_quickstart(browser=options.browser, port=options.port)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
