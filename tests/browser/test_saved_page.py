"""The card in a page that ipywidgets exported: html-manager, the real one from npm, draws it without a kernel."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from ipywidgets.embed import embed_minimal_html
from playwright.async_api import Page, expect

from dreambooth_widget import DreamboothWidget

from ..endpoint import CANARY, PROCESSING, Endpoint
from .card import REQUEST_ID, Card
from .environments import answer_from_npm
from .server import until
from .watch import Watch

pytestmark = pytest.mark.xdist_group("saved page")

SHARE = Path(sys.prefix, "share", "jupyter")


async def test_saved_page_without_kernel(
    alone: None, host_page: Page, endpoint: Endpoint, watch: Watch, tmp_path: Path
) -> None:
    """Saved in mid-job, the card does not count down to a poll that never comes."""
    watch.expect("page/anywidget.js")  # looked for beside the page, before the CDN is asked
    endpoint.answers = [PROCESSING]
    widget = DreamboothWidget(CANARY, request_id=REQUEST_ID, endpoint=endpoint.url)
    widget.start()
    await until(lambda: widget.next_poll_at, "the first poll to end")
    page = io.StringIO()
    embed_minimal_html(page, views=[widget], drop_defaults=False)
    widget.close()
    assert CANARY not in page.getvalue()
    path = tmp_path / "page" / "page.html"
    path.parent.mkdir()
    path.write_text(re.sub(' integrity="[^"]*"', "", page.getvalue()), encoding="utf-8")  # of one build of require.js
    require = SHARE / "voila" / "templates" / "base" / "static" / "require.min.js"
    await host_page.route("https://cdnjs.cloudflare.com/**", lambda route: route.fulfill(path=require))
    await answer_from_npm(host_page)
    await host_page.goto(path.as_uri())
    card = Card(host_page)
    await expect(card.chip).to_have_text("No kernel")
    await expect(card.line).to_have_text(f"Run this cell again to pick up request {REQUEST_ID}")
