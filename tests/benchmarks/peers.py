"""The vendor's own SDK (modelslab-py) and this package, side by side on the same local endpoint.

    python tests/benchmarks/peers.py [--json] [--real-sleeps] [--peer FOLDER]

Three requests: a job that is ready after 12 s, one that failed, and one with a wrong key; how long until the user has
the result or the error, and how many requests that took. The real modelslab-py is installed with pip into a temporary
folder (or taken from FOLDER) and runs in a process of its own. It sleeps a minute after every answer but success, so
its sleeps are counted, not slept: each moves the job on by as much, and is added to its time. `--real-sleeps` sleeps
them, which takes twenty minutes. Ours runs in real time, and its result is the loaded, checked pictures; that of
modelslab-py is their addresses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from endpoint import Endpoint, Reply, Seen, png

from dreambooth_widget import Client, DreamboothError

PEER = "modelslab-py==0.2.3"
READY_AFTER = 12.0
KEY, WRONG_KEY = "right-key-of-the-benchmark", "wrong-key-of-the-benchmark"
PATH = "/api/v6/images/fetch/"

SCENARIOS: Mapping[str, tuple[str, str]] = {
    "ready": (f"job ready after {READY_AFTER:g} s", KEY),
    "failed": ("job that failed", KEY),
    "refused": ("wrong key", WRONG_KEY),
}
"""Request id → (what it is, the key it is polled with). Ours polls `ready` a second time, with the ETA."""

WITH_ETA = "ready-eta"

# Runs in a process of its own, where only modelslab-py is imported. Arguments: base address, key, id, "real" or "".
DRIVER = """
import json, sys, time, types
import requests
from modelslab_py.core.apis import base
from modelslab_py.core.apis.community import Community
from modelslab_py.core.client import Client

address, key, request_id, real = sys.argv[1:]
slept = 0.0

def sleep(seconds):
    global slept
    slept += seconds
    requests.get(f"{address}/skip/{request_id}/{seconds}")

if not real:
    base.time = types.SimpleNamespace(sleep=sleep)
client = Client(key)
client.base_url = f"{address}/api/"
began = time.monotonic()
answer = Community(client).fetch(request_id)
print(json.dumps({"seconds": time.monotonic() - began + slept, "end": f"a dict, status {answer['status']!r}"}))
"""


class Service:
    """The endpoint's side: what each request answers, and when. A job starts with the first poll for it."""

    def __init__(self) -> None:
        self.endpoint = Endpoint()
        self.endpoint.when = self._answer
        self._began: dict[str, float] = {}
        self.polls: dict[str, int] = {}

    def begin(self) -> None:
        """Forget everything: the next client is to find the same."""
        self._began.clear()
        self.polls.clear()
        self.endpoint.seen.clear()

    def _answer(self, seen: Seen) -> Reply:
        request_id = seen.path.removeprefix(PATH)
        self.polls[request_id] = self.polls.get(request_id, 0) + 1
        if json.loads(seen.body)["key"] != KEY:
            return Reply({"status": "error", "message": "Invalid Api Key", "tip": "Check your key."})
        if request_id == "failed":
            return Reply({"status": "failed", "id": "", "message": "Failed, Try Again", "output": ""})
        began = self._began.setdefault(request_id, seen.time)
        if seen.time - began + self._skipped(request_id) < READY_AFTER:
            return Reply({"status": "processing", "messege": "try again later.", "output": ""})
        return Reply(self.endpoint.success(self.endpoint.link("1.png")))

    def _skipped(self, request_id: str) -> float:
        skips = (seen.path.split("/")[1:] for seen in self.endpoint.gets)
        return sum(float(parts[2]) for parts in skips if parts[:2] == ["skip", request_id])


async def run_ours(service: Service) -> dict[str, dict[str, Any]]:
    """Every scenario with this package, in real time, all at once."""
    service.begin()

    async def one(request_id: str, key: str, eta: float | None = None) -> dict[str, Any]:
        began = time.monotonic()
        async with Client(key, endpoint=f"http://127.0.0.1:{service.endpoint.port}{PATH}{{request_id}}") as client:
            try:
                end = repr(await client.fetch(request_id, eta=eta))
            except DreamboothError as error:
                end = f"{type(error).__name__}: {error.message}"
        return {"seconds": time.monotonic() - began, "polls": service.polls[request_id], "end": end}

    runs = {request_id: one(request_id, key) for request_id, (_, key) in SCENARIOS.items()}
    runs[WITH_ETA] = one(WITH_ETA, KEY, READY_AFTER)
    return dict(zip(runs, await asyncio.gather(*runs.values()), strict=True))


async def run_peer(service: Service, folder: Path, real_sleeps: bool) -> dict[str, dict[str, Any]]:
    """Every scenario with modelslab-py."""
    service.begin()
    results = {}
    for request_id, (_, key) in SCENARIOS.items():
        address = f"http://127.0.0.1:{service.endpoint.port}"
        arguments = ("-c", DRIVER, address, key, request_id, "real" if real_sleeps else "")
        result = json.loads(await _python(*arguments, PYTHONPATH=str(folder), NO_PROXY="127.0.0.1"))
        results[request_id] = {**result, "polls": service.polls[request_id]}
    return results


async def _python(*arguments: str, **variables: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, **variables}
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{arguments[:3]} failed with status {process.returncode}")
    return output


async def measure(peer: Path | None, real_sleeps: bool) -> dict[str, Any]:
    """Everything that is printed. Times are in seconds."""
    service = Service()
    async with service.endpoint as endpoint:
        endpoint.serve("1.png", png(size=(512, 512)))
        ours = await run_ours(service)
        with tempfile.TemporaryDirectory() as folder:
            if peer is None:
                pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder)
                await _python(*pip, PEER, "requests")
            theirs = await run_peer(service, peer or Path(folder), real_sleeps)
    return {"ours": ours, "modelslab-py": theirs, "sleeps": "slept" if real_sleeps else "counted"}


def describe(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        f"modelslab-py's sleeps of 60 s are {result['sleeps']}.\n",
        "| request | client | seconds | requests | ends in |",
        "|---|---|--:|--:|---|",
    ]
    rows = [(request_id, client) for request_id in SCENARIOS for client in ("ours", "modelslab-py")]
    for request_id, client in [*rows[:1], (WITH_ETA, "ours"), *rows[1:]]:
        what = SCENARIOS.get(request_id, (f"the same, ETA {READY_AFTER:g} s known", ""))[0]
        run = result[client][request_id]
        lines.append(f"| {what} | {client} | {run['seconds']:.1f} | {run['polls']} | {run['end']} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time to the result and to the error, ours and modelslab-py's.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--real-sleeps", action="store_true", help="let modelslab-py really sleep (20 minutes)")
    parser.add_argument("--peer", type=Path, help="a folder that already holds modelslab-py and its dependencies")
    options = parser.parse_args()
    result = asyncio.run(measure(options.peer, options.real_sleeps))
    text = json.dumps(result, indent=2, ensure_ascii=False) if options.json else describe(result)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
