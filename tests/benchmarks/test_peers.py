"""The comparison with other clients: our part of it, and the rows that come of it. The others need a package index."""

from __future__ import annotations

import aiohttp
import pytest

from . import peers, readme


async def test_ours_waits_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the id alone, an estimate or announced links, the pictures come after the job is ready, by a few polls."""
    monkeypatch.setattr(peers, "JOBS", (0.3,))
    async with peers.Service() as service:
        for name, label in peers.OURS.items():
            row = peers._row(service, label, name, await peers.run_all_ours(service, name))
            assert row["mean"] > 0
            assert 2 <= row["requests"] <= 4
            assert "1 picture" in row["result"]


async def test_endpoint_speaks_other_protocols() -> None:
    """A job that is ready is so in the words of replicate and of fal; one that is not, is not."""
    async with peers.Service() as service, aiohttp.ClientSession(f"http://127.0.0.1:{service.port}") as session:
        for seconds, prediction, queued in ((0, "succeeded", "COMPLETED"), (900, "processing", "IN_PROGRESS")):
            body = {"input": {"id": f"replicate-{seconds}"}}
            async with session.post("/v1/predictions", json=body) as response:
                assert (await response.json())["status"] == prediction
            async with session.get(f"/v1/predictions/replicate-{seconds}") as response:
                assert (await response.json())["status"] == prediction
            async with session.post("/owner/model", json={"id": f"fal-{seconds}"}) as response:
                urls = await response.json()
            async with session.get(urls["status_url"]) as response:
                assert (await response.json())["status"] == queued
        async with session.get("/fal/fal-0/response") as response:
            (image,) = (await response.json())["images"]
        async with session.get(image["url"]) as response:
            assert (await response.read()).startswith(b"\x89PNG")
        assert service.requests["fal-0"] == 3


def test_rows_name_every_client() -> None:
    """One row has the wait of each client, the others the errors."""
    names = [*peers.OURS.values(), *peers.PEERS.values()]
    waits = [{"client": name, "mean": 1.25, "requests": 4.0} for name in names]
    ends = {end: {"ours": {"seconds": 0.01}, "modelslab-py": {"seconds": 600.4}} for end in peers.ENDS}
    first, *others = readme._peers({"jobs": [3.0, 20.0], "waits": waits, "ends": ends})
    assert first[:2] == ("2 jobs of 3 to 20 s at once: from ready to the result · requests for each", "1.2 s · 4")
    assert all(name in first[2] for name in names if name != "ours, with the estimate")
    assert [row[1:3] for row in others] == [("0.0 s", "modelslab-py 0.2.3: 600 s")] * 2
