"""A scripted endpoint with pictures, and a folder in which notebooks are executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dreambooth_widget.demo.scenery import draw_png

from ..endpoint import CANARY, PROCESSING, Endpoint, ThreadedEndpoint
from .programs import Workshop

COUNT = 4


@pytest.fixture(scope="session")
def drawings() -> list[bytes]:
    """Four pictures of 1024×1024 pixels, as large as the service's."""
    return [draw_png(seed, "a photo of sks dog far from home", (1024, 1024)) for seed in range(COUNT)]


@pytest.fixture
def endpoint(drawings: list[bytes]) -> Iterator[Endpoint]:
    """An endpoint that keeps each request waiting for two polls, and then has four pictures."""
    with ThreadedEndpoint(Endpoint()) as endpoint:
        links = [endpoint.serve(f"{index}.png", data) for index, data in enumerate(drawings)]
        endpoint.answers = [PROCESSING, PROCESSING, endpoint.success(*links)]
        yield endpoint


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A folder for notebooks, with the key in the environment as a scheduler would have it."""
    return Workshop(tmp_path, {"DREAMBOOTH_API_KEY": CANARY})
