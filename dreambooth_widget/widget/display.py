"""A widget's outputs in its cells: the live view, and below it the static copy that stays when the kernel has gone.

JupyterLab ignores other media types in the live view's own output, so the copy has an output of its own, with a
`display_id`: published with the view, and updated when the job reaches a milestone.
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any
from uuid import uuid4

from IPython.core.displaypub import DisplayPublisher
from IPython.core.getipython import get_ipython
from IPython.display import publish_display_data
from ipywidgets import Output, Widget
from ipywidgets.widgets import widget as widget_registry

from .ipykernel6 import cell_header, outputs_in
from .static_copy import EMPTY, StaticCopy

__all__ = ["StaticOutputs", "has_notebook", "is_boxed", "is_captured", "is_redirected", "is_terminal", "publish"]

_UPDATE_SECONDS = 5.0
"""Seconds that a page gets to take in an update before its view is sent the copy: two tabs must not both write it."""


def has_notebook() -> bool:
    """Return whether outputs stay in a notebook: not those of a terminal, nor of an app of Solara."""
    return getattr(get_ipython(), "kernel", None) is not None


def is_terminal() -> bool:
    """Return whether only the text of an output is shown."""
    return type(getattr(get_ipython(), "display_pub", None)) is DisplayPublisher


def is_captured() -> bool:
    """Return whether an `Output` widget formats the widget, to show it in itself and not in the running cell."""
    captor = getattr(Output.append_display_data, "__code__", None)
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not captor:
        frame = frame.f_back
    return frame is not None


def is_redirected() -> bool:
    """Return whether the running cell's outputs go into an `Output` widget (`with out:`), which takes in no update."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent: dict[str, Any] = getattr(kernel, "get_parent", dict)() or {}  # kernels in a browser may lack it
    running = parent.get("header", {}).get("msg_id")
    return any(isinstance(each, Output) and each.msg_id and each.msg_id == running for each in _widgets())


def is_boxed(widget: Widget) -> bool:
    """Return whether a container shows the widget, which then has no output of its own."""
    return any(widget is child for box in _widgets() for child in getattr(box, "children", ()))


def _widgets() -> list[Widget]:
    """Return the open widgets of this kernel."""
    return list(getattr(widget_registry, "_instances", {}).values())


def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None, **how: Any) -> None:
    """Publish an output of the running cell, or with `update=True` and `transient` new contents of an earlier one."""
    if get_ipython() is not None:  # without a shell there is no cell, and publishing would make one
        publish_display_data(data, metadata, **how)  # type: ignore[no-untyped-call]


class _Cell:
    """The running cell, in which something is to be published later. ipykernel 7 names it in a context variable."""

    def __init__(self) -> None:
        self._context = contextvars.copy_context()
        self._header = cell_header()

    def run(self, function: Callable[[], None]) -> None:
        """Call `function`, whose outputs are those of this cell."""
        with outputs_in(self._header):
            self._context.copy().run(function)


class StaticOutputs:
    """The static outputs of one widget, one for each time it was displayed; all show the same copy.

    Args:
        send: Sends a copy to the views, which write it into the notebook if it did not get there as an output.
        later: Calls a function after a number of seconds; returns False if it cannot.
        enabled: Whether a copy is kept; without it there is no static output.
    """

    def __init__(
        self,
        send: Callable[[StaticCopy], None],
        later: Callable[[float, Callable[[], None]], bool],
        *,
        enabled: bool,
    ) -> None:
        self.enabled = enabled
        self._send = send
        self._later = later
        self._cell = _Cell()  # the one that made the widget
        self._display_ids: list[str] = []
        self._views = 0
        self._copy = EMPTY

    @property
    def opened(self) -> bool:
        """Whether there is a static output."""
        return bool(self._display_ids)

    def open(self) -> None:
        """Publish one more output in the running cell, with the copy as it is."""
        if not (self.enabled and has_notebook()):
            return
        self._cell = _Cell()
        display_id = f"dreambooth-{uuid4().hex}"
        self._display_ids.append(display_id)
        publish(self._copy, transient={"display_id": display_id})

    def _open_in_cell(self) -> None:
        """Publish the copy in the cell that showed the widget last, or that made it: a view lacks it."""
        self._cell.run(self.open)

    def reopen(self) -> None:
        """Publish the copy in a new output: a view finds none in its page, which has dropped the output of the old one.

        The old ones are emptied, so that two views that miss it, or one that was too early, leave one copy and not two.
        """
        lost, self._display_ids = self._display_ids, []
        self._publish_copy(lost, EMPTY)
        self._open_in_cell()

    def view_appeared(self) -> None:
        """Take note of a view. One more than there are displays is that of a reloaded page, or of a second tab."""
        self._views += 1
        if not self._display_ids:  # in a container, which displays no copy
            self._open_in_cell()
        elif self._views > len(self._display_ids):
            self.republish()

    def update(self, copy: StaticCopy) -> None:
        """Show `copy` in every output."""
        if copy != self._copy:
            self._copy = copy
            self.republish()

    def republish(self) -> None:
        """Update the outputs once more: a page that was reloaded, or another cell's `await`, missed it."""
        if not self._display_ids or self._copy == EMPTY:
            return
        self._publish_copy(self._display_ids, self._copy)
        if self._views > len(self._display_ids):
            # A page updates only the outputs that it has received: a new page drops the updates above.
            self._later(_UPDATE_SECONDS, lambda: self._send(self._copy))

    @staticmethod
    def _publish_copy(display_ids: list[str], copy: StaticCopy) -> None:
        with contextlib.suppress(RuntimeError):  # the kernel is shutting down
            for display_id in display_ids:
                publish(copy, transient={"display_id": display_id}, update=True)
