"""What each answer means: waits, words for the user, and the errors that end a job."""

from __future__ import annotations

from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import PollSchedule, Retry
from dreambooth_widget.client.options import FetchOptions
from dreambooth_widget.client.polling_policy import PollingPolicy
from dreambooth_widget.client.schedule import DurationHistory
from dreambooth_widget.protocol.answer_types import Busy, Finished, Processing

OUTAGE = Busy("service unavailable (503)")


def policy(**options: Any) -> PollingPolicy:
    """A policy for one request without a history."""
    return PollingPolicy(FetchOptions(request_id="1", **options), DurationHistory())


def test_good_answer_clears_the_counts() -> None:
    """Faults are counted from the last usable answer on."""
    own = policy(retry=Retry(attempts=2))
    for _ in range(5):
        own.decide(OUTAGE, 1.0, None)
        own.decide(Processing(), 1.0, None)


def test_unanswered_endpoint_is_given_up() -> None:
    """After `attempts` calls, in words that count right; one that has answered before is not given up."""
    with pytest.raises(dw.EndpointUnreachableError, match=r"in 1 attempt: service unavailable"):
        policy(retry=Retry(attempts=1)).decide(OUTAGE, 1.0, None)
    own = policy()
    waits = [own.decide(OUTAGE, 1.0, None, answered=True).wait for _ in range(40)]
    assert 5 <= max(waits) <= 20
    assert own.decide(OUTAGE, 1.0, None, answered=True).message == "Service unavailable (503)"


@pytest.mark.parametrize(("named", "wait"), [(None, 30), (12.0, 30), (75.0, 75)])
def test_named_wait_is_the_least(named: float | None, wait: float) -> None:
    """What the service names is waited for, and never less than half a minute."""
    decision = policy().decide(Busy("too many", named, rate_limited=True), 1.0, None)
    assert (decision.wait, decision.activity) == (wait, "rate_limited")


def test_silence_is_broken_before_due() -> None:
    """A long job may be polled after 15 s, and is likely to be ready at 0.6 of its ETA."""
    own = policy(schedule=PollSchedule(jitter=0))
    decision = own.decide(Processing(eta=100.0), 0.0, None)
    assert (decision.wait, decision.due, decision.eta) == (15, 60, 100)
    first = policy(schedule=PollSchedule(jitter=0), eta=100.0).first(0.0)
    assert first.wait == 0
    assert first.due is not None
    assert 0 < first.due < 60


def test_empty_success_is_polled_again() -> None:
    """A few times; then the job has ended without pictures."""
    own = policy()
    for _ in range(3):
        assert own.decide(Finished(()), 1.0, None).activity == "retrying"
    with pytest.raises(dw.EmptyResultError):
        own.decide(Finished(()), 1.0, None)
