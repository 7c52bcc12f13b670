"""The API key: where it is found, how it is cleaned, and the wrapper that shows it to nothing.

Tracebacks with local variables (`%xmode Verbose`, rich, cgitb) are saved in notebooks, so no frame of this package
may hold the key as text when an error leaves it. That is why each function that takes `key`, or what may be swapped
with it, deletes it as soon as it has been read, also when that raises, and the functions that read it are
`without_frames`.
"""

from __future__ import annotations

import binascii
import os
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar
from urllib.parse import unquote

__all__ = ["KEY_VARIABLE", "ApiKey", "find_key", "looks_swapped", "redactor", "without_frames"]

P = ParamSpec("P")
T = TypeVar("T")

KEY_VARIABLE = "DREAMBOOTH_API_KEY"
"""The environment variable of the key."""

_SHORTEST_SECRET = 6
"""Characters. A shorter "key" is no secret, and redacting it would garble texts ("s" is in "status")."""

_LONG_ID = 16
"""Characters. A request id of this length beside a key of digits alone means that the two are swapped."""

_SHORTEST_BASE64 = 8
_STANDARD_BASE64 = str.maketrans("-_", "+/")

_FOREIGN = "[^!-~]"
"""A pattern for what no key has: white space, control characters, and whatever is outside of ASCII."""

_SHORTEST_END = 4
"""Characters of a form that must be left, where decoding may have taken its beginning: fewer are in many a text."""

_INVISIBLE = dict.fromkeys([
    *(0xAD, 0x34F, 0x180E, 0xFEFF), *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2065),
    *range(0xFE00, 0xFE10),
])  # fmt: skip
"""Zero-width characters, marks of direction and byte order marks, which a paste brings along."""

_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019"}


def without_frames(read: Callable[P, T]) -> Callable[P, T]:
    """Make a function that reads what callers pass raise its TypeErrors and ValueErrors without frames and causes.

    A frame of this decorator holds no argument either, whatever is raised.
    """

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except (TypeError, ValueError) as error:
            failure = error.with_traceback(None)
        finally:
            del args, kwargs
        failure.__cause__ = failure.__context__ = None
        raise failure

    return reading


class ApiKey:
    """An API key that no repr, str, format, pickle, copy or `vars()` shows; only `get_secret_value()` opens it.

    White space, invisible characters and matching quotes around the key are removed.

    Raises:
        TypeError: The key is not a str.
        ValueError: The key is empty or cannot be one. The message has the reason and not the key.

    >>> ApiKey("s3cret-s3cret")
    ApiKey(…)
    """

    __slots__ = ("__open", "__traces")

    @without_frames
    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(
                f"key must be a str, not {type(value).__name__}; the key comes first, what to fetch after it"
            )
        value = _cleaned(value)
        problem = _problem_of(value)
        if problem:
            raise ValueError(f"key {problem}")
        # Closures, not attributes: debuggers, `inspect` and `__slots__` walkers print attributes.
        self.__open: Callable[[], str] = lambda: value
        self.__traces: Callable[[], _Traces] | None = None

    def get_secret_value(self) -> str:
        """Return the key itself. Called in the one function that sends it, and nowhere else."""
        return self.__open()

    def redact(self, text: str) -> str:
        """Return `text` with each occurrence of the key replaced by "[key]", in linear time.

        The key is also located in another case, and split by white space or invisible characters. A text that repeats
        it percent-encoded, in base64 or in hex is replaced as a whole.
        """
        if len(text) < _SHORTEST_SECRET:
            return text
        if self.__traces is None:
            traces = _Traces(self.__open())
            self.__traces = lambda: traces
        return self.__traces().removed_from(text)

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


class _Traces:
    """The forms in which a service may repeat a key. Kept in a closure alone."""

    def __init__(self, key: str) -> None:
        raw = key.encode()
        self._plain = re.compile(f"{_FOREIGN}*".join(map(re.escape, key)), re.IGNORECASE)
        is_secret = len(key) >= _SHORTEST_SECRET
        self._folded = (key.lower(), raw.hex()) if is_secret else ()
        cores = {_base64_core(raw, shift) for shift in range(3)} if is_secret else set()
        # Shorter ones turn up by chance in the megabytes of a picture that comes as base64.
        self._encoded = tuple(core for core in cores if len(core) >= _SHORTEST_BASE64)

    def removed_from(self, text: str) -> str:
        if not self._are_in(text):
            return text
        text = self._plain.sub("[key]", text)
        return "[key]" if self._are_in(text) else text

    def _are_in(self, text: str) -> bool:
        """Whether a form of the key is in the text as it is, or with its escapes decoded once or twice."""
        if self._are_plain_in(text):
            return True
        if "%" not in text:
            return False
        once = unquote(text, errors="ignore")
        twice = unquote(once, errors="ignore")
        # Each decoding takes a "%" before the key and two characters of it for an escape.
        return any(self._are_plain_in(each, without=4) for each in (once, twice))

    def _are_plain_in(self, text: str, without: int = 0) -> bool:
        """Whether a form of the key, without its first characters, is in the text but for case and what no key has."""
        text = re.sub(f"{_FOREIGN}+", "", text)
        folded = text.lower()
        if any(_end(form, without) in folded for form in self._folded):
            return True
        text = text.translate(_STANDARD_BASE64) if "-" in text or "_" in text else text
        return any(_end(form, without) in text for form in self._encoded)


def _end(form: str, without: int) -> str:
    """Return a form of the key without its first characters, as far as that leaves enough of it."""
    return form[min(without, len(form) - _SHORTEST_END) :]


def _base64_core(raw: bytes, shift: int) -> str:
    """Return the part of the base64 text of `raw` that is the same whatever stands before and after it.

    `shift` is the number of bytes before it, modulo 3.
    """
    text = binascii.b2a_base64(bytes(shift) + raw, newline=False).decode()
    whole = (shift + len(raw)) // 3 * 4
    return text[:whole][-(-shift * 8 // 6) :]


@without_frames
def find_key(key: object) -> ApiKey | None:
    """Return the key from the argument, else from the environment variable `DREAMBOOTH_API_KEY`, else None.

    Raises:
        TypeError: `key` is neither a str nor None.
        ValueError: The key cannot be one.
    """
    if isinstance(key, ApiKey):
        return key
    if key is not None:
        return ApiKey(key)  # type: ignore[arg-type]  # it checks the type
    return _key_of_environment()


def redactor(key: ApiKey | None) -> Callable[[str], str]:
    """Return the function that takes the key out of a text."""
    return str if key is None else key.redact


def _key_of_environment() -> ApiKey | None:
    if not _cleaned(os.environ.get(KEY_VARIABLE, "")):
        return None
    try:
        return ApiKey(os.environ[KEY_VARIABLE])
    except ValueError as error:
        raise ValueError(f"{KEY_VARIABLE}: {error}") from None


def looks_swapped(key: ApiKey | None, request_id: str) -> bool:
    """Whether `request_id` looks like an API key: the one in the environment, or a long word beside a number as key."""
    named = os.environ.get(KEY_VARIABLE, "")
    if len(request_id) >= _SHORTEST_SECRET and _cleaned(request_id) == _cleaned(named):
        return True
    return (
        key is not None
        and key.get_secret_value().isdigit()
        and len(request_id) >= _LONG_ID
        and not request_id.isdigit()
    )


def _cleaned(value: str) -> str:
    """Return `value` without white space, invisible characters and matching quotes around it."""
    value = value.translate(_INVISIBLE).strip()
    while len(value) > 1 and _QUOTES.get(value[0]) == value[-1]:
        value = value[1:-1].strip()
    return value


def _problem_of(value: str) -> str:
    """Return what is wrong with a cleaned key, in words that do not contain it; "" for nothing."""
    if not value:
        return f"is empty: pass your API key, or leave it out to take it from {KEY_VARIABLE}"
    if re.search(r"\s#|\s//", value):
        return "is followed by a comment: pass the key alone"
    if re.match(r"(export\s+)?[A-Za-z_]*KEY\s*[=:]", value):
        return "begins with the name of a variable: pass the key alone"
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        return "contains white space or a control character: pass the key alone"
    if re.search("[\"'`\u2018-\u201f]", value):
        return "contains a quotation mark: pass the key alone"
    return "" if value.isascii() else "contains a character outside of ASCII: copy it again from your account"
