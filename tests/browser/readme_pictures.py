"""README's screenshots, from the real thing: a notebook in JupyterLab, light and dark, the gallery and the lightbox.

    python -m tests.browser.readme_pictures [FOLDER]

Without a folder they go to `notebooks/images/`, where README looks for them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright, expect

from . import chromium
from .lab import DESK, JupyterServer, Lab, Notebook, started

IMAGES = Path(__file__).parents[2] / "notebooks" / "images"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

SERVICE = """\
from dreambooth_widget import DreamboothWidget
from dreambooth_widget.demo import start_demo
service = await start_demo()
key, endpoint = service.key, service.url
answer = service.generate(samples=4, eta=6, seed=11)
request_id = answer["id"]"""
WIDGET = "DreamboothWidget(key, request_id, endpoint=endpoint)"


async def take(notebook: Notebook, theme: str, folder: Path) -> None:
    """Both pictures in one theme."""
    await notebook.theme(THEMES[theme])
    cell = notebook.cell(1)
    await notebook.page.mouse.move(0, 0)
    await notebook.page.evaluate("document.activeElement?.blur()")
    await cell.screenshot(path=folder / f"gallery-{theme}.png", animations="disabled")


async def main(folder: Path) -> None:
    """Run the widget in JupyterLab and photograph it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        server = JupyterServer(Path(temporary))
        await server.listening(server.port)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
            context = await browser.new_context(viewport={"width": 1280, "height": 900}, device_scale_factor=1.5)
            await context.add_init_script(path=DESK)
            page = await context.new_page()
            await page.goto(f"{server.url}lab?reset")
            await started(page)
            notebook = await Lab(server, page).open([SERVICE, WIDGET])
            await notebook.run_all()
            tiles = notebook.output(1).locator(".dreambooth-card img")
            await expect(tiles).to_have_count(4, timeout=60_000)
            await expect(notebook.output(1).get_by_text("Done", exact=True)).to_be_visible()
            await page.wait_for_function(
                "[...document.querySelectorAll('.dreambooth-card img')].every(i => i.complete)"
            )
            for theme in THEMES:
                await take(notebook, theme, folder)
            await browser.close()
        await server.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES))
