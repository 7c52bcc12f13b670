"""Options of the whole test suite and what many of its modules use; its markers stand in pyproject.toml."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from .endpoint import Endpoint, Service, png

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

HERE = Path(__file__).parent

settings.register_profile("loaded", deadline=None)  # on a busy machine one example takes longer than the next
settings.load_profile("loaded")


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """A scripted endpoint, listening."""
    async with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def finished(endpoint: Endpoint) -> None:
    """The endpoint has a finished job of one picture."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()))]


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


def pytest_configure() -> None:
    """Let Ctrl-C reach kernels and servers: a shell script's `&` ignores SIGINT, and children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what was not selected, and group what one worker should run, the longest group first.

    Browser tests are never skipped by themselves, soaks never run by themselves. A file's tests share its fixtures, so
    one worker runs them. Browser tests share what each worker has once, slow tests nothing, unless they have a group.
    """
    without_browser, soak = config.getoption("--no-browser"), config.getoption("--soak")
    unwanted = [
        item
        for item in items
        if (without_browser and item.get_closest_marker("browser")) or (not soak and item.get_closest_marker("soak"))
    ]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        if not any(map(item.get_closest_marker, ("xdist_group", "slow", "browser"))):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(HERE).as_posix()))
        group = item.get_closest_marker("xdist_group")
        groups.setdefault(group.args[0] if group else item.nodeid, []).append(item)
    # The short ones come last, and fill up the workers. xdist keeps this order with --no-loadscope-reorder.
    by_length = sorted(groups.values(), key=lambda group: sum(map(_seconds, group)), reverse=True)
    items[:] = [item for group in by_length for item in group]


def _seconds(item: pytest.Item) -> float:
    """Estimate how long a test takes on two cores."""
    if item.get_closest_marker("slow") or "jupyter" in getattr(item, "fixturenames", ()):
        return 8
    return 2 if item.get_closest_marker("browser") else 0.005


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test that measures with no other test beside it, on whichever worker."""
    with _turn(exclusive=item.get_closest_marker("measures") is not None, run=getattr(item.config, "workerinput", {})):
        return (yield)


@contextlib.contextmanager
def _turn(*, exclusive: bool, run: dict[str, str]) -> Iterator[None]:
    """Hold the room among the workers of one run: alone, or together with others that share it."""
    if fcntl is None or not run:
        yield
        return
    locks = Path(tempfile.gettempdir()) / f"dreambooth-tests-{run['testrunuid']}"
    with locks.with_suffix(".door").open("w") as door, locks.with_suffix(".room").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)  # held while one waits for the room: no test that comes later overtakes it
        fcntl.flock(room, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
