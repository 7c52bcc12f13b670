"""The clients that `peers.py` compares, each called as its documentation says; it runs where they are installed.

    python peer_clients.py CLIENT ADDRESS KEY ID …

Prints, as JSON, the seconds until the result of each id, and what the result was.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import fal_client.client
import replicate
import requests
from modelslab_py.core.apis import base
from modelslab_py.core.apis.community import Community
from modelslab_py.core.client import Client

Fetch = Callable[[str], str]
"""An id → what the result was."""


def modelslab(address: str, key: str) -> Fetch:
    """modelslab-py, which polls every 60 s."""
    client = Client(key)
    client.base_url = f"{address}/api/"
    return lambda request_id: f"a dict, status {Community(client).fetch(request_id)['status']!r}"


def replicate_polls(address: str, key: str, *, wait: bool = False) -> Fetch:
    """replicate, which polls every 0.5 s."""
    client = replicate.Client(api_token=key, base_url=address)

    def fetch(request_id: str) -> str:
        prediction = client.predictions.create(version="0" * 64, input={"id": request_id}, wait=wait)
        prediction.wait()
        return str(prediction.status)

    return fetch


def replicate_waits(address: str, key: str) -> Fetch:
    """replicate, as `replicate.run` does: the service holds the call until the job is ready."""
    return replicate_polls(address, key, wait=True)


def fal(address: str, key: str) -> Fetch:
    """fal-client, which polls every 0.1 s. The scheme of its address is fixed in the package."""
    fal_client.client.QUEUE_URL_FORMAT = f"{address}/"
    client = fal_client.SyncClient(key=key)

    def fetch(request_id: str) -> str:
        images = client.submit("owner/model", {"id": request_id}).get()["images"]
        return f"{len(images)} address"

    return fetch


class CountedSleep:
    """Takes the place of modelslab-py's sleeps: each moves the job on by as much instead."""

    def __init__(self, address: str) -> None:
        self.address, self.request_id, self.seconds = address, "", 0.0
        base.time = SimpleNamespace(sleep=self)

    def __call__(self, seconds: float) -> None:
        """Move the job on."""
        self.seconds += seconds
        requests.get(f"{self.address}/skip/{self.request_id}/{seconds}", timeout=30)


def timed(fetch: Fetch, request_id: str, sleep: CountedSleep | None = None) -> tuple[float, str]:
    """(seconds, result), with the sleeps that were counted."""
    began = time.monotonic()
    if sleep is not None:
        sleep.request_id, sleep.seconds = request_id, 0.0
    end = fetch(request_id)
    return time.monotonic() - began + (sleep.seconds if sleep is not None else 0.0), end


def main(name: str, address: str, key: str, *ids: str) -> None:
    """Fetch all ids at once, or one after the other where sleeps are counted."""
    sleep = CountedSleep(address) if name == "modelslab_counted" else None
    clients = (modelslab, replicate_polls, replicate_waits, fal)
    fetch = {client.__name__: client for client in clients}[name.removesuffix("_counted")](address, key)
    timed(fetch, "warm-0", sleep)  # connections and certificates are not what is measured
    with ThreadPoolExecutor(1 if sleep is not None else len(ids)) as pool:
        rows = list(pool.map(lambda request_id: timed(fetch, request_id, sleep), ids))
    sys.stdout.write(json.dumps(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
