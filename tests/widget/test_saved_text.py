"""`saved_text`: what may lie in a notebook of a text that names links."""

from __future__ import annotations

import time

import pytest

from dreambooth_widget.widget.saved_text import strip_url_queries

LINK = "https://cdn.example.org/a.png"


@pytest.mark.parametrize("link", [LINK, "HTTP://x/a", "s3://bucket/a.png", "git+ssh://host/a", "see" * 20 + LINK])
@pytest.mark.parametrize("signature", ["?X-Signature=5ec2e7", "#5ec2e7", "?a=1&b=2#c", "?"])
def test_links_lose_their_queries(link: str, signature: str) -> None:
    """Whatever the scheme, and in the middle of a sentence."""
    signed = link + signature
    assert strip_url_queries(f"from {signed} and ({signed}") == f"from {link} and ({link}"


@pytest.mark.parametrize("text", ["", "why? because", "a: b #c", f"see {LINK}, then?", "no://", "//host/a?b"])
def test_other_texts_stay(text: str) -> None:
    """A question mark is no query, and a link without one is whole."""
    assert strip_url_queries(text) == text


@pytest.mark.parametrize("piece", ["a.", "://", "a://b"])
def test_long_texts_take_their_time_once(piece: str) -> None:
    """Ten times the text takes about ten times as long: a caption may be a megabyte of anything."""

    def seconds(length: int) -> float:
        text = piece * length
        best = float("inf")
        for _ in range(5):
            begun = time.perf_counter()
            strip_url_queries(text)
            best = min(best, time.perf_counter() - begun)
        return best

    assert seconds(40_000) < 40 * seconds(4_000)
