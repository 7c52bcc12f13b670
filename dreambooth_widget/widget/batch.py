"""`DreamboothBatch`: many requests in one notebook cell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..client.job_group import FetchJobs
from ..client.options import Policies
from ..client.requests import Requests, choose_key, read_requests
from ..client.schedule import PollSchedule, Retry
from ..client.state import FetchResult, counted
from ..credentials import ApiKey, find_key, redactor, without_frames
from ..errors import DreamboothError, StoppedError
from ..images.files import named, save_files
from ..images.picture import contact_sheet
from ..protocol.endpoint import V4
from .batch_card import BatchCard
from .ipykernel6 import handle_messages
from .manifest import NAMES, make_frame, read_records, write_manifest

if TYPE_CHECKING:
    import os

    from PIL import Image

    from ..client.client import Client
    from ..client.job_group import Outcome
    from ..images.cache_folder import PictureCache
    from ..images.picture import Picture

__all__ = ["DreamboothBatch"]


class DreamboothBatch(BatchCard):
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

    @without_frames
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
        watch_links: bool = True,
        save_copy: bool = True,
        autostart: bool = True,
    ) -> None:
        secret = choose_key(find_key(key), client)
        del key
        specs = read_requests(requests, redactor(secret))
        del requests
        policies = Policies(schedule=schedule, retry=retry, deadline=deadline, watch_links=watch_links)
        self._jobs = FetchJobs(self._start_job, self._note_change)
        self._started = False
        super().__init__(secret, policies, endpoint=endpoint, client=client, cache=cache, save_copy=save_copy)
        self._jobs.add(specs)
        self._show()
        if autostart and self._kernel_loop.known and self._can_start:
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
        """Begin to fetch what has not begun.

        Raises:
            RuntimeError: There is no running event loop.
            InvalidKeyError: There is no key.
            StoppedError: The widget was closed.
        """
        self._check_open()
        if not self._can_start:
            self._check_key()
        self._kernel_loop.run(self._begin)

    def add(self, requests: Requests) -> None:
        """Fetch more requests, in the forms that the constructor takes; also after the others have ended.

        Raises:
            TypeError, ValueError: As the constructor; none of them has been added.
            StoppedError: The widget was closed.
        """
        self._check_open()
        try:
            specs = read_requests(requests, self._redact)
        finally:
            del requests

        def add_specs() -> None:
            if self._announced:
                # It goes with the next message: a thousand may be added one by one.
                self._held_back.enter_context(self.hold_sync())
            self._jobs.add(specs)
            if self._started:
                self._begin()
            else:
                self._show()

        self._kernel_loop.run_anyway(add_specs)

    def stop(self) -> None:
        """Stop waiting for all. The service cannot cancel jobs: they go on there, and `check_now()` resumes."""
        if self._started:
            self._kernel_loop.run(self._stop_all)

    def check_now(self) -> None:
        """Poll for all that run, in their turns; those that were stopped or timed out go on. Raises as `start`."""
        if not self._started:
            self.start()
            return
        self._kernel_loop.run(self._jobs.check_now)
        self._again("stopped", "timed_out")

    def retry_failed(self) -> None:
        """Fetch again the requests that are in `errors`: failed, timed out or stopped."""
        self._again("error", "timed_out", "stopped")

    @property
    def outcomes(self) -> list[Outcome | None]:
        """How each request ended, in the order of the requests; None where it has not."""
        return list(self._jobs.outcomes)

    @property
    def results(self) -> list[FetchResult]:
        """The results of those that succeeded, in the order of the requests."""
        return [outcome for outcome in self._jobs.outcomes if isinstance(outcome, FetchResult)]

    @property
    def errors(self) -> list[DreamboothError]:
        """The errors of those that did not succeed, in the order of the requests; each has its `request_id`."""
        return [outcome for outcome in self._jobs.outcomes if isinstance(outcome, DreamboothError)]

    @property
    def pictures(self) -> list[Picture]:
        """Every picture that is there, request by request."""
        return [picture for result in self.results for picture in result]

    @property
    def images(self) -> list[Image.Image]:
        """Every picture that is there as a PIL image, decoded now."""
        return [picture.image for picture in self.pictures]

    @property
    def selected_images(self) -> list[Image.Image]:
        """The pictures that are selected in the gallery, as PIL images."""
        entries = (self._entry(request, index) for request, index in self.selected)
        return [entry.picture.image for entry in entries if entry is not None and entry.picture is not None]

    def contact_sheet(self) -> Image.Image:
        """Return all pictures on one sheet. Raises DreamboothError if there are none."""
        if not self.pictures:
            raise self._no_pictures()
        return contact_sheet(self.pictures)

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
        return make_frame(pandas, list(read_records(self._jobs.states)))

    def save(self, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the original files, `manifest.csv` and `manifest.json` into `folder`, which is made if need be.

        Args:
            folder: Where to.
            overwrite: Replace files that exist.

        Returns:
            All paths. Each file is written atomically.

        Raises:
            FileExistsError: A file exists; nothing has been written.
            NotADirectoryError: `folder` is a file.
            DreamboothError: There are no pictures, and some may still come.
        """
        if not self.results and self._summarize().finished_at is None:
            raise self._no_pictures()
        # By name: an id may stand in the batch twice.
        files = dict(file for result in self.results for file in named(result, result.request_id))
        paths = save_files(files.items(), folder, beside=NAMES, overwrite=overwrite)
        records = list(read_records(self._jobs.states))
        return paths + write_manifest(Path(folder).expanduser(), records, overwrite=overwrite)

    def _no_pictures(self) -> DreamboothError:
        """Return the error that says why there are no pictures."""
        self._check_open()
        if not len(self._jobs):
            return DreamboothError("There are no pictures yet: the batch has no requests.", advice="`add()` adds some.")
        if self._summarize().finished_at is not None:
            return DreamboothError("No request has succeeded.", advice="`errors` has the reasons.")
        return DreamboothError("There are no pictures yet.", advice="`await batch` waits for them.")

    def __await__(self) -> Generator[Any, None, list[Outcome]]:
        return self._outcome().__await__()

    async def _outcome(self) -> list[Outcome]:
        outcomes = self._jobs.outcomes
        if self._closed and not any(outcome is None or isinstance(outcome, StoppedError) for outcome in outcomes):
            return await self._jobs.wait()
        self._check_open()
        self._start_for_waiting()
        try:
            async with handle_messages(self.model_id):
                return await self._jobs.wait()
        finally:
            await self._close_waiting()

    async def _close_waiting(self) -> None:
        """Send what is due, as long as the cell that waited is the running one."""
        while self._changed:
            self._send_changes()
        if self._summarize().finished_at is not None:
            await self._send_end_again()

    async def as_completed(self) -> AsyncIterator[Outcome]:
        """Yield each outcome as it comes, first those that are there already."""
        self._check_open()
        self._start_for_waiting()
        async with handle_messages(self.model_id):
            async for _, outcome in self._jobs.as_completed():
                yield outcome
        await self._close_waiting()

    # -- the jobs ----------------------------------------------------------------------------------------------

    def _start_for_waiting(self) -> None:
        if not self._started:
            self.start()
            self._kernel_loop.check_here()

    def _begin(self) -> None:
        self._started = True
        self._jobs.start()
        self._show()

    def _stop_all(self) -> None:
        self._jobs.stop()
        self._show()

    def _on_retry_failed(self, content: Mapping[str, Any]) -> None:
        self.retry_failed()

    def _again(self, *statuses: str) -> None:
        self._check_open()

        def begin() -> None:
            for index, state in enumerate(self._jobs.states):
                if state.status in statuses:
                    self._jobs.again(index)

        self._kernel_loop.run(begin)
