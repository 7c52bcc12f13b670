"""`protocol.endpoint`: addresses, request ids, and what is sent."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.endpoint import (
    V4,
    V6,
    check_endpoint,
    check_request_id,
    compose_request,
    is_vendor_address,
    read_fetch_address,
)


class TestRequest:
    """What is sent, and where to."""

    def test_id_in_the_body(self) -> None:
        """By default the id is in the body, and no key: that is added where it is sent."""
        assert compose_request(V4, "13443927") == (V4, {"request_id": "13443927"})

    def test_path_form(self) -> None:
        """An address with `{request_id}` takes the id into its path."""
        assert compose_request("https://m.example/v6/fetch/{request_id}", "77") == ("https://m.example/v6/fetch/77", {})

    def test_endpoint_holds_no_key(self) -> None:
        """The key is sent in the body: an address that has it would show it wherever the endpoint is shown."""
        key = ApiKey("s3cret-s3cret")
        with pytest.raises(ValueError, match="the key is passed as key=") as caught:
            check_endpoint("https://m.example/fetch?key=s3cret-s3cret", key.redact)
        assert "s3cret" not in str(caught.value)
        assert check_endpoint(V4, key.redact) == V4

    def test_hostile_id_in_the_path(self) -> None:
        """An id cannot leave its segment of the path."""
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

    def test_truth_of_another_library(self) -> None:
        """One of numpy is refused as Python's is, also where it counts as an integer (numpy before 2.0)."""
        old = type("bool_", (), {"__index__": lambda _: 1})
        truths: list[object] = [old()]
        with contextlib.suppress(ImportError):
            truths.append(importlib.import_module("numpy").bool_(1))
        for truth in truths:
            with pytest.raises(TypeError, match="request_id must be an int or a str, not bool"):
                check_request_id(truth)

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


class TestFetchAddress:
    """The `fetch_result` of a generation call's answer."""

    @pytest.mark.parametrize(
        ("url", "endpoint"),
        [
            (
                "https://modelslab.com/api/v6/images/fetch/65919758",
                "https://modelslab.com/api/v6/images/fetch/{request_id}",
            ),
            (
                "https://stablediffusionapi.com/api/v3/dreambooth/fetch/3/",
                "https://stablediffusionapi.com/api/v3/dreambooth/fetch/{request_id}",
            ),
            (" https://api.EU.modelslab.com/f/1\n", "https://api.EU.modelslab.com/f/{request_id}"),
            (V6, V6),
            ("https://modelslab.com/fetch/abc-1", "https://modelslab.com/fetch/abc-1"),
        ],
    )
    def test_address_of_the_vendor(self, url: str, endpoint: str) -> None:
        """It is the endpoint; a number at its end is the id, which is sent in its path."""
        assert read_fetch_address(url) == endpoint

    @pytest.mark.parametrize(
        "url",
        [
            "https://modelslab.com.evil.example/fetch/1",
            "https://evil.example/modelslab.com/fetch/1",
            "https://evilmodelslab.com/fetch/1",
            "https://evil-modelslab.com/fetch/1",
            "https://modelslab.com@evil.example/fetch/1",
            "https://user:pass@modelslab.com/fetch/1",
            "https://modelslab.com:8443/fetch/1",
            "https://modelslab.com:443@evil.example/1",
            "http://modelslab.com/fetch/1",
            "ftp://modelslab.com/fetch/1",
            "//modelslab.com/fetch/1",
            "modelslab.com/fetch/1",
            "https://modelslab.com\\@evil.example/fetch/1",
            "https://evil.example\\.modelslab.com/fetch/1",
            "https://evil.example#.modelslab.com/fetch/1",
            "https://evil.example?.modelslab.com/fetch/1",
            "https://evil.example/.modelslab.com/fetch/1",
            "https://modelslab.com./fetch/1",
            "https://modelslab\u3002com/fetch/1",
            "https://modelslab.com\uff0fevil.example/1",
            "https://mode\u200blslab.com/fetch/1",
            "https://modelslab.com\n.evil.example/1",
            "https://modelslab.com/a b",
            "https://modelslab.com/{id}/1",
            "https://modelslab.com",
            "",
        ],
    )
    def test_any_other_address(self, url: str) -> None:
        """No other host, scheme, port or spelling is an endpoint: the key would go there."""
        assert read_fetch_address(url) is None

    @given(st.text(st.characters(exclude_categories=())))
    def test_any_text(self, text: str) -> None:
        """Whatever stands before or after the host, an accepted address leads to a host of the vendor."""
        for url in (text, f"https://{text}", f"https://{text}.modelslab.com/1", f"https://modelslab.com{text}"):
            if is_vendor_address(url):
                host = urlsplit(url).hostname or ""
                assert urlsplit(url).scheme == "https"
                assert host.endswith(("modelslab.com", "stablediffusionapi.com"))
                assert urlsplit(url).netloc.lower() == host
