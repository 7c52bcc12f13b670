"""What callers pass is checked: numbers, also those of numpy and pandas, become plain ones of Python."""

from __future__ import annotations

import math
import operator
from numbers import Real

from ..credentials import without_frames

__all__ = [
    "check_int",
    "check_listener",
    "check_number",
    "check_range",
    "check_real",
    "check_samples",
    "check_seconds",
]

_MOST_SAMPLES = 64


def check_range(holds: bool, name: str, wanted: str, value: object) -> None:
    """Raise ValueError unless the value is in its range, that is `holds`. `wanted` is the range in words."""
    if not holds:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")


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
    check_range(math.isfinite(number), name, "finite", number)
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
    check_range(least is None or number >= least, name, f"at least {least}", number)
    return number


@without_frames
def check_seconds(name: str, value: object) -> float | None:
    """Return `value` as a number of seconds, None for None.

    Raises:
        TypeError: `value` is not a number. The message names it `name`.
        ValueError: `value` is negative or not finite.
    """
    if value is None:
        return None
    seconds = check_real(name, value, "number of seconds")
    check_range(0 <= seconds < math.inf, name, "0 seconds or more", seconds)
    return seconds


@without_frames
def check_samples(value: object) -> int:
    """Return `value` as the number of pictures to expect, 0 for None.

    Raises:
        TypeError: `value` is not an int.
        ValueError: `value` is less than 1 or more than 64.
    """
    if value is None:
        return 0
    samples = check_int("samples", value)
    check_range(1 <= samples <= _MOST_SAMPLES, "samples", f"between 1 and {_MOST_SAMPLES}", samples)
    return samples


def check_listener(name: str, value: object) -> None:
    """Raise TypeError if `value` cannot be called. The message names it `name`."""
    if not callable(value):
        raise TypeError(f"{name} must be a function of one FetchState, not {type(value).__name__}")


def _as_int(value: object) -> int | None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    try:
        return operator.index(value)
    except (TypeError, DeprecationWarning):  # an array; a truth value of numpy before 2.3
        return None
