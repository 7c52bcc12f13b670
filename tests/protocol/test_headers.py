"""What the headers of an answer mean."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.protocol.endpoint import V4, V6
from dreambooth_widget.protocol.headers import parse_retry_after, read_location, read_sender

from ..answers import KEY, KEY_TEXT


class TestRetryAfter:
    """The header `Retry-After`."""

    NOW = 1_800_000_000.0

    @pytest.mark.parametrize(("value", "seconds"), [("30", 30), (" 0 ", 0), ("1.5", 1.5), ("999999999", 86_400)])
    def test_wait_in_seconds(self, value: str, seconds: float) -> None:
        """A number of seconds, believed up to a day."""
        assert parse_retry_after(value, self.NOW) == seconds

    @pytest.mark.parametrize(("offset", "seconds"), [(90, 90), (0, 0), (-500, 0), (10**7, 86_400)])
    def test_wait_until_date(self, offset: int, seconds: float) -> None:
        """An HTTP date, never negative."""
        assert parse_retry_after(formatdate(self.NOW + offset, usegmt=True), self.NOW) == seconds

    @pytest.mark.parametrize(
        "value",
        [None, "", "soon", "-5", "1e3", "٣", "nan", "9" * 5000, "Mon, 99 Foo 2026"],
    )
    def test_nonsense_is_no_wait(self, value: str | None) -> None:
        """Nonsense is no wait."""
        assert parse_retry_after(value, self.NOW) is None

    @given(st.text(max_size=80), st.none() | st.floats())
    def test_any_text(self, value: str, now: float | None) -> None:
        """Any text gives None or a number of seconds up to a day."""
        seconds = parse_retry_after(value, now)
        assert seconds is None or 0 <= seconds <= 86_400


class TestLocation:
    """The header `Location` of a redirect."""

    @pytest.mark.parametrize(
        ("location", "absolute"),
        [
            (V6, V6),
            ("/api/v6/images/fetch", "https://stablediffusionapi.com/api/v6/images/fetch"),
            ("fetch2", "https://stablediffusionapi.com/api/v4/dreambooth/fetch2"),
            ("../images/fetch", "https://stablediffusionapi.com/api/v4/images/fetch"),
            ("?v=2", "https://stablediffusionapi.com/api/v4/dreambooth/fetch?v=2"),
            ("//modelslab.com/api", "https://modelslab.com/api"),
        ],
    )
    def test_relative_becomes_absolute(self, location: str, absolute: str) -> None:
        """A relative address is resolved against the endpoint."""
        assert read_location({"Location": location}, V4, str) == absolute

    @pytest.mark.parametrize(
        "location",
        [
            "https://u:p@x/",
            "//u:p@x/",
            "https://token@x/",
            "http://[::1",
            "http://x:99999/",
            "ftp://x/a",
            "javascript:alert(1)",
            "https://",
            "",
        ],
    )
    def test_unfit_addresses_are_dropped(self, location: str) -> None:
        """An address with credentials, malformed, or of another scheme is not repeated."""
        assert read_location({"Location": location}, V4, str) == ""

    def test_key_is_redacted(self) -> None:
        """An address that echoes the key is shown without it."""
        headers = {"LOCATION": f"/a?key={KEY_TEXT}\ud800"}
        assert read_location(headers, V4, KEY.redact) == "https://stablediffusionapi.com/a?key=[key]\ufffd"


class TestSender:
    """The headers `Server` and `Via`."""

    @pytest.mark.parametrize(
        ("headers", "sender"),
        [
            ({}, ""),
            ({"SERVER": "cloudflare"}, "server: cloudflare"),
            ({"Via": "1.1 proxy.example (squid)", "Server": ""}, "via: 1.1 proxy.example (squid)"),
            ({"Server": "a", "Via": "b"}, "server: a, via: b"),
            ({"Server": KEY_TEXT + "\x1b"}, "server: [key]\ufffd"),
        ],
    )
    def test_sender_is_named(self, headers: dict[str, str], sender: str) -> None:
        """Both are named where they exist, fit to be shown."""
        assert read_sender(headers, KEY.redact) == sender

    def test_long_names_are_cut(self) -> None:
        """An endless name is cut."""
        assert len(read_sender({"Server": "x" * 9000}, str)) < 80
