"""`DreamboothWidget`: one request in a notebook cell. State runs one way: `FetchState` → traits → view."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from ..client.options import FetchOptions, Policies, check_samples, check_seconds
from ..client.requests import read_call
from ..client.schedule import PollSchedule, Retry
from ..credentials import ApiKey, find_key
from ..errors import DreamboothError
from ..images.files import file_name, file_stem, named
from ..protocol.endpoint import V4
from .base import BaseWidget, read_only
from .static_content import read_request
from .static_html import render
from .trait_values import card_values, trait_values

if TYPE_CHECKING:
    import os

    from PIL import Image

    from ..client.client import Client
    from ..client.job import FetchJob
    from ..client.state import FetchResult, FetchState, PictureState
    from ..images.store import PictureCache

__all__ = ["DreamboothWidget"]


class DreamboothWidget(BaseWidget):
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
        save_copy: Whether a small copy of the pictures stays in the notebook file.
        autostart: Whether to start at once; else `start()` does.

    Raises:
        TypeError: An argument is of a wrong type or unknown.
        ValueError: An argument cannot be right. What goes wrong later is shown in the cell.
    """

    _kind = read_only(traitlets.Unicode("request"))
    """Which card the front end draws."""

    status = read_only(
        traitlets.Enum(["idle", "processing", "downloading", "success", "error", "stopped", "timed_out"], "idle")
    )
    """What the job is doing. `success` with some pictures missing stays `success`; `message` counts them."""
    message = read_only(traitlets.Unicode())
    """One line on what is happening, for people."""
    request_id = read_only(traitlets.Unicode())
    """The request being fetched, "" as long as the form is shown."""
    eta = read_only(traitlets.Float(None, allow_none=True))
    """The service's estimate of the job's duration, in seconds from `started_at`; None without one."""
    polls = read_only(traitlets.Int())
    """How often the service was asked."""
    started_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time of the first poll."""
    next_poll_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time of the next poll; None while one is under way and when no more come."""
    finished_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time at which the job ended."""
    pictures = read_only(traitlets.List(traitlets.Dict()))
    """A small JSON object per link: index, status, reason, id, name, format, width, height (px), size (bytes), text."""
    selected = traitlets.List(traitlets.Int()).tag(sync=True)
    """Indices of the selected pictures, ascending. Set it here or by clicking in the gallery."""
    _card = read_only(traitlets.Dict())

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
        save_copy: bool = True,
        autostart: bool = True,
    ) -> None:
        request = FetchOptions("") if request_id is None else request_id
        try:
            secret, options = read_call(key, request, client.redact if client is not None else None)
        finally:
            del key, request_id, request
        self._options = replace(
            options,
            eta=options.eta if eta is None else check_seconds("eta", eta),
            expected=options.expected if samples is None else check_samples(samples),
            caption=str(caption),
        )
        policies = Policies(schedule=schedule, retry=retry) if client is None else client.policies
        self._policies = replace(policies, deadline=check_seconds("deadline", deadline))
        self._job: FetchJob | None = None
        super().__init__(secret, endpoint=endpoint, client=client, cache=cache, save_copy=save_copy)
        self._show(self._options.first_state())
        if autostart and self._owner.known and self._can_start:
            self.start()

    @classmethod
    def from_response(cls, response: object, key: str | None = None, **options: Any) -> DreamboothWidget:
        """Return the widget for the whole answer of a generation call, queued or finished.

        `id`, `eta`, the number of pictures, `meta` and, on a host of the vendor, the address are taken from it.

        Args:
            response: The answer as a dict, JSON text or bytes, or the response object of `requests` or `httpx`.
            key: As in the class.
            options: The other arguments of the class; they win over what the answer says.

        Raises:
            TypeError: `response` is something else, or an option is unknown.
            ValueError: The answer is an error, or names no request.
        """
        try:
            secret = find_key(key)
        finally:
            del key
        holder = options.get("client") or secret
        request = FetchOptions.for_response(response, holder.redact if holder else str)
        return cls(secret, replace(request, endpoint=None) if "endpoint" in options else request, **options)

    @classmethod
    def resume(cls, token: str, key: str | None = None, **options: Any) -> DreamboothWidget:
        """Return the widget that continues the request of a `resume_token`, with a deadline of its own.

        Args:
            token: What `resume_token` gave, in this process or another one.
            key: As in the class.
            options: The other arguments of the class, but for `endpoint`, which the token has.

        Raises:
            TypeError: An option is unknown.
            ValueError: `token` is no resume token, or belongs to another endpoint than `client`.
        """
        try:
            secret = find_key(key)
        finally:
            del key
        if options.get("client") is not None:
            return cls(secret, options["client"].read_token(token), **options)
        request = FetchOptions.for_token(token)
        return cls(secret, replace(request, endpoint=None), **{"endpoint": request.endpoint, **options})

    def __repr__(self) -> str:
        options: FetchOptions | None = getattr(self, "_options", None)  # a debugger may look before it is made
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
            DreamboothError: There is no key or no request id.
        """
        if self._job is not None and not self._job.state.final:
            return
        if not self._can_start:
            self._check_key()
            raise DreamboothError("There is no request id yet.", advice="Pass request_id=, or fill in the form.")
        self._owner.do(self._begin)

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
    def result(self) -> FetchResult | None:
        """The pictures, once the job has succeeded."""
        return self._job.result if self._job is not None else None

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
        """JSON text for `DreamboothWidget.resume`: endpoint, request id and times. The key is not in it."""
        return self._options.token(self._options.endpoint_at(self._endpoint), self._shown)

    def to_html(self) -> str:
        """Return the small static gallery (or one line on a job without pictures) that also stays in the notebook."""
        return render(self.result or self._shown, caption=self._shown.caption)

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
            DreamboothError: There are no pictures yet.
        """
        return self._ready().save(folder, indices, overwrite=overwrite)

    def contact_sheet(self) -> Image.Image:
        """All pictures on one sheet. Raises `DreamboothError` before there are any."""
        from ..images.picture import contact_sheet

        return contact_sheet(self._ready())

    def _ready(self) -> FetchResult:
        if self.result is None:
            raise DreamboothError(
                "There are no pictures yet.",
                request_id=self._options.request_id,
                advice="`await widget` waits for them.",
            )
        return self.result

    def __await__(self) -> Generator[Any, None, FetchResult]:
        return self._outcome().__await__()

    async def _outcome(self) -> FetchResult:
        if self.result is not None and self._closed:
            return self.result
        self._check_open()
        if self._job is None:
            self.start()
            self._owner.check_here()
        assert self._job is not None
        try:
            async with self._heard():
                return await self._job
        finally:
            if self._job.state.final:
                await self._settle()

    def close(self) -> None:
        """Close the comm and its views, and stop waiting."""
        job = getattr(self, "_job", None)  # also called by __del__, after a failed construction
        if job is not None:
            job.stop()
            self._delivery.close()
        super().close()

    # -- state out ---------------------------------------------------------------------------------------------

    @property
    def _can_start(self) -> bool:
        """Whether there is somebody to ask, or nobody need be asked."""
        request_id = self._options.request_id
        if self._has_key or not request_id:
            return bool(request_id)
        return self._cache is not None and self._cache.has_all(self._options.endpoint_at(self._endpoint), request_id)

    def _begin(self) -> None:
        """Make the job, on its loop. A stopped or timed-out one is resumed: its clock and its count go on."""
        options = self._options if self._job is None else self._job.again()
        self._job = job = self._open_client().start(options, self._policies)
        job.subscribe(lambda state: self._follow(job, state))
        self._show(replace(job.state, status="processing"))

    def _follow(self, job: FetchJob, state: FetchState) -> None:
        if job is not self._job:
            return
        before = {entry.index for entry in self._shown.pictures if entry.status == "ready"}
        self._show(state)
        for entry in state.pictures:
            if self._viewed and entry.picture is not None and entry.index not in before:
                self._delivery.push(entry.picture, _name(entry, state))
        if state.final:
            self._owner.tasks.run(self._finish(state))

    async def _finish(self, state: FetchState) -> None:
        """After the end: previews for the views, and the static copy for the notebook."""
        if self._viewed and self.result:
            have = [picture.digest for picture in self.result]
            self._delivery.push_all(self.result, state.request_id, have=have)
        await self._keep(state, read_request(self.result or state, state.caption))

    def _show(self, state: FetchState) -> None:
        """Draw a state: one message with every trait that changed."""
        self._shown = state
        card = card_values(state, form=not self._can_start, has_key=self._has_key)
        with self.hold_sync():
            self.set_trait("_card", card)
            for name, value in trait_values(state).items():
                self.set_trait(name, value)
            if state.count is not None and any(index >= state.count for index in self.selected):
                self.selected = [index for index in self.selected if index < state.count]
        if not state.final:
            milestone = (state.status, state.request_id, len(state.pictures), state.caption)
            self._note_milestone(milestone, lambda: read_request(state, state.caption))

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> list[int]:
        """Sort the indices. Raises TraitError for one that no picture has, as soon as their number is known."""
        indices = sorted({index for index in proposal["value"] if index >= 0})
        count = self._shown.count
        if count is not None and indices and indices[-1] >= count:
            raise traitlets.TraitError(f"there is no picture with index {indices[-1]}: the request has {count}")
        return indices

    # -- intents in --------------------------------------------------------------------------------------------

    _intents = frozenset({"ready", "copy_missing", "start", "stop", "poll_now", "get_picture", "retry", "zip"})

    def _on_ready(self, content: Mapping[str, Any]) -> None:
        """Send a view that appeared the state and the pictures that it lacks."""
        self._viewed = True
        self._show(self._shown)
        have = content.get("have")
        ready = [entry.picture for entry in self._shown.pictures if entry.picture is not None]
        self._delivery.push_all(ready, self._shown.request_id, have=have if isinstance(have, list) else ())
        if self._outputs is not None:
            self._outputs.view_appeared()

    def _on_start(self, content: Mapping[str, Any]) -> None:
        """Take a key, a request id, or both from the form."""
        typed = content.get("key")
        secret, request = read_call(
            typed or self._key, str(content.get("request_id") or "") or self._options, None if typed else self._strike
        )
        if typed:
            self._use_key(secret)
        if request.request_id != self._options.request_id:
            self._options = request
            self._drop_job()
        if self._job is not None and not self._job.state.final:
            self._drop_job()
        self.start()

    def _drop_job(self) -> None:
        if self._job is not None:
            self._job.stop()
            self._job = None

    def _on_stop(self, content: Mapping[str, Any]) -> None:
        self.stop()

    def _on_poll_now(self, content: Mapping[str, Any]) -> None:
        self.check_now()

    def _on_get_picture(self, content: Mapping[str, Any]) -> None:
        self._deliver(content, self._entry(content.get("index")), self._shown.request_id)

    def _on_retry(self, content: Mapping[str, Any]) -> None:
        entry = self._entry(content.get("index"))
        if self._job is not None and entry is not None:
            self._job.retry_picture(entry.index)

    def _on_zip(self, content: Mapping[str, Any]) -> None:
        indices = content.get("indices")
        entries = [self._entry(index) for index in indices] if isinstance(indices, list) else []
        chosen = [entry.picture for entry in entries if entry is not None and entry.picture is not None]
        request_id = self._shown.request_id
        self._deliver_zip(content, named(chosen, request_id), file_stem(request_id))

    def _entry(self, index: object) -> PictureState | None:
        entries = self._shown.pictures
        return entries[index] if isinstance(index, int) and 0 <= index < len(entries) else None


def _name(entry: PictureState, state: FetchState) -> str:
    assert entry.picture is not None
    return file_name(state.request_id, entry.index, entry.picture.extension)
