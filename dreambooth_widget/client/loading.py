"""The pictures of one request: from the cache, else from their links, checked by a worker and kept in the store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..images.cache_folder import PictureCache, StoredRequest
from ..images.original import Original
from ..images.picture import Picture
from ..images.pool import WorkerPool
from ..images.sniff import PictureRefusedError, unwrap
from ..images.store import PictureStore
from ..images.threads import in_picture_thread
from .download import MissingPictureError, download
from .options import FetchOptions
from .state import PictureState

if TYPE_CHECKING:
    from ..protocol.parsing import PictureLink
    from .transport import Transport

__all__ = ["PictureLoader"]

log = logging.getLogger(__name__)


class PictureLoader:
    """Loads the pictures of one request."""

    def __init__(
        self,
        transport: Transport,
        options: FetchOptions,
        store: PictureStore,
        show: Callable[[PictureState], None],
    ) -> None:
        """Make a loader.

        Args:
            transport: Brings the bytes.
            options: Names the request, its limits and its retries.
            store: Keeps originals and renditions.
            show: Called with each new entry of the job's state, on the loop.
        """
        self._transport = transport
        self._options = options
        self._store = store
        self._show = show
        self._links: Sequence[PictureLink] = ()
        self._count = 0
        self.recalled: dict[int, Picture] = {}
        """The pictures that came from the cache, by their index."""
        self.meta: Mapping[str, Any] = {}
        """The facts that are kept with the pictures: those of the cache until `load_all` brings others."""

    @property
    def all_recalled(self) -> bool:
        """Whether every picture came from the cache, so that no poll is needed."""
        return len(self.recalled) == self._count > 0

    @property
    def _key(self) -> tuple[str, str]:
        return self._transport.endpoint, self._options.request_id

    async def look_up(self) -> None:
        """Read what the cache has of this request."""
        if self._store.cache is None:
            return
        found = await in_picture_thread(self._find, self._store.cache)
        self._count, self.meta = found.count, found.meta
        for index, original in found.pictures.items():
            if index not in self.recalled:  # its inspection is lost or damaged
                with contextlib.suppress(PictureRefusedError):
                    self.recalled[index] = await self._check(index, original.read(), "")

    def _find(self, cache: PictureCache) -> StoredRequest:
        limits = self._options.limits
        found = cache.find(*self._key, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)
        for index, original in found.pictures.items():
            if original.inspection is not None:
                copy = cache.file_of(*self._key, index, original)
                self.recalled[index] = Picture.of(original, index=index, url="")
                self._store.add(original, copy)
        return found

    async def load_all(
        self, links: Sequence[PictureLink], entries: Sequence[PictureState], meta: Mapping[str, Any]
    ) -> None:
        """Load the pictures behind `links`, and show each as `ready` or `missing`. Cancelling this ends the loading.

        Args:
            links: One for each entry.
            entries: What is shown of the pictures now.
            meta: The facts that are kept with the pictures.
        """
        if self._count != len(links):  # another answer than the one that was kept
            self.recalled.clear()
        self._links, self.meta, self._count = links, meta, len(links)
        loads = [asyncio.create_task(self.load(entry)) for entry in entries]
        try:
            await asyncio.gather(*loads)
        finally:
            for load in loads:
                load.cancel()

    async def load(self, entry: PictureState) -> None:
        """Load one picture, from the cache if that has it, and show it as `ready` or `missing`."""
        index = entry.index
        picture = self.recalled.get(index)
        if picture is None:

            def on_retry(reason: str) -> None:
                self._show(replace(entry, status="waiting", reason=reason))

            try:
                picture = await download(
                    self._transport,
                    self._links[index],
                    max_bytes=self._options.limits.max_bytes,
                    retry=self._options.retry,
                    on_retry=on_retry,
                    request_id=self._options.request_id,
                    check=partial(self._check, index),
                )
            except MissingPictureError as error:
                self._show(replace(entry, status="missing", reason=str(error)))
                return
        self._show(
            replace(entry, status="ready", reason="", picture=picture, width=picture.width, height=picture.height)
        )

    async def _check(self, index: int, data: bytes, url: str) -> Picture:
        """Return the picture in untrusted bytes, once it is stored. Raises PictureRefusedError."""
        limits = self._options.limits
        data = await in_picture_thread(unwrap, data, max_bytes=limits.max_bytes)
        original = Original(data, await WorkerPool.shared().inspect(data, max_pixels=limits.max_pixels))
        picture = Picture.of(original, index=index, url=url if url.lower().startswith("http") else "")
        await in_picture_thread(self._keep, index, original)
        return picture

    def _keep(self, index: int, original: Original) -> None:
        """Put a picture into the cache, and onto disk where memory is full.

        A cache that cannot be written to costs the cache, not the job.
        """
        copy, cache = None, self._store.cache
        if cache is not None:
            try:
                copy = cache.keep(*self._key, index, original, self._count, self.meta)
            except OSError as error:
                log.warning("request %s: %r cannot keep a picture: %s", self._options.request_id, cache, error)
        self._store.add(original, copy)
