"""`protocol`: the rows of the service's behaviour that are no refusals, what is sent, what is pasted in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.protocol import (
    V4,
    V6,
    Finished,
    Link,
    Processing,
    check_endpoint,
    check_request_id,
    compose_request,
    read_generation,
)

from .answers import (
    BAD_FIELD,
    BAD_KEY,
    DONE,
    DONE_WITH_META,
    FAILED,
    KEY,
    KEY_TEXT,
    QUEUED,
    RATE_LIMIT,
    SOME_ERROR,
    WAITING,
    WAITING_SHORT,
    busy,
    finished,
    read,
    success,
)


class TestSuccess:
    """Rows "success with at least one link", "output a string / object", "success, no output"."""

    def test_literal(self) -> None:
        """The documented success is finished, with its one link."""
        assert read(DONE) == Finished((Link("https://pub-1.r2.dev/generations/6ef3.png"),))

    def test_meta_and_time(self) -> None:
        """Seed, size and the service's own duration are kept."""
        answer = finished(DONE_WITH_META)
        assert answer.meta == {"H": 512, "W": 512, "seed": 1793745243, "steps": 20, "n_samples": 1}
        assert answer.generation_time == 2.92

    @pytest.mark.parametrize("status", [200, 201, 400, 429, 500])
    def test_whatever_http_says(self, status: int) -> None:
        """The body decides: pictures that are there are taken under any HTTP status."""
        assert finished(DONE, status).links

    def test_more_than_the_maximum(self) -> None:
        """More links than the API's maximum of four are all taken, in their order."""
        urls = [f"https://cdn.example/{number}.png" for number in range(9)]
        assert [link.url for link in success(urls)] == urls

    @pytest.mark.parametrize("output", ["https://cdn.example/1.png", "data:image/png;base64,iVBORw0K", "iVBORw0KGgo="])
    def test_string(self, output: str) -> None:
        """`output` as one string is one link or inline picture."""
        assert success(output) == (Link(output),)

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
        assert success([None, " https://c/1\n", "", 5]) == (Link("https://c/1"),)

    def test_status_word_in_capitals(self) -> None:
        """Capitals and white space do not change a status word."""
        assert finished('{"status":" Success ","output":["https://c/1"]}').links

    @pytest.mark.parametrize(
        "proxies", [["https://p/0", "https://p/1", "https://p/2"], {"2": "https://p/2", "0": "https://p/0"}]
    )
    def test_fallbacks_by_position(self, proxies: Any) -> None:
        """A proxy link belongs to the link of its place, also when an entry before it is null."""
        links = success(["https://c/0", None, "https://c/2"], proxy_links=proxies)
        assert links[0] == Link("https://c/0", "https://p/0")
        assert links[-1] == Link("https://c/2", "https://p/2")

    def test_fallbacks_by_name(self) -> None:
        """Two objects are matched by their keys, wherever these begin to count."""
        links = success({"1": "https://c/1", "2": "https://c/2"}, proxy_links={"1": "https://p/1", "2": "https://p/2"})
        assert links == (Link("https://c/1", "https://p/1"), Link("https://c/2", "https://p/2"))

    @pytest.mark.parametrize("proxies", [None, [], {}, "", 5, [None], {"9": "https://p/9"}, ["https://c/0"]])
    def test_no_fallback(self, proxies: Any) -> None:
        """Without a proxy link of its place, or with the same one, a link has no fallback."""
        assert success(["https://c/0"], proxy_links=proxies) == (Link("https://c/0"),)

    def test_only_the_proxy_link(self) -> None:
        """Where only the proxy link exists, it is the link."""
        assert success([None], proxy_links=["https://p/0"]) == (Link("https://p/0"),)

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
    def test_flagged(self, flags: Any, expected: tuple[bool, ...]) -> None:
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
    """Rows "processing, whatever else it says", "eta", "unknown status word"."""

    @pytest.mark.parametrize(
        ("body", "message"),
        [(WAITING, "try again later."), (WAITING_SHORT, "Try Again"), ('{"status":"processing"}', "")],
    )
    def test_literal(self, body: str, message: str) -> None:
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
        """Processing stays processing, whatever its message and the HTTP status say."""
        assert isinstance(read({"status": "processing", "message": message}, status), Processing)

    def test_output_does_not_decide(self) -> None:
        """Links beside "processing" are not taken: they are not there yet."""
        assert isinstance(read({"status": "processing", "output": ["https://c/1"]}), Processing)

    @pytest.mark.parametrize(
        ("eta", "seconds"), [("20.94", 20.94), ("7", 7.0), ('"12.5"', 12.5), ("1e2", 100.0), ("604800", 604_800.0)]
    )
    def test_eta(self, eta: str, seconds: float) -> None:
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

    def test_endless_word(self) -> None:
        """An endless status word is cut."""
        answer = read({"status": "x" * 5000})
        assert isinstance(answer, Processing)
        assert len(answer.status) == 60


class TestTryAgain:
    """Row "408, 5xx, 520-530, … non-JSON or HTML or empty body"."""

    @pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520, 524, 530, 599])
    @pytest.mark.parametrize("body", [b"", b"<html>", SOME_ERROR, b'{"message":"not found"}', b"{}"])
    def test_failing_server(self, status: int, body: Any) -> None:
        """A failing server is asked again, and the reason names its status."""
        answer = busy(body, status, {"Retry-After": "12"})
        assert answer.reason == f"the service answered {status}"
        assert answer.retry_after == 12
        assert (answer.rate_limited, answer.unexpected) == (False, False)

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
            (b'{"status":null,"output":["https://c/1"]}', "the service answered with something else than its protocol"),
            (b"\xff\xfe{", "the service answered with no JSON"),
        ],
    )
    def test_not_the_protocol(self, body: bytes, reason: str) -> None:
        """What is not the protocol is tried again, told apart, and named."""
        answer = busy(body)
        assert answer.reason == reason
        assert answer.unexpected

    def test_http_status_is_told(self) -> None:
        """A page under 404 is no "not found" of the service: the address is wrong, and the reason says 404."""
        answer = busy(b"<html>nginx", 404)
        assert answer.reason == "the service answered with a web page (HTTP 404)"
        assert answer.unexpected
        assert answer.details == "<html>nginx"


class TestRequest:
    """What is sent, and where to."""

    def test_id_in_the_body(self) -> None:
        """By default the id is in the body, and no key: that is added where it is sent."""
        assert compose_request(V4, "13443927") == (V4, {"request_id": "13443927"})

    def test_path_form(self) -> None:
        """An address with `{request_id}` takes the id into its path."""
        assert compose_request("https://m.example/v6/fetch/{request_id}", "77") == ("https://m.example/v6/fetch/77", {})

    def test_hostile_id_in_the_path(self) -> None:
        """An id cannot leave its place in the path."""
        url, _ = compose_request("https://m.example/fetch/{request_id}", "../a?b#c/é%")
        assert url == "https://m.example/fetch/..%2Fa%3Fb%23c%2F%C3%A9%25"

    @pytest.mark.parametrize(
        "endpoint",
        [V4, V6, "http://127.0.0.1:8080/fetch", "https://[::1]/x", "HTTPS://m.example", "https://m/f/{request_id}?a=1"],
    )
    def test_good_endpoint(self, endpoint: str) -> None:
        """Addresses of both forms are accepted, without the white space around them."""
        assert check_endpoint(f" {endpoint}\n") == endpoint

    @pytest.mark.parametrize(
        ("endpoint", "why"),
        [
            ("", "empty"),
            ("stablediffusionapi.com/api", "https://"),
            ("ftp://m.example", "https://"),
            ("file:///etc/passwd", "https://"),
            ("javascript:alert(1)", "https://"),
            ("https://", "no host"),
            ("https:///fetch", "no host"),
            ("https://:80/fetch", "no host"),
            ("https://user:pa55@m.example/fetch", "credentials"),
            ("https://m.example:99999/", "malformed"),
            ("https://m.example:x/", "malformed"),
            ("https://[::1/", "malformed"),
            ("https://m.example/a b", "white space"),
            ("https://m.example/a\x00", "control"),
            ("https://good.example\\@evil.example/", "backslash"),
            ("https://m.example/\ud800", "control"),
            ("https://{request_id}.example/", "braces"),
            ("https://m.example/{id}", "braces"),
            ("https://m.example/{request_id", "braces"),
        ],
    )
    def test_bad_endpoint(self, endpoint: str, why: str) -> None:
        """An address that the key cannot be sent to is refused with the reason, and no password is repeated."""
        with pytest.raises(ValueError, match=why) as caught:
            check_endpoint(endpoint)
        assert "pa55" not in str(caught.value)

    @pytest.mark.parametrize("endpoint", [None, b"https://m.example", 5])
    def test_endpoint_of_another_type(self, endpoint: Any) -> None:
        """An endpoint that is no text is refused by its type."""
        with pytest.raises(TypeError, match="endpoint must be a str, not"):
            check_endpoint(endpoint)

    @given(st.text(st.characters(exclude_categories=())))
    def test_any_endpoint(self, text: str) -> None:
        """Any text is accepted or refused with a `ValueError`."""
        for endpoint in (text, f"https://{text}"):
            try:
                assert check_endpoint(endpoint) == endpoint.strip()
            except ValueError as error:
                sentence = str(error)
                assert sentence.startswith("endpoint ")

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (13443927, "13443927"),
            (" 77 ", "77"),
            ("a-b", "a-b"),
            (0, "0"),
            ("../../x", "../../x"),
            ("é\x00😀", "é\x00😀"),
        ],
    )
    def test_request_id(self, value: object, text: str) -> None:
        """Integers and texts are ids, however strange."""
        assert check_request_id(value) == text

    def test_integer_of_another_library(self) -> None:
        """What counts as an integer (numpy's, pandas') is one."""

        class Int64:
            def __index__(self) -> int:
                return 77

        assert check_request_id(Int64()) == "77"

    @pytest.mark.parametrize("value", [True, False, 1.0, None, b"77", [], float("nan")])
    def test_request_id_of_another_type(self, value: object) -> None:
        """Truths, floats and other things are refused by their type."""
        with pytest.raises(TypeError, match=f"request_id must be an int or a str, not {type(value).__name__}"):
            check_request_id(value)

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            ("", "empty"),
            (" \n", "empty"),
            (-1, "negative"),
            ("x" * 4097, "longer than 4096"),
            pytest.param(10**4097, "longer than 4096", id="digits"),
            pytest.param(1 << 100_000, "longer than 4096", id="more digits than Python writes"),
            ("a\ud800", "surrogate"),
        ],
    )
    def test_bad_request_id(self, value: object, why: str) -> None:
        """What can be no id is refused with the reason."""
        with pytest.raises(ValueError, match=f"request_id .*{why}"):
            check_request_id(value)

    def test_long_request_id(self) -> None:
        """Ids of four thousand characters are long, and fine."""
        assert check_request_id("x" * 4096) == "x" * 4096
        assert check_request_id(10**4000) == "1" + "0" * 4000


class TestGeneration:
    """The answer of the generation call, as users paste it in."""

    @pytest.mark.parametrize("response", [QUEUED, json.loads(QUEUED)], ids=["text", "object"])
    def test_queued(self, response: Any) -> None:
        """The documented answer gives id, ETA and the number of pictures; `id` wins over the tail of `fetch_result`."""
        generation = read_generation(response)
        assert generation.request_id == "32798037"
        assert generation.eta == 20.94
        assert generation.expected == 1
        assert generation.answer == Processing("Try to fetch request after seconds estimated", 20.94)

    def test_finished(self) -> None:
        """A generation that was finished at once brings its pictures along, and no ETA."""
        generation = read_generation(DONE_WITH_META)
        assert generation.request_id == "302455"
        assert generation.eta is None
        assert (generation.width, generation.height, generation.expected) == (512, 512, 1)
        assert isinstance(generation.answer, Finished)
        assert generation.answer.links == (Link("https://cdn.example/1.png"),)

    def test_size_and_number_from_meta(self) -> None:
        """`meta` tells how many pictures of which size are to come, also as text."""
        meta = {"n_samples": "4", "W": "768", "H": 1024, "prompt": "a dog"}
        generation = read_generation({"status": "processing", "id": "a1", "eta": 5, "meta": meta})
        assert (generation.expected, generation.width, generation.height) == (4, 768, 1024)
        assert generation.meta["prompt"] == "a dog"

    @pytest.mark.parametrize("meta", [{"n_samples": 1e9, "W": 1e12, "H": -4}, {"W": True}, None, []])
    def test_nonsense_in_meta(self, meta: Any) -> None:
        """Sizes nobody can believe are none: they would be drawn as empty tiles."""
        generation = read_generation({"status": "processing", "id": 1, "meta": meta})
        assert (generation.expected, generation.width, generation.height) == (0, None, None)

    def test_id_from_the_address(self) -> None:
        """Without an id, the address to fetch from names the request."""
        response = {"status": "processing", "id": "", "fetch_result": "https://m.example/api/v6/images/fetch/123"}
        assert read_generation(response).request_id == "123"

    @pytest.mark.parametrize(
        ("response", "why"),
        [
            ({"status": "processing"}, "has no id"),
            ({"status": "processing", "id": None}, "has no id"),
            ({"status": "processing", "id": True}, "has no id"),
            ({"status": "processing", "id": 1.5}, "has no id"),
            (BAD_KEY, r"generation call failed: The service refused the API key. \(Invalid Api Key\)"),
            (BAD_FIELD, "prompt: The prompt field is required"),
            (FAILED, "generation failed"),
            (RATE_LIMIT, "Rate limit exceeded"),
            ({}, "not what a generation call answers"),
            ("", "not the JSON object"),
            ("[]", "not the JSON object"),
            ("hello", "not the JSON object"),
        ],
    )
    def test_refused(self, response: Any, why: str) -> None:
        """An answer without a request in it is refused with the reason."""
        with pytest.raises(ValueError, match=why):
            read_generation(response)

    @pytest.mark.parametrize("response", [None, 5, b"{}", [], {"a"}])
    def test_of_another_type(self, response: Any) -> None:
        """What is neither an object nor text is refused by its type."""
        with pytest.raises(TypeError, match=f"response must be a dict or JSON text, not {type(response).__name__}"):
            read_generation(response)

    def test_key_is_struck(self) -> None:
        """An error that echoes the key does not repeat it."""
        with pytest.raises(ValueError, match=r"\[key\]"):
            read_generation({"status": "error", "message": f"bad {KEY_TEXT}"}, strike=KEY.strike)
