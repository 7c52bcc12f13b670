"""`DreamboothWidget`: one request in a notebook cell. State runs one way: `FetchState` → traits → view."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..client.arguments import check_samples
from ..client.options import FetchOptions, Policies
from ..client.requests import choose_key, read_call
from ..client.schedule import PollSchedule, Retry
from ..credentials import ApiKey, find_key, redactor, without_frames
from ..errors import DreamboothError
from ..images.picture import contact_sheet
from ..protocol.endpoint import V4, check_endpoint
from .ipykernel6 import handle_messages
from .request_card import RequestCard

if TYPE_CHECKING:
    import os

    from PIL import Image

    from ..client.client import Client
    from ..client.job import FetchJob
    from ..client.state import FetchResult
    from ..images.cache_folder import PictureCache

__all__ = ["DreamboothWidget"]


class DreamboothWidget(RequestCard):
    """Shows one queued request live in the cell, and its pictures as a gallery when they are there.

    `await widget` gives the `FetchResult` or raises the `DreamboothError` that ended the job.

    Args:
        key: The API key; None takes it from the environment variable `DREAMBOOTH_API_KEY`. Without either, the cell
            shows a form for it.
        request_id: The `id` in the answer of the generation call.
        eta: The expected duration in seconds from now, a hint for the schedule and the progress bar.
        samples: The number of pictures to come, so that the card has its final height from the start.
        caption: A text for the header of the card: the prompt, for example.
        endpoint: The address that is polled.
        schedule: When to poll.
        retry: How to repeat a failed call.
        deadline: Seconds from now after which waiting ends; by default max(10 minutes, 6·eta).
        client: A client that brings its own key, endpoint, policies and cache.
        cache: A folder that keeps the original files, so that the same cell shows them again without a poll.
        watch_links: Whether links that are announced before the pictures are there may be probed, so that the
            service is polled when they are.
        save_copy: Whether a small copy of the pictures stays in the notebook file.
        autostart: Whether to start at once; else `start()` does.

    Raises:
        TypeError: An argument is of a wrong type or unknown.
        ValueError: An argument cannot be right. What goes wrong later is shown in the cell.
    """

    @without_frames
    def __init__(
        self,
        key: str | ApiKey | None = None,
        request_id: int | str | FetchOptions | None = None,
        *,
        eta: float | None = None,
        samples: int | None = None,
        caption: str = "",
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
        request = FetchOptions("") if request_id is None else request_id
        secret, options = read_call(key, request, client, eta=eta)
        del key, request_id, request
        self._options = replace(
            options,
            expected=options.expected if samples is None else check_samples(samples),
            caption=redactor(secret)(str(caption or "")),
        )
        policies = Policies(schedule=schedule, retry=retry, deadline=deadline, watch_links=watch_links)
        self._job: FetchJob | None = None
        super().__init__(secret, policies, endpoint=endpoint, client=client, cache=cache, save_copy=save_copy)
        self._shown = self._options.first_state()
        self._show()
        if autostart and self._kernel_loop.known and self._can_start:
            self.start()

    @classmethod
    @without_frames
    def from_response(cls, response: object, key: str | None = None, **options: Any) -> DreamboothWidget:
        """Return the widget for the whole answer of a generation call, queued or finished.

        `id`, `eta`, the number of pictures, `meta` and, on a host of the vendor, the address are taken from it.

        Args:
            response: The answer as a dict, JSON text or bytes, or the response object of `requests` or `httpx`.
            key: As in the class.
            options: The other arguments of the class; they win over the answer.

        Raises:
            TypeError: `response` is something else, or an option is unknown.
            ValueError: The answer is an error, or names no request.
        """
        secret = choose_key(find_key(key), options.get("client"))
        del key
        request = FetchOptions.for_response(response, redactor(secret))
        return cls(secret, replace(request, endpoint=None) if "endpoint" in options else request, **options)

    @classmethod
    @without_frames
    def resume(cls, token: str, key: str | None = None, **options: Any) -> DreamboothWidget:
        """Return the widget that continues the request of a `resume_token`, with a deadline of its own.

        Args:
            token: What `resume_token` gave, in this process or another one.
            key: As in the class.
            options: The other arguments of the class. `endpoint` is in the token. The key is sent there if it is an
                address of the service or on this machine; any other has to be passed as well. None stands for it.

        Raises:
            TypeError: An option is unknown.
            ValueError: `token` is no resume token, belongs to another endpoint than `client` or the one passed, or
                names a host to which the key is not sent by itself.
        """
        client, endpoint = options.get("client"), options.pop("endpoint", None)
        secret = find_key(key)
        del key
        if client is not None:
            return cls(secret, FetchOptions.for_token(token, client.endpoint), **options)
        if endpoint is not None:
            endpoint = check_endpoint(endpoint, redactor(secret))
        request = FetchOptions.for_token(token, endpoint)
        return cls(secret, replace(request, endpoint=None), **{**options, "endpoint": request.endpoint})

    def __repr__(self) -> str:
        options: FetchOptions | None = getattr(self, "_options", None)  # a debugger may call this before it is made
        status = "closed" if getattr(self, "_closed", False) else self.status
        return f"<DreamboothWidget {(options and options.request_id) or 'without a request'}: {status}>"

    def _text(self) -> str:
        """Return one line for readers without a front end."""
        about = f"request {self._options.request_id}" if self._options.request_id else "a request"
        return (
            f"DreamboothWidget for {about}. It shows its pictures in a notebook; `await widget` gives them to Python."
        )

    # -- what people call --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to fetch, or begin again after the end. Does nothing while the job runs.

        Raises:
            RuntimeError: There is no running event loop.
            DreamboothError: There is no key or no request id, or the widget was closed.
        """
        self._check_open()
        if self._job is not None and not self._job.state.final:
            return
        if not self._can_start:
            self._check_key()
            self._check_request_id()
        self._kernel_loop.run(self._begin)

    def stop(self) -> None:
        """Stop waiting. The service cannot cancel a job: it goes on there, and `check_now()` resumes."""
        if self._job is not None:
            self._job.stop()

    def check_now(self) -> None:
        """Poll at once; after the end, begin again. Raises as `start`."""
        if self._job is not None and not self._job.state.final:
            self._job.check_now()
        else:
            self.start()

    @property
    def error(self) -> DreamboothError | None:
        """What ended the job, if it was not success."""
        return self._job.state.error if self._job is not None else None

    @property
    def images(self) -> list[Image.Image]:
        """The ready pictures as PIL images, decoded now; empty before success."""
        return [picture.image for picture in self.result or ()]

    @property
    def selected_images(self) -> list[Image.Image]:
        """The pictures that are selected in the gallery, as PIL images."""
        return [picture.image for picture in self.result or () if picture.index in self.selected]

    @property
    def resume_token(self) -> str:
        """JSON text for `DreamboothWidget.resume`: endpoint, request id and times. The key is not in it.

        Raises:
            DreamboothError: There is no request id yet.
        """
        self._check_request_id()
        return self._options.token(self._options.endpoint_at(self._endpoint), self._shown)

    def save(self, folder: str | Path, indices: Iterable[int] | None = None, *, overwrite: bool = False) -> list[Path]:
        """Write the original files as `<request_id>-<n>.<ext>` into `folder`, which is made if need be.

        Args:
            folder: Where to.
            indices: The pictures to write, `widget.selected` for example; None for all.
            overwrite: Replace files that exist.

        Returns:
            The paths, in order. Each file is written atomically.

        Raises:
            FileExistsError: A file exists; nothing has been written.
            IndexError: There is no picture with one of the `indices`.
            NotADirectoryError: `folder` is a file.
            DreamboothError: There are no pictures yet, or the job has ended with this error.
        """
        return self._ready().save(folder, indices, overwrite=overwrite)

    def contact_sheet(self) -> Image.Image:
        """Return all pictures on one sheet. Raises DreamboothError as `save`."""
        return contact_sheet(self._ready())

    def _check_request_id(self) -> None:
        if not self._options.request_id:
            raise DreamboothError("There is no request id yet.", advice="Pass request_id=, or fill in the form.")

    def _ready(self) -> FetchResult:
        """Return the result, or raise why there is none."""
        if self.result is not None:
            return self.result
        self._check_open()
        if self.error is not None:
            raise self.error.with_traceback(None)
        raise DreamboothError(
            "There are no pictures yet.",
            request_id=self._options.request_id,
            advice="`await widget` waits for them.",
        )

    def __await__(self) -> Generator[Any, None, FetchResult]:
        return self._outcome().__await__()

    async def _outcome(self) -> FetchResult:
        if self.result is not None and self._closed:
            return self.result
        self._check_open()
        if self._job is None:
            self.start()
            self._kernel_loop.check_here()
        assert self._job is not None
        try:
            async with handle_messages(self.model_id):
                return await self._job
        finally:
            if self._job.state.final:
                await self._send_end_again()

    # -- the job -----------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Make the job, on its loop. A stopped or timed-out one is resumed: its clock and its count go on."""
        options = self._options if self._job is None else self._job.resume_options()
        self._job = job = self._start_job(options)
        job.subscribe(lambda state: self._follow(job, state))
        self._shown = replace(job.state, status="processing")
        self._show()
