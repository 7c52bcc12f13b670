"""How many requests stand together: status, line, trouble, and when all will have ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.client.state import FINAL, FetchState, Status
from dreambooth_widget.widget.batch_summary import summarize

NOW = 1000.0
STATUSES: tuple[Status, ...] = ("idle", "processing", "downloading", "success", "error", "stopped", "timed_out")


def state(status: Status = "processing", **facts: Any) -> FetchState:
    """One request."""
    return FetchState("1", status, **facts)


def done(seconds: float, polls: int = 2) -> FetchState:
    """One that took so long."""
    return state("success", started_at=100.0, finished_at=100.0 + seconds, polls=polls)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([], "idle"),
        (["idle", "idle"], "idle"),
        (["idle", "error"], "idle"),
        (["success", "processing", "error"], "processing"),
        (["success", "downloading"], "processing"),
        (["idle", "processing"], "processing"),
        (["success", "success"], "success"),
        (["success", "stopped"], "stopped"),
        (["success", "stopped", "timed_out"], "timed_out"),
        (["success", "stopped", "timed_out", "error"], "error"),
    ],
)
def test_the_status(statuses: list[Status], status: Status) -> None:
    """Running outranks ended, and failed outranks succeeded."""
    assert summarize([state(each) for each in statuses], NOW).status == status


@given(st.lists(st.sampled_from(STATUSES), max_size=12))
def test_the_counts(statuses: list[Status]) -> None:
    """Every status has its number, and their sum is all of them; there is no end while one runs."""
    summary = summarize([state(each, finished_at=5.0) for each in statuses], NOW)
    assert list(summary.counts) == list(STATUSES)
    assert sum(summary.counts.values()) == len(statuses)
    assert all(summary.counts[each] == statuses.count(each) for each in STATUSES)
    assert (summary.finished_at is None) == (not statuses or not FINAL.issuperset(statuses))


@pytest.mark.parametrize(
    ("statuses", "message"),
    [
        ([], "No requests yet"),
        (["processing"], "0 of 1 done"),
        (["success"] * 37 + ["error"] * 2 + ["processing"] * 11, "37 of 50 done, 2 failed"),
        (
            ["success", "error", "stopped", "timed_out", "timed_out"],
            "1 of 5 done, 1 failed, 1 stopped, 2 timed out",
        ),
    ],
)
def test_the_line(statuses: list[Status], message: str) -> None:
    """As the card shows it."""
    assert summarize([state(each) for each in statuses], NOW).message == message


def test_the_times() -> None:
    """From the first poll of any to the last end of any, and the nearest poll of those that run."""
    states = [
        state("success", started_at=20.0, finished_at=40.0, next_poll_at=None),
        state("error", started_at=10.0, finished_at=60.0),
        state("processing", started_at=30.0, next_poll_at=90.0),
        state("processing", started_at=30.0, next_poll_at=80.0),
        state("idle", next_poll_at=1.0),
    ]
    summary = summarize(states, NOW)
    assert (summary.started_at, summary.finished_at, summary.next_poll_at) == (10.0, None, 80.0)
    assert summarize(states[:2], NOW).finished_at == 60.0
    nothing = summarize([], NOW)
    assert (nothing.started_at, nothing.finished_at, nothing.next_poll_at, nothing.done_at) == (None,) * 4


# -- when all will have ended ------------------------------------------------------------------------------------


def test_the_last_one_decides() -> None:
    """The latest of the ETAs, counted from each one's own first poll; one that has not begun begins now."""
    states = [state(eta=50.0, started_at=980.0), state(eta=20.0, started_at=990.0), state(eta=25.0)]
    assert summarize(states, NOW).done_at == 1030.0
    assert summarize(states[1:], NOW).done_at == 1025.0


def test_unknown_end() -> None:
    """One without an ETA, and too few that have ended for a median."""
    states = [state(eta=50.0, started_at=980.0), state(started_at=980.0)]
    assert summarize([*states, done(30), done(30)], NOW).done_at is None
    assert summarize([*states, done(30), done(10), done(300)], NOW).done_at == 1030.0


def test_instant_success_is_no_sample() -> None:
    """A request that was ready at its first poll is no example of how long one takes."""
    assert summarize([state(started_at=NOW), *[done(0.1, polls=1)] * 5], NOW).done_at is None


def test_own_eta_beats_median() -> None:
    """The median is for those without."""
    assert summarize([state(eta=5.0, started_at=NOW), *[done(300)] * 3], NOW).done_at == 1005.0


def test_late_request_moves_no_estimate() -> None:
    """It is counted in the line; the others are expected when they were, however long it hangs."""
    states = [state(eta=10.0, started_at=900.0), state(eta=20.0, started_at=990.0)]
    for now in (NOW, NOW + 5):
        summary = summarize(states, now)
        assert summary.done_at == 1010.0
        assert summary.message == "0 of 2 done, 1 is taking longer than estimated"
    late = summarize(states, NOW + 100)
    assert (late.done_at, late.message) == (None, "0 of 2 done, 2 are taking longer than estimated")


def test_nothing_expected_after_end() -> None:
    """And what was stopped is not waited for."""
    assert summarize([done(10)] * 4, NOW).done_at is None
    assert summarize([done(10), state("stopped", eta=99.0, started_at=990.0)], NOW).done_at is None


# -- trouble -----------------------------------------------------------------------------------------------------

FAILING = state(activity="retrying", message="The connection was refused")
LIMITED = state(activity="rate_limited", message="the service asks to wait 30 s")


def test_all_is_well() -> None:
    """No words, and no mark."""
    summary = summarize([state(), done(3), state("error", message="It broke")], NOW)
    assert (summary.trouble, summary.activity) == ("", "")


def test_calls_that_are_repeated() -> None:
    """How many, and why, in a sentence; what has ended is no trouble any more."""
    ended = replace(FAILING, status="stopped")
    one = summarize([FAILING, state(), ended], NOW)
    assert one.trouble == "1 request is being tried again: The connection was refused"
    assert summarize([FAILING] * 12, NOW).trouble == "12 requests are being tried again: The connection was refused"
    assert one.activity == "retrying"


def test_the_reason_is_whole() -> None:
    """Also when it has a colon of its own."""
    colon = replace(FAILING, message="HTTP 500: oops")
    assert summarize([colon], NOW).trouble.endswith("again: HTTP 500: oops")


def test_rate_limit_outranks_failures() -> None:
    """Outranks failing calls."""
    summary = summarize([FAILING, LIMITED, LIMITED], NOW)
    assert summary.trouble == "The service asked to wait: 2 requests will be checked later"
    assert summary.activity == "rate_limited"
