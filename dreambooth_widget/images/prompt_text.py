"""Prompt, seed, steps and model out of the texts that image generators leave in their files. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["describe"]

_MAX_VALUE_CHARS = 10_000
"""Characters kept of one value: this is shown and sent, a megabyte of "prompt" is not a prompt."""
_MAX_JSON_CHARS, _MAX_LINE_CHARS = 1 << 18, 8_000

_NAMES = {
    "prompt": "prompt",
    "positive prompt": "prompt",
    "negative prompt": "negative_prompt",
    "negativeprompt": "negative_prompt",  # SwarmUI
    "uc": "negative_prompt",  # NovelAI
    "seed": "seed",
    "steps": "steps",
    "num inference steps": "steps",
    "sampler": "sampler",
    "scheduler": "sampler",
    "cfg scale": "guidance_scale",
    "cfgscale": "guidance_scale",  # SwarmUI
    "guidance scale": "guidance_scale",
    "scale": "guidance_scale",  # NovelAI
    "model": "model",
    "model id": "model",
    "model name": "model",
    "model hash": "model_hash",
    "size": "size",
    "software": "software",
    "source": "model",  # NovelAI
    "title": "title",
    "description": "description",
    "author": "author",
}
"""The words of the field, as chunks and generators spell them, and what they are called here."""

_INPUTS = {
    "seed": ("seed", "noise_seed"),
    "steps": ("steps",),
    "sampler": ("sampler_name",),
    "guidance_scale": ("cfg", "guidance"),
    "model": ("ckpt_name", "unet_name", "model_name"),
}
"""Inputs of the nodes of a ComfyUI graph; those nearest to the sampler count."""

_PROMPT_INPUTS = ("text", "text_g", "prompt", "string", "value", "wildcard_text")


_SETTING = re.compile(r'([^:,]{1,100}):\s*("(?:\\.|[^"\\])*"|[^,]*)')
"""One of "Steps: 20, Sampler: Euler a, Model: "a, b", …"."""

Pair = tuple[str, Any]
"""A name as a generator spells it, and its value: text or JSON."""


def describe(text: Mapping[str, str]) -> dict[str, str]:
    """Return seed, prompt, negative_prompt, steps, sampler, guidance_scale, model, size … as far as `text` has them.

    Understood are chunks of their own ("seed", "Negative prompt"), the one "parameters" text of AUTOMATIC1111 and its
    kin (also as EXIF UserComment), JSON in either (InvokeAI, NovelAI, SwarmUI), and ComfyUI's graph. Of two values the
    first counts. Every value is a str of at most 10,000 characters. Never raises.
    """
    facts: dict[str, str] = {}
    for chunk in text.items():
        for key, value in _read_chunk(*chunk):
            name, plain = _NAMES.get(_fold(key)), _plain(value)[:_MAX_VALUE_CHARS]
            if name is not None and plain:
                facts.setdefault(name, plain)
    if facts.get("description") == facts.get("prompt"):  # NovelAI has it twice
        facts.pop("description", None)
    return facts


def _fold(key: str) -> str:
    return re.sub(r"[\s_-]+", " ", key[:100].strip().lower())


def _plain(value: object) -> str:
    """Return the text of a value, "" if it has none."""
    if isinstance(value, list) and value and isinstance(value[0], dict):  # InvokeAI 2: parts of a prompt with weights
        value = value[0].get("prompt")
    elif isinstance(value, dict):  # InvokeAI: a model
        value = value.get("name")
    return str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def _read_chunk(key: str, value: str) -> Iterable[Pair]:
    folded = _fold(key)
    has_all = folded in ("parameters", "usercomment", "comment", "invokeai metadata", "sd metadata")
    if folded == "source" and "NovelAI" not in value:
        return ()
    if (has_all or folded in _NAMES) and value.lstrip().startswith("{"):
        return _read_json(value)
    return _read_parameters(value) if has_all else ((key, value),)


def _read_parameters(value: str) -> Iterable[Pair]:
    """Read the text of AUTOMATIC1111: prompt lines, "Negative prompt: …" lines, a line of "Steps: 20, Sampler: …"."""
    lines = value[: 4 * _MAX_VALUE_CHARS].strip().splitlines()
    settings = ""
    if lines and "Steps:" in lines[-1] and "," in lines[-1]:
        settings = lines.pop()[:_MAX_LINE_CHARS]
    elif not any(line.startswith("Negative prompt:") for line in lines):
        return  # a comment of another kind: not a prompt
    prompt, _, negative = "\n".join(lines).partition("Negative prompt:")
    yield from (("prompt", prompt), ("negative prompt", negative))
    for key, setting in _SETTING.findall(settings):
        yield key, _unquote(setting.strip())


def _unquote(text: str) -> object:
    try:
        return json.loads(text) if text.startswith('"') else text
    except ValueError:
        return text.strip('"')


def _read_json(value: str) -> Iterable[Pair]:
    """Read a JSON object: its names and those of the objects that hold settings, or a ComfyUI graph."""
    try:
        found: Any = json.loads(value[:_MAX_JSON_CHARS])
    except (ValueError, RecursionError):
        return
    nodes = {key: node for key, node in found.items() if isinstance(node, dict) and "class_type" in node}
    if nodes:
        yield from _read_graph(nodes)
        return
    for settings in (found, found.get("image"), found.get("sui_image_params")):  # InvokeAI before 3; SwarmUI
        if isinstance(settings, dict):
            yield from settings.items()


def _read_graph(nodes: Mapping[str, Any]) -> Iterable[Pair]:
    """Read ComfyUI's graph, from the node that samples back to those that feed it."""
    inputs = {key: node.get("inputs") for key, node in nodes.items() if isinstance(node.get("inputs"), dict)}
    start = next((key for key, named in inputs.items() if {"positive", "guider"} & named.keys()), None)
    if start is None:
        return
    for name, wanted in _INPUTS.items():
        yield name, _nearest(inputs, [[start]], wanted)
    for name, links in (("prompt", ("positive", "guider")), ("negative_prompt", ("negative",))):
        yield name, _nearest(inputs, [inputs[start].get(link) for link in links], _PROMPT_INPUTS)


def _nearest(inputs: Mapping[str, Any], links: list[Any], wanted: tuple[str, ...]) -> str:
    """Return the first wanted input on the way back along `links`; a link is a list that begins with a node's key."""
    seen: set[str] = set()
    for link in links:  # which grows meanwhile
        key = link[0] if isinstance(link, list) and link else None
        if not isinstance(key, str) or key in seen or key not in inputs:
            continue
        seen.add(key)
        for name in wanted:
            if value := _plain(inputs[key].get(name)):
                return value
        links.extend(inputs[key].values())
    return ""
