"""Looks host names up, in threads that may hang: neither a request nor the exit of the interpreter waits for them.

The resolver of the operating system takes as long as the name server needs, and cannot be cancelled. asyncio
runs it in the few threads that it has for everything else, and joins them at exit.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

__all__ = ["NameLookups"]

Addresses = list[tuple[int, str]]
"""Family (`socket.AF_INET`, …) and text of each address of a name."""

_MOST = 32
"""Look-ups at once. Connections need fewer. If there are more, they hang."""


class NameLookups:
    """Looks names up for one purpose, each in a daemon thread. Belongs to the running loop."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Future[Addresses | OSError]] = {}

    async def look_up(self, host: str, seconds: float) -> Addresses:
        """Return the addresses of a name or literal.

        Raises:
            OSError: If it has none, if that takes longer than `seconds`, or if too many other look-ups hang.
        """
        found = self._running.get(host) or self._start(host)
        await asyncio.wait({found}, timeout=seconds)  # which neither cancels it nor counts the time of a frozen loop
        if not found.done():
            raise OSError("the look-up of the name takes too long")
        result = found.result()
        if isinstance(result, OSError):
            raise OSError(str(result))
        return result

    def _start(self, host: str) -> asyncio.Future[Addresses | OSError]:
        if len(self._running) >= _MOST:
            raise OSError("too many look-ups hang")
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Addresses | OSError] = loop.create_future()

        def end(result: Addresses | OSError) -> None:
            del self._running[host]
            found.set_result(result)

        def work() -> None:
            result: Addresses | OSError
            try:
                infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                result = [(family, str(address[0])) for family, _, _, _, address in infos]
            except (OSError, UnicodeError) as error:
                result = OSError(str(error))
            with contextlib.suppress(RuntimeError):  # the loop is closed meanwhile
                loop.call_soon_threadsafe(end, result)

        threading.Thread(target=work, name="dreambooth-names", daemon=True).start()
        self._running[host] = found
        return found
