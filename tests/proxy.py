"""A forward proxy on loopback: absolute requests and CONNECT, with or without credentials, over http or https."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit


class ForwardProxy:
    """Forwards to 127.0.0.1 whatever the name is, so that tests need no look-up of names.

    Args:
        login: "user:password" that is required, "" for none.
        context: Serves the proxy itself over TLS.
    """

    def __init__(self, login: str = "", context: ssl.SSLContext | None = None) -> None:
        self.seen: list[tuple[str, str, Mapping[str, str]]] = []
        """(method, target, headers with lower-case names) of each request."""
        self._wanted = "Basic " + base64.b64encode(login.encode()).decode() if login else ""
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """The proxy's address, without credentials."""
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}"

    def url_with(self, login: str) -> str:
        """The proxy's address with "user:password"."""
        return self.url.replace("://", f"://{login}@")

    async def __aenter__(self) -> ForwardProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._forward(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one side has gone
        finally:
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, version = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.seen.append((method, target, headers))
        if self._wanted and headers.get("proxy-authorization") != self._wanted:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nVia: 1.1 squid\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        if method == "CONNECT":
            other_reader, other = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            other_reader, other = await asyncio.open_connection("127.0.0.1", parts.port or 80)
            path = target.partition("://")[2].partition("/")[2]
            kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
            other.write(
                "\r\n".join([f"{method} /{path} {version}", *kept, "Connection: close", "", ""]).encode("latin-1")
            )
        try:
            await asyncio.gather(_pipe(reader, other), _pipe(other_reader, writer))
        finally:
            other.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
