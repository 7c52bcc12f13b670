"""`client.loading`: from links, inline data and the cache to stored pictures, and what a missing one shows."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from dreambooth_widget import Client, FetchState, PictureError, Retry
from dreambooth_widget.images.pool import WorkerPool
from dreambooth_widget.widget.trait_values import trait_values

from ..endpoint import CANARY, Endpoint, Reply, png
from ..image_files import encoded, noise, plain_png

QUICK = Retry(attempts=1, first=0.01, longest=0.05)
MP4 = b"\0\0\0 ftypisom" + bytes(100)


async def test_unshowable_file_keeps_link(endpoint: Endpoint) -> None:
    """A missing entry names the kind of file and has its link, in Python alone; the others come."""
    video = endpoint.serve("a.mp4", MP4) + "?X-Signature=secret"
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), video)]
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK) as client:
        job = client.fetch(1)
        result = await job
    (missing,) = result.missing
    assert (missing.index, missing.reason, missing.url) == (1, "A video (mp4): open its link", video)
    assert "secret" not in repr(missing)
    assert "secret" not in str(trait_values(job.state))
    assert [entry.url for entry in job.state.pictures] == [result[0].url, video]


async def test_video_is_named_in_details(endpoint: Endpoint) -> None:
    """The error's details name the kind of file."""
    endpoint.answers = [endpoint.success(endpoint.serve("a.mp4", MP4))]
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK) as client:
        with pytest.raises(PictureError) as raised:
            await client.fetch(1)
    assert "A video (mp4): open its link" in raised.value.details


async def test_three_large_pictures_in_one_answer(endpoint: Endpoint) -> None:
    """Ten megabytes of base64, as `base64: yes` gives them."""
    files = [encoded(noise((900, 900)), compress_level=0) + bytes(number) for number in range(3)]
    assert all(len(data) > 2_400_000 for data in files)
    endpoint.answers = [endpoint.success(*(base64.b64encode(data).decode() for data in files))]
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK) as client:
        result = await client.fetch(1)
    assert [picture.data for picture in result] == files
    assert [picture.url for picture in result] == ["", "", ""]


@pytest.mark.parametrize(("option", "limit"), [("max_pixels", 10_000), ("max_bytes", 1000)])
async def test_a_refusal_names_its_limit(endpoint: Endpoint, option: str, limit: int) -> None:
    """And how to raise it."""
    large = noise((200, 200))
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), endpoint.serve("2.png", encoded(large)))]
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, **{option: limit}) as client:  # type: ignore[arg-type]
        result = await client.fetch(1)
    assert f"Client({option}=…) allows more" in result.missing[0].reason


async def test_super_resolution_is_within_the_limits(endpoint: Endpoint) -> None:
    """Eight times 1024 pixels: 8192×8192 is a picture by default."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", plain_png(8192, 8192, 0)))]
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK) as client:
        (picture,) = await client.fetch(1)
    assert (picture.width, picture.height) == (8192, 8192)


async def test_the_cache_needs_no_worker(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hit has facts, texts and renditions from the disk; a damaged inspection costs one decoding, no download."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png(prompt="a dog")))]
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, cache=tmp_path) as client:
        (first,) = await client.fetch(1)
    inspected: list[int] = []
    real = WorkerPool.inspect

    async def counted(pool: WorkerPool, data: bytes, *, max_pixels: int) -> object:
        inspected.append(len(data))
        return await real(pool, data, max_pixels=max_pixels)

    monkeypatch.setattr(WorkerPool, "inspect", counted)
    endpoint.seen.clear()
    for damaged in (False, True, False):
        if damaged:
            (path,) = tmp_path.rglob("*.inspected")
            path.write_bytes(path.read_bytes()[:-20])
        async with Client(CANARY, endpoint=endpoint.url, retry=QUICK, cache=tmp_path) as client:
            (again,) = await client.fetch(1)
        assert (again, again.text, again.facts) == (first, first.text, first.facts)
        assert again.rendition("thumbnail") == first.rendition("thumbnail")
        assert len(inspected) == damaged or len(inspected) == 1
    assert inspected == [first.nbytes]
    assert endpoint.seen == []


async def test_retried_picture_keeps_index(endpoint: Endpoint) -> None:
    """One that was missing is loaded again into its own entry."""
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), endpoint.serve("2.png", Reply(b"", 404)))]
    async with Client(CANARY, endpoint=endpoint.url, retry=QUICK) as client:
        job = client.fetch(1)
        assert len(await job) == 1
        back = asyncio.Event()

        def listener(state: FetchState) -> None:
            if state.message == "2 pictures":
                back.set()

        job.subscribe(listener)
        endpoint.serve("2.png", png("blue"))
        job.retry_picture(1)
        await asyncio.wait_for(back.wait(), 60)
        assert job.result is not None
        assert [picture.index for picture in job.result] == [0, 1]
