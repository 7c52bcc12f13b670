"""`protocol.generation`: the answer of a generation call, queued or finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dreambooth_widget.protocol.answer_types import Finished, Processing
from dreambooth_widget.protocol.generation import read_count, read_generation
from dreambooth_widget.protocol.parsing import PictureLink

from ..answers import (
    BAD_FIELD,
    BAD_KEY,
    DONE_WITH_META,
    FAILED,
    KEY,
    KEY_TEXT,
    QUEUED,
    RATE_LIMIT,
)


class Response:
    """A response as `requests` and `httpx` have them."""

    def __init__(self, text: str | None) -> None:
        self.content = text if text is None else text.encode()


class TestGeneration:
    """The answer of the generation call, as users paste it in."""

    @pytest.mark.parametrize("response", [QUEUED, json.loads(QUEUED)], ids=["text", "object"])
    def test_queued_generation(self, response: Any) -> None:
        """The documented answer gives id, ETA and the number of pictures; `id` wins over the tail of `fetch_result`."""
        generation = read_generation(response)
        assert generation.request_id == "32798037"
        assert generation.eta == 20.94
        assert generation.expected == 1
        assert generation.answer == Processing(
            "Try to fetch request after seconds estimated",
            20.94,
            links=(PictureLink("https://cdn.example/0-55b7.png"),),
        )
        assert generation.endpoint == "https://stablediffusionapi.com/api/v3/dreambooth/fetch/{request_id}"

    def test_finished_generation(self) -> None:
        """A generation that was finished at once brings its pictures along, and no ETA."""
        generation = read_generation(DONE_WITH_META)
        assert generation.request_id == "302455"
        assert generation.eta is None
        assert (read_count(generation.meta, "W"), read_count(generation.meta, "H"), generation.expected) == (
            512,
            512,
            1,
        )
        assert isinstance(generation.answer, Finished)
        assert generation.answer.links == (PictureLink("https://cdn.example/1.png"),)

    def test_size_and_number_from_meta(self) -> None:
        """`meta` has the number and size of the pictures to come, also as text."""
        meta = {"n_samples": "4", "W": "768", "height": 1024, "prompt": "a dog"}
        generation = read_generation({"status": "processing", "id": "a1", "eta": 5, "meta": meta})
        width, height = read_count(generation.meta, "W", "width"), read_count(generation.meta, "H", "height")
        assert (generation.expected, width, height) == (4, 768, 1024)
        assert generation.meta["prompt"] == "a dog"

    @pytest.mark.parametrize("meta", [{"n_samples": 1e9, "W": 1e12, "H": -4}, {"W": True}, None, []])
    def test_nonsense_in_meta(self, meta: Any) -> None:
        """Absurd sizes are none: they would be drawn as empty tiles."""
        generation = read_generation({"status": "processing", "id": 1, "meta": meta})
        assert (generation.expected, read_count(generation.meta, "W"), read_count(generation.meta, "H")) == (
            0,
            None,
            None,
        )

    def test_id_from_the_address(self) -> None:
        """Without an id, the address to fetch from names the request."""
        response = {"status": "processing", "id": "", "fetch_result": "https://m.example/api/v6/images/fetch/123"}
        assert read_generation(response).request_id == "123"
        assert read_generation(response).endpoint is None

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
    def test_refused_generation(self, response: Any, why: str) -> None:
        """An answer without a request in it is refused with the reason."""
        with pytest.raises(ValueError, match=why):
            read_generation(response)

    @pytest.mark.parametrize("response", [None, 5, [], {"a"}, Response(None)])
    def test_of_another_type(self, response: Any) -> None:
        """What is neither an object nor text is refused by its type."""
        with pytest.raises(TypeError, match=f"response must be a dict, JSON text .*, not {type(response).__name__}"):
            read_generation(response)

    @pytest.mark.parametrize("wrap", [str.encode, lambda text: bytearray(text.encode()), Response])
    def test_bytes_and_responses(self, wrap: Callable[[str], Any]) -> None:
        """Bytes and the response objects of requests and httpx are read like their text."""
        assert read_generation(wrap(QUEUED)) == read_generation(QUEUED)

    @pytest.mark.parametrize("name", ["id", "request_id"])
    def test_id_must_not_echo_key(self, name: str) -> None:
        """An id that echoes the key is refused, without repeating it."""
        response = {"status": "processing", name: f"a {KEY_TEXT}"}
        with pytest.raises(ValueError, match=r"repeats the API key$"):
            read_generation(response, redact=KEY.redact)

    def test_key_is_redacted(self) -> None:
        """An error that echoes the key does not repeat it."""
        with pytest.raises(ValueError, match=r"\[key\]"):
            read_generation({"status": "error", "message": f"bad {KEY_TEXT}"}, redact=KEY.redact)
