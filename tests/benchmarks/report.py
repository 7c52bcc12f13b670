"""How the benchmarks report what they found: tables and targets, as Markdown or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

Target = tuple[str, bool]
"""A target in words with what was measured, and whether it is met."""


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows as a Markdown table, their names as its head; numbers stand at the right."""
    if not rows:
        return []
    names = list(rows[0])
    cells = [[f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()] for row in rows]
    return [f"| {' | '.join(line)} |" for line in (names, ["---"] + ["--:"] * (len(names) - 1), *cells)]


def print_report(tables: Mapping[str, Sequence[Mapping[str, Any]]], targets: Sequence[Target], *, as_json: bool) -> int:
    """Print the tables, by their names in JSON, and the targets; the exit status: 1 when one is missed."""
    if as_json:
        outcomes = [{"target": target, "met": met} for target, met in targets]
        text = json.dumps({**tables, "targets": outcomes}, indent=2, ensure_ascii=False)
    else:
        lines = [line for rows in tables.values() for line in (*table(rows), "")]
        text = "\n".join([*lines, *(f"* {'met' if met else 'MISSED'}: {target}" for target, met in targets)])
    sys.stdout.write(text + "\n")
    return 0 if all(met for _, met in targets) else 1
