"""Numbers of callers: which ones are read, as what, and how the others are refused."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from dreambooth_widget.client.arguments import check_int, check_number, check_real, check_samples, check_seconds


class Index:
    """A whole number of another library."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __index__(self) -> Any:
        """The value; numpy has it also at arrays that are none."""
        return self._value


@pytest.mark.parametrize(("value", "number"), [(2, 2.0), (0.5, 0.5), (Fraction(1, 4), 0.25)], ids=str)
def test_numbers_become_floats(value: Any, number: float) -> None:
    """Whatever is a real number."""
    for check in (check_real, check_number):
        found = check("eta", value)
        assert (type(found), found) == (float, number)


def test_infinity_is_no_limit() -> None:
    """It is a real number, but none to count with."""
    assert check_real("memory", math.inf) == math.inf
    for value in (math.inf, -math.inf, math.nan):
        with pytest.raises(ValueError, match=r"^rate must be finite, not "):
            check_number("rate", value)
    with pytest.raises(ValueError, match=r"^rate must be smaller"):
        check_real("rate", 10**400)


@pytest.mark.parametrize("value", ["5", None, True, 1j, [1]], ids=str)
def test_what_is_no_number(value: Any) -> None:
    """Text, truth values and collections; the error names the argument and what to pass."""
    with pytest.raises(TypeError, match=f"^eta must be a number of seconds, not {type(value).__name__}$"):
        check_real("eta", value, "number of seconds")
    with pytest.raises(TypeError, match=f"^samples must be an int, not {type(value).__name__}$"):
        check_int("samples", value)


def test_whole_numbers_become_ints() -> None:
    """By their type, not by their value."""
    assert [check_int("samples", value) for value in (3, Index(4))] == [3, 4]
    for value in (3.0, Fraction(3), Index("text")):
        with pytest.raises(TypeError, match=f"^samples must be an int, not {type(value).__name__}$"):
            check_int("samples", value)


@pytest.mark.parametrize(("value", "kind"), [("4", TypeError), (True, TypeError), (0, ValueError), (65, ValueError)])
def test_wrong_samples(value: Any, kind: type[Exception]) -> None:
    """A number of pictures is an int between 1 and 64."""
    with pytest.raises(kind, match="samples must be"):
        check_samples(value)


@pytest.mark.parametrize(
    ("value", "kind"), [("4", TypeError), (True, TypeError), (-1, ValueError), (1e999, ValueError)]
)
def test_wrong_seconds(value: Any, kind: type[Exception]) -> None:
    """Seconds are a finite number, not negative; the error names the argument."""
    with pytest.raises(kind, match="deadline must be"):
        check_seconds("deadline", value)
