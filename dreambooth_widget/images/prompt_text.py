"""Prompt, seed, steps and model out of the texts that image generators leave in their files. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["describe"]

_LONGEST = 10_000
"""Characters kept of one value: this is shown and sent, a megabyte of "prompt" is not a prompt."""
_LONGEST_JSON, _LONGEST_LINE = 1 << 18, 8_000

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


def describe(text: Mapping[str, str]) -> dict[str, str]:
    """Return seed, prompt, negative_prompt, steps, sampler, guidance_scale, model, size … as far as `text` has them.

    Understood are chunks of their own ("seed", "Negative prompt"), the one "parameters" text of AUTOMATIC1111 and its
    kin (also as EXIF UserComment), JSON in either (InvokeAI, NovelAI), and ComfyUI's graph. Every value is a str of at
    most 10,000 characters. Never raises.
    """
    facts: dict[str, str] = {}
    for key, value in text.items():
        folded = _fold(key)
        if folded in ("parameters", "usercomment", "comment", "invokeai metadata", "sd metadata"):
            _add(facts, _parse_parameters(value))
        elif folded in _NAMES and (folded != "source" or "NovelAI" in value):
            _add(facts, _parse_json(value) if value.lstrip().startswith("{") else {_NAMES[folded]: value})
    if facts.get("description") == facts.get("prompt"):  # NovelAI has it twice
        facts.pop("description", None)
    return facts


def _fold(key: str) -> str:
    return re.sub(r"[\s_-]+", " ", key[:100].strip().lower())


def _add(facts: dict[str, str], more: Mapping[str, str]) -> None:
    """Add what is new: a chunk of its own comes before a digest of everything."""
    for name, value in more.items():
        if kept := value.strip()[:_LONGEST]:
            facts.setdefault(name, kept)


def _parse_parameters(value: str) -> dict[str, str]:
    """Read the text of AUTOMATIC1111: prompt lines, "Negative prompt: …" lines, a line of "Steps: 20, Sampler: …"."""
    if value.lstrip().startswith("{"):
        return _parse_json(value)
    lines = value[: 4 * _LONGEST].strip().splitlines()
    facts: dict[str, str] = {}
    if lines and "Steps:" in lines[-1] and "," in lines[-1]:
        facts = _parse_settings(lines.pop()[:_LONGEST_LINE])
    elif not any(line.startswith("Negative prompt:") for line in lines):
        return {}  # a comment of another kind: not a prompt
    prompt, _, negative = "\n".join(lines).partition("Negative prompt:")
    return {"prompt": prompt.strip(), "negative_prompt": negative.strip(), **facts}


def _parse_settings(line: str) -> dict[str, str]:
    """Read one line of "Steps: 20, Sampler: Euler a, Model: "a, b", …"."""
    fields: list[list[str]] = [[]]
    quoted = escaped = False
    for char in line:  # not a regular expression: on hostile quotes that takes quadratic time
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = char == "\\" and not escaped
        if char == "," and not quoted:
            fields.append([])
        else:
            fields[-1].append(char)
    pairs = ("".join(field).partition(":") for field in fields)
    return {_NAMES[_fold(key)]: _unquote(value.strip()) for key, _, value in pairs if _fold(key) in _NAMES}


def _unquote(text: str) -> str:
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text.strip('"')
    return text


def _parse_json(value: str) -> dict[str, str]:
    """Read a JSON object: known names and what they hold, one level deep, or a ComfyUI graph."""
    try:
        found: Any = json.loads(value[:_LONGEST_JSON])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    nodes = {key: node for key, node in found.items() if isinstance(node, dict) and "class_type" in node}
    if nodes:
        return _parse_graph(nodes)
    facts: dict[str, str] = {}
    model = found.get("model")
    for scope in (found, found.get("image"), found.get("sui_image_params")):  # InvokeAI before 3; SwarmUI
        if not isinstance(scope, dict):
            continue
        _add(facts, {_NAMES[_fold(key)]: str(item) for key, item in _scalars(scope.items()) if _fold(key) in _NAMES})
        parts = scope.get("prompt")
        if isinstance(parts, list) and parts and isinstance(parts[0], dict):  # InvokeAI 2: parts with weights
            _add(facts, {name: str(item) for name, item in _scalars([("prompt", parts[0].get("prompt"))])})
    if isinstance(model, dict) and isinstance(model.get("name"), str):
        _add(facts, {"model": model["name"]})
    return facts


def _scalars(items: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    return ((k, v) for k, v in items if isinstance(v, (str, int, float)) and not isinstance(v, bool))


def _parse_graph(nodes: Mapping[str, Any]) -> dict[str, str]:
    """Read ComfyUI's graph, from the node that samples back to those that feed it."""
    inputs = {key: node.get("inputs") for key, node in nodes.items() if isinstance(node.get("inputs"), dict)}
    start = next((key for key, named in inputs.items() if {"positive", "guider"} & named.keys()), None)
    if start is None:
        return {}
    facts = {name: _nearest(inputs, [[start]], wanted) for name, wanted in _INPUTS.items()}
    facts["prompt"] = _nearest(inputs, [inputs[start].get("positive"), inputs[start].get("guider")], _PROMPT_INPUTS)
    facts["negative_prompt"] = _nearest(inputs, [inputs[start].get("negative")], _PROMPT_INPUTS)
    return {name: value for name, value in facts.items() if value}


def _nearest(inputs: Mapping[str, Any], links: list[Any], wanted: tuple[str, ...]) -> str:
    """Return the first wanted input on the way back along `links`; a link is a list that begins with a node's key."""
    seen: set[str] = set()
    for link in links:  # which grows meanwhile
        key = link[0] if isinstance(link, list) and link else None
        if not isinstance(key, str) or key in seen or key not in inputs:
            continue
        seen.add(key)
        for _, value in _scalars((name, inputs[key].get(name)) for name in wanted):
            if str(value).strip():
                return str(value)
        links.extend(inputs[key].values())
    return ""
