"""Values that stand in Python and in TypeScript are the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from dreambooth_widget import errors
from dreambooth_widget.client.state import FetchState
from dreambooth_widget.images.inspection import EDGES
from dreambooth_widget.images.sniff import ImageFormat
from dreambooth_widget.widget import batch_card, image_sender
from dreambooth_widget.widget.trait_values import card_values

SOURCE = Path(__file__).parents[1] / "dreambooth_widget" / "frontend" / "src" / "model" / "constants.ts"


@pytest.fixture
def constants() -> dict[str, Any]:
    """Return the constants of the front end by their names."""
    pattern = r"^export const (\w+) = (.+?)(?: as const)?;$"
    found = re.findall(pattern, SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: json.loads(value) for name, value in found}


def test_unasked_pictures_agree(constants: dict[str, Any]) -> None:
    """The gallery first draws as many pictures as the kernel sends without a request."""
    assert constants["UNASKED_THUMBNAILS"] == batch_card._FIRST_THUMBNAILS
    assert constants["UNASKED_PREVIEWS"] == image_sender._MOST_PREVIEWS


def test_preview_edge_agrees(constants: dict[str, Any]) -> None:
    """The lightbox has the size of a preview."""
    assert constants["PREVIEW_EDGE"] == EDGES["preview"]


def test_picture_formats_agree(constants: dict[str, Any]) -> None:
    """The page shows the formats that Python accepts, and no others."""
    assert sorted(constants["PICTURE_TYPES"]) == sorted(f"image/{name.lower()}" for name in get_args(ImageFormat))


def test_remedies_agree(constants: dict[str, Any]) -> None:
    """Every error offers what the card can draw, and everything that the card can draw is offered."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    states = [FetchState("7", status="error", error=kind("No.")) for kind in kinds]
    offered = {card_values(state, form=False, has_key=True)["error"]["remedy"] for state in states}
    assert sorted(offered) == sorted(constants["REMEDIES"])
