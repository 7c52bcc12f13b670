"""A client in a hurry."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dreambooth_widget import Client

from ..endpoint import CANARY, Service
from .batches import FAST, QUICK


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    """A client of it that is in a hurry."""
    async with Client(CANARY, endpoint=service.url, schedule=FAST, retry=QUICK, rate=1000, burst=1000) as client:
        yield client


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test need not wait for a quarter of a second."""
    monkeypatch.setattr("dreambooth_widget.widget.batch_card._INTERVAL", 0.02)
