"""`Fetcher` starts the jobs of one key at one endpoint, with all that they share: connections, policies, pictures.

A `Client` has one of its own; the widgets of a kernel and `fetch_sync` share theirs (`Fetcher.shared`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from weakref import WeakValueDictionary

from ..credentials import KEY_VARIABLE, ApiKey
from ..images.cache_folder import PictureCache
from ..images.store import PictureStore
from .job import FetchJob
from .link_watch import LinkProbe
from .options import FetchOptions, Policies
from .schedule import DurationHistory
from .transport import Transport

__all__ = ["Fetcher", "check_access"]

_HISTORIES: defaultdict[str, DurationHistory] = defaultdict(DurationHistory)
"""By endpoint, how long the finished jobs of this process took and how wrong their estimates were."""

_TRANSPORTS: WeakValueDictionary[tuple[int, str, ApiKey | None], Transport] = WeakValueDictionary()
_FETCHERS: WeakValueDictionary[tuple[int, str, ApiKey | None, PictureCache | None], Fetcher] = WeakValueDictionary()
"""What is shared in this process, by event loop, endpoint, key (and cache)."""

_NO_LOOP = "There is no running event loop here: fetch in an `async def`, or with `fetch_sync` in plain Python."


class Fetcher:
    """Starts jobs.

    Args:
        connect: Makes the connections to an endpoint; called again for the addresses that the service names.
        endpoint: The address that is polled, checked.
        policies: Default policies.
        store: Where pictures are kept.
    """

    def __init__(
        self, connect: Callable[[str], Transport], endpoint: str, policies: Policies, store: PictureStore
    ) -> None:
        self.transport = connect(endpoint)
        self.policies = policies
        self._connect = connect
        self._others: dict[str, Transport] = {}
        self._store = store
        self._probe = LinkProbe()

    @classmethod
    def shared(cls, key: ApiKey | None, endpoint: str, cache: PictureCache | None = None) -> Fetcher:
        """Return the one of this event loop for an endpoint, key and cache.

        One key at one endpoint has one rate limit and one set of connections, whatever the cache. They are closed with
        the last of their users.

        Raises:
            RuntimeError: There is no running event loop.
            ValueError: There is neither a key nor a cache.
        """
        check_access(key, cache)
        scope = (id(asyncio.get_running_loop()), endpoint, key, cache)
        fetcher = _FETCHERS.get(scope)
        if fetcher is None:
            store = PictureStore(cache=cache)
            fetcher = _FETCHERS[scope] = cls(partial(_shared_transport, key), endpoint, Policies(), store)
        return fetcher

    @property
    def endpoint(self) -> str:
        """The address that is polled."""
        return self.transport.endpoint

    @property
    def cache(self) -> PictureCache | None:
        """The folder that keeps the original files."""
        return self._store.cache

    def start(self, options: FetchOptions, policies: Policies | None = None) -> FetchJob:
        """Start a job for checked options, by the `policies` of the caller or of this object.

        Raises:
            RuntimeError: There is no running event loop.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(_NO_LOOP) from None
        endpoint = options.endpoint_at(self.endpoint)
        transport = self.transport if endpoint == self.endpoint else self._others.get(endpoint)
        if transport is None:
            transport = self._others[endpoint] = self._connect(endpoint)
        options = options.with_policies(policies or self.policies)
        return FetchJob(transport, options, _HISTORIES[endpoint], self._store, self._probe)

    async def close(self) -> None:
        """Close the connections."""
        for transport in (self.transport, *self._others.values()):
            await transport.close()


def check_access(key: ApiKey | None, cache: PictureCache | None) -> None:
    """Raise ValueError when there is neither a key to poll with nor a folder that may have the pictures."""
    if key is None and cache is None:
        raise ValueError(f"no API key: pass it as the first argument or set {KEY_VARIABLE}")


def _shared_transport(key: ApiKey | None, endpoint: str) -> Transport:
    """Return the connections of the running loop for one key and endpoint."""
    scope = (id(asyncio.get_running_loop()), endpoint, key)
    transport = _TRANSPORTS.get(scope)
    if transport is None:
        transport = _TRANSPORTS[scope] = Transport(key, endpoint)
    return transport
