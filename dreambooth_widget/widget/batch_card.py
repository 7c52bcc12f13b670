"""The card of a batch: what is shown of its jobs, and the messages of its views.

State runs one way: states of the jobs → traits and rows → view; intents come back as messages of the views.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import traitlets

from ..client.job_group import FetchJobs
from ..client.state import FetchResult, FetchState, PictureState
from ..credentials import find_key
from ..errors import InvalidKeyError
from ..images.files import named
from .base import BaseWidget, check_indices, entry_at, may_be_index, read_only
from .batch_summary import BatchSummary, summarize
from .static_content import StaticContent, read_batch
from .trait_values import row_values

if TYPE_CHECKING:
    from ..images.picture import Picture

__all__ = ["BatchCard"]

_INTERVAL = 0.25
"""Seconds between two messages about what has changed: however many requests move, a browser gets four a second."""

_ROWS = 100
"""Requests in one message."""

_FIRST_THUMBNAILS = 60
"""Pictures whose thumbnails are sent by themselves: what a gallery shows at first."""


def _read_selected(value: object, card: BatchCard) -> list[list[int]]:
    """Return the pairs that a view selected, without those that no picture has: the view may be of another state."""

    def may_be(pair: object) -> bool:
        if not isinstance(pair, list) or len(pair) != 2 or not may_be_index(pair[0], len(card._jobs)):
            return False
        return may_be_index(pair[1], card._jobs[pair[0]].count)

    return [pair for pair in value if may_be(pair)] if isinstance(value, list) else []


class BatchCard(BaseWidget):
    """Shows how the jobs of a batch stand, and handles the messages of its views."""

    _kind = read_only(traitlets.Unicode("batch"))
    """Which card the front end draws."""

    status = read_only(traitlets.Enum(["idle", "processing", "success", "error", "stopped", "timed_out"], "idle"))
    """What the batch is doing. After the end: `error` when some have failed, else `timed_out`, `stopped`, `success`."""
    message = read_only(traitlets.Unicode())
    """One line for people: "37 of 50 done, 2 failed"."""
    total = read_only(traitlets.Int())
    """The number of requests."""
    counts = read_only(traitlets.Dict())
    """The number of requests by their status."""
    started_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time of the first poll."""
    next_poll_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time of the next poll for any of them."""
    done_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time at which all are expected to have ended; None if it is unknown."""
    finished_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time at which the last one ended."""
    selected = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True, from_json=_read_selected)
    """The selected pictures as [index of the request, index of the picture]. Set it here or in the gallery."""
    _card = read_only(traitlets.Dict())
    """What the card shows besides: activity and trouble, the kernel's time, whether the form and the key are there."""

    _jobs: FetchJobs

    def __init__(self, *args: Any, **options: Any) -> None:
        self._changed: dict[int, None] = {}  # indices of requests that the views lack, in the order of the changes
        self._announced = False  # whether a message with them is due
        self._held_back = contextlib.ExitStack()  # delays the traits until the next message
        self._cached = 0  # requests, from the first on, that need no key
        self._thumbnails_sent: set[str] = set()  # digests of the pictures whose thumbnails were sent
        super().__init__(*args, **options)

    @property
    def _can_start(self) -> bool:
        """Whether there is a key, or a cache that has the pictures of every request."""
        if self._has_key or self._cache is None:
            return self._has_key
        specs = self._jobs.specs
        while self._cached < len(specs):  # each is looked up once, and a thousand manifests are not read for a message
            spec = specs[self._cached]
            options = spec.options
            if spec.error is None and not self._cache.has_all(options.endpoint_at(self._endpoint), options.request_id):
                return False
            self._cached += 1
        return True

    def _captioned(self) -> Iterator[tuple[str, FetchResult | FetchState]]:
        """Yield the caption of each request, and what there is to keep of it."""
        for spec, outcome, state in zip(self._jobs.specs, self._jobs.outcomes, self._jobs.states, strict=True):
            yield spec.options.caption, outcome if isinstance(outcome, FetchResult) else state

    # -- state out ---------------------------------------------------------------------------------------------

    def _note_change(self, index: int) -> None:
        """Take note of a request that has changed, for the next message to the views."""
        self._changed[index] = None
        if not self._announced:
            self._announced = self._kernel_loop.later(_INTERVAL, self._send_changes)

    def _send_changes(self) -> None:
        """Send one message with every trait that changed, and one with the rows."""
        self._announced = False
        self._held_back.close()
        indices = list(self._changed)[:_ROWS]
        for index in indices:
            del self._changed[index]
        summary = self._show()
        if self._viewed:
            self._send_rows(indices)
            self._send_thumbnails(indices)
        if self._changed:
            self._note_change(next(iter(self._changed)))
        elif summary.finished_at is not None and indices:
            content = read_batch(self._captioned(), self.message)
            self._kernel_loop.tasks.run(self._save_copy(summary, content))

    def _summarize(self) -> BatchSummary:
        """Return how the requests stand now."""
        return summarize(self._jobs.states, time.time())

    def _show(self) -> BatchSummary:
        """Set the traits to how the requests stand, in one message."""
        summary = self._summarize()
        card = {
            "activity": summary.activity,
            "trouble": summary.trouble,
            "clock": time.time(),
            "form": not self._can_start,
            "has_key": self._has_key,
            "key_refused": summary.key_refused,
        }
        with self.hold_sync():
            self.set_trait("_card", card)
            self.set_trait("total", len(self._jobs))
            for name in ("message", "counts", "started_at", "next_poll_at", "done_at", "finished_at", "status"):
                self.set_trait(name, getattr(summary, name))
        if summary.finished_at is None and not summary.counts["success"] and len(self._jobs):
            self._note_milestone((summary.status, len(self._jobs)), self._read_running)
        return summary

    def _read_running(self) -> StaticContent:
        """Return the line that stays in a notebook that is saved while the requests run."""
        return read_batch((caption, source) for caption, source in self._captioned() if not _is_final(source))

    def _send_rows(self, indices: Sequence[int], *, first: bool = False) -> None:
        if not indices and not first:
            return
        specs = self._jobs.specs
        rows = [row_values(index, specs[index].options.caption, self._jobs[index]) for index in indices]
        self._send_buffers({"type": "rows", "rows": rows, "first": first}, [])

    def _send_thumbnails(self, indices: Iterable[int]) -> None:
        """Send thumbnails of pictures that have become ready, as many as a gallery shows at first."""
        for index in indices:
            state = self._jobs[index]
            for picture in (entry.picture for entry in state.pictures):
                if len(self._thumbnails_sent) >= _FIRST_THUMBNAILS:
                    return
                if picture is not None and picture.digest not in self._thumbnails_sent:
                    self._thumbnails_sent.add(picture.digest)
                    self._sender.send("thumbnail", picture, state.request_id)

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> list[list[int]]:
        """Sort the pairs. Raises TraitError for one that no picture has, as soon as their number is known."""
        for pair in proposal["value"]:
            if len(pair) != 2:
                raise traitlets.TraitError(f"a picture is [index of its request, its index], not {pair}")
            request, index = pair
            if not 0 <= request < len(self._jobs):
                raise traitlets.TraitError(f"there is no request with index {request}: there are {len(self._jobs)}")
            check_indices([index], self._jobs[request].count, f"request {request}")
        return [list(pair) for pair in sorted(set(map(tuple, proposal["value"])))]

    # -- intents in --------------------------------------------------------------------------------------------

    def _on_ready(self, content: Mapping[str, Any]) -> None:
        """Send every row and the first thumbnails: a view appeared, or the page was reloaded."""
        self._viewed = True
        self._show()
        self._send_traits()
        have = content.get("have")
        self._thumbnails_sent = (
            {digest for digest in have if isinstance(digest, str)} if isinstance(have, list) else set()
        )
        self._kernel_loop.tasks.run(self._send_everything())
        if self._outputs is not None:
            self._outputs.view_appeared()

    async def _send_everything(self) -> None:
        for begin in range(0, max(1, len(self._jobs)), _ROWS):
            rows = range(begin, min(begin + _ROWS, len(self._jobs)))
            self._send_rows(rows, first=begin == 0)
            # At once: the first screen does not wait for the rows that are out of sight.
            self._send_thumbnails(rows)
            await asyncio.sleep(0)

    def _on_start(self, content: Mapping[str, Any]) -> None:
        if content.get("key"):
            self._use_key(find_key(content["key"]))
            for index, state in enumerate(self._jobs.states):
                if isinstance(state.error, InvalidKeyError):
                    self._jobs.again(index)
        self.start()

    def _on_retry_failed(self, content: Mapping[str, Any]) -> None:
        self.retry_failed()

    def _on_again(self, content: Mapping[str, Any]) -> None:
        self._jobs.again(self._request_index(content))

    def _on_retry(self, content: Mapping[str, Any]) -> None:
        index = content.get("index")
        if isinstance(index, int):
            self._jobs.retry_picture(self._request_index(content), index)

    def _entry_of(self, content: Mapping[str, Any]) -> tuple[str, PictureState | None]:
        state = self._jobs[self._request_index(content)]
        return state.request_id, entry_at(state.pictures, content.get("index"))

    def _on_zip(self, content: Mapping[str, Any]) -> None:
        pairs = content.get("pictures")
        files: dict[str, Picture] = {}  # by name: an id may be in the batch twice
        for pair in pairs if isinstance(pairs, list) else []:
            entry = self._entry(*pair) if isinstance(pair, list) and len(pair) == 2 else None
            if entry is not None and entry.picture is not None:
                files.update(named([entry.picture], self._jobs[pair[0]].request_id))
        self._send_zip(content, list(files.items()), "batch")

    def _request_index(self, content: Mapping[str, Any]) -> int:
        """Return the index of the request that a message is about. Raises ValueError if there is none."""
        request = content.get("request")
        if not isinstance(request, int) or not 0 <= request < len(self._jobs):
            raise ValueError("There is no such request.")
        return request

    def _entry(self, request: object, index: object) -> PictureState | None:
        if not isinstance(request, int) or not 0 <= request < len(self._jobs):
            return None
        return entry_at(self._jobs[request].pictures, index)


def _is_final(source: FetchResult | FetchState) -> bool:
    return isinstance(source, FetchResult) or source.final
