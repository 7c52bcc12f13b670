"""What callers pass is checked: numbers, also those of numpy and pandas, become plain ones of Python."""

from __future__ import annotations

import math
import operator
from numbers import Real

__all__ = ["check_int", "check_listener", "check_number", "check_real"]


def check_real(name: str, value: object, kind: str = "number") -> float:
    """Return `value` as a float, which may be infinite or NaN.

    Raises:
        TypeError: `value` is not a number, or is a truth value. The message names it `name`, and the `kind` to pass.
        ValueError: `value` is an int beyond every float.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a {kind}, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be smaller: it is beyond every float") from None


def check_number(name: str, value: object) -> float:
    """Return `value` as a finite float.

    Raises:
        TypeError: As `check_real`.
        ValueError: As `check_real`, or `value` is not finite.
    """
    number = check_real(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, not {number!r}")
    return number


def check_int(name: str, value: object, *, least: int | None = None) -> int:
    """Return `value` as an int.

    Raises:
        TypeError: `value` is not a whole number by its type, or is a truth value. The message names it `name`.
        ValueError: `value` is below `least`.
    """
    number = _as_int(value)
    if number is None:
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least}, not {number!r}")
    return number


def check_listener(name: str, value: object) -> None:
    """Raise TypeError if `value` cannot be called. The message names it `name`."""
    if not callable(value):
        raise TypeError(f"{name} must be a function of one FetchState, not {type(value).__name__}")


def _as_int(value: object) -> int | None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    try:
        return operator.index(value)
    except TypeError:  # an array of numbers
        return None
