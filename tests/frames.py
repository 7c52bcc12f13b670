"""What a traceback shows: the local variables of the frames that an error went through."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import aiohttp

import dreambooth_widget

__all__ = ["shows", "tracebacks"]

_LOOKED_AT = [Path(inspect.getfile(module)).parent for module in (dreambooth_widget, aiohttp)]
"""Folders, not a name in the path: a checkout's own folder is called as the package, and has the tests, too."""


def tracebacks(error: BaseException) -> Iterator[TracebackType]:
    """Yield what can be reached from an error: its traceback, its cause's and its context's."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__]
        step = each.__traceback__
        while step is not None:
            yield step
            step = step.tb_next


def shows(error: BaseException, secret: str) -> list[str]:
    """Return the functions of the package and of aiohttp whose frames show a secret in the traceback of an error."""
    found = [] if secret not in str(error) else ["message"]
    for step in tracebacks(error):
        code = step.tb_frame.f_code
        ours = any(folder in Path(code.co_filename).parents for folder in _LOOKED_AT)
        if ours and secret in repr(step.tb_frame.f_locals):
            found.append(code.co_name)
    return found
