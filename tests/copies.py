"""The static copies of requests, from results as from states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dreambooth_widget.client.state import FetchResult, FetchState, PictureState
from dreambooth_widget.widget.static_content import StaticContent, read_batch, read_request
from dreambooth_widget.widget.static_copy import budget_for
from dreambooth_widget.widget.static_html import render_content
from dreambooth_widget.widget.static_images import MOST, largest_edge, small_images

Source = FetchState | FetchResult


def state_of(source: Source, caption: str = "") -> FetchState:
    """The state with a caption; of a result, that of its job."""
    if isinstance(source, FetchState):
        return replace(source, caption=caption or source.caption)
    ready = (PictureState(picture.index, "ready", picture=picture) for picture in source)
    return FetchState(
        source.request_id,
        "success",
        started_at=100.0,
        finished_at=100.0 + source.duration,
        pictures=(*ready, *source.missing),
        meta=source.meta,
        caption=caption,
    )


def render(source: Source, *, caption: str = "", card_id: str = "") -> str:
    """The HTML of one request's copy."""
    return _render(read_request(state_of(source, caption)), card_id)


def render_many(requests: Iterable[tuple[str, Source]], message: str = "") -> str:
    """The HTML of a batch's copy, of its requests with their captions."""
    return _render(read_batch([state_of(source, caption) for caption, source in requests], message))


def _render(content: StaticContent, card_id: str = "") -> str:
    """The HTML as it is without a contact sheet beside it."""
    images = small_images(content.pictures[:MOST], largest_edge(len(content.pictures)))
    return render_content(content, images, budget_for(content), card_id)
