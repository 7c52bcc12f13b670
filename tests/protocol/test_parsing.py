"""Strange text, endless text, links of every shape, and text that echoes the key."""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any

import pytest

from dreambooth_widget.protocol.answer_types import Busy, Finished, Processing, Refused
from dreambooth_widget.protocol.parsing import LARGEST_BODY, PictureLink, shown

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
    """Text that no documentation foresees."""

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
        """What JSON cannot hold is not kept: the notebook is JSON."""
        assert finished('{"status":"success","meta":{"a":NaN,"b":-Infinity,"c":1e999,"d":1}}').meta == {"d": 1}


class TestSize:
    """No input holds the interpreter's lock for long."""

    PICTURE = base64.b64encode(bytes(range(256)) * 6000).decode()

    @pytest.mark.parametrize("escape", ["/", r"\/"], ids=["plain", "php"])
    @pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
    def test_inline_pictures(self, prefix: str, escape: str) -> None:
        """8 MB of base64 pictures come out as they are, also with escaped slashes."""
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
        """A long text with quotes in it is a text."""
        message = 'he said "' + "A" * 700_000 + '", then "' + "B" * 700_000 + '".'
        body = json.dumps({"status": "processing", "message": message})
        answer = read(body)
        assert isinstance(answer, Busy | Processing)
        if isinstance(answer, Processing):
            assert answer.message == message[:299] + "…"

    @pytest.mark.parametrize(
        "filling",
        [b"[],", b"{},", b"1,", b'"",', b'"\\n",', b'"AAAA",', b'{"a":[', b'"a":1,'],
        ids=["lists", "objects", "numbers", "strings", "escapes", "words", "depth", "members"],
    )
    def test_too_much_structure(self, filling: bytes) -> None:
        """8 MB of small things are not even parsed."""
        body = b'{"status":"success","output":[' + filling * (8_000_000 // len(filling)) + b"0]}"
        assert busy(body).reason == "the service's answer is too large"

    def test_many_endless_numbers(self) -> None:
        """8 MB of numbers of 4,000 digits each are no links and no texts."""
        body = b'{"status":"success","output":[' + (b"1" * 4000 + b",") * 2000 + b"0]}"
        assert finished(body) == Finished(())

    @pytest.mark.parametrize("depth", [500, 5_000, 19_000])
    def test_deep_output(self, depth: int) -> None:
        """Lists in lists without end are no links, and raise nothing."""
        body = b'{"status":"success","output":' + b"[" * depth + b'"https://c/1"' + b"]" * depth + b"}"
        assert isinstance(read(body), Busy | Finished)
        assert success("[" * depth) == ()
        assert isinstance(read({"status": "error", "message": "[" * depth}), Busy | Refused)

    def test_three_large_pictures(self) -> None:
        """Three PNG files of 2.4 MB inline in one answer are three pictures."""
        pictures = [base64.b64encode(os.urandom(2_400_000)).decode() for _ in range(3)]
        assert [link.url for link in success(pictures)] == pictures

    def test_too_large(self) -> None:
        """A body beyond the limit is not looked at."""
        assert busy(DONE.encode() + b" " * LARGEST_BODY).reason == "the service's answer is too large"

    def test_most_links(self) -> None:
        """An answer cannot start thousands of downloads."""
        assert len(success([f"https://c/{number}" for number in range(3000)])) == 256


A, B = "https://cdn.example/a.png", "https://cdn.example/b.png"


class TestShapesOfOutput:
    """Links are found in every shape that services give them."""

    @pytest.mark.parametrize(
        "output",
        [
            [A, B],
            [[A, B]],
            [[A], [B]],
            [[A], B],
            [[[A]], [[B]]],
            [{"url": A}, {"url": B}],
            [{"url": A, "width": 512, "id": "abc"}, {"id": "7", "url": B}],
            [{"link": A}, {"image_url": B}],
            [{"image": {"url": A}}, {"src": B}],
            [{"id": "abc", "path": A}, {"file": f" {B} "}],
            {"0": {"url": A}, "1": {"url": B}},
            {"images": [A, B]},
            {"images": [{"url": A}, {"url": B}]},
            {"url": [A, B]},
            {"b": B, "a": A},
            json.dumps([A, B]),
            f" {json.dumps([[A, B]], indent=1)} ",
            json.dumps([{"url": A}, {"url": B}]),
            json.dumps({"1": B, "0": A}),
        ],
    )
    def test_all_links_are_found(self, output: Any) -> None:
        """Nested lists, objects with a link, and the JSON text of these give the links in their order."""
        assert success(output) == (PictureLink(A), PictureLink(B))
        assert success(None, proxy_links=output) == (PictureLink(A), PictureLink(B))
        assert success(None, future_links=output) == (PictureLink(A), PictureLink(B))

    @pytest.mark.parametrize(
        "output", [{"url": A}, {"url": A, "id": "abc"}, [{"url": A}], f'["{A}"]', [f"\n{A}"], [[A, None]]]
    )
    def test_one_link_is_found(self, output: Any) -> None:
        """What stands beside the link of an object is no link."""
        assert success(output) == (PictureLink(A),)

    @pytest.mark.parametrize(
        "output", [[], "", None, {}, [None], [""], [[]], [{}], "[]", "{}", "[", [{"id": "abc"}], "[null]"]
    )
    @pytest.mark.parametrize("links", [[A, B], {"0": A, "1": B}])
    @pytest.mark.parametrize("name", ["proxy_links", "future_links", "images", "links"])
    def test_other_links_stand_in(self, output: Any, links: Any, name: str) -> None:
        """Where `output` has no link, the links in another field are the pictures."""
        assert success(output, **{name: links}) == (PictureLink(A), PictureLink(B))

    def test_base64_in_an_object(self) -> None:
        """An object may hold the picture itself."""
        assert success([{"b64_json": "iVBORw0KGgo="}]) == success([{"base64": "iVBORw0KGgo="}])
        assert success([{"b64_json": "iVBORw0KGgo=", "url": None}]) == (PictureLink("iVBORw0KGgo="),)

    def test_address_without_a_scheme(self) -> None:
        """A link that leaves the scheme to the page is one over https."""
        assert success(["//cdn.example/1.png"]) == (PictureLink("https://cdn.example/1.png"),)

    def test_absent_output(self) -> None:
        """The same without the field `output`; `proxy_links` comes before `future_links`."""
        answer = {"status": "success", "proxy_links": [A], "future_links": [B]}
        assert finished(answer).links == (PictureLink(A),)

    def test_nested_fallbacks(self) -> None:
        """A nested list has its proxy links at the same index."""
        links = success([[A, B]], proxy_links=["https://p/0", "https://p/1"])
        assert links == (PictureLink(A, "https://p/0"), PictureLink(B, "https://p/1"))

    def test_long_addresses_are_redacted(self) -> None:
        """An address of any length never carries the key, also where a line break splits it."""
        split = f"{KEY_TEXT[:5]}\r\n\t{KEY_TEXT[5:]}"
        body = {
            "status": "success",
            "output": [f"https://c/{'x' * 9000}/{KEY_TEXT}", f"//c/{split}", f"HTTPS://c/{split}"],
        }
        assert [link.url[-6:] for link in finished(body, redact=KEY.redact).links] == ["/[key]"] * 3
        assert success("https://c/" + "x" * 300_000) == ()

    def test_inline_surrogates_are_replaced(self) -> None:
        """Half a surrogate in an inline picture of any length raises nothing, here or later."""
        body = '{"status":"success","output":["data:image/png;base64,' + "A" * 20_000 + '\\ud83d","ok\\udfff"]}'
        long, short = finished(body).links
        assert long.url.encode().startswith(b"data:image/png;base64,AAAA")
        assert short.url == "ok\ufffd"


class TestPages:
    """An HTML page is shown as its text."""

    @pytest.mark.parametrize(
        ("page", "text"),
        [
            ("<html><head><title>502 Bad\n Gateway</title></head><body>x", "502 Bad Gateway"),
            ("<!DOCTYPE html><TITLE lang=en>Just a moment&hellip;</TITLE>", "Just a moment…"),
            ("<html><title></title><h1>Sorry</h1><p>Back&nbsp;soon", "Sorry Back soon"),
            ("<style>h1{}</style><!-- a -- b --><script>x<y</script><b>Down</b>", "Down"),
            ("\ufeff \n<p>One<br/>two", "One two"),
            ("<script>never closed", ""),
            ("<title", ""),
            ("<3 you", "<3 you"),
            ("a <b> c", "a <b> c"),
            ("", ""),
        ],
    )
    def test_text_of_a_page(self, page: str, text: str) -> None:
        """The title, else the first words, on one line."""
        assert shown(page, str) == text

    @pytest.mark.parametrize("piece", ["<", "<a", "<title", "<title>", "<script>", "<!--", "</", "&amp", "<style "])
    def test_hostile_page_is_bounded(self, piece: str) -> None:
        """A page of unclosed pieces is read in one pass."""
        began = time.process_time()
        shown("<p>" + piece * 50_000, str)
        assert time.process_time() - began < 1

    def test_key_in_entities(self) -> None:
        """A page that writes the key with entities does not show it."""
        assert shown("<p>secret&amp;key", lambda text: text.replace("secret&key", "[key]")) == "[key]"

    def test_key_at_the_end(self) -> None:
        """A key at the end of what is read of a page leaves no part of itself."""
        for before in range(16_384 - 50, 16_384):
            assert KEY_TEXT[:6] not in shown("<p>" + "<br>" * ((before - 3) // 4) + KEY_TEXT, KEY.redact)


class TestKeyIsRedacted:
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

    @pytest.mark.parametrize("end", range(0, 60, 3))
    def test_at_the_end_of_reading(self, end: int) -> None:
        """A text of many long keys, cut where reading ends, shows no part of one."""
        key = "".join(f"{number:03}-" for number in range(60))
        text = shown("y" * end + key * 500, lambda text: text.replace(key, "[key]"))
        assert "000-" not in text
        assert shown("y" * end + key * 50 + " z", lambda text: text.replace(key, "[key]")).endswith("[key] z")

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
