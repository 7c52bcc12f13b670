"""How the tests are spread over workers."""

from __future__ import annotations

import pytest


def test_a_file_keeps_its_worker(request: pytest.FixtureRequest) -> None:
    """With `--dist loadgroup` the test is in its file's group, which pytest-xdist appends to the id."""
    grouped = bool(getattr(request.config.option, "loadgroup", False))
    assert request.node.nodeid.endswith("@test_workers.py") == grouped
