"""The benchmark of the time to visible pictures runs, by itself, and what does not depend on the machine holds."""

from __future__ import annotations

import pytest

from .running import found


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_far_less_crosses_than_the_files() -> None:
    """Less than a fifth of their bytes, each picture in two sizes; times are for a machine at rest."""
    result = found("time_to_pixels", "--rounds", "1")
    assert 5_000_000 < result["bytes of the files"] < 6_500_000
    assert 0 < sum(result["bytes sent"].values()) < result["bytes of the files"] / 5
    assert result["targets"]
