"""The benchmark of the loupe runs, by itself."""

from __future__ import annotations

import pytest

from .running import found


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_one_crop_for_each_picture() -> None:
    """A look costs a crop of each picture and a fiftieth of the originals' bytes; the time depends on the machine."""
    result = found("loupe", "--moves", "4")
    (row,) = result["rows"]
    assert row["kB of a look"] < row["kB of the originals"] / 50
    unmet = [each["target"] for each in result["targets"] if not each["met"] and " ms: " not in each["target"]]
    assert unmet == []
