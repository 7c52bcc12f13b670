"""The benchmark of a large gallery runs, by itself, and its targets hold."""

from __future__ import annotations

import pytest

from .running import found


@pytest.mark.slow
@pytest.mark.measures
@pytest.mark.browser
@pytest.mark.timeout(900)  # three tries, if it must be
def test_targets() -> None:
    """Every target is met in one of three tries, but for that in milliseconds, which depends on what else runs here."""
    met: dict[str, bool] = {}
    for _ in range(3):
        result = found("gallery", "--rounds", "2", "--alone")
        assert result["tiles"] == 500
        for each in result["targets"]:
            name = each["target"].rpartition(": ")[0]
            met[name] = met.get(name) or each["met"] or name.endswith(" ms")
        if all(met.values()):
            break
    assert len(met) == 7
    assert all(met.values()), met
