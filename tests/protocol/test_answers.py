"""Answers that are no errors: pictures, waiting, and servers that fail or answer something else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dreambooth_widget.protocol.answer_types import Finished, Processing
from dreambooth_widget.protocol.parsing import PictureLink

from ..answers import (
    DONE,
    DONE_WITH_META,
    SOME_ERROR,
    WAITING,
    WAITING_SHORT,
    busy,
    finished,
    read,
    success,
)


class TestSuccess:
    """Success, with links of every shape, or without any."""

    def test_documented_success(self) -> None:
        """The documented success is finished, with its one link."""
        assert read(DONE) == Finished((PictureLink("https://pub-1.r2.dev/generations/6ef3.png"),))

    def test_meta_and_time(self) -> None:
        """Seed, size and the service's own duration are kept."""
        answer = finished(DONE_WITH_META)
        assert answer.meta == {"H": 512, "W": 512, "seed": 1793745243, "steps": 20, "n_samples": 1}
        assert answer.generation_time == 2.92

    @pytest.mark.parametrize("status", [200, 201, 400, 429, 500])
    def test_body_outranks_http_status(self, status: int) -> None:
        """The body decides: pictures that are there are taken under any HTTP status."""
        assert finished(DONE, status).links

    def test_more_than_the_maximum(self) -> None:
        """More links than the API's maximum of four are all taken, in their order."""
        urls = [f"https://cdn.example/{number}.png" for number in range(9)]
        assert [link.url for link in success(urls)] == urls

    @pytest.mark.parametrize("output", ["https://cdn.example/1.png", "data:image/png;base64,iVBORw0K", "iVBORw0KGgo="])
    def test_output_as_string(self, output: str) -> None:
        """`output` as one string is one link or inline picture."""
        assert success(output) == (PictureLink(output),)

    def test_object_in_key_order(self) -> None:
        """`output` as an object gives its values in the order of its keys, 10 after 2."""
        output = {"10": "https://c/10", "2": "https://c/2", "0": "https://c/0"}
        assert [link.url for link in success(output)] == ["https://c/0", "https://c/2", "https://c/10"]

    def test_object_with_words_and_numbers(self) -> None:
        """Keys such as image_10 are sorted by their numbers too."""
        output = {"image_10": "https://c/10", "image_9": "https://c/9"}
        assert [link.url for link in success(output)] == ["https://c/9", "https://c/10"]

    @pytest.mark.parametrize("output", ["", "  ", [], None, {}, [None], ["", None], 7, [[]], [{}], True, {"0": None}])
    def test_no_output(self, output: Any) -> None:
        """A success that names no picture is finished without links."""
        assert success(output) == ()

    def test_absent_output(self) -> None:
        """A success without the field is finished without links."""
        assert finished('{"status":"success"}').links == ()

    def test_nulls_and_white_space(self) -> None:
        """Entries that are null are left out, white space around a link goes."""
        assert success([None, " https://c/1\n", "", 5]) == (PictureLink("https://c/1"),)

    @pytest.mark.parametrize(
        "fields",
        [
            *(
                {"status": word}
                for word in ("completed", "complete", "succeeded", "Success", "OK", "true", "done", True)
            ),
            *({"status": word} for word in (None, "", 200, "200", 1)),
            {"success": True},
            {"success": True, "status": None},
            {},
        ],
    )
    @pytest.mark.parametrize("name", ["output", "proxy_links", "future_links", "images", "links"])
    def test_other_words_for_success(self, fields: dict[str, Any], name: str) -> None:
        """Other words for success, and links without a status, are pictures: all of them."""
        urls = ["https://c/1", "https://c/2"]
        assert finished({**fields, "id": 7, name: urls}).links == tuple(map(PictureLink, urls))

    @pytest.mark.parametrize("word", ["completed", "complete", "succeeded", "ok", True])
    def test_success_without_pictures(self, word: Any) -> None:
        """The same words without a link are finished without pictures."""
        assert finished({"status": word, "output": []}).links == ()

    @pytest.mark.parametrize("output", [["c"], "hello", [None], {}, [5]])
    def test_no_status_and_no_address(self, output: Any) -> None:
        """Without a status, a text that is no address is no picture."""
        assert busy({"output": output}).unexpected

    def test_links_to_come(self) -> None:
        """Links beside an estimate and without a status are not there yet."""
        assert busy({"eta": 20, "future_links": ["https://c/1"]}).unexpected

    @pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
    def test_links_beside_an_error(self, status: int) -> None:
        """Links without a status word are no success under an HTTP status of an error."""
        assert not isinstance(read({"output": ["https://c/1"], "message": "no"}, status), Finished)

    def test_status_word_in_capitals(self) -> None:
        """Capitals and white space do not change a status word."""
        assert finished('{"status":" Success ","output":["https://c/1"]}').links

    @pytest.mark.parametrize(
        "proxies", [["https://p/0", "https://p/1", "https://p/2"], {"2": "https://p/2", "0": "https://p/0"}]
    )
    def test_fallbacks_by_position(self, proxies: Any) -> None:
        """A proxy link belongs to the link of its index, also when an entry before it is null."""
        links = success(["https://c/0", None, "https://c/2"], proxy_links=proxies)
        assert links[0] == PictureLink("https://c/0", "https://p/0")
        assert links[-1] == PictureLink("https://c/2", "https://p/2")

    def test_fallbacks_by_name(self) -> None:
        """Two objects are matched by their keys, wherever these begin to count."""
        links = success({"1": "https://c/1", "2": "https://c/2"}, proxy_links={"1": "https://p/1", "2": "https://p/2"})
        assert links == (PictureLink("https://c/1", "https://p/1"), PictureLink("https://c/2", "https://p/2"))

    @pytest.mark.parametrize("proxies", [None, [], {}, "", 5, [None], {"9": "https://p/9"}, ["https://c/0"]])
    def test_no_fallback(self, proxies: Any) -> None:
        """Without a proxy link of its index, or with the same one, a link has no fallback."""
        assert success(["https://c/0"], proxy_links=proxies) == (PictureLink("https://c/0"),)

    def test_only_the_proxy_link(self) -> None:
        """Where only the proxy link exists, it is the link."""
        assert success([None], proxy_links=["https://p/0"]) == (PictureLink("https://p/0"),)

    @pytest.mark.parametrize(
        ("flags", "expected"),
        [
            (True, (True, True)),
            (False, (False, False)),
            ([False, True], (False, True)),
            ([True], (True, False)),
            ([True] * 5, (True, True)),
            (None, ()),
            ("yes", ()),
        ],
    )
    def test_flagged_pictures(self, flags: Any, expected: tuple[bool, ...]) -> None:
        """The safety checker's word is kept for each link, whether it comes as one truth or a list."""
        answer = {"status": "success", "output": ["https://c/0", "https://c/1"], "nsfw_content_detected": flags}
        assert finished(answer).flagged == expected

    def test_meta_keeps_what_fits(self) -> None:
        """Of `meta`, numbers and texts are kept; lists, nulls, empty texts, endless ones and a key are not, or cut."""
        meta = {"seed": 0, "prompt": " a dog\n on a hill ", "long": "x" * 9000, "scale": 7.5, "flag": False}
        answer = finished({"status": "success", "meta": meta | {"list": [1], "none": None, "empty": "", "key": "abc"}})
        assert answer.meta.keys() == meta.keys()
        assert answer.meta["prompt"] == "a dog\n on a hill"
        assert len(answer.meta["long"]) == 4000
        assert answer.meta["seed"] == 0
        assert answer.meta["flag"] is False

    @pytest.mark.parametrize("meta", [None, [], "text", 5])
    def test_meta_of_another_kind(self, meta: Any) -> None:
        """`meta` that is no object is none."""
        assert finished({"status": "success", "meta": meta}).meta == {}


class TestProcessing:
    """The job is queued or being worked on."""

    @pytest.mark.parametrize(
        ("body", "message"),
        [(WAITING, "try again later."), (WAITING_SHORT, "Try Again"), ('{"status":"processing"}', "")],
    )
    def test_documented_waiting(self, body: str, message: str) -> None:
        """The documented waiting answers are processing; `messege` is a message."""
        assert read(body) == Processing(message)

    @pytest.mark.parametrize(
        "message",
        [
            "Rate limit exceeded",
            "Invalid Api Key",
            "failed",
            "success",
            "not found",
            "limit exceeded",
            {"key": ["bad"]},
        ],
    )
    @pytest.mark.parametrize("status", [200, 202, 400, 401, 404, 500])
    def test_message_never_decides(self, message: Any, status: int) -> None:
        """Processing stays processing, whatever its message and the HTTP status."""
        assert isinstance(read({"status": "processing", "message": message}, status), Processing)

    def test_output_does_not_decide(self) -> None:
        """Links beside "processing" are not taken: they are not there yet."""
        assert isinstance(read({"status": "processing", "output": ["https://c/1"]}), Processing)

    @pytest.mark.parametrize(
        ("eta", "seconds"), [("20.94", 20.94), ("7", 7.0), ('"12.5"', 12.5), ("1e2", 100.0), ("604800", 604_800.0)]
    )
    def test_eta_in_seconds(self, eta: str, seconds: float) -> None:
        """An ETA is a number of seconds, also when it comes as text."""
        assert read(f'{{"status":"processing","eta":{eta}}}') == Processing(eta=seconds)

    @pytest.mark.parametrize(
        "eta",
        ["NaN", "Infinity", "-Infinity", "-3", "0", "1e400", '""', '"soon"', "null", "true", "[5]", "9" * 5000, "1e9"],
    )
    def test_no_eta(self, eta: str) -> None:
        """An ETA that is no positive, believable number is none."""
        assert read(f'{{"status":"processing","eta":{eta}}}') == Processing()

    @pytest.mark.parametrize("word", ["queued", "Starting", "éteint"])
    def test_unknown_word(self, word: str) -> None:
        """An unknown status word is shown and waited on."""
        assert read({"status": word, "message": "hm"}) == Processing("hm", status=word.lower())

    @pytest.mark.parametrize("word", ["queued", "pending", "In Progress", "running"])
    @pytest.mark.parametrize("status", [200, 404, 500])
    def test_other_words_for_waiting(self, word: str, status: int) -> None:
        """Other words for waiting decide before the HTTP status, too."""
        assert read({"status": word, "message": "not found"}, status) == Processing("not found", status=word.lower())

    def test_endless_word(self) -> None:
        """An endless status word is cut."""
        answer = read({"status": "x" * 5000})
        assert isinstance(answer, Processing)
        assert len(answer.status) == 60


class TestTryAgain:
    """No usable answer: polled again later."""

    @pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520, 524, 530, 599])
    @pytest.mark.parametrize("body", [b"", b"<html>", SOME_ERROR, b'{"message":"not found"}', b"{}"])
    def test_failing_server(self, status: int, body: Any) -> None:
        """A failing server is polled again, and the reason names its status in words and as a number."""
        answer = busy(body, status, {"Retry-After": "12"})
        assert re.fullmatch(rf"[A-Z][a-z ]+ \({status}\)", answer.reason)
        assert answer.retry_after == 12
        assert (answer.rate_limited, answer.unexpected) == (False, False)

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (408, "Request timeout (408)"),
            (500, "Internal server error (500)"),
            (502, "Bad gateway (502)"),
            (503, "Service unavailable (503)"),
            (504, "Gateway timeout (504)"),
            (522, "Server error (522)"),
            (999, "Server error (999)"),
        ],
    )
    def test_reason_in_words(self, status: int, reason: str) -> None:
        """The reason reads like a sentence, not like "no connection"."""
        assert busy(b"", status).reason == reason

    @pytest.mark.parametrize("code", ["upstream_unavailable", "provider_error"])
    def test_failing_upstream(self, code: str) -> None:
        """The newest version's codes for trouble behind it; the reason quotes its words."""
        answer = busy({"status": "error", "code": code, "message": "GPU lost"})
        assert answer.reason == "the service answered 'GPU lost'"

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"", "the service answered with an empty body"),
            (b" \n", "the service answered with an empty body"),
            (b"<!doctype html>", "the service answered with a web page"),
            (b"\n <p>", "the service answered with a web page"),
            (b"OK", "the service answered with no JSON"),
            (b'{"status":"success"', "the service answered with no JSON"),
            (b"[" * 3000, "the service answered with no JSON"),
            (b'{"a":' * 1900, "the service answered with no JSON"),
            (b"[]", "the service answered with something else than its protocol"),
            (b"null", "the service answered with something else than its protocol"),
            (b"NaN", "the service answered with something else than its protocol"),
            (b'"success"', "the service answered with something else than its protocol"),
            (b"{}", "the service answered with something else than its protocol"),
            (b'{"status":null,"output":["c"]}', "the service answered with something else than its protocol"),
            (b"\xff\xfe{", "the service answered with no JSON"),
        ],
    )
    def test_not_the_protocol(self, body: bytes, reason: str) -> None:
        """What is not the protocol is tried again, and named."""
        answer = busy(body)
        assert answer.reason == reason
        assert answer.unexpected

    def test_reason_names_404_page(self) -> None:
        """A page under 404 is no "not found" of the service: the address is wrong, and the reason names 404."""
        answer = busy(b"<html>nginx", 404)
        assert answer.reason == "the service answered with a web page (HTTP 404)"
        assert answer.unexpected
        assert answer.bounded
        assert answer.details == "nginx"
