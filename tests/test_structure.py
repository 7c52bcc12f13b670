"""The cut of the package: which imports are allowed, what is pure, what the public names are, and what lies in git."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import dreambooth_widget
from dreambooth_widget import errors

ROOT = Path(__file__).parents[1]
PACKAGE = Path(dreambooth_widget.__file__).parent

# Imports between folders point one way: each imports from itself and from those behind it. "" is the package's root.
FOLDERS = {
    "widget": {"client", "protocol", "images", ""},
    "client": {"protocol", "images", ""},
    "protocol": {""},
    "images": {""},
    "demo": set(),
}
# The root's own modules stand below every folder, but for those that are entry points.
LEAVES = {"_version", "credentials", "errors"}
ENTRIES = {"__init__", "__main__"}

# Values in, values out: time, randomness and the network come in as arguments.
PURE = [
    "client.options", "client.requests", "client.schedule", "client.state", "credentials", "errors",
    "widget.batch_summary", "widget.justified_rows", "widget.signed_links", "widget.static_content",
]  # fmt: skip
IMPURE = {"aiohttp", "asyncio", "random", "socket", "subprocess", "tempfile", "threading", "time"}

# Costly, and of use only once there is a request or a picture.
LATER = {"PIL", "aiohttp"}

# Folders of which each module has a test file of its name, in the folder of tests that mirrors it.
MIRRORED = ["", "client", "demo", "images", "protocol", "widget"]
# What is tested of the package as a whole. `_version` is tested here.
WHOLE = {
    "kernel",
    "latency",
    "packaging",
    "reference",
    "replay",
    "secrets",
    "shared_constants",
    "soak",
    "structure",
    "workers",
}

JUPYTER = {"IPython", "anywidget", "comm", "ipykernel", "ipywidgets", "jupyter_client", "traitlets"}


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of each module by its dotted name; a folder's own is that of its `__init__`."""
    paths = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")} - {Path("frontend/hatch_build.py")}
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): ast.parse((PACKAGE / path).read_text("utf-8"))
        for path in sorted(paths)
    }


def folder(name: str) -> str:
    """Return the folder of a module, "" for the root."""
    return name.partition(".")[0] if name.partition(".")[0] in FOLDERS else ""


def is_for_the_type_checker(node: ast.AST) -> bool:
    """Return whether this is `if TYPE_CHECKING:`, whose imports never happen."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(name: str, node: ast.AST | None = None) -> Iterator[str]:
    """Yield what a module imports, at its top or inside its functions: `.name` of its own, or the foreign package."""
    for child in ast.iter_child_nodes(modules()[name] if node is None else node):
        if isinstance(child, ast.Import):
            yield from (own_name(alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (own_name(f"{origin(name, child)}.{alias.name}") for alias in child.names)
        elif not is_for_the_type_checker(child):
            yield from imports(name, child)


def origin(name: str, node: ast.ImportFrom) -> str:
    """Return the absolute name of what `from … import` imports from, seen from the module `name`."""
    if not node.level:
        return node.module or ""
    is_folder = name == "__init__" or (PACKAGE / name.replace(".", "/") / "__init__.py").exists()
    inside = ["dreambooth_widget", *(name.split(".") if name != "__init__" else []), *([""] if is_folder else [])]
    return ".".join([*inside[: -node.level], *([node.module] if node.module else [])])


def own_name(path: str) -> str:
    """`.client.job` for `dreambooth_widget.client.job` (and what is in it), `PIL` for `PIL.Image`."""
    first, _, rest = path.partition(".")
    if first != "dreambooth_widget":
        return first
    parts = rest.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in modules():
            return "." + ".".join(parts[:length])
    return ".__init__"


def own_imports(name: str) -> set[str]:
    """Return the modules of the package that a module imports, also inside its functions."""
    return {target[1:] for target in imports(name) if target.startswith(".")} - {name}


def test_every_folder_is_listed() -> None:
    """No folder and no module of the root escapes the next tests, and none is listed that is not there."""
    parts = [name.split(".") for name in modules()]
    found = {part[0] for part in parts if len(part) > 1} | {part[0] for part in parts if part[0] in FOLDERS}
    assert found == set(FOLDERS)
    assert {part[0] for part in parts} - found == LEAVES | ENTRIES
    assert len(LEAVES | ENTRIES) <= 6


def test_imports_between_folders_point_one_way() -> None:
    """A module imports from its own folder and from those below it."""
    wrong = [
        f"{name} imports {target}"
        for name in modules()
        for target in own_imports(name)
        if folder(name) != folder(target) and folder(name) and folder(target) not in FOLDERS[folder(name)]
    ]
    wrong += [f"{name} imports {target}" for name in LEAVES for target in own_imports(name) - LEAVES]
    wrong += [
        f"{name} imports {target}" for name in modules() if folder(name) for target in own_imports(name) & ENTRIES
    ]
    assert not wrong, "\n".join(sorted(wrong))


def test_no_imports_in_circles() -> None:
    """Inside a folder, too, imports have an order."""
    left = {name: own_imports(name) for name in modules()}
    while ready := [name for name, targets in left.items() if not targets & set(left)]:
        for name in ready:
            del left[name]
    assert left == {}


@pytest.mark.parametrize("name", MIRRORED)
def test_tests_mirror_the_package(name: str) -> None:
    """Each module has its `test_<module>.py`; others are a part of one, `test_<module>_<part>.py`, or listed."""
    here = {path.stem.strip("_") for path in (PACKAGE / name).glob("*.py")} - {"init"}
    here |= {path.parent.name for path in (PACKAGE / name).glob("*/__init__.py") if name}
    here -= {"version"}
    found = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / name).glob("test_*.py")}
    assert here - found == set(), "modules without a test file"
    stray = found - here - (set() if name else WHOLE)
    assert {each for each in stray if not any(each.startswith(f"{module}_") for module in here)} == set()
    assert name or found >= WHOLE


def test_only_widget_imports_jupyter() -> None:
    """The job, the client and all below them work in a script, a server or a test without a notebook's libraries."""
    wrong = {
        name: found
        for name in modules()
        if folder(name) not in ("widget", "") and (found := {*imports(name)} & JUPYTER)
    }
    assert wrong == {}


@pytest.mark.parametrize("name", [*PURE, *(name for name in modules() if name.startswith("protocol."))])
def test_the_pure_modules_are_pure(name: str) -> None:
    """Clock, chance, threads and network are no business of these."""
    assert set(imports(name)) & IMPURE == set()


def run_python(code: str) -> str:
    """Return what a fresh Python prints for `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["DreamboothWidget", "DreamboothBatch"])
def test_widget_import_is_cheap(name: str) -> None:
    """The network and the decoding come with the first request; tests/benchmarks/imports.py measures the import."""
    with_ours = run_python(f"import sys, dreambooth_widget as ours; ours.{name}; print(*sys.modules)")
    more = {*with_ours.split()} - {*run_python("import sys, anywidget; print(*sys.modules)").split()}
    assert {module.partition(".")[0] for module in more} & LATER == set()


@pytest.mark.parametrize("name", ["Client", "fetch"])
def test_importing_does_not_import_aiohttp(name: str) -> None:
    """aiohttp costs 100 ms and more: it comes with the first request, and not with the import."""
    assert run_python(f"import sys; from dreambooth_widget import {name}; print('aiohttp' in sys.modules)") == "False"


def test_what_comes_later_comes() -> None:
    """The names that `__init__` imports on first use are those of their modules."""
    for name, module in dreambooth_widget._LATER.items():
        assert getattr(dreambooth_widget, name) is getattr(import_module(f"dreambooth_widget.{module}"), name)
    with pytest.raises(AttributeError, match="no attribute 'Dreambooth'"):
        _ = dreambooth_widget.Dreambooth


def test_modules_fit_the_head() -> None:
    """A module of more than 360 lines is two."""
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > 360} == {}


def test_importing_the_package_imports_no_jupyter() -> None:
    """`fetch` and `Client` are usable where nothing of Jupyter is wanted."""
    code = f"import sys; from dreambooth_widget import Client, fetch; print(sorted({JUPYTER!r} & set(sys.modules)))"
    assert run_python(code) == "[]"


def test_all_is_complete() -> None:
    """`__all__` names what `__init__` brings in, no more and no less; every error is public."""
    tree = modules()["__init__"]
    brought = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    assert set(dreambooth_widget.__all__) == brought | {"__version__"} & set(dreambooth_widget.__all__)
    assert set(errors.__all__) <= set(dreambooth_widget.__all__)
    for name in dreambooth_widget.__all__:
        assert getattr(dreambooth_widget, name) is not None


def test_all_is_sorted() -> None:
    """Constants, classes and functions, each by the alphabet, in every module that has an `__all__`."""

    def rank(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    for name, tree in modules().items():
        for node in tree.body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id == "__all__"
            ):
                public = ast.literal_eval(node.value)
                assert public == sorted(set(public), key=rank), name


def test_the_version_has_one_source() -> None:
    """`__version__` is that of `_version.py`, from which the build takes it."""
    from dreambooth_widget import _version

    assert dreambooth_widget.__version__ == _version.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.?(a|b|rc|dev)\d+)?", _version.__version__)


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Return every file in git."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: an unpacked sdist")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_top_level_is_fixed(tracked: list[str]) -> None:
    """No folder and no file appears at the top by accident; dotfiles are of tools."""
    folders = {name.split("/")[0] for name in tracked if "/" in name}
    assert folders <= {".ci", ".github", "binder", "dreambooth_widget", "notebooks", "tests"}
    files = {name for name in tracked if "/" not in name and not name.startswith(".")}
    assert files == {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"}


def test_nothing_built_is_in_git(tracked: list[str]) -> None:
    """Bundles, packages, installed tools and caches are made, not kept."""
    built = re.compile(r"(^|/)(static|node_modules|dist|__pycache__|\.venv[^/]*)/|\.(whl|pyc|log)$|(^|/)uv\.lock$")
    assert [name for name in tracked if built.search(name)] == []


# Written so that no line here matches itself; "secret" is the home of the canaries of other tests.
MACHINE = re.compile(
    rb"(?<![\w.])/(root|work|home/(?!secret/)\w+|tmp/w)/[\w.]"
    rb"|registry[.](npmjs|yarnpkg)|pypi[.]org/simple|files[.]pythonhosted"
    rb'|"resolved"\s*:\s*"http'
)


def test_names_no_machine_or_registry(tracked: list[str]) -> None:
    """No path of a machine and no registry's address is in git, the lock file's included."""
    found = [f"{name}: {hit[0]!r}" for name in tracked if (hit := MACHINE.search((ROOT / name).read_bytes()))]
    assert found == []
