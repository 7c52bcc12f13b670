"""Widgets of a scripted endpoint, in a hurry."""

from __future__ import annotations

from typing import Any

from dreambooth_widget import DreamboothWidget, PollSchedule, Retry

from .endpoint import CANARY, Endpoint

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)

QUICK = Retry(attempts=2, first=0.01, longest=0.05, rate_limit_wait=0.1)

OPTIONS: dict[str, Any] = {"schedule": FAST, "retry": QUICK}


def make(endpoint: Endpoint, *answers: Any, **options: Any) -> DreamboothWidget:
    """A widget of the endpoint, which answers `answers`."""
    if answers:
        endpoint.answers = list(answers)
    return DreamboothWidget(CANARY, 13443927, endpoint=endpoint.url, **{**OPTIONS, **options})


def from_response(response: Any, **options: Any) -> DreamboothWidget:
    """Return a widget for a response that does not start by itself."""
    return DreamboothWidget.from_response(response, CANARY, autostart=False, **options)
