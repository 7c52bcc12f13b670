"""The benchmark of the time to visible pictures runs, by itself, and its targets hold."""

from __future__ import annotations

from typing import Any

import pytest

from .running import best_of


def unmet(found: Any) -> list[str]:
    """The targets that were missed."""
    return [target["target"] for target in found["targets"] if not target["met"]]


@pytest.mark.slow
@pytest.mark.measures
@pytest.mark.browser
@pytest.mark.timeout(900)  # three tries, if it must be
def test_targets() -> None:
    """Every target is met, and far less crosses than the files themselves."""
    result = best_of(3, "time_to_pixels", "--rounds", "3", good=lambda result: not unmet(result))
    assert unmet(result) == []
    assert 5_000_000 < result["bytes of the files"] < 6_500_000
    assert sum(result["bytes sent"].values()) < result["bytes of the files"] / 5
