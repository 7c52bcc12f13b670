"""What a picture tells of itself: prompt, seed, steps, model, from its text chunks. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["describe"]

_LONGEST = 10_000
"""Characters kept of one value: this is shown and sent, a megabyte of "prompt" is not a prompt."""

_NAMES = {
    "prompt": "prompt",
    "negative prompt": "negative_prompt",
    "seed": "seed",
    "steps": "steps",
    "num inference steps": "steps",
    "sampler": "sampler",
    "scheduler": "sampler",
    "cfg scale": "guidance_scale",
    "guidance scale": "guidance_scale",
    "model": "model",
    "model id": "model",
    "model hash": "model_hash",
    "size": "size",
    "software": "software",
    "title": "title",
    "description": "description",
    "author": "author",
}
"""The words of the field, as chunks and generators spell them, and what they are called here."""


def describe(text: Mapping[str, str]) -> dict[str, str]:
    """Seed, prompt, negative_prompt, steps, sampler, guidance_scale, model, size … as far as `text` has them.

    Understands chunks of their own ("seed", "Negative prompt"), the one "parameters" text that
    AUTOMATIC1111 and its kin write (also as EXIF UserComment), and JSON in either. Every value is a
    str of at most 10,000 characters. Never raises.
    """
    facts: dict[str, str] = {}
    for key, value in text.items():
        folded = _fold(key)
        if folded in ("parameters", "usercomment", "comment"):
            _add(facts, _parse_parameters(value))
        elif folded in _NAMES:
            _add(facts, _parse_json(value) if value.lstrip().startswith("{") else {_NAMES[folded]: value})
    return facts


def _fold(key: str) -> str:
    return re.sub(r"[\s_-]+", " ", key.strip().lower())


def _add(facts: dict[str, str], more: Mapping[str, str]) -> None:
    """Merge facts, the first one first: a chunk of its own comes before a digest of everything."""
    for name, value in more.items():
        if kept := value.strip()[:_LONGEST]:
            facts.setdefault(name, kept)


def _parse_parameters(value: str) -> dict[str, str]:
    """Read the text of AUTOMATIC1111: prompt lines, "Negative prompt: …" lines, one line of "Steps: 20, Sampler: …"."""
    if value.lstrip().startswith("{"):
        return _parse_json(value)
    lines = value[: 4 * _LONGEST].strip().splitlines()
    facts: dict[str, str] = {}
    if lines and "Steps:" in lines[-1] and "," in lines[-1]:
        facts = _parse_settings(lines.pop())
    elif not any(line.startswith("Negative prompt:") for line in lines):
        return {}  # a comment of another kind: not a prompt
    prompt, _, negative = "\n".join(lines).partition("Negative prompt:")
    return {"prompt": prompt.strip(), "negative_prompt": negative.strip(), **facts}


def _parse_settings(line: str) -> dict[str, str]:
    """One line of "Steps: 20, Sampler: Euler a, Model: "a, b", …"."""
    fields: list[list[str]] = [[]]
    quoted = escaped = False
    for char in line:  # not a regular expression: on hostile quotes that takes quadratic time, and holds the GIL
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
    """Known names of a JSON object. Workflow graphs (ComfyUI's "prompt" chunk) have none of them and give nothing."""
    try:
        found: Any = json.loads(value[:200_000])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        _NAMES[_fold(key)]: str(item)
        for key, item in found.items()
        if _fold(key) in _NAMES and isinstance(item, (str, int, float)) and not isinstance(item, bool)
    }
