"""Options of the whole test suite; its markers stand in pyproject.toml."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--no-browser` leaves out what needs Chromium, `--soak` adds what takes long."""
    parser.addoption("--no-browser", action="store_true", help="leave out the tests that need Chrome or Chromium")
    parser.addoption("--soak", type=int, default=0, metavar="POLLS", help="run the soak test with so many polls")
    parser.addoption("--soak-seed", type=int, default=0, metavar="SEED", help="repeat a soak that printed this seed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what was not asked for. Browser tests are never skipped by themselves, soaks never run by themselves."""
    without_browser, soak = config.getoption("--no-browser"), config.getoption("--soak")
    unwanted = [
        item
        for item in items
        if (without_browser and item.get_closest_marker("browser")) or (not soak and item.get_closest_marker("soak"))
    ]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]
