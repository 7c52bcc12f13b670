"""`DreamboothBatch`: many requests in one notebook cell."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from ..client.options import FetchOptions, Policies, check_seconds
from ..client.requests import Requests, read_calls, read_requests
from ..client.schedule import PollSchedule, Retry
from ..client.state import FetchResult, FetchState, PictureState
from ..credentials import ApiKey, find_key
from ..errors import DreamboothError, InvalidKeyError
from ..images.files import file_name, named, save_files
from ..protocol.endpoint import V4
from .base import BaseWidget, read_only
from .batch_summary import BatchSummary, summarize
from .manifest import NAMES, make_frame, read_records, write_manifest
from .static_content import StaticContent, counted, read_batch
from .static_html import render_many
from .trait_values import row_values

if TYPE_CHECKING:
    import os

    from PIL import Image

    from ..client.client import Client
    from ..client.job import FetchJob
    from ..client.job_group import Outcome
    from ..images.picture import Picture
    from ..images.store import PictureCache

__all__ = ["DreamboothBatch"]

_NONE_YET, _WAIT = "There are no pictures yet.", "`await batch` waits for them."

_BREATH = 0.25
"""Seconds between two messages about what has changed: however many requests move, a browser hears four a second."""

_ROWS = 100
"""Requests in one message."""

_PUSHED = 60
"""Pictures whose thumbnails are sent unasked: what a gallery shows before somebody asks for more."""


class DreamboothBatch(BaseWidget):
    """Shows many queued requests in one card, and all their pictures in one gallery.

    `await batch` gives the outcomes in the order of the requests, each a `FetchResult` or the `DreamboothError` that
    ended the request: one that fails hides none of the others.

    Args:
        key: The API key, as in `DreamboothWidget`.
        requests: Ids, `(id, eta)` pairs or whole answers of generation calls, or a mapping from captions (prompts, for
            example) to them.
        endpoint: As in `DreamboothWidget`, and so are the arguments that are not listed here.
        deadline: Seconds for each of the requests.

    Raises:
        TypeError: An argument is of a wrong type or unknown. For a request, the message has its index.
        ValueError: An argument cannot be right. For a request, the message has its index.
    """

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
    """Unix time at which all are expected to have ended; None when nobody knows."""
    finished_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time at which the last one ended."""
    selected = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    """The selected pictures as [place of the request, index of the picture]. Set it here or in the gallery."""
    _card = read_only(traitlets.Dict())

    def __init__(
        self,
        key: str | ApiKey | None = None,
        requests: Requests = (),
        *,
        endpoint: str = V4,
        schedule: PollSchedule = PollSchedule(),
        retry: Retry = Retry(),
        deadline: float | None = None,
        client: Client | None = None,
        cache: str | os.PathLike[str] | PictureCache | None = None,
        save_copy: bool = True,
        autostart: bool = True,
    ) -> None:
        from ..client.job_group import FetchJobs  # see BaseWidget

        try:
            secret, specs = read_calls(key, requests, client.redact if client is not None else None)
        finally:
            del key, requests
        policies = Policies(schedule=schedule, retry=retry) if client is None else client.policies
        self._policies = replace(policies, deadline=check_seconds("deadline", deadline))
        self._jobs = FetchJobs(self._start_job, self._note)
        self._changed: dict[int, None] = {}  # places that the views have not heard of, in the order of the changes
        self._telling = False
        self._unsaid = contextlib.ExitStack()  # holds back what the traits say, until the next message
        self._started = False
        self._cached = 0  # requests, from the first on, that need no key
        self._pushed: set[str] = set()  # digests of the pictures whose thumbnails the views have unasked
        super().__init__(secret, endpoint=endpoint, client=client, cache=cache, save_copy=save_copy)
        self._jobs.add(specs)
        self._show()
        if autostart and self._owner.known and self._can_start:
            self.start()

    def __repr__(self) -> str:
        message = "closed" if getattr(self, "_closed", False) else self.message
        return f"<DreamboothBatch: {message or 'not made yet'}>"

    def _text(self) -> str:
        """Return one line for readers without a front end."""
        about = counted(len(self._jobs), "request")
        return (
            f"DreamboothBatch for {about}. It shows their pictures in a notebook; `await batch` gives them to Python."
        )

    # -- what people call --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to fetch what has not begun. Raises `RuntimeError` without a running event loop, `InvalidKeyError`."""
        if not self._can_start:
            self._check_key()
        self._owner.do(self._begin)

    def add(self, requests: Requests) -> None:
        """Fetch these as well; the same forms as in the constructor. Also after the others have ended."""
        try:
            specs = read_requests(requests, self._strike)
        finally:
            del requests

        def take() -> None:
            if self._telling:
                # The views hear of it with the next message: somebody may add a thousand, one by one.
                self._unsaid.enter_context(self.hold_sync())
            self._jobs.add(specs)
            if self._started:
                self._begin()
            else:
                self._show()

        self._owner.hand_over(take)

    def stop(self) -> None:
        """Stop waiting for all. The service cannot cancel jobs: they go on there, and `check_now()` resumes."""
        if self._started:
            self._owner.do(self._stop_all)

    def check_now(self) -> None:
        """Poll for all that run, in their turns; those that were stopped or timed out go on."""
        self._owner.do(self._jobs.check_now)
        self._again("stopped", "timed_out")

    def retry_failed(self) -> None:
        """Fetch those once more that stand in `errors`: failed, timed out or stopped."""
        self._again("error", "timed_out", "stopped")

    @property
    def outcomes(self) -> list[Outcome | None]:
        """How each request ended, in the order asked; None where it has not."""
        return list(self._jobs.outcomes)

    @property
    def results(self) -> list[FetchResult]:
        """The results of those that succeeded, in the order asked."""
        return [outcome for outcome in self._jobs.outcomes if isinstance(outcome, FetchResult)]

    @property
    def errors(self) -> list[DreamboothError]:
        """The errors of those that did not, in the order asked; each knows its `request_id`."""
        return [outcome for outcome in self._jobs.outcomes if isinstance(outcome, DreamboothError)]

    @property
    def pictures(self) -> list[Picture]:
        """Every picture that is there, request by request."""
        return [picture for result in self.results for picture in result]

    @property
    def images(self) -> list[Image.Image]:
        """The same as PIL images, decoded now."""
        return [picture.image for picture in self.pictures]

    @property
    def selected_images(self) -> list[Image.Image]:
        """The pictures that are selected in the gallery, as PIL images."""
        entries = (self._entry(place, index) for place, index in self.selected)
        return [entry.picture.image for entry in entries if entry is not None and entry.picture is not None]

    def contact_sheet(self) -> Image.Image:
        """All pictures on one sheet. Raises `DreamboothError` before there are any."""
        if not self.pictures:
            raise DreamboothError(_NONE_YET, advice=_WAIT)
        from ..images.picture import contact_sheet

        return contact_sheet(self.pictures)

    def to_html(self) -> str:
        """Return the small static gallery (or one line) that also stays in the notebook."""
        return render_many(self._captioned(), self.message)

    def to_frame(self) -> Any:
        """Return the records of `manifest.csv` as a `pandas.DataFrame`: a row for each picture.

        Whole numbers stay whole beside failed requests: their columns have nullable types, with `<NA>` where nothing
        is known. A seed beyond 64 bits leaves its column as Python objects.

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise ImportError("to_frame() needs pandas: `pip install pandas`", name="pandas") from error
        return make_frame(pandas, list(self._records()))

    def save(self, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the original files and `manifest.csv` and `manifest.json` into `folder`; all their paths.

        Atomic for each file. Raises `FileExistsError` before anything is written, unless `overwrite`, and
        `DreamboothError` as long as there are no pictures and some may still come.
        """
        if not self.results and self._look().finished_at is None:
            raise DreamboothError(_NONE_YET, advice=_WAIT)
        # By name: an id may have been asked for twice.
        files = dict(file for result in self.results for file in named(result, result.request_id))
        paths = save_files(files.items(), folder, beside=NAMES, overwrite=overwrite)
        return paths + write_manifest(Path(folder).expanduser(), list(self._records()), overwrite=overwrite)

    def __await__(self) -> Generator[Any, None, list[Outcome]]:
        return self._outcome().__await__()

    async def _outcome(self) -> list[Outcome]:
        if self._closed and None not in self._jobs.outcomes:
            return await self._jobs.wait()
        self._check_open()
        self._start_for_waiting()
        try:
            async with self._heard():
                return await self._jobs.wait()
        finally:
            await self._close_waiting()

    async def _close_waiting(self) -> None:
        """Say what has not been said, as long as the cell that waited is the running one."""
        while self._changed:
            self._tell()
        if self._look().finished_at is not None:
            await self._settle()

    async def as_completed(self) -> AsyncIterator[Outcome]:
        """Each outcome as it comes, those first that are there already."""
        self._check_open()
        self._start_for_waiting()
        async with self._heard():
            async for _, outcome in self._jobs.as_completed():
                yield outcome
        await self._close_waiting()

    def close(self) -> None:
        """Close the comm and its views, and stop waiting."""
        if getattr(self, "_started", False):  # also called by __del__, after a failed construction
            with contextlib.suppress(RuntimeError):  # the loop has gone, and with it every job
                self.stop()
        if getattr(self, "_delivery", None) is not None:
            self._delivery.close()
        super().close()

    # -- the jobs ----------------------------------------------------------------------------------------------

    @property
    def _can_start(self) -> bool:
        if self._has_key or self._cache is None:
            return self._has_key
        asked = self._jobs.asked
        while self._cached < len(asked):  # each is looked up once: a thousand manifests are not read for a message
            each = asked[self._cached]
            options = each.options
            if each.error is None and not self._cache.has_all(options.endpoint_at(self._endpoint), options.request_id):
                return False
            self._cached += 1
        return True

    def _start_for_waiting(self) -> None:
        if not self._started:
            self.start()
            self._owner.check_here()

    def _begin(self) -> None:
        self._started = True
        self._jobs.start()
        self._show()

    def _start_job(self, options: FetchOptions) -> FetchJob:
        return self._open_client().start(options, self._policies)

    def _stop_all(self) -> None:
        self._jobs.stop()
        self._show()

    def _again(self, *statuses: str) -> None:
        def begin() -> None:
            for place, state in enumerate(self._jobs.states):
                if state.status in statuses:
                    self._jobs.again(place)

        self._owner.do(begin)

    def _captioned(self) -> Iterator[tuple[str, FetchResult | FetchState]]:
        """Yield the caption of each request, and what there is to keep of it."""
        for asked, outcome, state in zip(self._jobs.asked, self._jobs.outcomes, self._jobs.states, strict=True):
            yield asked.caption, outcome if isinstance(outcome, FetchResult) else state

    def _records(self) -> Iterator[Mapping[str, Any]]:
        rows = zip(self._jobs.asked, self._jobs.states, self._jobs.outcomes, strict=True)
        return read_records(
            (asked.caption, state, outcome if isinstance(outcome, FetchResult) else None)
            for asked, state, outcome in rows
        )

    # -- state out ---------------------------------------------------------------------------------------------

    def _note(self, place: int) -> None:
        """Record that a request has changed, for the next message to the views."""
        self._changed[place] = None
        if not self._telling:
            self._telling = self._owner.later(_BREATH, self._tell)

    def _tell(self) -> None:
        """One message for every trait that changed, and one with the rows."""
        self._telling = False
        self._unsaid.close()
        places = list(self._changed)[:_ROWS]
        for place in places:
            del self._changed[place]
        outlook = self._show()
        if self._viewed:
            self._send_rows(places)
            self._push(places)
        if self._changed:
            self._note(next(iter(self._changed)))
        elif outlook.finished_at is not None and places:
            content = read_batch(self._captioned(), self.message)
            self._owner.tasks.run(self._keep(outlook, content))

    def _look(self) -> BatchSummary:
        return summarize(self._jobs.states, time.time())

    def _show(self) -> BatchSummary:
        outlook = self._look()
        card = {
            "activity": outlook.activity,
            "trouble": outlook.trouble,
            "clock": time.time(),
            "form": not self._can_start,
            "has_key": self._has_key,
        }
        with self.hold_sync():
            self.set_trait("_card", card)
            self.set_trait("total", len(self._jobs))
            for name in ("message", "counts", "started_at", "next_poll_at", "done_at", "finished_at", "status"):
                self.set_trait(name, getattr(outlook, name))
        if outlook.finished_at is None and not outlook.counts["success"] and len(self._jobs):
            self._note_milestone((outlook.status, len(self._jobs)), self._read_running)
        return outlook

    def _read_running(self) -> StaticContent:
        """Return the line that stays in a notebook that is saved while the requests run."""
        return read_batch((caption, source) for caption, source in self._captioned() if not _is_final(source))

    def _send_rows(self, places: Sequence[int], *, first: bool = False) -> None:
        if not places and not first:
            return
        asked = self._jobs.asked
        rows = [row_values(place, asked[place].caption, self._jobs[place]) for place in places]
        self._send_buffers({"type": "rows", "rows": rows, "first": first}, [])

    def _push(self, places: Iterable[int]) -> None:
        """Thumbnails of pictures that have become ready, as far as a gallery shows them before it is asked for more."""
        for place in places:
            state = self._jobs[place]
            for picture in (entry.picture for entry in state.pictures):
                if len(self._pushed) >= _PUSHED:
                    return
                if picture is not None and picture.digest not in self._pushed:
                    self._pushed.add(picture.digest)
                    self._delivery.push(picture, file_name(state.request_id, picture.index, picture.extension))

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> list[list[int]]:
        """Sort the pairs. Raises TraitError for one that no picture has, as soon as their number is known."""
        pairs = sorted({(pair[0], pair[1]) for pair in proposal["value"] if len(pair) == 2 and min(pair) >= 0})
        for request, index in pairs:
            if request >= len(self._jobs):
                raise traitlets.TraitError(f"there is no request with index {request}: there are {len(self._jobs)}")
            count = self._jobs[request].count
            if count is not None and index >= count:
                raise traitlets.TraitError(f"there is no picture with index {index}: request {request} has {count}")
        return [list(pair) for pair in pairs]

    # -- intents in --------------------------------------------------------------------------------------------

    _intents = frozenset(
        {"ready", "copy_missing", "start", "stop", "poll_now", "retry_failed", "again", "retry", "get_picture", "zip"}
    )

    def _on_ready(self, content: Mapping[str, Any]) -> None:
        """Send a view that appeared every row, and the thumbnails of its first screen."""
        self._viewed = True
        self._show()
        have = content.get("have")
        self._pushed = {digest for digest in have if isinstance(digest, str)} if isinstance(have, list) else set()
        self._owner.tasks.run(self._send_everything())
        if self._outputs is not None:
            self._outputs.view_appeared()

    async def _send_everything(self) -> None:
        for begin in range(0, max(1, len(self._jobs)), _ROWS):
            self._send_rows(range(begin, min(begin + _ROWS, len(self._jobs))), first=begin == 0)
            await asyncio.sleep(0)
        self._push(range(len(self._jobs)))

    def _on_start(self, content: Mapping[str, Any]) -> None:
        if content.get("key"):
            self._use_key(find_key(content["key"]))
            for place, state in enumerate(self._jobs.states):
                if isinstance(state.error, InvalidKeyError):
                    self._jobs.again(place)
        self.start()

    def _on_stop(self, content: Mapping[str, Any]) -> None:
        self.stop()

    def _on_poll_now(self, content: Mapping[str, Any]) -> None:
        self.check_now()

    def _on_retry_failed(self, content: Mapping[str, Any]) -> None:
        self.retry_failed()

    def _on_again(self, content: Mapping[str, Any]) -> None:
        self._jobs.again(self._place(content))

    def _on_retry(self, content: Mapping[str, Any]) -> None:
        place, index = self._place(content), content.get("index")
        if isinstance(index, int):
            self._jobs.retry_picture(place, index)

    def _on_get_picture(self, content: Mapping[str, Any]) -> None:
        place = self._place(content)
        self._deliver(content, self._entry(place, content.get("index")), self._jobs[place].request_id)

    def _on_zip(self, content: Mapping[str, Any]) -> None:
        pairs = content.get("places")
        files: dict[str, Picture] = {}  # by name: an id may have been asked for twice
        for pair in pairs if isinstance(pairs, list) else []:
            entry = self._entry(*pair) if isinstance(pair, list) and len(pair) == 2 else None
            if entry is not None and entry.picture is not None:
                files.update(named([entry.picture], self._jobs[pair[0]].request_id))
        self._deliver_zip(content, list(files.items()), "batch")

    def _place(self, content: Mapping[str, Any]) -> int:
        """Return the index of the request that a message is about. Raises ValueError if there is none."""
        place = content.get("request")
        if not isinstance(place, int) or not 0 <= place < len(self._jobs):
            raise ValueError("there is no such request")
        return place

    def _entry(self, place: object, index: object) -> PictureState | None:
        if not isinstance(place, int) or not 0 <= place < len(self._jobs):
            return None
        entries = self._jobs[place].pictures
        return entries[index] if isinstance(index, int) and 0 <= index < len(entries) else None


def _is_final(source: FetchResult | FetchState) -> bool:
    return isinstance(source, FetchResult) or source.final
