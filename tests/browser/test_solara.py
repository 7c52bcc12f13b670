"""The widget in an app of Solara, whose page asks a CDN for its own scripts: npm has them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from playwright.async_api import Page

from ..endpoint import CANARY, PROCESSING, Endpoint
from .apps import opened_app
from .card import SETUP, links, make, serve_pictures
from .environments import JUPYTER, answer_from_npm, python_with
from .server import Server, free_port
from .watch import Watch

pytestmark = [pytest.mark.xdist_group("solara"), pytest.mark.timeout(400)]

APP = """
import solara
{setup}
def card():
{code}
    return w

@solara.component
def Page():
    solara.display(solara.use_memo(card, []))
"""
QUIET = {
    "SOLARA_ASSETS_PROXY": "false",
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "false",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "false",
}


async def test_pictures_appear_in_app(host_page: Page, endpoint: Endpoint, watch: Watch, tmp_path: Path) -> None:
    """The card shows its pictures, and opens one large."""
    watch.expect("favicon.ico")
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    python = await python_with("solara-server==1.64.*", "solara-ui==1.64.*", "uvicorn", "starlette")
    port = free_port()
    arguments = ["solara", "run", "app.py", "--production", "--no-open", "--host=127.0.0.1", f"--port={port}"]
    more = {**JUPYTER, **QUIET, "HOME": str(tmp_path), "DREAMBOOTH_API_KEY": CANARY}
    server = Server(tmp_path, arguments, more, python)
    code = textwrap.indent(make(endpoint), " " * 4)
    (server.root / "app.py").write_text(APP.format(setup=SETUP, code=code), encoding="utf-8")
    await answer_from_npm(host_page)
    async with opened_app(host_page, watch, server, port) as card:
        await card.shows(4)
        await card.open(2)
