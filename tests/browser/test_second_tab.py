"""A notebook that stands open in two tabs without jupyter-collaboration: they share the kernel, not the outputs."""

from __future__ import annotations

from playwright.async_api import Page, expect

from ..endpoint import PROCESSING, Endpoint
from .card import HAND_OVER_KEY, SETUP, Card, links, make, serve_pictures
from .lab import Lab, Notebook, started


async def test_second_tab_after_reload_from_disk(lab: Lab, host_page: Page, endpoint: Endpoint) -> None:
    """ "Reload Notebook from Disk" in the tab that did not run the cell makes its card live, mid-job."""
    serve_pictures(endpoint)
    endpoint.answers = [PROCESSING]
    first = await lab.open([SETUP, make(endpoint)])
    await first.save()
    name = first.path.name
    await host_page.goto(f"{lab.server.url}lab/workspaces/second?reset")
    await started(host_page)
    await host_page.evaluate("name => desk.open(name)", name)
    second = Notebook(host_page, first.path, "lab", await host_page.evaluate("name => desk.id(name)", name))
    await first.execute(HAND_OVER_KEY)
    await first.run(0)
    await first.run(1)
    await expect(Card(first.output(1)).chip).to_have_text("Generating")
    await first.save()
    await host_page.evaluate("() => jupyterapp.commands.execute('docmanager:reload')")
    await expect(Card(second.output(1)).chip).to_have_text("Generating")
    endpoint.answers = [endpoint.success(*links(endpoint))]
    for notebook in (first, second):
        await Card(notebook.output(1)).shows(4)
        await expect(notebook.output(1).locator("img:visible")).to_have_count(4)
