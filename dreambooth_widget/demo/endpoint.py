"""The stand-in's server: `start_demo` and what it returns.

It lives on a thread and an event loop of its own, so it answers while a cell blocks, and ends quietly with the process
if it is never closed.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import logging
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .jobs import FETCH_PATH, KEY, Failure, Jobs, answer_queued, invalid_key, not_found, read_order, required
from .scenery import draw_png

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["DemoEndpoint", "Failure", "start_demo"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # otherwise aiohttp's faults would land in whatever cell ran last

_draw = functools.lru_cache(maxsize=16)(draw_png)

DEFAULT_PROMPT = "a photo of sks dog far from home, cinematic light"


async def start_demo(port: int = 0, *, host: str = "127.0.0.1", pace: float = 1.0) -> DemoEndpoint:
    """Start the stand-in and return it once it listens.

    Args:
        port: The port; 0 takes a free one.
        host: The address to listen on.
        pace: Scales all times: 0.1 makes a job with `eta=8` ready after 0.8 s.

    Raises:
        OSError: The port is taken.
        ValueError: `pace` is not positive.
    """
    if not pace > 0:
        raise ValueError(f"pace must be positive, not {pace}")
    endpoint = DemoEndpoint(pace)
    try:
        await asyncio.wrap_future(endpoint.start(host, port))
    except BaseException:
        await endpoint.close()
        raise
    return endpoint


class DemoEndpoint:
    """A running stand-in, made by `start_demo`. As an async context manager it closes itself."""

    key = KEY
    """The key that it accepts."""

    def __init__(self, pace: float) -> None:
        self.origin = ""
        self._jobs = Jobs(pace=pace)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._drawing = asyncio.Semaphore(1)  # one picture at a time: the kernel uses the same processor

    @property
    def url(self) -> str:
        """The address to pass as `endpoint=`: the v4 form, with the id in the body."""
        return self.origin + FETCH_PATH

    def generate(
        self,
        prompt: str = DEFAULT_PROMPT,
        *,
        samples: int = 4,
        eta: float = 8,
        width: int = 1024,
        height: int = 1024,
        seed: int | None = None,
        fail: Failure | None = None,
    ) -> dict[str, Any]:
        """Queue a generation and return what the service's generation call answers: `id`, `eta`, `future_links`, ….

        Args:
            prompt: The prompt; a word such as "dune", "aurora", "sea" or "planet" chooses the scene.
            samples: The number of pictures.
            eta: Seconds until they are ready, scaled by the pace.
            width: In pixels, 64 to 2048.
            height: In pixels, 64 to 2048.
            seed: The same seed gives the same pictures; None takes another one each time.
            fail: How the job goes wrong, see `Failure`.

        Raises:
            ValueError: An argument is wrong; the message names it.
        """
        job = self._jobs.add(
            prompt,
            samples=samples,
            eta=eta,
            width=width,
            height=height,
            seed=seed,
            fail=fail,
            now=time.monotonic(),
        )
        return answer_queued(job, self.origin)

    async def close(self) -> None:
        """Stop serving. Closing twice does nothing."""
        await asyncio.to_thread(self._stop)

    async def __aenter__(self) -> DemoEndpoint:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<DemoEndpoint {self.url}>"

    # -- the thread it lives on --------------------------------------------------------------------------------

    def start(self, host: str, port: int) -> Future[None]:
        """Start the thread; the future is done when it listens, or fails with what went wrong."""
        listening: Future[None] = Future()
        serve = functools.partial(self._run, host, port, listening)
        self._thread = threading.Thread(target=serve, name="dreambooth-demo", daemon=True)
        self._thread.start()
        atexit.register(self._stop)
        return listening

    def _run(self, host: str, port: int, listening: Future[None]) -> None:
        try:
            asyncio.run(self._serve(host, port, listening))
        except BaseException as error:  # the thread's edge: the future of the start gets it
            if listening.done():
                log.exception("the stand-in endpoint broke")
            else:
                listening.set_exception(error)

    async def _serve(self, host: str, port: int, listening: Future[None]) -> None:
        runner = web.AppRunner(self._routes(), access_log=None, logger=log, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            taken = runner.addresses[0][1]
            self.origin = f"http://{f'[{host}]' if ':' in host else host}:{taken}"
            self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
            listening.set_result(None)
            await self._closing.wait()
        finally:
            await runner.cleanup()

    def _stop(self) -> None:
        atexit.unregister(self._stop)
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._closing is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._closing.set)
        thread.join(5)

    # -- what it answers ---------------------------------------------------------------------------------------

    def _routes(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/v4/dreambooth", self._order)
        for path in (FETCH_PATH, "/api/v6/images/fetch"):
            app.router.add_post(path, self._poll)
            app.router.add_post(path + "/{request_id}", self._poll)
        app.router.add_get("/generations/{name}", self._picture)
        return app

    async def _order(self, request: web.Request) -> web.Response:
        """Queue a generation for another program."""
        body = await _read(request)
        if body.get("key") != KEY:
            return web.json_response(invalid_key())
        if not body.get("prompt"):
            return web.json_response(required("prompt"))
        try:
            job = self._jobs.add(**read_order(body), now=time.monotonic())
        except (TypeError, ValueError) as error:
            return web.json_response({"status": "error", "message": str(error)})
        return web.json_response(answer_queued(job, self.origin))

    async def _poll(self, request: web.Request) -> web.Response:
        body = await _read(request)
        request_id = request.match_info.get("request_id", body.get("request_id"))
        if body.get("key") != KEY:
            return web.json_response(invalid_key())
        if request_id in (None, ""):
            return web.json_response(required("request_id"))
        job = self._jobs.find(request_id)
        if job is None:
            return web.json_response(not_found())
        status, answer = job.answer(time.monotonic(), self.origin, self._jobs.pace)
        if isinstance(answer, str):
            return web.Response(text=answer, status=status, content_type="text/html")
        return web.json_response(answer, status=status)

    async def _picture(self, request: web.Request) -> web.Response:
        job, number = self._jobs.find_picture(request.match_info["name"]) or (None, 0)
        if job is None or job.ready_at is None or time.monotonic() < job.ready_at or job.picture_gone(number):
            raise web.HTTPNotFound(text="Object not found")
        async with self._drawing:
            data = await asyncio.to_thread(_draw, job.seed + number, job.prompt, (job.width, job.height))
        return web.Response(body=data, content_type="image/png")


async def _read(request: web.Request) -> dict[str, Any]:
    """Return the body's JSON object; {} if it is none, which then lacks a key."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
