"""What the browser says behind the page: console, page errors, requests; the hosts' own noise set apart."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Error, Request, WebError

LOOPBACK = ("127.0.0.1", "localhost")
LOCAL_SCHEMES = ("data", "blob", "about", "file")

# A host's core says much of itself (debuggers, kernels that go): only what speaks of widgets there may be our doing.
HOST_CORE = r"/static/(lab|notebook)/"
OURS = re.compile(r"dreambooth|widget|\bcomm\b|blob:|Content Security Policy", re.IGNORECASE)
NOISE = (
    # Seen with an empty notebook, or with any widget.
    r"^page: .*Cannot read properties of undefined \(reading 'schema'\)",  # Notebook 7
    r"^(page|console): .*Canceled future for \w+ message before replies were done",  # any: a kernel that is shut down
    r"^console: Error: widget model not found",  # JupyterLab: a dead widget of a notebook that was open before
    r"^console: Comm not found for comm id",  # JupyterLab: a page that was loaded anew
    r"^console: .*RUNTIME-012",  # Voila: module federation of extensions it does not serve
    r"^console: .*ERR_NAME_NOT_RESOLVED .*fontawesome",  # Voila's template asks a CDN for its icons
)
HOSTS_OWN_REQUESTS = (
    r"^https://cdn\.jsdelivr\.net/npm/@fortawesome/",  # Voila's template
    r"^https://(cdnjs\.cloudflare\.com/ajax/libs|cdn\.holoviz\.org/panel)/.*font-awesome",  # Panel
    # Pages that ipywidgets exported, Panel's and Solara's; the tests answer these.
    r"^https://cdnjs\.cloudflare\.com/ajax/libs/require\.js/",
    r"^https://(cdn\.jsdelivr\.net/npm|unpkg\.com)/(@jupyter-widgets/html-manager|anywidget)@",
    r"^https://cdn\.jsdelivr\.net/npm/+(@widgetti/[a-z0-9-]+|requirejs)@",
)


def of_the_host(text: str, source: str) -> bool:
    """Whether a console error from the script `source` is the host's own affair."""
    return re.search(HOST_CORE, source) is not None and OURS.search(text) is None


class Watch:
    """Everything that the browser contexts reported since `start_over()`."""

    def __init__(self, context: BrowserContext) -> None:
        self._contexts: list[BrowserContext] = []
        self.log: list[str] = []
        self.requests: list[str] = []
        self._faults: list[str] = []
        self._expected: list[str] = []
        self._folder: Path | None = None
        self._failed: Callable[[], bool] = bool
        self.follow(context)

    def follow(self, context: BrowserContext) -> None:
        """Listen to one more context, until it is closed."""
        self._contexts.append(context)
        context.on("close", lambda closed: self._contexts.remove(closed))  # noqa: PLW0108 (Playwright marks its handlers)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)

    def start_over(self, folder: Path, failed: Callable[[], bool]) -> None:
        """Forget all: a new test begins, which may tell that it `failed`, and then leaves its evidence in `folder`."""
        self._folder, self._failed = folder, failed
        for record in (self.log, self.requests, self._faults, self._expected):
            record.clear()

    def expect(self, pattern: str) -> None:
        """Let this test provoke errors that match the regular expression `pattern`."""
        self._expected.append(pattern)

    @property
    def faults(self) -> list[str]:
        """Page errors, and console errors that may be our doing, which are neither known noise nor expected."""
        known = [*NOISE, *self._expected]
        return [fault for fault in self._faults if not any(re.search(pattern, fault, re.DOTALL) for pattern in known)]

    @property
    def strangers(self) -> list[str]:
        """Addresses outside this machine that something asked for, but for those that a host asks for by itself."""
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme not in LOCAL_SCHEMES
            and urlsplit(url).hostname not in LOOPBACK
            and not any(re.search(pattern, url) for pattern in HOSTS_OWN_REQUESTS)
        ]

    async def look(self, *logs: Path) -> None:
        """If the test failed, put a screenshot of every page, the console's log and copies of `logs` into its folder.

        Every fixture that is about to close something calls this first; the first call counts.
        """
        folder, faulty = self._folder, self.faults or self.strangers or self._failed()
        if folder is None or not faulty:
            return
        self._folder = None
        folder.mkdir()
        (folder / "console.log").write_text("\n".join(self.log), encoding="utf-8")
        for log in logs:
            shutil.copy(log, folder)
        for number, page in enumerate(page for context in self._contexts for page in context.pages):
            try:
                await page.screenshot(path=folder / f"page-{number}.png", timeout=5000)
            except Error as error:
                (folder / f"page-{number}.txt").write_text(f"no screenshot: {error}", encoding="utf-8")
        print(f"Screenshots and the browser's console: {folder}")  # noqa: T201 (pytest shows it with the failure)

    def _on_console(self, message: ConsoleMessage) -> None:
        source = message.location.get("url", "")
        line = f"console: {message.text} ({source})"
        self.log.append(f"{message.type} {line}")
        if message.type == "error" and not of_the_host(message.text, source):
            self._faults.append(line)

    def _on_error(self, error: WebError) -> None:
        line = f"page: {error.error}"
        self.log.append(f"{line}\n{error.error.stack}")
        self._faults.append(line)

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
