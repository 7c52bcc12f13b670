"""`secret`: the key is shown by nothing but `get_secret_value`."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import pprint
import reprlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.credentials import ApiKey

from .endpoint import CANARY


@dataclass
class Holder:
    """Something that holds a key, as a client does."""

    key: ApiKey


def logged(key: ApiKey) -> str:
    """What a log line shows of a key."""
    stream = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("%s %r %s", key, key, Holder(key))
    return stream.getvalue()


def raised(key: ApiKey) -> str:
    """What a traceback with local variables shows of a key."""
    try:
        raise RuntimeError(key)
    except RuntimeError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def attributes(key: ApiKey) -> str:
    """What somebody finds who reads every attribute."""
    return repr([getattr(key, name, None) for name in dir(key)])


SHOWN_BY: list[Callable[[ApiKey], str]] = [
    repr,
    str,
    ascii,
    lambda key: f"{key}",
    lambda key: f"{key!r:>60}",
    lambda key: f"{key:>60}",
    lambda key: "%s %r" % (key, key),  # noqa: UP031  people write this too
    lambda key: "{} {!s}".format(key, key),  # noqa: UP032  and this
    lambda key: repr([key, {key: key}]),
    lambda key: repr(Holder(key)),
    lambda key: pprint.pformat(Holder(key)),
    reprlib.repr,
    lambda key: repr(copy.copy(key)),
    lambda key: repr(copy.deepcopy(Holder(key))),
    lambda key: json.dumps(Holder(key), default=str),
    logged,
    raised,
    attributes,
]


@pytest.mark.parametrize("show", SHOWN_BY)
def test_nothing_shows_it(show: Callable[[ApiKey], str]) -> None:
    """No way of showing a value shows the key."""
    assert CANARY not in show(ApiKey(CANARY))


def test_reveal() -> None:
    """Only `get_secret_value` opens it, without the white space that a paste brings along."""
    assert ApiKey(f" {CANARY}\n").get_secret_value() == CANARY


def test_no_attributes() -> None:
    """There is no `vars`, and nothing can be added."""
    key = ApiKey(CANARY)
    with pytest.raises(TypeError):
        vars(key)
    with pytest.raises(AttributeError):
        key.other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_not_pickled(protocol: int) -> None:
    """It is not pickled, also not inside of something, and the refusal says what to do instead."""
    for value in (ApiKey(CANARY), Holder(ApiKey(CANARY)), [ApiKey(CANARY)]):
        with pytest.raises(TypeError, match="DREAMBOOTH_API_KEY") as caught:
            pickle.dumps(value, protocol)
        assert CANARY not in str(caught.value)


def test_equality() -> None:
    """Equal keys are equal and hash alike; a text is no key."""
    assert ApiKey(CANARY) == ApiKey(CANARY)
    assert hash(ApiKey(CANARY)) == hash(ApiKey(CANARY))
    assert ApiKey(CANARY) != ApiKey("another-key")
    assert ApiKey(CANARY) != CANARY


def test_copies_open_too() -> None:
    """A copy is the same key."""
    assert copy.deepcopy(Holder(ApiKey(CANARY))).key.get_secret_value() == CANARY


@pytest.mark.parametrize("value", ["", "  \n"])
def test_empty(value: str) -> None:
    """An empty key is refused."""
    with pytest.raises(ValueError, match="key is empty"):
        ApiKey(value)


@pytest.mark.parametrize("value", [None, 5, b"bytes"])
def test_of_another_type(value: Any) -> None:
    """What is no text is refused by its type, and not repeated."""
    with pytest.raises(TypeError, match=f"key must be a str, not {type(value).__name__}"):
        ApiKey(value)


class TestStrike:
    """Striking the key out of the service's texts."""

    @given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
    def test_every_occurrence(self, pieces: list[str]) -> None:
        """Every occurrence goes, the rest of the text stays."""
        assert ApiKey(CANARY).redact(CANARY.join(pieces)) == "[key]".join(pieces)

    def test_short_key(self) -> None:
        """A "key" of a few letters is no secret, and striking it would garble every text."""
        assert ApiKey("s").redact("success") == "success"

    def test_shortest_secret(self) -> None:
        """Six characters are one."""
        assert ApiKey("abcdef").redact("an abcdef here") == "an [key] here"
