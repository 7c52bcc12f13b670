"""The card of one request: what is shown of its job, and the messages of its views.

State runs one way, `FetchState` → traits → view; intents come back as messages of the views.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from ..client.requests import read_call
from ..images.files import file_stem, named
from .base import BaseWidget, check_indices, entry_at, may_be_index, read_only
from .static_content import StaticContent, read_request
from .trait_values import card_values, trait_values

if TYPE_CHECKING:
    from ..client.job import FetchJob
    from ..client.options import FetchOptions
    from ..client.state import FetchResult, FetchState

__all__ = ["RequestCard"]


def _read_selected(value: object, card: RequestCard) -> list[int]:
    """Return the indices that a view selected, without those that no picture has: the view may be of another state."""
    indices = value if isinstance(value, list) else []
    return [index for index in indices if may_be_index(index, card._shown.count)]


class RequestCard(BaseWidget):
    """Shows the states of one job, and handles the messages of its views."""

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
    """Number of polls."""
    started_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time of the first poll."""
    next_poll_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time of the next poll; None while one is under way and when no more come."""
    finished_at = read_only(traitlets.Float(None, allow_none=True))
    """Unix time at which the job ended."""
    pictures = read_only(traitlets.List(traitlets.Dict()))
    """A small JSON object per link: index, status, reason, id, name, format, width, height (px), size (bytes), text."""
    selected = traitlets.List(traitlets.Int()).tag(sync=True, from_json=_read_selected)
    """Indices of the selected pictures, ascending. Set it here or by clicking in the gallery."""
    _card = read_only(traitlets.Dict())
    """What the card shows besides: caption, activity, error, facts, the kernel's time, form and key."""

    _last_pictures: ClassVar[Mapping[str, int] | None] = None
    """The number and the size of the pictures of this kernel's last job."""

    _job: FetchJob | None
    _options: FetchOptions
    _shown: FetchState

    @property
    def result(self) -> FetchResult | None:
        """The pictures, once the job has succeeded."""
        return self._job.result if self._job is not None else None

    @property
    def _can_start(self) -> bool:
        """Whether there is a request and a key, or a cache that makes the key superfluous."""
        request_id = self._options.request_id
        if self._has_key or not request_id:
            return bool(request_id)
        return self._cache is not None and self._cache.has_all(self._options.endpoint_at(self._endpoint), request_id)

    # -- state out ---------------------------------------------------------------------------------------------

    def _follow(self, job: FetchJob, state: FetchState) -> None:
        if job is not self._job:
            return
        before = {entry.index for entry in self._shown.pictures if entry.status == "ready"}
        self._shown = state
        self._show()
        for entry in state.pictures:
            if self._viewed and entry.picture is not None and entry.index not in before:
                self._sender.send("thumbnail", entry.picture, state.request_id)
        if state.final:
            self._note_pictures(state)
            self._kernel_loop.tasks.run(self._finish())

    def _note_pictures(self, state: FetchState) -> None:
        """Remember how many pictures came and in which size: the next card reserves as much room."""
        first = next((entry.picture for entry in state.pictures if entry.picture is not None), None)
        if first is not None:
            sizes = {"count": len(state.pictures), "width": first.width, "height": first.height}
            RequestCard._last_pictures = sizes

    async def _finish(self) -> None:
        """Send the previews to the views, and leave the static copy in the notebook: the job has ended."""
        if self._viewed and self.result:
            have = [picture.digest for picture in self.result]
            self._sender.send_gallery(self.result, self._shown.request_id, have=have)
        await self._save_copy(self._shown)

    def _content(self) -> StaticContent:
        return read_request(self._shown)

    def _show(self) -> None:
        """Set the traits to the state that is shown, in one message with every trait that changed."""
        state = self._shown
        expected = None if state.final else RequestCard._last_pictures
        card = card_values(state, form=not self._can_start, has_key=self._has_key, expected=expected)
        with self.hold_sync():
            self.set_trait("_card", card)
            for name, value in trait_values(state).items():
                self.set_trait(name, value)
            if state.count is not None and any(index >= state.count for index in self.selected):
                self.selected = [index for index in self.selected if index < state.count]
        if not state.final:
            milestone = (state.status, state.request_id, len(state.pictures), state.caption)
            self._update_copy(milestone, self._content)

    def _send_pictures(self, have: set[str]) -> None:
        ready = [entry.picture for entry in self._shown.pictures if entry.picture is not None]
        self._sender.send_gallery(ready, self._shown.request_id, have=have)

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> list[int]:
        """Sort the indices. Raises TraitError for one that no picture has, as soon as their number is known."""
        indices = sorted(set(proposal["value"]))
        check_indices(indices, self._shown.count, "the request")
        return indices

    # -- intents in --------------------------------------------------------------------------------------------

    def _on_start(self, content: Mapping[str, Any]) -> None:
        """Start with what was typed into the form: a key, a request id, or both."""
        typed = content.get("key")
        secret, request = read_call(typed or self._key, str(content.get("request_id") or "") or self._options)
        if typed:
            self._use_key(secret)
        other = request.request_id != self._options.request_id
        if other:
            self._options = request
        if self._job is not None and (other or not self._job.state.final):
            self._job.stop()
            self._job = None
        self.start()

    def _state_of(self, content: Mapping[str, Any]) -> FetchState:
        return self._shown

    def _on_retry(self, content: Mapping[str, Any]) -> None:
        index = content.get("index")
        if self._job is not None and isinstance(index, int):
            self._job.retry_picture(index)

    def _on_zip(self, content: Mapping[str, Any]) -> None:
        indices = content.get("indices")
        entries = [entry_at(self._shown.pictures, index) for index in indices] if isinstance(indices, list) else []
        chosen = [entry.picture for entry in entries if entry is not None and entry.picture is not None]
        request_id = self._shown.request_id
        files = dict(named(chosen, request_id))  # each once
        self._send_zip(content, list(files.items()), file_stem(request_id))
