"""The widget in a notebook that two tabs edit together, with jupyter-collaboration."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, TimeoutError, expect

from ..endpoint import CANARY, PROCESSING, Endpoint
from .card import SETUP, Card, links, make, serve_pictures
from .conftest import fixture
from .environments import JUPYTER, python_with
from .lab import JupyterServer, started, write_notebook
from .server import until
from .watch import Watch

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("collaboration"), pytest.mark.timeout(400)]

NAME = "page.ipynb"


@fixture
async def shared(tmp_path: Path, watch: Watch) -> AsyncIterator[JupyterServer]:
    """A server of shared notebooks; the key is in the environment of its kernels."""
    python = await python_with("jupyter-collaboration==5.*")
    server = JupyterServer(tmp_path, {**JUPYTER, "DREAMBOOTH_API_KEY": CANARY}, python)
    await server.listening(server.port)
    yield server
    await watch.look(server.log)
    await server.close()


async def opened(page: Page, server: JupyterServer, workspace: str) -> Locator:
    """Open the notebook in a workspace of its own; the outputs of the card's cell."""
    await page.goto(f"{server.url}lab/workspaces/{workspace}?reset")
    await started(page)
    await page.evaluate("name => desk.open(name)", NAME)
    panel = await page.evaluate("name => desk.id(name)", NAME)
    return page.locator(f'[id="{panel}"] .jp-Cell').nth(1).locator(".jp-Cell-outputArea")


async def test_two_tabs_and_one_copy(shared: JupyterServer, host_page: Page, endpoint: Endpoint, watch: Watch) -> None:
    """Both tabs have a live card that shows each picture once, and the shared file has the copy once."""
    watch.expect("widget model not found")  # of the tab that was opened before the cell ran, until it is loaded anew
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING]
    path = shared.root / NAME
    write_notebook(path, [SETUP, make(endpoint)])
    first = await opened(host_page, shared, "first")
    other_page = await host_page.context.new_page()
    await opened(other_page, shared, "second")
    await host_page.evaluate("name => desk.run(name, 0)", NAME)
    await host_page.evaluate("name => desk.run(name, 1)", NAME)
    for _ in range(5):  # on a slow machine the page sometimes draws the outputs before it knows the kernel's widgets
        second = await opened(other_page, shared, "second")
        with contextlib.suppress(TimeoutError):
            await Card(second).root.wait_for(timeout=10_000)
            break
    for output in (first, second):
        await expect(Card(output).chip).to_have_text("Generating")
    endpoint.answers = [endpoint.success(*links(endpoint))]
    for output in (first, second):
        await Card(output).shows(4)
        await expect(output.locator("img[src^='data:image/jpeg']")).to_have_count(4)
        await expect(output.locator("img:visible")).to_have_count(4)

    def written() -> list[str]:
        outputs = json.loads(path.read_text(encoding="utf-8"))["cells"][1]["outputs"]
        found = [str(output["data"].get("text/html", "")) for output in outputs]
        return found if "data:image/jpeg" in "".join(found) else []

    found = await until(written, "the copy in the shared file")
    assert [html.count("data:image/jpeg") for html in found] == [0, 4]
    assert CANARY not in path.read_text(encoding="utf-8")
    await other_page.close()
