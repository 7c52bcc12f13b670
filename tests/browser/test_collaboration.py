"""The widget in a notebook that two tabs edit together, with jupyter-collaboration."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from ..endpoint import CANARY, PROCESSING, Endpoint
from .card import SETUP, Card, links, make, serve_pictures
from .conftest import fixture
from .environments import JUPYTER, python_with
from .lab import JupyterServer, started, write_notebook
from .server import environment, until
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


@fixture
async def other_page(host_page: Page, shared: JupyterServer) -> AsyncIterator[Page]:
    """A second tab, which goes before the server does."""
    page = await host_page.context.new_page()
    yield page
    await page.close()


async def opened(page: Page, server: JupyterServer, workspace: str) -> Locator:
    """Open the notebook in a workspace of its own; the outputs of the card's cell."""
    await page.goto(f"{server.url}lab/workspaces/{workspace}?reset")
    await started(page)
    await page.evaluate("name => desk.open(name)", NAME)
    panel = await page.evaluate("name => desk.id(name)", NAME)
    return page.locator(f'[id="{panel}"] .jp-Cell').nth(1).locator(".jp-Cell-outputArea")


async def test_two_tabs_and_one_copy(
    shared: JupyterServer, host_page: Page, other_page: Page, endpoint: Endpoint, tmp_path: Path
) -> None:
    """Both tabs, open before the first run, have a live card with each picture once; the file has the copy once."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING]
    path = shared.root / NAME
    write_notebook(path, [SETUP, make(endpoint)])
    # As if it had been made here: JupyterLab shows no widget in a cell that it does not trust, and that is right.
    trust = [sys.executable, "-m", "nbformat.sign", NAME]
    await asyncio.to_thread(subprocess.run, trust, cwd=path.parent, env=environment(tmp_path), check=True)
    first = await opened(host_page, shared, "first")
    second = await opened(other_page, shared, "second")
    await host_page.evaluate("name => desk.run(name, 0)", NAME)
    await host_page.evaluate("name => desk.run(name, 1)", NAME)
    for output in (first, second):
        await expect(Card(output).chip).to_have_text("Generating")
    endpoint.answers = [endpoint.success(*links(endpoint))]
    for output in (first, second):
        await Card(output).shows(4)
        await expect(output.locator("img[src^='data:image/jpeg']")).to_have_count(4)
        await expect(output.locator("img:visible")).to_have_count(4)

    def written() -> list[str]:
        try:
            outputs = json.loads(path.read_text(encoding="utf-8"))["cells"][1]["outputs"]
        except ValueError:  # the server is just writing it
            return []
        found = [str(output["data"].get("text/html", "")) for output in outputs]
        return found if "data:image/jpeg" in "".join(found) else []

    found = await until(written, "the copy in the shared file")
    assert [html.count("data:image/jpeg") for html in found] == [0, 4]
    assert CANARY not in path.read_text(encoding="utf-8")
