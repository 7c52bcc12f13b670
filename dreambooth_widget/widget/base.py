"""What the widgets have in common: the kernel's loop, messages of views, pictures to views, the two outputs of a cell.

State runs one way (job → traits → view), intents the other (custom messages → job). The jobs live on the event loop
of the kernel; messages may arrive on other threads and hop to it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from ..credentials import KEY_VARIABLE, ApiKey
from ..errors import DreamboothError, InvalidKeyError
from ..images.files import file_name
from ..protocol.endpoint import V4, check_endpoint
from .display import StaticOutputs, publish

if TYPE_CHECKING:
    from ..client.client import Client
    from ..client.state import PictureState
    from ..images.picture import Picture
    from ..images.store import PictureCache

__all__ = ["BaseWidget", "read_only"]

log = logging.getLogger(__name__)

_LARGEST_ZIP = 512 * 1024 * 1024
"""Bytes. A zip is in the kernel's memory, on the wire and in the browser's memory, all at once."""

_SAVE_INSTEAD = "`.save(folder)` writes the files where the kernel runs"


def read_only(trait: traitlets.TraitType[Any, Any]) -> Any:
    """A synced trait that the jobs alone set."""
    trait.read_only = True
    return trait.tag(sync=True)


class BaseWidget(anywidget.AnyWidget):
    """A card in a notebook cell that follows jobs."""

    _intents: ClassVar[frozenset[str]] = frozenset()
    """The types of a view's messages that are understood; `_on_<type>` does what they ask for."""

    def __init__(
        self,
        key: ApiKey | None,
        *,
        endpoint: str = V4,
        client: Client | None = None,
        cache: str | os.PathLike[str] | PictureCache | None = None,
        save_copy: bool = True,
    ) -> None:
        # Not before a card is made: asyncio and all that works on it, for which the import would have to wait.
        from ..images.store import PictureCache
        from .image_sender import ImageSender
        from .kernel_loop import KernelLoop

        self._key = key
        self._client = client
        self._endpoint = check_endpoint(endpoint) if client is None else client.endpoint
        self._cache = PictureCache.of(cache) if client is None else client.cache
        self._outputs = StaticOutputs(self._tell_copy) if save_copy else None
        self._viewed = False
        self._delivery = ImageSender(self._send_buffers)
        self._owner = KernelLoop()
        super().__init__()

    # -- the key and the client --------------------------------------------------------------------------------

    @property
    def _has_key(self) -> bool:
        return self._key is not None or self._client is not None

    @property
    def _strike(self) -> Callable[[str], str]:
        """Takes the key out of a text, wherever the key is."""
        if self._client is not None:
            return self._client.redact
        return self._key.redact if self._key is not None else str

    def _check_key(self) -> None:
        if not self._has_key:
            raise InvalidKeyError(
                "There is no API key yet.", advice=f"Pass key=, set {KEY_VARIABLE}, or fill in the form."
            )

    def _use_key(self, key: str) -> None:
        """The key that somebody typed into the form, from now on."""
        self._key, self._client = ApiKey(key), None

    def _open_client(self) -> Client:
        """The client that the user gave, else the one that all widgets of this kernel share. On the loop."""
        if self._client is None:
            from ..client.client import Client

            self._client = Client.shared(self._key, endpoint=self._endpoint, cache=self._cache)
        return self._client

    # -- waiting, and the end ----------------------------------------------------------------------------------

    def _heard(self) -> AbstractAsyncContextManager[None]:
        """While a cell awaits in this context, the views' messages are handled."""
        from .ipykernel6 import heard

        return heard(self.model_id)

    async def _keep(self, draw: Callable[[], str]) -> None:
        """Draw the static copy, in a thread, and leave it in the notebook."""
        if self._outputs is not None:
            from ..images.threads import in_picture_thread

            self._outputs.fill(await in_picture_thread(draw))

    async def _settle(self) -> None:
        """Send the end once more, from the awaiting cell.

        The jobs' own tasks speak in the name of the cell that made them, and nbclient drops what comes in the name
        of a cell that is not running.
        """
        await self._owner.tasks.settle()
        self.send_state()
        if self._outputs is not None:
            self._outputs.write_again()

    # -- display -----------------------------------------------------------------------------------------------

    def _tell_copy(self, bundle: dict[str, Any]) -> None:
        self._send_buffers({"type": "static_html", "model_id": self.model_id, "data": bundle}, [])

    def _send_buffers(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if self.comm is not None:
            self.send(content, buffers=buffers)

    def _deliver(self, content: Mapping[str, Any], entry: PictureState | None, request_id: str) -> None:
        """Send the picture that a view needs, in the size that it needs, or say that there is none."""
        kind, index, token = content.get("kind"), content.get("index"), str(content.get("id"))
        if kind not in ("thumbnail", "preview", "original"):
            raise ValueError("unknown kind of picture")
        picture = entry.picture if entry is not None else None
        if picture is None or picture.digest != token:
            place = index if isinstance(index, int) else -1
            self._delivery.unavailable(kind, place, token, "the kernel has it no more")
        else:
            self._delivery.send(kind, picture, file_name(request_id, picture.index, picture.extension))

    def _deliver_zip(self, content: Mapping[str, Any], files: Sequence[tuple[str, Picture]], stem: str) -> None:
        """Send the originals as one zip, by their names in it."""
        token = str(content.get("id"))
        if not files:
            self._delivery.unavailable("zip", -1, token, "there is nothing to download")
        elif sum(picture.nbytes for _, picture in files) > _LARGEST_ZIP:
            self._delivery.unavailable("zip", -1, token, f"too large for the browser: {_SAVE_INSTEAD}")
        else:
            self._delivery.send_zip(files, f"{stem}-pictures.zip", token)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        self._viewed = True
        return super()._repr_mimebundle_(**options)

    def _ipython_display_(self) -> None:
        """Two outputs: the live view, and the static copy that stays when the kernel has gone."""
        bundle = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        publish({**data, "text/html": ""}, metadata)
        if self._outputs is not None:
            self._outputs.open()

    # -- intents in --------------------------------------------------------------------------------------------

    def _handle_msg(self, msg: Any) -> None:
        """Every message of a view goes to the loop that owns the jobs."""
        self._owner.hand_over(super()._handle_msg, msg)

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        intent = content.get("type") if isinstance(content, dict) else None
        if not isinstance(intent, str) or intent not in self._intents:
            super()._handle_custom_msg(content, buffers)
            return
        try:
            getattr(self, f"_on_{intent}")(content)
        except (DreamboothError, RuntimeError, TypeError, ValueError) as error:
            self._send_buffers({"type": "error", "reason": str(error)}, [])
        except Exception:
            log.exception("message %r of a view failed", intent)  # the type alone: a form holds the key
