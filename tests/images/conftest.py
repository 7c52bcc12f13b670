"""A pool for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dreambooth_widget.images.pool import WorkerPool


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """A pool of its own."""
    pool = WorkerPool()
    yield pool
    pool.close()
