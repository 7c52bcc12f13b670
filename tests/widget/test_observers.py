"""Observers in a subclass are a user's code too."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import traitlets

from dreambooth_widget.widget.observers import guard_observer


class Watched(traitlets.HasTraits):
    """A class with an observer that raises."""

    value = traitlets.Int()

    def observe(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Guard all."""
        super().observe(guard_observer(self, handler), names, type)

    @traitlets.observe("value")
    def _fail(self, change: Any) -> None:
        raise ZeroDivisionError


def test_marked_method_is_guarded(caplog: pytest.LogCaptureFixture) -> None:
    """A method that `@observe` marks is logged as well, and links follow all the same."""
    one, two = Watched(), Watched()
    traitlets.link((one, "value"), (two, "value"))
    one.value = 5
    assert two.value == 5
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "ZeroDivisionError" in caplog.text


def test_wrong_observer_is_refused() -> None:
    """What cannot be called raises when it is passed, and not in the log at each change."""
    with pytest.raises(TypeError, match="observer must be a function of one change, not str"):
        guard_observer(None, "status")  # type: ignore[arg-type]  # wrong on purpose


def test_guard_equals_its_observer() -> None:
    """So traitlets adds it once and can remove it; another one is another."""
    assert guard_observer(None, print) == print
    assert guard_observer(None, print) == guard_observer(None, print)
    assert hash(guard_observer(None, print)) == hash(print)
    assert guard_observer(None, print) != len
