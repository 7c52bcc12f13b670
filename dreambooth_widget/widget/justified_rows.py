"""Pictures in rows of one height: each keeps its shape, and no row is wider than the page. Pure; sizes in pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Placed", "justify"]

Size = tuple[int, int]

_SQUEEZE = 0.35
"""Fraction of a row that is absorbed by shrinking the other rows instead of starting a new one."""


@dataclass(frozen=True)
class Placed:
    """One picture in its row: its index, and the width and height that it is shown in."""

    index: int
    width: int
    height: int


def justify(sizes: Sequence[Size], *, width: int, height: int, gap: int) -> list[list[Placed]]:
    """Return the pictures of the given sizes in rows that are at most `width` wide and `height` high.

    The rows have about as many pictures each, so that none is left alone in the last one. A picture is never enlarged.
    """
    natural = [_fit(size, height) for size in sizes]
    lengths = [box[0] + gap for box in natural]
    count = max(1, math.ceil(sum(lengths) / (width + gap) - _SQUEEZE))
    share = sum(lengths) / count
    rows: list[list[int]] = [[]]
    filled = 0.0
    for index, length in enumerate(lengths):
        if rows[-1] and filled + length / 2 > share * len(rows):
            rows.append([])
        rows[-1].append(index)
        filled += length
    return [_row(row, natural, width, gap) for row in rows if row]


def _row(indices: Sequence[int], natural: Sequence[Size], width: int, gap: int) -> list[Placed]:
    """Return one row, shrunk as a whole where it is too wide."""
    room = width - gap * (len(indices) - 1)
    scale = min(1.0, room / sum(natural[index][0] for index in indices))
    return [
        Placed(index, max(1, int(natural[index][0] * scale)), _scaled(natural[index][1], scale)) for index in indices
    ]


def _fit(size: Size, height: int) -> Size:
    scale = min(1.0, height / size[1])
    return _scaled(size[0], scale), _scaled(size[1], scale)


def _scaled(pixels: int, scale: float) -> int:
    return max(1, round(pixels * scale))
