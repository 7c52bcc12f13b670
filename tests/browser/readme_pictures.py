"""README's screenshots, from the real thing: notebooks in JupyterLab, light and dark; gallery, loupe and batch.

    python -m tests.browser.readme_pictures [FOLDER]

Without a folder they go to `notebooks/images/`, where README looks for them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Position, async_playwright, expect

from . import chromium
from .lab import DESK, JupyterServer, Lab, Notebook, started

IMAGES = Path(__file__).parents[2] / "notebooks" / "images"
SPOT: Position = {"x": 120, "y": 110}
"""What the loupe shows, in CSS pixels from the corner of the second tile."""
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

SERVICE = """\
from dreambooth_widget import DreamboothBatch, DreamboothWidget
from dreambooth_widget.demo import start_demo
service = await start_demo()
key, endpoint = service.key, service.url
answer = service.generate(samples=4, eta=6, seed=11)
request_id = answer["id"]
prompts = ["a dog on a dune", "a dog under the stars", "a dog in spring", "a dog by the sea", "a dog in the mist",
           "a dog in space", "a dog that moved", "a dog in the woods"]
ends = {"a dog that moved": "failed", "a dog in the woods": "never"}
answers = {prompt: service.generate(prompt, samples=1, eta=4, seed=20 + place, fail=ends.get(prompt))
           for place, prompt in enumerate(prompts)}"""


@dataclass(frozen=True)
class Scene:
    """A cell, and what its card shows when it is photographed."""

    name: str
    cell: str
    pictures: int
    said: str
    loupe: bool = False


SCENES = (
    Scene("gallery", "DreamboothWidget(key, request_id, endpoint=endpoint)", 4, "4 pictures"),
    Scene("loupe", "DreamboothWidget(key, request_id, endpoint=endpoint)", 4, "4 pictures", loupe=True),
    Scene("batch", "DreamboothBatch(key, answers, endpoint=endpoint)", 6, "6 of 8 done, 1 failed"),
)


async def take(notebook: Notebook, scene: Scene, theme: str, folder: Path) -> None:
    """One picture of the scene's cell."""
    await notebook.theme(THEMES[theme])
    cell = notebook.cell(1)
    await notebook.page.mouse.move(0, 0)
    await notebook.page.evaluate("document.activeElement?.blur()")
    if scene.loupe:
        await cell.locator(".dreambooth-open").nth(1).hover(position=SPOT)
        await notebook.page.keyboard.down("z")
        await expect(cell.locator(".dreambooth-lens[data-sharp]")).to_have_count(scene.pictures)
    await cell.screenshot(path=folder / f"{scene.name}-{theme}.png", animations="disabled")
    await notebook.page.keyboard.up("z")


async def play(lab: Lab, scene: Scene, folder: Path) -> None:
    """Run the scene in a notebook of its own, and photograph it in each theme."""
    notebook = await lab.open([SERVICE, scene.cell])
    await notebook.run_all()
    card = notebook.output(1).locator(".dreambooth-card")
    await expect(card.locator(".dreambooth-line")).to_contain_text(scene.said)
    await expect(card.locator("img")).to_have_count(scene.pictures)
    await notebook.page.wait_for_function(
        "[...document.querySelectorAll('.dreambooth-card img')].every(i => i.complete)"
    )
    for theme in THEMES:
        await take(notebook, scene, theme, folder)
    await notebook.close()


async def main(folder: Path) -> None:
    """Run every scene in JupyterLab."""
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
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
            lab = Lab(server, page)
            for scene in SCENES:
                await play(lab, scene, folder)
            await browser.close()
        await server.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES))
