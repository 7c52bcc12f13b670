"""What both widgets share: the key, the kernel's loop, messages of views, and the two outputs of a cell.

State runs one way (job → traits → view), intents the other (custom messages → job). The jobs live on the event loop
of the kernel; messages that arrive on other threads are handed over to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard
from uuid import uuid4

import anywidget
import traitlets
from traitlets.utils.sentinel import Sentinel

from ..client.fetcher import Fetcher
from ..client.options import FetchOptions, Policies
from ..client.state import counted
from ..credentials import KEY_VARIABLE, ApiKey, redactor
from ..errors import DreamboothError, InvalidKeyError, StoppedError
from ..images.cache_folder import PictureCache
from ..protocol.endpoint import check_endpoint
from .bundle import front_end
from .display import StaticOutputs, is_boxed, is_captured, is_redirected, is_terminal, publish
from .image_sender import ImageSender, check_box, crop_token
from .kernel_loop import KernelLoop
from .observers import guard_observer
from .signed_links import has_expired
from .static_content import StaticContent
from .static_copy import StaticCopy, make_copy

if TYPE_CHECKING:
    from ..client.client import Client
    from ..client.job import FetchJob
    from ..client.state import FetchState, PictureState
    from ..images.picture import Picture

__all__ = ["BaseWidget", "check_indices", "entry_at", "may_be_index", "read_only"]

log = logging.getLogger(__name__)

_LARGEST_ZIP = 512 * 1024 * 1024
"""Bytes. A zip is in the kernel's memory, on the wire and in the browser's memory, all at once."""

_NOT_HERE = "The kernel no longer has it"
_SAVE_INSTEAD = "`.save(folder)` writes the files where the kernel runs"


def read_only(trait: traitlets.TraitType[Any, Any]) -> Any:
    """Return a synced trait that only the jobs set."""
    trait.read_only = True
    return trait.tag(sync=True)


class BaseWidget(anywidget.AnyWidget):
    """A card in a notebook cell that follows jobs."""

    _esm, _css = front_end()

    def __init__(
        self,
        key: ApiKey | None,
        policies: Policies,
        *,
        endpoint: str,
        client: Client | None,
        cache: str | os.PathLike[str] | PictureCache | None,
        save_copy: bool,
    ) -> None:
        self._key = key
        self._fetcher = client.fetcher if client is not None else None
        self._policies = policies
        if self._fetcher is not None:
            self._policies = replace(self._fetcher.policies, deadline=policies.deadline)
        self._endpoint = check_endpoint(endpoint, self._redact) if self._fetcher is None else self._fetcher.endpoint
        self._cache = PictureCache.of(cache) if self._fetcher is None else self._fetcher.cache
        self._viewed = False
        self._closed = False
        self._sender = ImageSender(self.send)
        self._kernel_loop = KernelLoop()
        self._outputs = StaticOutputs(self._send_copy, self._kernel_loop.later, enabled=save_copy)
        self._milestone: object = None
        # The host gives the class to the view's element: by it the styles of the static copy find the card.
        self._card_id = uuid4().hex
        super().__init__(model_id=self._card_id, _dom_classes=(f"dreambooth-card-{self._card_id}",))

    def observe(
        self,
        handler: Callable[..., Any],
        names: Sentinel | str | Iterable[Sentinel | str] = traitlets.All,
        type: Sentinel | str = "change",
    ) -> None:
        """Call `handler` when a trait changes; what it raises is logged, and disturbs neither job nor card."""
        super().observe(guard_observer(self, handler), names, type)

    # -- what the two widgets do -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to fetch."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop waiting."""
        raise NotImplementedError

    def check_now(self) -> None:
        """Poll at once."""
        raise NotImplementedError

    def _show(self) -> object:
        """Set the traits to how the jobs stand, in one message."""
        raise NotImplementedError

    def _send_pictures(self, have: set[str]) -> None:
        """Send a view that appeared what no trait holds; it has the pictures with the digests in `have`."""
        raise NotImplementedError

    def _content(self) -> StaticContent:
        """Return what there is to keep in the notebook now."""
        raise NotImplementedError

    def _text(self) -> str:
        """Return one line for readers without a front end. It must stay true when it is saved."""
        raise NotImplementedError

    def _state_of(self, content: Mapping[str, Any]) -> FetchState:
        """Return the state of the request that a view's message is about. Raises ValueError if there is none."""
        raise NotImplementedError

    # -- the key and the fetcher -------------------------------------------------------------------------------

    @property
    def _has_key(self) -> bool:
        return self._key is not None or self._fetcher is not None

    @property
    def _redact(self) -> Callable[[str], str]:
        """The function that takes the key out of a text."""
        return redactor(self._key)

    def _check_key(self) -> None:
        """Raise InvalidKeyError without a key."""
        if not self._has_key:
            raise InvalidKeyError(
                "There is no API key yet.", advice=f"Pass key=, set {KEY_VARIABLE}, or fill in the form."
            )

    def _use_key(self, key: ApiKey | None) -> None:
        """From now on use the key that was typed into the form."""
        self._key, self._fetcher = key, None

    def _start_job(self, options: FetchOptions) -> FetchJob:
        """Start a job of the user's client, else of what all widgets of this kernel share. Call it on the loop."""
        if self._fetcher is None:
            self._fetcher = Fetcher.shared(self._key, self._endpoint, self._cache)
        return self._fetcher.start(options, self._policies)

    # -- waiting, and the end ----------------------------------------------------------------------------------

    def _check_open(self) -> None:
        """Raise StoppedError after `close()`."""
        if self._closed:
            raise StoppedError("The widget was closed.", advice="Make a new one to fetch its pictures.")

    async def _send_end_again(self) -> None:
        """Send the end once more, from the awaiting cell.

        The jobs' own tasks publish in the name of the cell that made them, and nbclient drops what comes in the name
        of a cell that is not running.
        """
        await self._kernel_loop.tasks.settle()
        if self.comm is None:
            return
        self.send_state()
        self._outputs.republish()
        if not self._outputs.opened and (self._viewed or is_boxed(self)):
            self._outputs.open()

    # -- display -----------------------------------------------------------------------------------------------

    def to_html(self) -> str:
        """Return the small static gallery, or one line without pictures, that also stays in the notebook."""
        return make_copy(self._content(), card_id="")["text/html"]

    def _update_copy(self, milestone: object, read: Callable[[], StaticContent]) -> None:
        """Write the line of a running job into the notebook, if it differs from what is there."""
        if milestone != self._milestone:
            self._milestone = milestone
            self._outputs.update(make_copy(read(), self._card_id))

    async def _save_copy(self, milestone: object) -> None:
        """Leave the pictures in the notebook, unless the job has gone on meanwhile."""
        self._milestone = milestone
        if not self._outputs.enabled:
            return
        try:
            copy = await asyncio.to_thread(make_copy, self._content(), self._card_id)
        except OSError as error:  # the temporary folder was cleared
            log.warning("The pictures are not in the notebook: %s", error)
            return
        if self._milestone == milestone:
            self._outputs.update(copy)

    def _send_copy(self, copy: StaticCopy) -> None:
        self.send({"type": "static_html", "model_id": self._card_id, "data": copy})

    def _view_bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the live view. Its HTML and LaTeX are empty, because the static copy shows there."""
        self._viewed = True
        bundle = super()._repr_mimebundle_()
        data, metadata = bundle if bundle is not None else ({}, {})
        return {**data, "text/plain": self._text(), "text/html": "", "text/latex": ""}, metadata

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the live view to code that shows it elsewhere; the static copy goes to the running cell."""
        bundle = self._view_bundle()
        self._outputs.open()
        return bundle

    def _ipython_display_(self) -> None:
        """Publish two outputs: the live view, and the static copy that stays when the kernel has gone."""
        if is_captured():
            raise NotImplementedError  # IPython then takes the MIME bundle
        if self._closed:
            publish({"text/plain": repr(self)})
        elif is_terminal():
            publish({"text/plain": self._text()})
        else:
            publish(*self._view_bundle())
            if not is_redirected():  # else the copy goes to the cell itself, later
                self._outputs.open()

    def close(self) -> None:
        """Close the comm and its views, stop waiting, and send nothing more."""
        # Also called by __del__: after a failed construction, and a second time for one that was closed.
        if hasattr(self, "_sender") and not self._closed:
            self._closed = True
            with contextlib.suppress(RuntimeError):  # the loop has gone, and with it every job
                self.stop()
            self._sender.close()
        super().close()

    # -- intents in --------------------------------------------------------------------------------------------

    def _handle_msg(self, msg: Any) -> None:
        """Hand every message of a view over to the loop that owns the jobs."""
        self._kernel_loop.run_anyway(super()._handle_msg, msg)

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        """Call the method `_on_<type>` for a view's message of that type."""
        intent = content.get("type") if isinstance(content, dict) else None
        handle = getattr(self, f"_on_{intent}", None)
        if handle is None:
            super()._handle_custom_msg(content, buffers)
            return
        try:
            handle(content)
        except (DreamboothError, RuntimeError, TypeError, ValueError) as error:
            self.send({"type": "error", "reason": str(error)})
        except Exception:
            log.exception("Message %r of a view failed", intent)  # the type alone: a form holds the key

    def _on_ready(self, content: Mapping[str, Any]) -> None:
        """Send the state and what is lacking: a view appeared, or the page was reloaded."""
        self._viewed = True
        self._show()
        # All traits but the front end: a page may have missed changes before its connection stood (Panel).
        self.send_state([name for name in self.keys if name not in ("_esm", "_css")])
        have = content.get("have")
        self._send_pictures({digest for digest in have if isinstance(digest, str)} if isinstance(have, list) else set())
        self._outputs.view_appeared()

    def _on_stop(self, content: Mapping[str, Any]) -> None:
        self.stop()

    def _on_poll_now(self, content: Mapping[str, Any]) -> None:
        self.check_now()

    def _on_copy_missing(self, content: Mapping[str, Any]) -> None:
        """Publish the copy again: a view finds none in its page, since the host has dropped the output."""
        self._outputs.reopen()

    def _on_get_picture(self, content: Mapping[str, Any]) -> None:
        """Send the picture that a view needs, in the size that it needs, or that there is none."""
        kind, picture = content.get("kind"), self._find_picture(content)
        if kind not in ("thumbnail", "preview", "original"):
            raise ValueError("Unknown kind of picture.")
        if picture is None:
            self._sender.unavailable(kind, str(content.get("id")), _NOT_HERE)
        else:
            self._sender.send(kind, picture, self._state_of(content).request_id)

    def _on_get_link(self, content: Mapping[str, Any]) -> None:
        """Send where a picture came from, on request alone: a signed link opens the file for anyone."""
        picture = self._find_picture(content)
        url = picture.url if picture is not None else ""
        opens = not has_expired(url, time.time())
        self.send({"type": "link", "id": str(content.get("id")), "url": url if opens else ""})

    def _on_get_crop(self, content: Mapping[str, Any]) -> None:
        """Send the part of a picture's original that a view's loupe shows, or that there is none."""
        box, picture = content.get("box"), self._find_picture(content)
        if picture is None:
            token = crop_token(str(content.get("id")), box if isinstance(box, list) else ())
            self._sender.unavailable("crop", token, _NOT_HERE)
        else:
            self._sender.send_crop(picture, check_box(box, picture))

    def _find_picture(self, content: Mapping[str, Any]) -> Picture | None:
        """Return the picture that a view's message names by index and digest, None if it is not there any more."""
        entry = entry_at(self._state_of(content).pictures, content.get("index"))
        picture = entry.picture if entry is not None else None
        return picture if picture is not None and picture.digest == content.get("id") else None

    def _send_zip(self, content: Mapping[str, Any], files: Sequence[tuple[str, Picture]], stem: str) -> None:
        """Send the originals as one zip, by their names in it."""
        token = str(content.get("id"))
        if not files:
            self._sender.unavailable("zip", token, "There is nothing to download")
        elif sum(picture.nbytes for _, picture in files) > _LARGEST_ZIP:
            self._sender.unavailable("zip", token, f"Too large for the browser: {_SAVE_INSTEAD}")
        else:
            self._sender.send_zip(files, f"{stem}-pictures.zip", token)


def check_indices(indices: Iterable[int], count: int | None, owner: str) -> None:
    """Raise TraitError for an index that no picture of the owner has; `count` is None before their number is known."""
    for index in indices:
        if not may_be_index(index, count):
            has = "" if count is None else f": {owner} has {counted(count, 'picture')}"
            raise traitlets.TraitError(f"there is no picture with index {index}{has}")


def may_be_index(value: object, count: int | None) -> TypeGuard[int]:
    """Whether `value` may be the index of one of `count` pictures; None before their number is known."""
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return value >= 0 and (count is None or value < count)


def entry_at(entries: Sequence[PictureState], index: object) -> PictureState | None:
    """Return the entry at an index that a view named, None if there is none."""
    return entries[index] if may_be_index(index, len(entries)) else None
