"""A user's observer that raises hurts nothing but itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from traitlets.traitlets import EventHandler

__all__ = ["guard_observer"]

log = logging.getLogger(__name__)


class _GuardedObserver:
    """Calls an observer and logs what it raises. It equals the observer, so that `unobserve` finds it."""

    def __init__(self, observer: Callable[..., Any]) -> None:
        self._observer = observer

    def __call__(self, change: Any) -> None:
        try:
            self._observer(change)
        except Exception:  # any code of the user's may stand there
            log.exception("An observer of %r failed", change["name"])

    def __eq__(self, other: object) -> bool:
        return self._observer == (other._observer if isinstance(other, _GuardedObserver) else other)

    def __hash__(self) -> int:
        return hash(self._observer)


def guard_observer(owner: object, observer: Callable[..., Any]) -> Callable[..., Any]:
    """Return an observer that logs what `observer` raises, so that all other observers get their values.

    Args:
        owner: The widget that is observed.
        observer: A function, or a method of a subclass that traitlets' `@observe` has marked.

    Raises:
        TypeError: `observer` cannot be called.
    """
    if isinstance(observer, EventHandler):
        if not observer.name or observer.func.__module__.startswith(("ipywidgets.", "anywidget.")):
            return observer
        observer = getattr(owner, observer.name)
    if not callable(observer):
        raise TypeError(f"an observer must be a function of one change, not {type(observer).__name__}")
    return _GuardedObserver(observer)
