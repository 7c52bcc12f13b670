"""Who is asked for what: the kernel asks the endpoint and the pictures' hosts, the browser asks its own server only."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from playwright.async_api import expect

from ..endpoint import CANARY, FETCH_PATH, PROCESSING, Endpoint
from .card import REQUEST_ID, SETUP, Card, links, make, run_widget, serve_pictures
from .lab import Lab
from .watch import Watch


async def test_browser_requests_its_server_only(lab: Lab, endpoint: Endpoint, watch: Watch) -> None:
    """Over a whole job, with every picture opened: no request but to the notebook server, and to memory."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    notebook = await lab.open([SETUP, make(endpoint)])
    card = await run_widget(notebook)
    await card.shows(4)
    for number in range(1, 5):
        await card.open(number)
        await lab.page.keyboard.press("Escape")
        await expect(card.dialog).to_have_count(0)
    await notebook.reload()
    assert watch.requests
    servers = {urlsplit(url).netloc for url in watch.requests if urlsplit(url).scheme not in ("blob", "data")}
    assert servers == {urlsplit(lab.server.url).netloc}


async def test_kernel_requests_are_minimal(lab: Lab, endpoint: Endpoint) -> None:
    """The endpoint gets POSTs of key and id as JSON; each picture is asked for once, without key, cookie, referrer."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING, endpoint.success(*links(endpoint))]
    notebook = await lab.open([SETUP, make(endpoint)])
    await run_widget(notebook)
    await Card(notebook.output(1)).shows(4)
    assert {seen.path for seen in endpoint.polls} == {FETCH_PATH}
    for seen in endpoint.polls:
        assert json.loads(seen.body) == {"key": CANARY, "request_id": str(REQUEST_ID)}
        assert seen.headers["Content-Type"].startswith("application/json")
    assert sorted(seen.path for seen in endpoint.gets) == [f"/files/{index}.png" for index in range(4)]
    for seen in endpoint.gets:
        assert CANARY not in f"{seen.headers}{seen.body!r}"
        assert not {"Cookie", "Referer", "Authorization"} & set(seen.headers)


async def test_requests_to_strangers_are_noticed(lab: Lab, watch: Watch) -> None:
    """The watch over strange hosts works: it sees one, and that host cannot be resolved."""
    answer = await lab.page.evaluate("() => fetch('https://example.org/').then(() => 'reached', () => 'not reached')")
    assert answer == "not reached"
    assert watch.strangers == ["https://example.org/"]
    watch.expect("example.org")
    watch.requests.clear()
