"""`body`: strange text, endless text, and text that echoes the key."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from dreambooth_widget.protocol.answers import (
    LARGEST_BODY,
    Busy,
    Finished,
    PictureLink,
    Processing,
)

from ..answers import (
    DONE,
    KEY,
    KEY_TEXT,
    LITERAL,
    busy,
    finished,
    read,
    refused,
    success,
)


class TestStrangeText:
    """What no row foresees."""

    def test_byte_order_mark(self) -> None:
        """A byte order mark does not hide the JSON."""
        assert finished(b"\xef\xbb\xbf" + DONE.encode()).links

    def test_stray_byte(self) -> None:
        """A broken byte in the prompt does not cost the pictures."""
        body = b'{"status":"success","output":["https://c/1"],"meta":{"prompt":"caf\xe9"}}'
        assert finished(body) == Finished((PictureLink("https://c/1"),), {"prompt": "café"})

    def test_half_surrogates_and_controls(self) -> None:
        """Half a surrogate pair or a control character cannot reach the comm: both would break it or the terminal."""
        body = b'{"status":"error","message":"a\\ud800b\\u0000c\\u001b[31m\\u009d","tips":"\\udfff"}'
        answer = refused(body)
        assert answer.details == "a\ufffdb\ufffdc\ufffd[31m\ufffd"
        assert json.dumps(answer.details, ensure_ascii=False).encode()
        assert success('https://c/\ud800"') == (PictureLink('https://c/\ufffd"'),)

    def test_duplicate_fields(self) -> None:
        """Of a field that comes twice the last one counts."""
        assert isinstance(read('{"status":"error","status":"processing"}'), Processing)

    def test_endless_numbers(self) -> None:
        """A number of 100,000 digits costs no time and does no harm, wherever it stands."""
        number = "9" * 100_000
        body = (
            f'{{"status":"success","output":["https://c/1"],"id":{number},"meta":{{"seed":{number},"x":{number}.5}}}}'
        )
        assert finished(body).meta.keys() <= {"seed"}

    def test_nan_in_meta(self) -> None:
        """What JSON does not know is not kept: the notebook is JSON."""
        assert finished('{"status":"success","meta":{"a":NaN,"b":-Infinity,"c":1e999,"d":1}}').meta == {"d": 1}


class TestSize:
    """No input holds the interpreter's lock for long."""

    PICTURE = base64.b64encode(bytes(range(256)) * 6000).decode()

    @pytest.mark.parametrize("escape", ["/", r"\/"], ids=["plain", "php"])
    @pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
    def test_inline_pictures(self, prefix: str, escape: str) -> None:
        """8 MB of base64 pictures come out as they are, whoever escaped their slashes."""
        pictures = [f"{prefix}{self.PICTURE}{number}" for number in range(4)]
        fields = {
            "status": "success",
            "id": 7,
            "output": pictures,
            "proxy_links": {"1": pictures[0]},
            "meta": {"seed": 3},
        }
        answer = finished(json.dumps(fields).replace("/", escape))
        assert [link.url for link in answer.links] == pictures
        assert answer.links[1].fallback == pictures[0]
        assert answer.meta == {"seed": 3}

    def test_broken_lines(self) -> None:
        """Base64 with line breaks comes out as it is."""
        picture = base64.encodebytes(bytes(range(256)) * 4000).decode()
        assert success(picture) == (PictureLink(picture.strip()),)

    def test_long_gap_beside_a_picture(self) -> None:
        """Outside of strings, JSON as long as a picture is still JSON: white space, a number."""
        gap = " " * 20_000 + "1" * 20_000 + ","
        body = f'{{"status":"success","seed":{gap}"output":["{self.PICTURE}"]}}'
        assert finished(body).links == (PictureLink(self.PICTURE),)

    def test_long_text_that_is_no_picture(self) -> None:
        """Quotes inside a long text do not lead the detour astray."""
        message = 'he said "' + "A" * 700_000 + '", then "' + "B" * 700_000 + '".'
        body = json.dumps({"status": "processing", "message": message})
        answer = read(body)
        assert isinstance(answer, Busy | Processing)
        if isinstance(answer, Processing):
            assert answer.message == message[:299] + "…"

    @pytest.mark.parametrize(
        "filling",
        [b"[],", b"{},", b"1,", b'"",', b'"\\n",', b'"AAAA",', b'{"a":[', b'"a":1,', b"1" * 4000 + b","],
        ids=["lists", "objects", "numbers", "strings", "escapes", "words", "depth", "members", "digits"],
    )
    def test_too_much_structure(self, filling: bytes) -> None:
        """8 MB of small things are not even parsed."""
        body = b'{"status":"success","output":[' + filling * (8_000_000 // len(filling)) + b"0]}"
        assert busy(body).reason == "the service's answer is too large"

    def test_too_large(self) -> None:
        """A body beyond the limit is not looked at."""
        assert busy(DONE.encode() + b" " * LARGEST_BODY).reason == "the service's answer is too large"

    def test_most_links(self) -> None:
        """An answer cannot start thousands of downloads."""
        assert len(success([f"https://c/{number}" for number in range(3000)])) == 256


class TestKeyIsStruck:
    """The service may echo the key; it is redacted of everything that may be shown."""

    @pytest.mark.parametrize("body", LITERAL)
    @pytest.mark.parametrize("status", [200, 401, 404, 500])
    def test_literal_bodies_that_echo_it(self, body: str, status: int) -> None:
        """The key in every text, name and link of every literal body stays out of the answer."""
        fields = json.loads(body)
        echoing = {name: echo(value) if name != "status" else value for name, value in fields.items()}
        answer = read({**echoing, f"x{KEY_TEXT}": KEY_TEXT}, status, redact=KEY.redact)
        assert KEY_TEXT not in repr(answer)

    @pytest.mark.parametrize("body", [f"<html>{KEY_TEXT}", f"key {KEY_TEXT}", json.dumps([KEY_TEXT])])
    def test_other_bodies(self, body: str) -> None:
        """The key in a body that is not the protocol stays out of its details."""
        assert "[key]" in busy(body, redact=KEY.redact).details

    @pytest.mark.parametrize("before", range(1950, 2010, 7))
    def test_at_the_cut(self, before: int) -> None:
        """A key that lies across the cut leaves no half of itself."""
        answer = refused({"status": "error", "message": "x" * before + KEY_TEXT}, redact=KEY.redact)
        assert KEY_TEXT[:6] not in answer.details

    def test_unknown_status_word(self) -> None:
        """An unknown status word is shown, so the key is redacted of it too."""
        answer = read({"status": f"hm {KEY_TEXT}"}, redact=KEY.redact)
        assert answer == Processing(status="hm [key]")


def echo(value: Any) -> Any:
    """`value` with the key in every text and every name."""
    if isinstance(value, str):
        return f"{value} {KEY_TEXT} {value}"
    if isinstance(value, list):
        return [echo(entry) for entry in value]
    if isinstance(value, dict):
        return {f"{name}{KEY_TEXT}": echo(entry) for name, entry in value.items()}
    return value
