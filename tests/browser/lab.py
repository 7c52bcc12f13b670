"""JupyterLab and Notebook 7, both from one server, and a notebook opened in either of them."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import nbformat
from playwright.async_api import Locator, Page, expect

from .server import Server, free_port

App = Literal["lab", "notebook7"]
DESK = Path(__file__).with_name("lab.js")
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write_notebook(path: Path, cells: Sequence[str], kernel: str = "python3") -> None:
    """A notebook of code cells; a cell that begins with "#md" is Markdown."""
    made = [
        nbformat.v4.new_markdown_cell(text[3:].strip()) if text.startswith("#md") else nbformat.v4.new_code_cell(text)
        for text in cells
    ]
    notebook = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": {**KERNELSPEC, "name": kernel}})
    nbformat.write(notebook, path)


class JupyterServer(Server):
    """One server for `/lab` and `/notebooks`; without token, news and the user's settings."""

    def __init__(
        self, folder: Path, extra: Mapping[str, str] | None = None, python: str | Path = sys.executable
    ) -> None:
        self.port = free_port()
        settings = folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.open_browser": False,
            "ServerApp.allow_root": True,
            "ServerApp.root_dir": folder / "notebooks",
            "IdentityProvider.token": "",
            "LabApp.expose_app_in_browser": True,
            "JupyterNotebookApp.expose_app_in_browser": True,
        }
        super().__init__(
            folder, ["jupyterlab", *(f"--{name}={value}" for name, value in options.items())], extra, python
        )
        self.url = f"http://127.0.0.1:{self.port}/"


class Notebook:
    """A notebook that stands open on `page`, in JupyterLab or Notebook 7."""

    def __init__(self, page: Page, path: Path, app: App, panel: str) -> None:
        self.page = page
        self.path = path
        self.app = app
        self._panel = panel

    @property
    def view(self) -> Locator:
        """The notebook's own element."""
        return self.page.locator(f'[id="{self._panel}"] .jp-Notebook')

    def cell(self, index: int) -> Locator:
        """The element of cell `index`."""
        return self.view.locator(".jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """The outputs of cell `index`."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    async def run_all(self) -> None:
        """Run every cell, and wait for the last."""
        await self._desk("runAll")

    async def run(self, index: int) -> None:
        """Run cell `index`, and wait for its end."""
        await self._desk("run", index)

    async def begin(self, index: int) -> None:
        """Start cell `index`, and wait only until its prompt says that it runs."""
        await self.page.evaluate("([path, index]) => void desk.run(path, index)", [self.path.name, index])
        await expect(self.cell(index).locator(".jp-InputPrompt")).to_have_text("[*]:")

    async def ended(self, index: int) -> None:
        """Wait until cell `index` runs no more."""
        await expect(self.cell(index).locator(".jp-InputPrompt")).to_have_text(re.compile(r"^\[\d+\]:$"))

    async def execute(self, code: str, expression: str = "None") -> str:
        """Execute `code` in the kernel, not in the notebook; the repr of `expression` afterwards."""
        return str(await self._desk("execute", code, expression))

    async def value(self, expression: str) -> Any:
        """What `expression` is in the kernel, by way of JSON."""
        shown = await self.execute("", f"__import__('json').dumps({expression})")
        return json.loads(ast.literal_eval(shown))

    async def look(self) -> list[Any]:
        """What a key could change: the cells, the mode, the active cell and the prompts."""
        looked: list[Any] = await self._desk("look")
        return looked

    async def becomes(self, expression: str, wanted: Any) -> None:
        """Wait until `expression` is `wanted` in the kernel: what the page sends may be on its way."""
        for _ in range(100):
            found = await self.value(expression)
            if found == wanted:
                return
        raise AssertionError(f"{expression} is {found!r}, not {wanted!r}")

    async def save(self, *, widget_state: bool = False) -> str:
        """Save the notebook, with the state of its widgets if asked (a setting that is off); the file's text."""
        await self._desk("saveWithState" if widget_state else "save")
        return self.path.read_text(encoding="utf-8")

    async def soil(self) -> None:
        """Make the notebook look changed, so that there is something to save."""
        await self._desk("soil")

    async def replace_file(self, text: str) -> None:
        """Put `text` into the file behind the page's back and open it, as a file from elsewhere: it is not trusted."""
        self.path = self.path.with_name(f"elsewhere-{self.path.name}")
        self.path.write_text(text, encoding="utf-8")
        if self.app == "lab":
            await self._desk("open")
        else:
            await self.page.goto(self.page.url.rpartition("/")[0] + f"/{self.path.name}")
            await started(self.page)
            await until_open(self.page, self.path.name)
        self._panel = str(await self._desk("id"))

    async def trusted(self) -> bool:
        """Whether Jupyter trusts the first cell."""
        return bool(await self._desk("trusted"))

    async def restart(self) -> None:
        """Restart the kernel."""
        await self._desk("restart")

    async def interrupt(self) -> None:
        """Interrupt the kernel."""
        await self._desk("interrupt")

    async def reopen(self) -> None:
        """Close the view and open the file again; the kernel goes on."""
        await self._desk("dismiss")
        await self._desk("open")
        self._panel = str(await self._desk("id"))

    async def reload(self) -> None:
        """Load the whole page anew, as F5 does, and come back to this notebook. Unsaved outputs are lost.

        Once more where the application missed a model that the kernel has: that is its own, and so is the way out.
        """
        await self._load_anew()
        await expect(self.view.get_by_text("Loading widget...")).to_have_count(0)
        if await self._desk("missed"):
            await self._load_anew()

    async def _load_anew(self) -> None:
        if self.app == "lab":
            # The workspace would bring back other tests' notebooks, and is written with a delay.
            await self.page.goto(f"{self.page.url.partition('/lab')[0]}/lab?reset")
            await started(self.page)
            await self._desk("open")
        else:
            await self.page.reload()
            await started(self.page)
            await until_open(self.page, self.path.name)
        self._panel = str(await self._desk("id"))

    async def close(self) -> None:
        """Close the view and shut the kernel down."""
        await self._desk("close")

    async def theme(self, name: str) -> None:
        """Change the application's theme: "JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"."""
        await self.page.evaluate("name => desk.theme(name)", name)
        await expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", name)

    async def _desk(self, action: str, *arguments: Any) -> Any:
        script = "([action, ...rest]) => desk[action](...rest)"
        return await self.page.evaluate(script, [action, self.path.name, *arguments])


async def started(page: Page) -> None:
    """Wait until the application on `page` has started."""
    await page.wait_for_function("() => globalThis.jupyterapp && desk.started()")


async def until_open(page: Page, name: str) -> None:
    """Wait until Notebook 7 has opened the notebook that its address names."""
    await page.wait_for_function("name => desk.isOpen(name)", arg=name)
    await page.evaluate("name => desk.ready(name)", name)


class Lab:
    """JupyterLab on one page that is kept, notebook after notebook."""

    def __init__(self, server: JupyterServer, page: Page) -> None:
        self.server = server
        self.page = page
        self._made = 0

    async def open(self, cells: Sequence[str], kernel: str = "python3") -> Notebook:
        """A new notebook of `cells`, opened in JupyterLab with its kernel ready; nothing has run."""
        path = self.write(cells, kernel)
        await self.page.evaluate("name => desk.open(name)", path.name)
        return Notebook(self.page, path, "lab", await self.page.evaluate("name => desk.id(name)", path.name))

    async def open_file(self, name: str) -> Notebook:
        """The notebook `name` of the server's folder, opened in JupyterLab."""
        await self.page.evaluate("name => desk.open(name)", name)
        panel = await self.page.evaluate("name => desk.id(name)", name)
        return Notebook(self.page, self.server.root / name, "lab", panel)

    async def open_notebook7(self, page: Page, cells: Sequence[str], kernel: str = "python3") -> Notebook:
        """A new notebook of `cells`, opened in Notebook 7 on `page`."""
        path = self.write(cells, kernel)
        await page.goto(f"{self.server.url}notebooks/{path.name}")
        await started(page)
        await until_open(page, path.name)
        return Notebook(page, path, "notebook7", await page.evaluate("name => desk.id(name)", path.name))

    def write(self, cells: Sequence[str], kernel: str = "python3") -> Path:
        """A new notebook of `cells` in the server's folder."""
        self._made += 1
        path = self.server.root / f"notebook-{self._made}.ipynb"
        write_notebook(path, cells, kernel)
        return path

    async def close_all(self) -> None:
        """Close whatever is open and stop all kernels."""
        for path in self.server.root.glob("*.ipynb"):
            await self.page.evaluate("name => desk.close(name)", path.name)
        await self.page.evaluate("() => desk.stopKernels()")
