"""Options of the whole test suite and what many of its modules use; its markers stand in pyproject.toml."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from .endpoint import Endpoint
from .service import Service


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """A scripted endpoint, listening."""
    async with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A service that answers by request id."""
    async with Service() as service:
        yield service


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No key in the environment, and every widget is closed at the end: ipywidgets keeps them for ever."""
    from dreambooth_widget.widget.base import BaseWidget

    monkeypatch.delenv("DREAMBOOTH_API_KEY", raising=False)
    yield
    BaseWidget.close_all()


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
