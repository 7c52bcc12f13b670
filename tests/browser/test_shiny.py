"""The widget in an app of Shiny for Python, by way of shinywidgets."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from playwright.async_api import Page

from ..endpoint import CANARY, PROCESSING, Endpoint
from .apps import opened_app
from .card import SETUP, links, make, serve_pictures
from .environments import JUPYTER, python_with
from .server import Server, free_port
from .watch import Watch

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("shiny"), pytest.mark.timeout(400)]

APP = """
from shiny import App, reactive, ui
from shinywidgets import output_widget, render_widget

def server(input, output, session):
    @reactive.effect
    def flush():
        reactive.invalidate_later(0.5)  # shinywidgets sends when Shiny flushes, and at no other time

    @render_widget
    def card():
{code}
        return w

app = App(ui.page_fluid(output_widget("card")), server)
"""


async def test_pictures_appear_in_app(host_page: Page, endpoint: Endpoint, watch: Watch, tmp_path: Path) -> None:
    """The card shows its pictures, and opens one large."""
    watch.expect("favicon.ico")
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    python = await python_with("shiny>=1.8", "shinywidgets>=0.8")
    port = free_port()
    server = Server(
        tmp_path, ["shiny", "run", "app.py", f"--port={port}"], {**JUPYTER, "DREAMBOOTH_API_KEY": CANARY}, python
    )
    code = textwrap.indent(f"{SETUP}\n{make(endpoint)}", " " * 8)
    (server.root / "app.py").write_text(APP.format(code=code), encoding="utf-8")
    async with opened_app(host_page, watch, server, port) as card:
        await card.shows(4)
        await card.open(2)
