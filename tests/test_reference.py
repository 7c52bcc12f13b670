"""The API reference and the other documents: they render, their examples run, and what they name is there."""

from __future__ import annotations

import doctest
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import dreambooth_widget
from dreambooth_widget import _version

ROOT = Path(__file__).parents[1]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(dreambooth_widget.__path__, "dreambooth_widget.")
    if not module.name.endswith("__main__") and ".frontend" not in module.name
]


@pytest.mark.slow
def test_reference_renders_without_warning(tmp_path: Path) -> None:
    """`pdoc dreambooth_widget` writes a page that has every public name, and complains of nothing."""
    command = [sys.executable, "-W", "error", "-m", "pdoc", "-o", str(tmp_path), "dreambooth_widget"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    page = (tmp_path / "dreambooth_widget.html").read_text(encoding="utf-8")
    for name in dreambooth_widget.__all__:
        assert f'id="{name}"' in page, name


@pytest.mark.parametrize("name", ["dreambooth_widget", *MODULES])
def test_examples_in_docstrings_run(name: str) -> None:
    """Examples that need no network give what stands below them."""
    assert doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


DOCUMENTS = ("README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md", "tests/benchmarks/README.md")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_name_existing_files(name: str) -> None:
    """Every relative link leads to a file, and every path of a test or workflow that is named is there."""
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    missing = [link for link in links if not (path.parent / link).exists()]
    missing += [named for named in re.findall(r"`(tests/[\w./]+)", text) if not (ROOT / named).exists()]
    assert missing == []


def test_readme_is_short() -> None:
    """Two minutes of reading."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900


def test_version_has_changelog_section() -> None:
    """The version and the newest section of the changelog agree."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", changelog, re.MULTILINE)
    assert next(name for name, _ in sections if name != "Unreleased") == _version.__version__
    assert all(date for name, date in sections if name != "Unreleased")
