"""`schedule`: when to poll again, and how long failures are repeated."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dreambooth_widget.client.schedule import DurationHistory, PollSchedule, Retry, default_deadline

SECONDS = st.floats(0, 1e6)
FRACTIONS = st.floats(0, 1, exclude_max=True)
ETAS = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def schedules(draw: st.DrawFn) -> PollSchedule:
    """Any schedule that is accepted."""
    shortest = draw(st.floats(0.01, 60))
    return PollSchedule(
        eta_fraction=draw(st.floats(0, 10)),
        growth=draw(st.floats(0, 50)),
        shortest=shortest,
        longest=shortest + draw(st.floats(0, 100)),
        longest_silence=shortest + draw(st.floats(0, 100)),
        jitter=draw(st.floats(0, 0.99)),
    )


class TestPollSchedule:
    """When to poll a job that is processing."""

    @given(schedules(), SECONDS, ETAS, FRACTIONS)
    def test_bounds(self, schedule: PollSchedule, elapsed: float, eta: float | None, fraction: float) -> None:
        """No gap is shorter than `shortest`, or longer than `longest` or `longest_silence` plus jitter."""
        delay = schedule.next_delay(elapsed, eta)
        assert schedule.shortest <= delay <= max(schedule.longest, schedule.longest_silence)
        varied = schedule.jittered(delay, fraction)
        assert schedule.shortest <= varied <= delay * (1 + schedule.jitter)
        assert varied >= delay * (1 - schedule.jitter) * (1 - 1e-9)

    @given(schedules(), SECONDS, ETAS)
    def test_due_delay_ignores_silence(self, schedule: PollSchedule, elapsed: float, eta: float | None) -> None:
        """`due_delay` does not break the silence before the expected time; later the two are the same."""
        delay, alone = schedule.due_delay(elapsed, eta), schedule.next_delay(elapsed, eta)
        first = schedule.eta_fraction * eta if eta is not None and math.isfinite(eta) and eta > 0 else 0.0
        if elapsed < first:
            assert delay == max(first - elapsed, schedule.shortest)
            assert alone == min(delay, schedule.longest_silence)
        else:
            assert delay == alone

    @given(schedules(), SECONDS, st.none() | st.floats(max_value=0) | st.just(math.nan) | st.just(math.inf))
    def test_without_an_estimate(self, schedule: PollSchedule, elapsed: float, eta: float | None) -> None:
        """Without an ETA, or with one that is none, the gap never exceeds `longest` and grows with the time."""
        delay = schedule.next_delay(elapsed, eta)
        assert delay <= schedule.longest
        assert delay <= schedule.next_delay(elapsed + 1, eta)

    @given(schedules(), SECONDS, st.floats(0.1, 1e6))
    def test_after_the_fraction(self, schedule: PollSchedule, elapsed: float, eta: float) -> None:
        """Once `eta_fraction` of the ETA is over, the ETA plays no part any more."""
        assume(elapsed >= schedule.eta_fraction * eta)
        assert schedule.next_delay(elapsed, eta) == schedule.next_delay(elapsed, None)

    @pytest.mark.parametrize(
        ("elapsed", "eta", "delay"),
        [
            (0, 20, 12.0),
            (12, 20, 0.6 * math.sqrt(12)),
            (0, 100, 15.0),
            (50, 100, 10.0),
            (59.9, 100, 1.5),
            (0, 1, 1.5),
            (0, None, 1.5),
            (100, None, 6.0),
            (1000, None, 10.0),
            (-5, None, 1.5),
        ],
    )
    def test_default(self, elapsed: float, eta: float | None, delay: float) -> None:
        """The default: 0.6 of the ETA, at most 15 s of silence, then 0.6·√elapsed between 1.5 and 10 s."""
        assert PollSchedule().next_delay(elapsed, eta) == pytest.approx(delay)

    def test_whole_job(self) -> None:
        """A job of 60 s that was announced as one of 60 s is polled about a dozen times, never in silence for long."""
        schedule, random = PollSchedule(), Random(5)
        polls = [0.0]
        while polls[-1] < 60:
            polls.append(polls[-1] + schedule.jittered(schedule.next_delay(polls[-1], 60), random.random()))
        assert 7 <= len(polls) <= 12
        assert max(later - earlier for earlier, later in pairwise(polls)) <= 15 * 1.1

    def test_jitter_spreads(self) -> None:
        """The jitter reaches both ends of its range: many notebooks do not poll in step."""
        schedule = PollSchedule()
        assert schedule.jittered(10, 0) == pytest.approx(9)
        assert schedule.jittered(10, 0.5) == pytest.approx(10)
        assert schedule.jittered(10, 0.999) > 10.99

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"eta_fraction": -0.1}, "eta_fraction"),
            ({"eta_fraction": 11}, "eta_fraction"),
            ({"growth": -1}, "growth"),
            ({"shortest": 0}, "shortest"),
            ({"shortest": -1}, "shortest"),
            ({"longest": 1}, "longest"),
            ({"longest_silence": 1}, "longest_silence"),
            ({"jitter": 1}, "jitter"),
            ({"jitter": -0.1}, "jitter"),
            ({"longest": math.inf}, "longest"),
            ({"growth": math.nan}, "growth"),
        ],
    )
    def test_bad_value(self, fields: dict[str, Any], name: str) -> None:
        """A value that would poll without a pause, or never, is refused by its name."""
        with pytest.raises(ValueError, match=f"^{name} must be "):
            PollSchedule(**fields)

    @pytest.mark.parametrize("name", ["eta_fraction", "growth", "shortest", "longest", "longest_silence", "jitter"])
    @pytest.mark.parametrize("value", ["5", None, True])
    def test_bad_type(self, name: str, value: Any) -> None:
        """A value that is no number is refused by its name."""
        with pytest.raises(TypeError, match=f"^{name} must be a number, not {type(value).__name__}"):
            PollSchedule(**{name: value})

    def test_value(self) -> None:
        """Equal schedules are equal, and none can be changed."""
        assert PollSchedule() == PollSchedule(0.6, 0.6, 1.5, 10.0, 15.0, 0.1)
        assert hash(PollSchedule()) == hash(PollSchedule())
        with pytest.raises(AttributeError):
            PollSchedule().jitter = 0.5  # type: ignore[misc]


class TestRetry:
    """How a failed call is repeated."""

    @given(st.integers(-5, 10**6), FRACTIONS, st.floats(0.01, 100), st.floats(0, 1000))
    def test_bounds(self, attempt: int, fraction: float, first: float, more: float) -> None:
        """Every wait is positive and at most `longest`, however many attempts there were."""
        retry = Retry(first=first, longest=first + more)
        assert retry.first / 2 <= retry.delay(attempt, fraction) <= retry.longest

    def test_default(self) -> None:
        """The waits triple from 0.5 s and end at 20 s."""
        waits = [Retry().delay(attempt, 1.0) for attempt in range(2, 10)]
        assert waits == [0.5, 1.5, 4.5, 13.5, 20, 20, 20, 20]

    @given(st.integers(2, 20))
    def test_jitter(self, attempt: int) -> None:
        """Clients that failed together come back apart: half of each wait is random."""
        assert Retry().delay(attempt, 0.0) == Retry().delay(attempt, 1.0) / 2

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"attempts": 0}, "attempts"),
            ({"first": 0}, "first"),
            ({"longest": 0.1}, "longest"),
            ({"rate_limit_wait": -1}, "rate_limit_wait"),
            ({"longest": math.inf}, "longest"),
        ],
    )
    def test_bad_value(self, fields: dict[str, Any], name: str) -> None:
        """A value that would never try, or never pause, is refused by its name."""
        with pytest.raises(ValueError, match=f"^{name} must be "):
            Retry(**fields)

    @pytest.mark.parametrize(
        ("fields", "name"),
        [({"attempts": 2.5}, "attempts"), ({"attempts": True}, "attempts"), ({"first": "1"}, "first")],
    )
    def test_bad_type(self, fields: dict[str, Any], name: str) -> None:
        """A value of another type is refused by its name."""
        with pytest.raises(TypeError, match=f"^{name} must be "):
            Retry(**fields)


class TestDeadlineAndHistory:
    """How long a job may take, and took."""

    @pytest.mark.parametrize(
        ("eta", "deadline"),
        [(None, 600), (5, 600), (100, 600), (200, 1200), (math.nan, 600), (math.inf, 600), (-5, 600)],
    )
    def test_deadline(self, eta: float | None, deadline: float) -> None:
        """Ten minutes, or six times the ETA if that is longer."""
        assert default_deadline(eta) == deadline

    def test_history_needs_three(self) -> None:
        """Two jobs are too few; of three the median is what the next one will take."""
        history = DurationHistory()
        assert history.typical() is None
        history.add(10)
        history.add(300)
        assert history.typical() is None
        history.add(20)
        assert history.typical() == 20

    def test_history_forgets(self) -> None:
        """The last jobs count, not those of this morning."""
        history = DurationHistory(size=5)
        for seconds in [500.0] * 20 + [8.0] * 5:
            history.add(seconds)
        assert history.typical() == 8

    def test_history_corrects_estimates(self) -> None:
        """Three jobs show by how much the estimates are wrong: the median factor corrects the next one."""
        history = DurationHistory()
        for seconds, estimate in [(16.0, 10.0), (400.0, 20.0), (30.0, None), (5.0, 0.0)]:
            history.add(seconds, estimate)
        assert history.corrected(50.0) == 50.0
        history.add(30.0, 30.0)
        assert history.corrected(50.0) == pytest.approx(80.0)
