"""The benchmark of a large gallery runs, by itself, and what does not depend on the machine's speed holds."""

from __future__ import annotations

import pytest

from .running import found


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_blobs_keep_to_their_budget() -> None:
    """Of 500 tiles no more than 64 MiB are held, and nothing after closing; times are for a machine at rest."""
    result = found("gallery", "--rounds", "1", "--alone")
    assert result["tiles"] == 500
    assert len(result["targets"]) == 7
    blobs = [each["met"] for each in result["targets"] if each["target"].startswith("blob")]
    assert blobs == [True, True]
