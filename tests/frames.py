"""What a traceback shows: the local variables of the frames that an error went through."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path

import aiohttp

import dreambooth_widget

__all__ = ["shows"]

_LOOKED_AT = [Path(inspect.getfile(module)).parent for module in (dreambooth_widget, aiohttp)]
"""Folders, not a name in the path: a checkout's own folder is called as the package, and has the tests, too."""


def shows(error: BaseException, secret: str) -> list[str]:
    """Return the functions of the package and of aiohttp whose frames show a secret in the traceback of an error."""
    found = [] if secret not in str(error) else ["message"]
    chained: BaseException | None = error
    while chained is not None:
        for frame, _ in traceback.walk_tb(chained.__traceback__):
            code = frame.f_code
            ours = any(folder in Path(code.co_filename).parents for folder in _LOOKED_AT)
            if ours and secret in repr(frame.f_locals):
                found.append(code.co_name)
        chained = chained.__cause__ or chained.__context__
    return found
