"""The vendor's own client and those of other services beside this package, on the same local endpoint.

    python tests/benchmarks/peers.py [--json] [--real-sleeps] [--peers FOLDER]

How long from ready until the user has the result, and how many requests that takes: twelve jobs of 3 to 20 s at once,
each by a client of its own. Then, beside modelslab-py alone, how long until the error of a failed job and a wrong key.

The others are installed with pip into a temporary folder (or taken from FOLDER), and run in processes of their own.
The endpoint speaks the protocol of each; a job begins with the first request for it. Only ours loads and checks the
pictures: the results of the others are addresses. modelslab-py sleeps a minute after every answer but success, so its
sleeps are counted, not slept: each moves the job on by as much, and is added to its time. `--real-sleeps` sleeps them.

The JSON has `jobs` (seconds of each), `waits` (for each client its name in `client`, `mean` and `longest` in seconds
from ready to the result, and `requests` for each job), `ends` (for each error and client `seconds`, `polls` and the
`end`) and `sleeps`, "counted" or "slept".
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from endpoint import FAILED, PROCESSING, Endpoint, Reply, Seen, png

from dreambooth_widget import Client, DreamboothError

PACKAGES = ("modelslab-py==0.2.3", "replicate==1.0.7", "fal-client==1.0.3")
CLIENTS = Path(__file__).with_name("peer_clients.py")

OURS: Mapping[str, str] = {
    "id": "ours, the id alone",
    "eta": "ours, with the estimate",
    "links": "ours, with the estimate and announced links",
}
"""What a job is known by → the name of the row."""

PEERS: Mapping[str, str] = {
    "modelslab": "modelslab-py 0.2.3, every 60 s",
    "replicate_polls": "replicate 1.0.7, every 0.5 s",
    "replicate_waits": "replicate 1.0.7, where the service holds the call",
    "fal": "fal-client 1.0.3, every 0.1 s",
}
"""The functions of `peer_clients.py` → the names of the rows."""

JOBS = tuple(round(3 + 17 * number / 11, 1) for number in range(12))
"""Seconds until each job is ready."""

SIGMA = 0.5
"""How far our estimates stray from the truth, as in `polling.py`."""

KEY, WRONG_KEY = "right-key-of-the-benchmark", "wrong-key-of-the-benchmark"
ENDS: Mapping[str, tuple[str, str]] = {"failed": ("a failed job", KEY), "refused": ("a wrong key", WRONG_KEY)}
"""Request id → (what it is, the key it is polled with)."""

Run = tuple[float, str]
"""Seconds until the result or the error, and which it was."""


class Service(Endpoint):
    """The endpoint, in everyone's protocol. A request id is "<name>-<seconds>", or one of `ENDS`."""

    def __init__(self) -> None:
        super().__init__()
        self.when = self._answer
        self.requests: dict[str, int] = {}
        self._ready_at: dict[str, float] = {}
        self._picture = png(size=(512, 512))

    def _left(self, request_id: str, seen: Seen) -> float:
        """Count a request, and return the seconds until its job is ready. The first one begins it."""
        self.requests[request_id] = self.requests.get(request_id, 0) + 1
        duration = 0.0 if request_id in ENDS else float(request_id.rpartition("-")[2])
        return self._ready_at.setdefault(request_id, seen.time + duration) - seen.time

    async def _answer(self, seen: Seen) -> Reply:
        body = json.loads(seen.body)
        if seen.path == "/v1/predictions":  # replicate
            left = self._left(body["input"]["id"], seen)
            if "Prefer" in seen.headers:
                await asyncio.sleep(left)
                left = 0.0
            return Reply(self._prediction(body["input"]["id"], left))
        if seen.path == "/owner/model":  # fal
            self._left(body["id"], seen)
            urls = {name: f"{self._origin}/fal/{body['id']}/{name}" for name in ("response", "status", "cancel")}
            return Reply({"request_id": body["id"], **{f"{name}_url": url for name, url in urls.items()}})
        request_id = seen.path.rpartition("/")[2]
        left = self._left(request_id, seen)
        if body["key"] != KEY:
            return Reply({"status": "error", "message": "Invalid Api Key", "tip": "Check your key."})
        if request_id in ENDS:
            return Reply(FAILED)
        return Reply(PROCESSING if left > 0 else self.success(self.link(f"{request_id}.png")))

    def _prediction(self, request_id: str, left: float) -> dict[str, Any]:
        facts = {"id": request_id, "model": "owner/model", "version": "0" * 64}
        if left > 0:
            return {**facts, "status": "processing"}
        return {**facts, "status": "succeeded", "output": [self.link(f"{request_id}.png")]}

    def _file_reply(self, seen: Seen) -> Reply:
        match seen.path.split("/")[1:]:
            case ["skip", request_id, seconds]:
                self._ready_at[request_id] -= float(seconds)
                return Reply()
            case ["v1", "predictions", request_id]:
                return Reply(self._prediction(request_id, self._left(request_id, seen)))
            case ["fal", request_id, "status"]:
                status = "IN_PROGRESS" if self._left(request_id, seen) > 0 else "COMPLETED"
                return Reply({"status": status, "logs": None})
            case ["fal", request_id, _]:
                self._left(request_id, seen)
                return Reply({"images": [{"url": self.link(f"{request_id}.png")}]})
            case [_, name] if self._ready_at.get(name.removesuffix(".png"), math.inf) <= seen.time:
                return Reply(self._picture)
        return Reply(b"", 404)


async def run_ours(service: Service, name: str, request_id: str, key: str = KEY, **facts: Any) -> Run:
    """One request by a client of ours; `name` is a part of the address, so that each kind learns from its own."""
    began = time.monotonic()
    async with Client(key, endpoint=f"http://127.0.0.1:{service.port}/api/{name}/fetch/{{request_id}}") as client:
        try:
            end = repr(await client.fetch_response({"status": "processing", "id": request_id, **facts}))
        except DreamboothError as error:
            end = f"{type(error).__name__}: {error.message}"
    return time.monotonic() - began, end


async def run_all_ours(service: Service, name: str) -> list[Run]:
    """All jobs at once, with what is known of each."""
    random, runs = Random(7), []
    for seconds in JOBS:
        facts: dict[str, Any] = {} if name == "id" else {"eta": seconds * math.exp(random.gauss(0, SIGMA))}
        if name == "links":
            facts["future_links"] = [service.link(f"{name}-{seconds}.png")]
        runs.append(run_ours(service, name, f"{name}-{seconds}", **facts))
    return await asyncio.gather(*runs)


async def run_peer(service: Service, folder: Path, name: str, key: str, ids: Sequence[str]) -> list[Run]:
    """All `ids` by another client, in a process of its own."""
    address = f"http://127.0.0.1:{service.port}"
    found = await _python(str(CLIENTS), name, address, key, *ids, PYTHONPATH=str(folder), NO_PROXY="127.0.0.1")
    return [(seconds, end) for seconds, end in json.loads(found)]


async def _python(*arguments: str, **variables: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, **variables}
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{arguments[:3]} failed with status {process.returncode}")
    return output


def _row(service: Service, label: str, name: str, runs: Sequence[Run]) -> dict[str, Any]:
    delays = [seconds - duration for duration, (seconds, _) in zip(JOBS, runs, strict=True)]
    requests = fmean(service.requests[f"{name}-{duration}"] for duration in JOBS)
    return {
        "client": label,
        "mean": round(fmean(delays), 2),
        "longest": round(max(delays), 2),
        "requests": round(requests, 1),
        "result": runs[0][1],
    }


async def compare_waits(service: Service, folder: Path, counted: str) -> list[dict[str, Any]]:
    """From ready to the result, for every client."""
    await run_ours(service, "warm", "warm-0")  # imports and a worker process are not what is measured
    ours = await asyncio.gather(*(run_all_ours(service, name) for name in OURS))
    rows = [_row(service, label, name, runs) for (name, label), runs in zip(OURS.items(), ours, strict=True)]
    for name, label in PEERS.items():
        which = f"{name}{counted}" if name == "modelslab" else name
        runs = await run_peer(service, folder, which, KEY, [f"{name}-{seconds}" for seconds in JOBS])
        rows.append(_row(service, label, name, runs))
    return rows


async def compare_ends(service: Service, folder: Path, counted: str) -> dict[str, dict[str, Any]]:
    """How long until the error, ours and modelslab-py's."""
    found: dict[str, dict[str, Any]] = {}
    for request_id, (_, key) in ENDS.items():
        found[request_id] = {}
        for client in ("ours", "modelslab-py"):
            service.requests.clear()
            if client == "ours":
                seconds, end = await run_ours(service, "ends", request_id, key)
            else:
                ((seconds, end),) = await run_peer(service, folder, f"modelslab{counted}", key, [request_id])
            found[request_id][client] = {"seconds": seconds, "polls": service.requests[request_id], "end": end}
    return found


async def measure(folder: Path, real_sleeps: bool) -> dict[str, Any]:
    """Everything that is printed."""
    counted = "" if real_sleeps else "_counted"
    async with Service() as service:
        waits = await compare_waits(service, folder, counted)
        ends = await compare_ends(service, folder, counted)
    return {"jobs": JOBS, "waits": waits, "ends": ends, "sleeps": "slept" if real_sleeps else "counted"}


def describe(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    jobs = f"{len(JOBS)} jobs of {JOBS[0]:g} to {JOBS[-1]:g} s"
    lines = [
        f"modelslab-py's sleeps of 60 s are {result['sleeps']}.\n",
        f"| {jobs} | mean delay (s) | longest (s) | requests per job | result |",
        "|---|--:|--:|--:|---|",
    ]
    lines += [
        f"| {row['client']} | {row['mean']:.2f} | {row['longest']:.2f} | {row['requests']:.1f} | {row['result']} |"
        for row in result["waits"]
    ]
    lines += ["", "| request | client | seconds | requests | ends in |", "|---|---|--:|--:|---|"]
    lines += [
        f"| {ENDS[request_id][0]} | {client} | {run['seconds']:.1f} | {run['polls']} | {run['end']} |"
        for request_id, runs in result["ends"].items()
        for client, run in runs.items()
    ]
    return "\n".join(lines)


async def run(peers: Path | None, real_sleeps: bool) -> dict[str, Any]:
    """Install what is compared, and measure."""
    if peers is not None:
        return await measure(peers, real_sleeps)
    with tempfile.TemporaryDirectory() as folder:
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder)
        await _python(*pip, *PACKAGES, "requests")
        return await measure(Path(folder), real_sleeps)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time to the result and to the error, ours and other clients'.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--real-sleeps", action="store_true", help="let modelslab-py really sleep (half an hour)")
    parser.add_argument("--peers", type=Path, help="a folder that already holds the others and their dependencies")
    options = parser.parse_args()
    result = asyncio.run(run(options.peers, options.real_sleeps))
    text = json.dumps(result, indent=2, ensure_ascii=False) if options.json else describe(result)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
