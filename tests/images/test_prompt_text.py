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


def test_stray_quote_spoils_one_setting() -> None:
    """A quote that is never closed does not swallow what follows."""
    found = describe({"parameters": 'a dog\nSteps: 20, Sampler: DPM++ 2", Model: "sks, Seed: 7'})
    assert found == {"prompt": "a dog", "steps": "20", "sampler": 'DPM++ 2"', "model": "sks", "seed": "7"}


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
    assert describe({"prompt": json.dumps({"nodes": [1], "version": 0.4})}) == {}


COMFY = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 156680208700286,
            "steps": 20,
            "cfg": 8,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sks-dog.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a photo of sks dog", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
}

FLUX = {
    "5": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["1", 0], "guider": ["2", 0], "sigmas": ["4", 0]}},
    "1": {"class_type": "RandomNoise", "inputs": {"noise_seed": 7}},
    "2": {"class_type": "BasicGuider", "inputs": {"model": ["6", 0], "conditioning": ["3", 0]}},
    "3": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["7", 0]}},
    "4": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 25, "model": ["6", 0]}},
    "6": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.sft"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0]}},
    "8": {"class_type": "PrimitiveString", "inputs": {"value": "a dog"}},
}


def test_the_graph_of_comfyui() -> None:
    """Both prompts and the settings, found along the links from the sampler; the workflow beside it gives nothing."""
    found = describe({"prompt": json.dumps(COMFY), "workflow": json.dumps({"nodes": []})})
    assert found == {
        "seed": "156680208700286",
        "steps": "20",
        "sampler": "euler",
        "guidance_scale": "8",
        "model": "sks-dog.safetensors",
        "prompt": "a photo of sks dog",
        "negative_prompt": "text, watermark",
    }
    assert describe({"prompt": json.dumps(FLUX)}) == {
        "seed": "7",
        "steps": "25",
        "guidance_scale": "3.5",
        "model": "flux1-dev.sft",
        "prompt": "a dog",
    }


def test_a_graph_in_a_circle() -> None:
    """Links that lead back, to nothing and to nonsense end the search."""
    graph = {
        "1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "negative": [[1]], "model": ["9", 0]}},
        "2": {"class_type": "Join", "inputs": {"a": ["1", 0], "b": ["2", 0], "c": [], "text": True}},
        "3": {"class_type": 5, "inputs": None},
    }
    assert describe({"prompt": json.dumps(graph)}) == {}


def test_the_chunk_of_invokeai() -> None:
    """Its metadata, of version 3 and later, and before."""
    metadata = {
        "app_version": "5.6.0",
        "generation_mode": "txt2img",
        "positive_prompt": "a dog",
        "negative_prompt": "blurry",
        "width": 512,
        "height": 768,
        "seed": 3213604811,
        "cfg_scale": 7.5,
        "steps": 30,
        "scheduler": "euler",
        "model": {"key": "4c2e", "hash": "blake3:1", "name": "Juggernaut XL v9", "base": "sdxl", "type": "main"},
    }
    wanted = {"prompt": "a dog", "seed": "3213604811", "guidance_scale": "7.5", "steps": "30"}
    found = describe({"invokeai_metadata": json.dumps(metadata), "invokeai_graph": "{}"})
    assert found == {**wanted, "negative_prompt": "blurry", "sampler": "euler", "model": "Juggernaut XL v9"}
    old = {"model": "stable diffusion", "image": {"prompt": "a dog", "seed": 3213604811, "cfg_scale": 7.5, "steps": 30}}
    assert describe({"sd-metadata": json.dumps(old)}) == {**wanted, "model": "stable diffusion"}
    weighted = {**old, "image": {**old["image"], "prompt": [{"prompt": "a dog", "weight": 1.0}]}}  # type: ignore[dict-item]
    assert describe({"sd-metadata": json.dumps(weighted)}) == {**wanted, "model": "stable diffusion"}


def test_the_parameters_of_swarm() -> None:
    """They stand one level down, in words without spaces."""
    image = {"prompt": "a dog", "negativeprompt": "blurry", "seed": 42, "steps": 20, "cfgscale": 7.5, "model": "sdxl"}
    assert describe({"parameters": json.dumps({"sui_image_params": image})}) == {
        "prompt": "a dog",
        "negative_prompt": "blurry",
        "seed": "42",
        "steps": "20",
        "guidance_scale": "7.5",
        "model": "sdxl",
    }


def test_the_chunks_of_novelai() -> None:
    """Prompt, negative prompt ("uc") and scale stand in its Comment."""
    comment = {"prompt": "a dog", "steps": 28, "scale": 5.0, "seed": 42, "sampler": "k_euler", "uc": "lowres, bad"}
    text = {
        "Title": "NovelAI generated image",
        "Description": "a dog",
        "Software": "NovelAI",
        "Source": "NovelAI Diffusion V4 37442FCA",
        "Comment": json.dumps(comment),
    }
    assert describe(text) == {
        "title": "NovelAI generated image",
        "software": "NovelAI",
        "model": "NovelAI Diffusion V4 37442FCA",
        "prompt": "a dog",
        "negative_prompt": "lowres, bad",
        "steps": "28",
        "guidance_scale": "5.0",
        "seed": "42",
        "sampler": "k_euler",
    }


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
