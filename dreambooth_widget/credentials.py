"""The API key: where it is found, and the wrapper that gives nothing away."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["KEY_VARIABLE", "ApiKey", "find_key"]

KEY_VARIABLE = "DREAMBOOTH_API_KEY"
"""The environment variable that the key is taken from when nobody passes it."""

_SHORTEST_SECRET = 6
"""A shorter "key" is no secret, and striking it out of texts would garble them ("s" stands in "status")."""


class ApiKey:
    """An API key that no repr, str, format, pickle, copy or `vars()` shows; only `get_secret_value()` opens it.

    >>> ApiKey("s3cret-s3cret")
    ApiKey(…)
    """

    __slots__ = ("__open",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"key must be a str, not {type(value).__name__}")
        value = value.strip()
        if not value:
            raise ValueError("key is empty")
        # A closure, not an attribute: debuggers, `inspect` and `__slots__` walkers print attributes.
        self.__open: Callable[[], str] = lambda: value

    def get_secret_value(self) -> str:
        """The key itself. Called in the one function that sends it, and nowhere else."""
        return self.__open()

    def redact(self, text: str) -> str:
        """`text` with every occurrence of the key replaced, for texts that the service may have echoed it in."""
        key = self.__open()
        return text.replace(key, "[key]") if len(key) >= _SHORTEST_SECRET else text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and self.__open() == other.__open()

    def __hash__(self) -> int:
        return hash((ApiKey, self.__open()))

    def __repr__(self) -> str:
        return "ApiKey(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"an API key is not pickled; pass it by the environment variable {KEY_VARIABLE}")

    def __copy__(self) -> ApiKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ApiKey:
        return self


def find_key(key: str | ApiKey | None) -> ApiKey | None:
    """The key from the argument, else from the environment variable `DREAMBOOTH_API_KEY`, else None."""
    if key is None:
        key = os.environ.get(KEY_VARIABLE, "").strip() or None
    return ApiKey(key) if isinstance(key, str) else _only_key(key)


def _only_key(key: object) -> ApiKey | None:
    if key is None or isinstance(key, ApiKey):
        return key
    raise TypeError(f"key must be a str, not {type(key).__name__}; the key comes first, what to fetch after it")
