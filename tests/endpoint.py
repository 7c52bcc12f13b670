"""The tests' endpoint: a real aiohttp server on loopback, scripted answer by answer, that also misbehaves."""

from __future__ import annotations

import asyncio
import io
import json
import multiprocessing
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from PIL import Image, PngImagePlugin

CANARY = "canary-key-7f3e9b2c51d84a60"
"""The API key of the tests. It must be found nowhere but in the body of a POST to the endpoint."""

PROCESSING = {"status": "processing", "messege": "try again later.", "output": ""}
FAILED = {"status": "failed", "message": "Failed, Try Again", "output": ""}
FETCH_PATH = "/api/v4/dreambooth/fetch"


@dataclass
class Reply:
    """One answer: a JSON-able body or bytes, after `delay` seconds or when `gate` opens."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    gate: asyncio.Event | None = None
    chunked: bool = False
    """Send the body without a Content-Length."""
    drop: bool = False
    """Close the connection instead of answering."""


@dataclass(frozen=True)
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    time: float
    peer: int
    """The client's port: one per connection."""


Script = Callable[[Seen], Awaitable[Reply] | Reply]


def png(color: str = "teal", size: tuple[int, int] = (64, 48), **text: str) -> bytes:
    """A real PNG with text chunks."""
    info = PngImagePlugin.PngInfo()
    for name, value in text.items():
        info.add_text(name, value)
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, "PNG", pnginfo=info)
    return out.getvalue()


class Endpoint:
    """Answers POSTs with `answers` in turn (the last one again and again) and GETs with `files`.

    An answer is a `Reply`, a dict (sent as JSON) or bytes. `when` overrides: a function of the request.
    """

    def __init__(self, *answers: Reply | dict[str, Any] | bytes) -> None:
        self.answers = list(answers)
        self.files: dict[str, Reply | list[Reply] | bytes] = {}
        self.seen: list[Seen] = []
        self.when: Script | None = None
        self.changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.context: ssl.SSLContext | None = None
        """Serves https when it is set before the start."""

    # -- addresses ---------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The fetch address."""
        return f"{self._origin}{FETCH_PATH}"

    @property
    def _origin(self) -> str:
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}"

    def link(self, name: str) -> str:
        """The address of a file."""
        return f"{self._origin}/files/{name}"

    def serve(self, name: str, *replies: Reply | bytes) -> str:
        """Serve `replies` in turn under `name`; returns its address."""
        self.files[f"/files/{name}"] = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]
        return self.link(name)

    def success(self, *links: str, **more: Any) -> dict[str, Any]:
        """The literal body of a finished job."""
        return {"status": "success", "id": 13443927, "output": list(links), **more}

    # -- what was seen -----------------------------------------------------------------------------------------

    @property
    def polls(self) -> list[Seen]:
        """The POSTs to the fetch address."""
        return [seen for seen in self.seen if seen.method == "POST"]

    @property
    def gets(self) -> list[Seen]:
        """The requests for files."""
        return [seen for seen in self.seen if seen.method == "GET"]

    async def saw(self, count: int, method: str = "POST") -> None:
        """Wait until `count` requests came."""
        while sum(seen.method == method for seen in self.seen) < count:
            self.changed.clear()
            await self.changed.wait()

    # -- the server --------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Endpoint:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.context)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername")[1] if request.transport else 0
        now = asyncio.get_running_loop().time()
        seen = Seen(request.method, request.path, dict(request.headers), await request.read(), now, peer)
        self.seen.append(seen)
        self.changed.set()
        reply = self._post_reply(seen) if request.method == "POST" else self._file_reply(seen)
        if asyncio.iscoroutine(reply):
            reply = await reply
        assert isinstance(reply, Reply)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.gate is not None:
            await reply.gate.wait()
        if reply.drop:
            assert request.transport is not None
            request.transport.abort()
            raise web.HTTPInternalServerError
        return self._response(reply)

    def _post_reply(self, seen: Seen) -> Any:
        if self.when is not None:
            return self.when(seen)
        answer = self.answers[min(len(self.polls), len(self.answers)) - 1]
        return answer if isinstance(answer, Reply) else Reply(answer)

    def _file_reply(self, seen: Seen) -> Reply:
        replies = self.files.get(seen.path)
        if replies is None:
            return Reply(b"", 404)
        if isinstance(replies, (Reply, bytes)):
            return replies if isinstance(replies, Reply) else Reply(replies)
        return replies.pop(0) if len(replies) > 1 else replies[0]

    @staticmethod
    def _response(reply: Reply) -> web.Response:
        if isinstance(reply.body, bytes):
            response = web.Response(body=reply.body, status=reply.status, headers=reply.headers)
            if reply.chunked:
                response.enable_chunked_encoding()
            return response
        return web.Response(
            text=json.dumps(reply.body), status=reply.status, headers=reply.headers, content_type="application/json"
        )


class Service(Endpoint):
    """Answers by request id: "processing" until that id is in `ready` or `failing`."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: set[str] = set()
        self.failing: set[str] = set()
        self.when = self._answer

    def _answer(self, seen: Seen) -> Reply:
        request_id = json.loads(seen.body)["request_id"]
        if request_id in self.failing:
            return Reply(FAILED)
        if request_id not in self.ready:
            return Reply(PROCESSING)
        return Reply(self.success(self.serve(f"{request_id}.png", png(prompt=request_id))))

    def poll_count(self, request_id: str) -> int:
        """How often a request was polled."""
        return sum(json.loads(seen.body)["request_id"] == request_id for seen in self.polls)


class ThreadedEndpoint:
    """An `Endpoint` on a loop of its own in a thread, for tests that talk to it from another process."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Endpoint:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.endpoint.__aenter__(), self._loop).result(10)
        return self.endpoint

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.endpoint.__aexit__(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class ProcessEndpoint:
    """An `Endpoint` in a process of its own: sending megabytes there takes nothing from this interpreter.

    It answers every POST with `answer`, or with success and the addresses of `files`.
    """

    def __init__(self, answer: bytes | None = None, files: Mapping[str, bytes] | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, answer, dict(files or {})), daemon=True)
        self.url = ""

    def __enter__(self) -> ProcessEndpoint:
        self._process.start()
        self.url = self._here.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._here.send("stop")
        self._process.join(10)
        self._process.close()
        self._here.close()


def _serve(pipe: Any, answer: bytes | None, files: Mapping[str, bytes]) -> None:
    with ThreadedEndpoint(Endpoint()) as endpoint:
        links = [endpoint.serve(name, data) for name, data in files.items()]
        endpoint.answers = [Reply(answer) if answer is not None else endpoint.success(*links)]
        pipe.send(endpoint.url)
        pipe.recv()
