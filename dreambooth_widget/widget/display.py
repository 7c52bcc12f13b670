"""A widget's second output: the static copy that stays in the notebook when the kernel has gone.

The cell gets two outputs, the live view and an empty one with a `display_id`; when the job ends, the second is
updated to the small HTML gallery of `static_copy`. JupyterLab ignores other MIME types in the live view's own output.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

__all__ = ["StaticOutputs", "publish"]

_PLAIN = "The static copy of the pictures below."


def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None, **how: Any) -> None:
    """Publish one output of the running cell, or with `update=True` and `transient` one that is there."""
    from IPython.display import publish_display_data  # only ever called inside IPython

    publish_display_data(data, metadata, **how)  # type: ignore[no-untyped-call]


class StaticOutputs:
    """The static outputs of one widget, one for each time it was displayed; all show the same HTML.

    `tell` sends a MIME bundle to the views, which write it into the notebook if it did not get there as an output.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._display_ids: list[str] = []
        self._views = 0
        self._html = ""

    def open(self) -> None:
        """Publish one more output, with what is known by now: empty while the job runs, the gallery after its end."""
        display_id = f"dreambooth-{uuid4().hex}"
        self._display_ids.append(display_id)
        publish(self._bundle(), transient={"display_id": display_id})

    def view_appeared(self) -> None:
        """A view is there; the second one for the same output is that of a page which was loaded anew."""
        self._views += 1
        self.write_again()

    def fill(self, html: str) -> None:
        """Show `html` in every output."""
        self._html = html
        self.write_again()

    def write_again(self) -> None:
        """Send the outputs once more: a page that was reloaded meanwhile, or another cell's `await`, missed them."""
        if not self._display_ids or not self._html:
            return
        with contextlib.suppress(RuntimeError):  # the kernel is shutting down
            for display_id in self._display_ids:
                publish(self._bundle(), transient={"display_id": display_id}, update=True)
        if self._views > len(self._display_ids):
            # A page knows only the display ids that were made under its eyes: for a new one the above goes nowhere.
            self._tell(self._bundle())

    def _bundle(self) -> dict[str, Any]:
        return {"text/html": self._html, "text/plain": _PLAIN if self._html else ""}
