"""The widget in the classic notebook, which still has its users: pictures once, live and reopened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from ..endpoint import CANARY, PROCESSING, Endpoint
from .card import SETUP, Card, decoded, links, make, serve_pictures
from .conftest import fixture
from .environments import JUPYTER, python_with
from .lab import write_notebook
from .server import Server, free_port
from .watch import Watch

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nbclassic"), pytest.mark.timeout(400)]

LOADED = """() => globalThis.Jupyter?.notebook?._fully_loaded
    && Jupyter.notebook.kernel?.widget_manager && Jupyter.notebook.kernel.info_reply.status"""


@fixture
async def address(tmp_path: Path, watch: Watch) -> AsyncIterator[str]:
    """The address of a notebook in `tmp_path/notebooks`; the key is in the environment of its kernel."""
    python = await python_with("nbclassic==1.3.*")
    port = free_port()
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": tmp_path / "notebooks",
        "IdentityProvider.token": "",
    }
    arguments = ["nbclassic", *(f"--{name}={value}" for name, value in options.items())]
    server = Server(tmp_path, arguments, {**JUPYTER, "DREAMBOOTH_API_KEY": CANARY}, python)
    yield f"{await server.listening(port)}nbclassic/notebooks/page.ipynb"
    await watch.look(server.log)
    await server.close()


async def run(page: Page, index: int) -> None:
    """Run cell `index` and wait for its end."""
    await page.evaluate("index => Jupyter.notebook.execute_cells([index])", index)
    await expect(page.locator(".input_prompt").nth(index)).to_have_text(f"In [{index + 1}]:")


async def test_pictures_once_live_and_reopened(
    address: str, host_page: Page, endpoint: Endpoint, watch: Watch, tmp_path: Path
) -> None:
    """Live the card alone is seen; the file has the copy; reopened with a new kernel the copy alone is seen."""
    watch.expect("nbextensions/(voila|widgets)/|Jupyter widget could not be displayed|widget model not found")
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    path = tmp_path / "notebooks" / "page.ipynb"
    write_notebook(path, [SETUP, make(endpoint)])
    await host_page.goto(address)
    await host_page.wait_for_function(LOADED)
    # While the first cell runs, the page's widgets come up, and draw what is already there once more.
    await run(host_page, 0)
    await run(host_page, 1)
    await Card(host_page).shows(4)
    output = host_page.locator(".output")
    copies = output.locator("img[src^='data:image/jpeg']")
    await expect(copies).to_have_count(4)
    await expect(output.locator("img:visible")).to_have_count(4)
    await expect(output.locator("img[src^='data:image/jpeg']:visible")).to_have_count(0)
    await host_page.evaluate("() => Jupyter.notebook.save_notebook()")
    text = path.read_text(encoding="utf-8")
    assert text.count("data:image/jpeg") == 4
    assert CANARY not in text

    await host_page.evaluate("() => new Promise((done) => Jupyter.notebook.session.delete(done, done))")
    await host_page.goto(address)
    await host_page.wait_for_function(LOADED)
    await expect(copies).to_have_count(4)
    for index in range(4):
        await decoded(copies.nth(index))
    await run(host_page, 0)  # and with it what the page asks of the new kernel for its widgets
    await expect(output.locator("img:visible")).to_have_count(4)
    await expect(output.get_by_text("could not be displayed").locator("visible=true")).to_have_count(0)
    await expect(output.get_by_text("model not found").locator("visible=true")).to_have_count(0)
