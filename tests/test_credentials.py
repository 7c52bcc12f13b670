"""`credentials`: the key is shown by nothing but `get_secret_value`, cleaned, and redacted in every disguise."""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import json
import logging
import pickle
import pprint
import reprlib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dreambooth_widget import Client, DreamboothBatch, DreamboothWidget, fetch, fetch_sync
from dreambooth_widget.client.requests import read_call
from dreambooth_widget.credentials import ApiKey, find_key, looks_swapped

from .endpoint import CANARY, PROCESSING, Endpoint, Reply
from .frames import shows

HEXADECIMAL = "ab12Cd34Ef56Gh78"
"""A key whose first characters make an escape of a "%" before them."""


@dataclass
class Holder:
    """An object that holds a key, as a client does."""

    key: ApiKey


def logged(key: ApiKey) -> str:
    """Return what a log line shows of a key."""
    stream = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("%s %r %s", key, key, Holder(key))
    return stream.getvalue()


def raised(key: ApiKey) -> str:
    """Return what a traceback with local variables shows of a key."""
    try:
        raise RuntimeError(key)
    except RuntimeError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def attributes(key: ApiKey) -> str:
    """Return what reading every attribute finds."""
    return repr([getattr(key, name, None) for name in dir(key)])


SHOWN_BY: list[Callable[[ApiKey], str]] = [
    repr,
    str,
    ascii,
    lambda key: f"{key}",
    lambda key: f"{key!r:>60}",
    lambda key: f"{key:>60}",
    lambda key: "%s %r" % (key, key),  # noqa: UP031  also written in the wild
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


def test_get_secret_value_opens_it() -> None:
    """Only `get_secret_value` opens it, without the white space that a paste brings along."""
    assert ApiKey(f" {CANARY}\n").get_secret_value() == CANARY


def test_key_has_no_attributes() -> None:
    """`vars` finds nothing, and no attribute can be added."""
    key = ApiKey(CANARY)
    with pytest.raises(TypeError):
        vars(key)
    with pytest.raises(AttributeError):
        key.other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_key_is_not_pickled(protocol: int) -> None:
    """It is not pickled, also not inside of something, and the error has advice."""
    for value in (ApiKey(CANARY), Holder(ApiKey(CANARY)), [ApiKey(CANARY)]):
        with pytest.raises(TypeError, match="DREAMBOOTH_API_KEY") as caught:
            pickle.dumps(value, protocol)
        assert CANARY not in str(caught.value)


def test_equal_keys_are_equal() -> None:
    """Equal keys are equal and hash alike; a text is no key."""
    assert ApiKey(CANARY) == ApiKey(CANARY)
    assert hash(ApiKey(CANARY)) == hash(ApiKey(CANARY))
    assert ApiKey(CANARY) != ApiKey("another-key")
    assert ApiKey(CANARY) != CANARY


def test_copies_open_too() -> None:
    """A copy is the same key."""
    assert copy.deepcopy(Holder(ApiKey(CANARY))).key.get_secret_value() == CANARY


@pytest.mark.parametrize("value", ["", "  \n"])
def test_empty_key_is_refused(value: str) -> None:
    """An empty key is refused."""
    with pytest.raises(ValueError, match="key is empty"):
        ApiKey(value)


@pytest.mark.parametrize("value", [None, 5, b"bytes", (CANARY,)])
def test_key_of_another_type(value: Any) -> None:
    """What is no text is refused by its type, and not repeated."""
    with pytest.raises(TypeError, match=f"key must be a str, not {type(value).__name__}"):
        ApiKey(value)


class TestRedact:
    """The key in texts of the service."""

    @given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
    @example(["%", ""])
    @example(["%25", "%2"])
    def test_every_occurrence_goes(self, pieces: list[str]) -> None:
        """Every occurrence goes, the rest of the text stays."""
        assert ApiKey(CANARY).redact(CANARY.join(pieces)) == "[key]".join(pieces)

    def test_short_key_is_kept(self) -> None:
        """A "key" of a few letters is no secret, and redacting it would garble every text."""
        assert ApiKey("s").redact("success") == "success"

    def test_shortest_secret(self) -> None:
        """Six characters are one."""
        assert ApiKey("abcdef").redact("an abcdef here") == "an [key] here"

    DISGUISES: ClassVar[dict[str, str]] = {
        "upper case": CANARY.upper(),
        "title case": CANARY.title(),
        "percent-encoded": "".join(f"%{byte:02X}" for byte in CANARY.encode()),
        "percent-encoded in part": CANARY.replace("-", "%2d"),
        "percent-encoded twice": CANARY.replace("-", "%252D"),
        "hex": CANARY.encode().hex(),
        "split by a line break": f"{CANARY[:9]}\n{CANARY[9:]}",
        "split by an escaped line break": f"{CANARY[:9]}%0D%0A{CANARY[9:]}",
        "spaced": " ".join(CANARY),
        "with a zero-width space": f"{CANARY[:9]}\u200b{CANARY[9:]}",
        "with other invisible characters": f"{CANARY[:9]}\u034f{CANARY[9:12]}\ufe0f{CANARY[12:]}",
        "with a control character": f"{CANARY[:9]}\x00{CANARY[9:]}",
        "base64": base64.b64encode(CANARY.encode()).decode(),
        "base64 of the body": base64.b64encode(json.dumps({"key": CANARY}).encode()).decode()[12:],
        "base64 in lines": base64.encodebytes(b"x" * 50 + CANARY.encode()).decode()[64:],
        "base64 in a link": quote(base64.urlsafe_b64encode(b"\xff\xfe" + CANARY.encode()).decode(), safe=""),
    }

    @pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
    def test_disguised_key(self, disguise: str) -> None:
        """However the service repeats the key, no part of it of eight characters is left."""
        redacted = ApiKey(CANARY).redact(f"before {disguise} after")
        assert "[key]" in redacted
        for start in range(len(disguise) - 7):
            assert disguise[start : start + 8] not in redacted
        assert ApiKey(CANARY).redact(redacted) == redacted

    @given(
        st.text("%0256aAbBxé", max_size=5),
        st.lists(
            st.tuples(
                st.sampled_from(["{0}", "%{1:02x}", "%{1:02X}", "%25{1:02x}"]),
                st.sampled_from(["", "", "", " ", "%20", "%0A", "\u200b", "%E2%80%8B"]),
            ),
            min_size=len(HEXADECIMAL),
            max_size=len(HEXADECIMAL),
        ),
    )
    def test_percent_before_escaped_key(self, before: str, disguises: list[tuple[str, str]]) -> None:
        """A "%" that makes an escape of the key's first characters hides none of the escapes behind it."""
        spelt = zip(disguises, HEXADECIMAL, strict=True)
        text = "".join(form.format(letter, ord(letter)) + gap for (form, gap), letter in spelt)
        assert "[key]" in ApiKey(HEXADECIMAL).redact(f"{before}{text}")

    @pytest.mark.parametrize(
        "text",
        [
            "100%ab12%43d34Ef56Gh78",
            "%ab12%20Cd34Ef56Gh78",
            "%ab12%E2%80%8BCd34Ef56Gh78",
            "%25ab12%43d34Ef56Gh78",
            "%" + "".join(f"%{ord(letter):02x}" for letter in HEXADECIMAL),
            "%%61b12%%343d34Ef56Gh78",
            "%" + base64.b64encode(f"ab{HEXADECIMAL}?".encode()).decode().replace("B", "%42"),
        ],
    )
    def test_percent_before_key(self, text: str) -> None:
        """The same, as it was found."""
        redacted = ApiKey(HEXADECIMAL).redact(text)
        assert "[key]" in redacted
        assert "Ef56" not in redacted

    def test_the_rest_of_the_text_stays(self) -> None:
        """Only what spells the key goes."""
        assert ApiKey(CANARY).redact(f"https://h/{CANARY.upper()}?a=1") == "https://h/[key]?a=1"
        assert ApiKey(CANARY).redact(f"a {CANARY[:5]}\n {CANARY[5:]} b") == "a [key] b"

    @pytest.mark.parametrize(
        "text",
        [
            "c" * 2_000_000,
            "c \n" * 500_000,
            "%63" * 500_000,
            f"{CANARY[:-1]} " * 50_000,
            f"%{'25' * 700_000}",
            "%25" * 500_000,
            f"c{'%20' * 500_000}",
            f"{CANARY[:-1]}%20" * 50_000,
        ],
    )
    def test_linear_time(self, text: str) -> None:
        """Megabytes that nearly spell the key take a second or two, not minutes."""
        began = time.process_time()
        assert ApiKey(CANARY).redact(f"{text}{CANARY}").endswith("[key]")
        assert time.process_time() - began < 20


CLEANED = {
    "double quotes": f'"{CANARY}"',
    "single quotes": f"'{CANARY}'",
    "quotes in quotes": f"'\"{CANARY}\"'",
    "curly quotes": f"\u201c{CANARY}\u201d",
    "white space": f"\t {CANARY}\r\n",
    "no-break space": f"\xa0{CANARY}\xa0",
    "byte order mark": f"\ufeff{CANARY}",
    "zero-width space": f"{CANARY[:5]}\u200b{CANARY[5:]}",
    "all of them": f'\ufeff "{CANARY}\u200b" \n',
}


@pytest.mark.parametrize("value", CLEANED.values(), ids=CLEANED)
def test_key_is_cleaned(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a paste or an env file adds is removed where that cannot be wrong."""
    assert ApiKey(value) == ApiKey(CANARY)
    monkeypatch.setenv("DREAMBOOTH_API_KEY", value)
    assert find_key(None) == ApiKey(CANARY)


WRONG: dict[str, tuple[Any, str]] = {
    "comment": (f"{CANARY} # the key", "followed by a comment"),
    "comment after quotes": (f'"{CANARY}" # the key', "followed by a comment"),
    "variable": (f"DREAMBOOTH_API_KEY={CANARY}", "name of a variable"),
    "export": (f"export API_KEY={CANARY}", "name of a variable"),
    "two words": (f"{CANARY} {CANARY}", "white space"),
    "line break": (f"{CANARY}\n{CANARY}", "white space"),
    "one quote": (f'"{CANARY}', "quotation mark"),
    "letter of another script": (f"{CANARY}\u0430", "ASCII"),
    "bytes": (CANARY.encode(), "not bytes"),
    "tuple": ((CANARY,), "not tuple"),
    "list": ([CANARY], "not list"),
}


DOORS: dict[str, Callable[[Any], Any]] = {
    "ApiKey": ApiKey,
    "find_key": find_key,
    "Client": Client,
    "DreamboothWidget": lambda key: DreamboothWidget(key, 1),
    "from_response": lambda key: DreamboothWidget.from_response({"status": "processing", "id": 1}, key),
    "resume": lambda key: DreamboothWidget.resume("{}", key),
    "DreamboothBatch": lambda key: DreamboothBatch(key, [1]),
    "fetch_sync": lambda key: fetch_sync(key, 1),
    "fetch": lambda key: fetch(key, 1).send(None),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(("key", "why"), WRONG.values(), ids=WRONG)
def test_wrong_key_is_not_shown(door: Callable[[Any], Any], key: Any, why: str) -> None:
    """The error names what is wrong; neither its message nor a frame of the package has the key."""
    with pytest.raises((TypeError, ValueError), match=why) as caught:
        door(key)
    assert shows(caught.value, CANARY) == []


def test_wrong_environment_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, its value is not."""
    monkeypatch.setenv("DREAMBOOTH_API_KEY", f"{CANARY} # the key")
    with pytest.raises(ValueError, match="DREAMBOOTH_API_KEY: key is followed by a comment") as caught:
        find_key(None)
    assert shows(caught.value, CANARY) == []


class Unread:
    """A response of `httpx` that was streamed and not read."""

    @property
    def content(self) -> bytes:
        """Fail as httpx does."""
        raise RuntimeError("not read")


FAULTS: dict[str, Callable[[], Any]] = {
    "requests": lambda: DreamboothBatch(CANARY, (row["id"] for row in [{}])),
    "response": lambda: DreamboothWidget.from_response(Unread(), CANARY),
}


@pytest.mark.parametrize("call", FAULTS.values(), ids=FAULTS)
def test_callers_fault_shows_no_key(call: Callable[[], Any]) -> None:
    """What the caller's own objects raise passes with its frames, and none of ours has the key."""
    with pytest.raises((KeyError, RuntimeError)) as caught:
        call()
    assert shows(caught.value, CANARY) == []


SILENT: dict[str, Callable[[str], Any]] = {
    "check": lambda url: Client(endpoint=url).check(1),
    "job": lambda url: Client(endpoint=url).fetch(1)._outcome(),
    "fetch": lambda url: fetch(None, 1, endpoint=url),
    "widget": lambda url: DreamboothWidget(None, 1, endpoint=url)._outcome(),
}


@pytest.mark.parametrize("call", SILENT.values(), ids=SILENT)
async def test_interrupted_call_shows_no_key(
    call: Callable[[str], Any], endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that is cancelled in mid-request has the key in no frame of ours or aiohttp's."""
    monkeypatch.setenv("DREAMBOOTH_API_KEY", CANARY)
    endpoint.answers = [Reply(PROCESSING, gate=asyncio.Event())]
    waiting = asyncio.create_task(call(endpoint.url))
    await endpoint.saw(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await waiting
    assert shows(caught.value, CANARY) == []
    DreamboothWidget.close_all()


class TestSwapped:
    """The key where the request id belongs."""

    @pytest.mark.parametrize("key", [32798037, "32798037"])
    def test_key_is_a_number(self, key: Any) -> None:
        """A number first, then a long word: refused, and the word is in no trait, message or frame."""
        for door in (DreamboothWidget, fetch_sync, read_call, lambda *both: fetch(*both).send(None)):
            with pytest.raises((TypeError, ValueError), match="key") as caught:
                door(key, CANARY)
            assert shows(caught.value, CANARY) == []

    @pytest.mark.parametrize("key", [None, "32798037", "other-key-1234"])
    def test_id_is_the_environment_key(self, key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the key is, the one in the environment is no request id."""
        monkeypatch.setenv("DREAMBOOTH_API_KEY", CANARY)
        with pytest.raises(ValueError, match="request id looks like an API key") as caught:
            DreamboothWidget(key, CANARY)
        assert shows(caught.value, CANARY) == []

    async def test_id_is_the_key(self) -> None:
        """A client refuses its own key as an id, alone or among others."""
        async with Client(CANARY, endpoint="http://127.0.0.1:9/") as client:
            for call in (client.fetch, lambda key: client.check(key).send(None)):
                with pytest.raises(ValueError, match="looks like an API key") as caught:
                    call(CANARY)
                assert shows(caught.value, CANARY) == []
            with pytest.raises(ValueError, match="request 1: the request id looks like an API key") as caught:
                await client.fetch_all([1, CANARY])
            assert shows(caught.value, CANARY) == []

    @pytest.mark.parametrize(
        ("key", "request_id"), [("12345678", "77"), ("12345678", "1" * 40), ("k" * 60, "abc-" * 9)]
    )
    def test_id_is_not_swapped(self, key: str, request_id: str) -> None:
        """Numbers are ids, and so are words beside a key that is one."""
        assert not looks_swapped(ApiKey(key), request_id)
