"""The service of `load.py`, in a process of its own: answers after 150 ms, and counts polls and open connections."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from random import Random
from typing import Any

from aiohttp import web

ANSWER = 0.15
SHORTEST_ETA, LONGEST_ETA, SIGMA, LONGEST = 5.0, 30.0, 0.5, 45.0


class Service:
    """Requests 0 to `count`, all running from the first poll on; `pictures` each, all of the same bytes."""

    def __init__(self, count: int, pictures: int, picture: bytes) -> None:
        random = Random(5)
        self.etas = [math.exp(random.uniform(math.log(SHORTEST_ETA), math.log(LONGEST_ETA))) for _ in range(count)]
        self.durations = [min(eta * math.exp(random.gauss(0, SIGMA)), LONGEST) for eta in self.etas]
        if pictures:
            self.durations = [0.0] * count  # all is ready: what counts is what the pictures cost
        self.pictures, self.picture = pictures, picture
        self.begun: float | None = None
        self.polls = self.connections = 0
        self.delays: dict[int, float] = {}
        self.runner: web.AppRunner

    async def fetch(self, request: web.Request) -> web.Response:
        """The fetch endpoint. Without pictures, a ready request is answered as failed: nothing is loaded then."""
        body = await request.json()
        number = int(body["request_id"])
        assert self.runner.server is not None
        self.connections = max(self.connections, len(self.runner.server.connections))
        self.polls += 1
        self.begun = self.begun or time.monotonic()
        late = time.monotonic() - self.begun - self.durations[number]
        await asyncio.sleep(ANSWER)
        if late < 0:
            return web.json_response({"status": "processing", "id": number, "eta": self.etas[number]})
        self.delays.setdefault(number, late)
        if not self.pictures:
            return web.json_response({"status": "failed", "id": number, "output": "", "message": "ready"})
        links = [f"http://{request.host}/{number}-{index}.png" for index in range(self.pictures)]
        return web.json_response({"status": "success", "id": number, "output": links})

    async def show(self, request: web.Request) -> web.Response:
        """One picture."""
        return web.Response(body=self.picture, content_type="image/png")

    async def report(self, request: web.Request) -> web.Response:
        """What was counted."""
        delays = sorted(self.delays.values())
        mean = sum(delays) / len(delays) if delays else 0.0
        return web.json_response({"polls": self.polls, "connections": self.connections, "mean delay": round(mean, 2)})


async def serve(count: int, pictures: int, picture: bytes) -> None:
    """Serve until the input ends; the first line of the output is the port."""
    service = Service(count, pictures, picture)
    app = web.Application()
    app.router.add_post("/fetch", service.fetch)
    app.router.add_get("/report", service.report)
    app.router.add_get("/{name}", service.show)
    service.runner = web.AppRunner(app, access_log=None)
    await service.runner.setup()
    await web.TCPSite(service.runner, "127.0.0.1", 0, backlog=4096).start()
    sys.stdout.write(json.dumps(service.runner.addresses[0][1]) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)
    await service.runner.cleanup()


def main() -> None:
    """`load_service.py COUNT PICTURES FILE`."""
    count, pictures, path = sys.argv[1:4]
    data: Any = b""
    if int(pictures):
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
    asyncio.run(serve(int(count), int(pictures), data))


if __name__ == "__main__":
    main()
