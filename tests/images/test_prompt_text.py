"""Prompt, seed and settings from the texts in a picture."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.images.prompt_text import describe

A1111 = (
    "a photo of sks dog, (masterpiece:1.2),\non the beach\nNegative prompt: blurry, low quality\n"
    "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 1793745243, Size: 512x768, "
    'Model hash: 6ce0161689, Model: "sks, v2: final", Clip skip: 2'
)


def test_chunks_of_their_own() -> None:
    """Names are folded, values stay texts."""
    text = {"Prompt": "a dog", "negative_prompt": "blur", "seed": "42", "num_inference_steps": "20", "Model-ID": "m"}
    assert describe(text) == {"prompt": "a dog", "negative_prompt": "blur", "seed": "42", "steps": "20", "model": "m"}


@pytest.mark.parametrize("key", ["parameters", "UserComment", "Comment"])
def test_the_parameters_of_automatic1111(key: str) -> None:
    """The one text that it and its kin write is taken apart, wherever it stands."""
    assert describe({key: A1111}) == {
        "prompt": "a photo of sks dog, (masterpiece:1.2),\non the beach",
        "negative_prompt": "blurry, low quality",
        "steps": "30",
        "sampler": "DPM++ 2M Karras",
        "guidance_scale": "7.5",
        "seed": "1793745243",
        "size": "512x768",
        "model_hash": "6ce0161689",
        "model": "sks, v2: final",
    }


def test_parameters_without_a_negative_prompt() -> None:
    """The usual short form."""
    assert describe({"parameters": "a dog\nSteps: 20, Seed: 7"}) == {"prompt": "a dog", "steps": "20", "seed": "7"}


def test_parameters_without_settings() -> None:
    """Prompt and negative prompt alone."""
    found = describe({"parameters": "a dog: a portrait\nNegative prompt: cats"})
    assert found == {"prompt": "a dog: a portrait", "negative_prompt": "cats"}


@pytest.mark.parametrize("comment", ["", "LEAD Technologies Inc. V1.01", "CREATOR: gd-jpeg v1.0, quality = 90"])
def test_other_comments_are_no_prompts(comment: str) -> None:
    """JPEG writers leave words of their own."""
    assert describe({"Comment": comment}) == {}


def test_json_in_a_chunk() -> None:
    """Some generators write one object; other objects (a workflow graph) give nothing."""
    settings = {"prompt": "a dog", "seed": 42, "steps": 20, "cfg_scale": 7.5, "extra": [1], "model": None, "size": True}
    assert describe({"parameters": json.dumps(settings)}) == {
        "prompt": "a dog",
        "seed": "42",
        "steps": "20",
        "guidance_scale": "7.5",
    }
    graph = {"3": {"class_type": "KSampler", "inputs": {"seed": 1}}}
    assert describe({"prompt": json.dumps(graph)}) == {}


def test_a_chunk_of_its_own_wins() -> None:
    """What was told first is not overwritten."""
    assert describe({"seed": "1", "parameters": "a dog\nSteps: 20, Seed: 2"})["seed"] == "1"


def test_long_values_are_cut() -> None:
    """A megabyte of prompt is shown as 10,000 characters."""
    assert len(describe({"prompt": "x" * 1_000_000})["prompt"]) == 10_000
    assert describe({"parameters": "x" * 1_000_000 + "\nSteps: 1, Seed: 2"}) == {}


@pytest.mark.parametrize(
    "evil", ["x" * 60_000, "Steps: 1, " + "x" * 60_000, 'Steps: 1, "' * 6000, "Steps:, " + '\\"' * 20_000]
)
def test_no_text_takes_long(evil: str) -> None:
    """A regular expression holds the GIL while it searches: none here may go to and fro in what a stranger wrote."""
    start = time.process_time()
    describe({"parameters": evil, "Comment": evil + "\nSteps: 2, Seed: 4", "prompt": "{" + evil})
    assert time.process_time() - start < 1


WORDS = st.sampled_from(["parameters", "prompt", "seed", "Comment", "UserComment", "other"])
VALUES = st.text() | st.sampled_from(
    ["[" * 60_000, "{" * 9, '{"seed": ' + "9" * 9000 + "}", 'Steps: "\\, Seed: 1', "Negative prompt:"]
)


@given(st.dictionaries(WORDS | st.text(), VALUES))
def test_any_text_gives_facts(text: dict[str, str]) -> None:
    """Nothing raises; every fact is a short text that says something."""
    facts = describe(text)
    assert all(0 < len(value) <= 10_000 for value in facts.values())
