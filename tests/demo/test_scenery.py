"""The stand-in's pictures."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from dreambooth_widget.demo.scenery import draw_png
from dreambooth_widget.images.prompt_text import describe

from ..image_files import read_picture


def average(data: bytes) -> tuple[int, ...]:
    """The picture's colours in a nutshell."""
    with Image.open(io.BytesIO(data)) as image:
        return tuple(image.resize((4, 4), Image.Resampling.BOX).tobytes())


def test_picture_has_believable_format() -> None:
    """1024 × 1024 PNG with prompt and seed, of the weight that real ones have."""
    data = draw_png(1234, "a photo of sks dog", (1024, 1024))
    picture = read_picture(data)
    assert (picture.format, picture.width, picture.height) == ("PNG", 1024, 1024)
    facts = describe(picture.text)
    assert (facts["prompt"], facts["seed"]) == ("a photo of sks dog", "1234")
    assert 500_000 < len(data) < 2_000_000


@pytest.mark.parametrize("seed", range(8))
def test_same_seed_gives_same_bytes(seed: int) -> None:
    """In every scene."""
    assert draw_png(seed, "a dog", (128, 96)) == draw_png(seed, "a dog", (128, 96))


def test_neighbouring_seeds_change_the_scene() -> None:
    """A job's samples differ; the same scene with another seed differs too."""
    found = [average(draw_png(seed, "a dog", (64, 64))) for seed in range(16)]
    assert len(set(found)) == 16


def test_prompt_chooses_the_scene() -> None:
    """Then all samples show it, whatever the seed."""
    dunes = average(draw_png(0, "a dog", (64, 64)))
    for prompt in ("a dog in the dunes, 4k", "Dog. Desert!"):
        assert average(draw_png(0, prompt, (64, 64))) == dunes
    sea = [draw_png(seed, "a dog by the sea", (64, 64)) for seed in (0, 3)]
    assert sea[0] != sea[1]
    assert max(abs(a - b) for a, b in zip(*map(average, sea), strict=True)) < 80
    assert average(draw_png(3, "this season", (64, 64))) == average(draw_png(3, "a dog", (64, 64)))


@pytest.mark.parametrize("size", [(64, 64), (64, 2048), (2048, 64), (576, 1024)])
@pytest.mark.parametrize("seed", range(8))
def test_every_size_is_drawn(seed: int, size: tuple[int, int]) -> None:
    """Strips and stamps, too."""
    with Image.open(io.BytesIO(draw_png(seed, "a dog", size))) as image:
        assert image.size == size


def test_any_prompt_fits_text_chunk() -> None:
    """Signs beyond Latin-1 and long prompts survive."""
    prompt = "犬 🐕 " + "x" * 5000
    picture = read_picture(draw_png(1, prompt, (64, 64)))
    assert picture.text["prompt"] == prompt
