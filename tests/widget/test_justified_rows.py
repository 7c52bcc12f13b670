"""Rows of pictures: shapes, heights, widths, and no widows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.widget.justified_rows import justify

SIDES = st.integers(1, 5000)


def rows_of(count: int, size: tuple[int, int] = (1024, 1024)) -> list[int]:
    """The numbers of pictures in the rows for equal pictures."""
    return [len(row) for row in justify([size] * count, width=824, height=200, gap=8)]


@given(st.lists(st.tuples(SIDES, SIDES), max_size=40), st.integers(1, 2000), st.integers(1, 600), st.integers(0, 16))
def test_every_picture_stands_once(sizes: list[tuple[int, int]], width: int, height: int, gap: int) -> None:
    """In its order, never enlarged, never higher than the row, and one of each row's sides is at least a pixel."""
    boxes = [box for row in justify(sizes, width=width, height=height, gap=gap) for box in row]
    assert [box.index for box in boxes] == list(range(len(sizes)))
    for box, (own_width, own_height) in zip(boxes, sizes, strict=True):
        assert 1 <= box.width <= max(1, own_width)
        assert 1 <= box.height <= min(height, own_height)


@given(st.lists(st.tuples(st.integers(50, 2000), st.integers(50, 2000)), min_size=1, max_size=40))
def test_no_row_is_too_wide(sizes: list[tuple[int, int]]) -> None:
    """Pictures of a row fit into the page together with their gaps, and have one height."""
    for row in justify(sizes, width=824, height=200, gap=8):
        assert sum(box.width for box in row) + 8 * (len(row) - 1) <= 824
        tall = [box.height for box in row if sizes[box.index][1] >= 200]
        assert max(tall, default=0) - min(tall, default=0) <= 1


@pytest.mark.parametrize(
    ("count", "rows"), [(1, [1]), (4, [4]), (5, [5]), (6, [3, 3]), (8, [4, 4]), (9, [5, 4]), (10, [3, 4, 3])]
)
def test_rows_are_even(count: int, rows: list[int]) -> None:
    """Squares: one more is squeezed in, more are shared out, and none is left alone."""
    assert sorted(rows_of(count)) == sorted(rows)


def test_panorama_fills_a_row() -> None:
    """As wide as the page, and lower than the others."""
    ((panorama,), *_) = justify([(5000, 1000), *[(512, 512)] * 4], width=824, height=200, gap=8)
    assert (panorama.width, panorama.height) == (824, 165)
