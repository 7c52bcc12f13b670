"""Finding the Chrome or Chromium that the browser tests drive.

`python tests/browser/chromium.py` prints its path, or says on stderr what to install and exits with 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "DREAMBOOTH_WIDGET_CHROME"
# First the same engine without windows, tabs and toolbars: a test then costs less than half, most of it for its window.
SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
NAMES = ("chromium", "google-chrome-stable", "google-chrome", "chromium-browser", "chrome", "microsoft-edge-stable")
MAC_APPS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
WHAT_TO_INSTALL = (
    "The browser tests need Chrome or Chromium and found none. "
    "Install it (Debian: apt-get install chromium-headless-shell libatomic1; "
    "elsewhere: python -m playwright install --with-deps chromium), "
    f"set {VARIABLE} to its path, or leave the browser tests out with pytest --no-browser."
)


def candidates() -> Iterator[str]:
    """Every place where a browser may be, the most wanted first."""
    yield from filter(None, map(shutil.which, (*SHELLS, *NAMES)))
    for folder in (Path("/Applications"), Path.home() / "Applications"):
        yield from (str(folder / app) for app in MAC_APPS)
    yield playwrights_own()


def playwrights_own() -> str:
    """Where Playwright would have put its own Chromium, or ""."""
    # In a process of its own: Playwright's sync API refuses to start beside a running event loop.
    ask = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def runs(path: str) -> bool:
    """Whether there is a browser at `path` that starts: Ubuntu's `chromium-browser` can be a note about snap."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find() -> str | None:
    """The path of a browser that starts, or None. With `DREAMBOOTH_WIDGET_CHROME` set it is that one or none."""
    wanted = os.environ.get(VARIABLE)
    if wanted:
        path = shutil.which(wanted)
        return path if path and runs(path) else None
    return next((path for path in candidates() if path and runs(path)), None)


def arguments() -> list[str]:
    """Chromium's arguments: quiet, and with every host but this machine's loopback unresolvable."""
    flags = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]
    # Chromium refuses to run as root with its sandbox, which is what containers and CI do.
    return ["--no-sandbox", *flags] if hasattr(os, "geteuid") and os.geteuid() == 0 else flags


if __name__ == "__main__":
    found = find()
    sys.stdout.write(f"{found}\n" if found else "")
    sys.exit(0 if found else WHAT_TO_INSTALL)
