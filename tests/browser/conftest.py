"""One browser, one Jupyter server and one JupyterLab page for the whole session; every test watched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from ..endpoint import Endpoint
from . import chromium
from .axe import Axe
from .card_page import CardPage
from .lab import DESK, JupyterServer, Lab, Notebook, started
from .marimo import start_marimo
from .page.serve import serve
from .server import Server
from .voila import start_voila
from .watch import Watch

HERE = Path(__file__).parent
PATIENCE = 120_000
"""Milliseconds that an expectation may take to come true on a slow machine."""

Opener = Callable[[Sequence[str]], Awaitable[Notebook]]
Host = Callable[[str, Sequence[str]], Awaitable[Page]]
FAILED = pytest.StashKey[bool]()
session = pytest_asyncio.fixture(scope="session", loop_scope="session")
fixture = pytest_asyncio.fixture(loop_scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here: it needs a browser, and runs on the one loop on which that browser lives."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test failed, for the fixture that keeps the evidence."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@session
async def browser() -> AsyncIterator[Browser]:
    """The one browser."""
    path = chromium.find()
    if path is None:
        pytest.fail(chromium.WHAT_TO_INSTALL, pytrace=False)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        yield browser
        await browser.close()


async def new_context(browser: Browser) -> BrowserContext:
    """Return a browser context of 1280×900, with the tests' helpers for JupyterLab on every page."""
    expect.set_options(timeout=PATIENCE)
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    await context.add_init_script(path=DESK)
    return context


@session
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """The context that the hosts' pages share, and with it one HTTP cache."""
    context = await new_context(browser)
    yield context
    await context.close()


@session
async def whole_watch(context: BrowserContext) -> Watch:
    """The one listener on the context."""
    return Watch(context)


@fixture
async def watch(whole_watch: Watch, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Watch]:
    """What the browser says during this test: unknown errors and strange hosts fail it, a failure leaves evidence."""
    whole_watch.start_over(tmp_path / "evidence", lambda: request.node.stash.get(FAILED, False))
    yield whole_watch
    await whole_watch.look()
    assert not whole_watch.faults, "\n".join(whole_watch.faults)
    assert not whole_watch.strangers, f"asked for addresses outside this machine: {whole_watch.strangers}"


@fixture
async def page(browser: Browser, watch: Watch) -> AsyncIterator[Page]:
    """An empty page in a context of its own: a faked clock and granted permissions end with the test."""
    context = await new_context(browser)
    watch.follow(context)
    yield await context.new_page()
    await watch.look()
    await context.close()


@fixture
async def host_page(context: BrowserContext, watch: Watch) -> AsyncIterator[Page]:
    """An empty page for a host, whose scripts are in the shared context's HTTP cache."""
    page = await context.new_page()
    yield page
    await watch.look()
    await page.close()


@fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """A scripted endpoint on the loop of the browser."""
    async with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def axe() -> Axe:
    """The accessibility checker."""
    return Axe()


@pytest.fixture(scope="session")
def blank() -> Iterator[str]:
    """The address of the blank page with its stand-in for the kernel."""
    with serve() as url:
        yield f"{url}/page/index.html"


@fixture
async def card_page(page: Page, blank: str) -> CardPage:
    """The blank page: `card = await card_page.mount({...traits})`, no server and no kernel."""
    await page.goto(blank)
    await page.wait_for_function("() => globalThis.mount")
    return CardPage(page)


@session
async def jupyter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[JupyterServer]:
    """The one Jupyter server."""
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    await server.listening(server.port)
    yield server
    await server.close()


@session
async def whole_lab(jupyter: JupyterServer, context: BrowserContext, whole_watch: Watch) -> Lab:
    """The one JupyterLab page."""
    page = await context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?" when a test reloads it
    await page.goto(f"{jupyter.url}lab?reset")
    await started(page)
    return Lab(jupyter, page)


@fixture
async def lab(whole_lab: Lab, watch: Watch) -> AsyncIterator[Lab]:
    """JupyterLab for one test: `await lab.open([...cells])`."""
    await whole_lab.page.bring_to_front()
    yield whole_lab
    await watch.look(whole_lab.server.log)
    await whole_lab.close_all()


@fixture
async def open_lab(lab: Lab) -> Opener:
    """`await open_lab([...cells])`: a notebook in JupyterLab."""
    return lab.open


@fixture
async def open_notebook7(lab: Lab, host_page: Page) -> Opener:
    """`await open_notebook7([...cells])`: a notebook in Notebook 7."""

    async def open_(cells: Sequence[str]) -> Notebook:
        return await lab.open_notebook7(host_page, cells)

    return open_


@fixture
async def served(host_page: Page, watch: Watch, tmp_path: Path) -> AsyncIterator[Host]:
    """`await served("voila" | "marimo", [...cells])`: the page on which that host has run the cells."""
    servers: list[Server] = []

    async def open_(host: str, cells: Sequence[str]) -> Page:
        start = {"voila": start_voila, "marimo": start_marimo}[host]
        server, url = await start(tmp_path / host, cells)
        servers.append(server)
        await host_page.goto(url)
        return host_page

    yield open_
    await watch.look()
    await host_page.goto("about:blank")
    for server in servers:
        await server.close()
