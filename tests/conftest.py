"""Options of the whole test suite; its markers stand in pyproject.toml."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--no-browser` leaves out what needs Chromium."""
    parser.addoption("--no-browser", action="store_true", help="leave out the tests that need Chrome or Chromium")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the browser tests out when that was asked for; they are never skipped by themselves."""
    if not config.getoption("--no-browser"):
        return
    unwanted = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]
