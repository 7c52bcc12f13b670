"""Environments for hosts that the tests' own shall not have: a few packages, and below them all that is installed."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import hashlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

JUPYTER = {
    "JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter")),
    "JUPYTER_CONFIG_PATH": str(Path(sys.prefix, "etc", "jupyter")),
}
"""Variables by which a Jupyter server in such an environment finds what the tests' own environment has."""


async def python_with(*requirements: str) -> Path:
    """The Python of an environment with the requirements, which is made once a machine."""
    return await asyncio.to_thread(_python_with, requirements)


def _python_with(requirements: tuple[str, ...]) -> Path:
    mark = hashlib.sha256("\n".join([sys.prefix, sys.version, *requirements]).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"dreambooth-host-{mark}-{getpass.getuser()}"
    if not folder.is_dir():
        half = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            _make(half, requirements)
            with contextlib.suppress(OSError):  # another worker was quicker
                half.rename(folder)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return _python(folder)


def _make(folder: Path, requirements: tuple[str, ...]) -> None:
    """Make the environment; pip takes what this one has for installed, and this one stays as it is."""
    venv.create(folder, with_pip=False)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    below = f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
    Path(paths["purelib"], "below.pth").write_text(below, encoding="utf-8")
    install = [str(_python(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *requirements], check=True)


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
