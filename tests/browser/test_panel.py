"""The widget in an app of Panel, by way of ipywidgets_bokeh."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from ..endpoint import CANARY, PROCESSING, Endpoint
from .apps import opened_app
from .card import SETUP, box, links, make, serve_pictures
from .environments import JUPYTER, answer_from_npm, python_with
from .server import Server, free_port
from .watch import Watch

pytestmark = [pytest.mark.xdist_group("panel"), pytest.mark.timeout(400)]

APP = """
import panel as pn
pn.extension("ipywidgets")
{code}
pn.panel(w).servable()
"""


async def test_pictures_appear_in_app(host_page: Page, endpoint: Endpoint, watch: Watch, tmp_path: Path) -> None:
    """The card shows its pictures, although the job may end before the page is connected, and opens one large."""
    watch.expect("favicon.ico|font-awesome")
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    python = await python_with("panel==1.9.*", "ipywidgets_bokeh==1.8.*")
    port = free_port()
    arguments = ["panel", "serve", "app.py", "--address=127.0.0.1", f"--port={port}"]
    server = Server(tmp_path, arguments, {**JUPYTER, "DREAMBOOTH_API_KEY": CANARY}, python)
    (server.root / "app.py").write_text(APP.format(code=f"{SETUP}\n{make(endpoint)}"), encoding="utf-8")
    await answer_from_npm(host_page)
    async with opened_app(host_page, watch, server, port, "app") as card:
        await card.shows(4)
        assert (await box(card.root))["width"] > 600  # Panel's is as wide as its content
        await card.open(2)
