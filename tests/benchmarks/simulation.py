"""Simulated jobs, the ways in which clients poll them, and the best that any of them could do.

A job becomes ready `duration` seconds after its first poll. The service announces `eta` with every answer; the truth
is log-normal around it: duration = eta · exp(σ·N(0, 1)). A poll takes `ROUND_TRIP`; a sleeping loop sleeps after the
answer. The delay is the time from ready until the first poll that begins afterwards.

The bound: Keller's inspection problem by dynamic programming, for a schedule that uses σ and minimises
mean delay + `PRICE` · mean polls. No schedule without σ can reach it for every σ at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from dreambooth_widget.client.schedule import DurationHistory, PollSchedule

ROUND_TRIP = 0.25
"""Seconds from sending a poll until its answer is here."""

PRICE = 0.5
"""Seconds of delay that one request is worth."""

SHORTEST_ETA, LONGEST_ETA = 3.0, 150.0
"""Seconds; the estimates seen in the wild for pictures lie between 2.75 and 146."""

LONGEST_JOB = 1800.0


@dataclass(frozen=True)
class Job:
    """One job: what the service announced (None: nothing), and how long it really took, in seconds."""

    eta: float | None
    duration: float


Rule = Callable[[float, float | None, int, Random], float]
"""(seconds since the first poll, eta, polls made, randomness) → seconds from this poll's start to the next one's."""


# -- the ways to poll ------------------------------------------------------------------------------------------------


def ours(schedule: PollSchedule) -> Rule:
    """The package's own schedule, called as the job calls it: when the answer is here."""

    def rule(elapsed: float, eta: float | None, polls: int, random: Random) -> float:
        answered = elapsed + ROUND_TRIP
        return ROUND_TRIP + schedule.jittered(schedule.next_delay(answered, eta), random.random())

    return rule


def fixed(sleep: float) -> Rule:
    """The same sleep after every answer."""
    return lambda elapsed, eta, polls, random: sleep + ROUND_TRIP


def sleep_eta(elapsed: float, eta: float | None, polls: int, random: Random) -> float:
    """What public notebooks do: sleep for the ETA, rounded up, each time anew; 10 s without one."""
    return (10.0 if eta is None else math.ceil(eta)) + ROUND_TRIP


def full_jitter(initial: float, multiplier: float, longest: float) -> Rule:
    """Exponential growth with full jitter, as google-api-core polls long-running operations."""

    def rule(elapsed: float, eta: float | None, polls: int, random: Random) -> float:
        return random.uniform(0, min(initial * multiplier ** (polls - 1), longest)) + ROUND_TRIP

    return rule


RULES: dict[str, Rule] = {
    "ours": ours(PollSchedule()),
    "every 3 s": fixed(3),
    "every 5 s (the vendor's samples)": fixed(5),
    "every 10 s": fixed(10),
    "sleep(eta)": sleep_eta,
    "google-api-core (1 s × 1.5 … 20 s, full jitter)": full_jitter(1.0, 1.5, 20.0),
    "azure-core (every 30 s)": fixed(30),
    "modelslab-py (every 60 s)": fixed(60),
}
"""The defaults of google-api-core 2.44 (`DEFAULT_POLLING`), azure-core 1.41 (`LROBasePolling`), modelslab-py 0.2.3."""


# -- jobs and what becomes of them -----------------------------------------------------------------------------------


def make_jobs(count: int, sigma: float, seed: int, bias: float = 1.0) -> list[Job]:
    """`count` jobs with estimates between 3 and 150 s (log-uniform), which take `bias` times as long in the median."""
    random = Random(seed)
    jobs = []
    for _ in range(count):
        eta = math.exp(random.uniform(math.log(SHORTEST_ETA), math.log(LONGEST_ETA)))
        duration = bias * eta * math.exp(random.gauss(0, sigma))
        jobs.append(Job(eta, min(max(duration, 0.3), LONGEST_JOB)))
    return jobs


def make_jobs_of(eta: float, count: int, sigma: float, seed: int) -> list[Job]:
    """`count` jobs that were all announced with the same `eta`."""
    random = Random(seed)
    durations = (eta * math.exp(random.gauss(0, sigma)) for _ in range(count))
    return [Job(eta, min(max(duration, 0.3), LONGEST_JOB)) for duration in durations]


def make_jobs_without_eta(count: int, seed: int) -> list[Job]:
    """`count` jobs of which nothing is announced: 12 s in the median, σ = 1."""
    random = Random(seed)
    durations = (12 * math.exp(random.gauss(0, 1)) for _ in range(count))
    return [Job(None, min(max(duration, 0.3), LONGEST_JOB)) for duration in durations]


def guess_from_history(jobs: Sequence[Job]) -> list[Job]:
    """The same jobs, one after the other, each with what the package expects of it: the median of those before."""
    history = DurationHistory()
    guessed = []
    for job in jobs:
        guessed.append(Job(history.typical(), job.duration))
        history.add(job.duration)
    return guessed


@dataclass(frozen=True)
class Outcome:
    """What a way to poll did to the jobs: seconds from ready to noticed, and requests per job."""

    mean: float
    p95: float
    polls: float

    @property
    def cost(self) -> float:
        """Mean delay, and the requests at their price, in seconds."""
        return self.mean + PRICE * self.polls


def simulate(rule: Rule, jobs: Sequence[Job], seed: int = 1, history: DurationHistory | None = None) -> Outcome:
    """Poll every job by `rule`, the first time at once; with a `history` the jobs before correct its estimate."""
    random = Random(seed)
    delays, total = [], 0
    for job in jobs:
        elapsed, polls = 0.0, 1
        eta = job.eta if job.eta is None or history is None else history.corrected(job.eta)
        while elapsed < job.duration:
            elapsed += rule(elapsed, eta, polls, random)
            polls += 1
        if history is not None:
            history.add(elapsed, job.eta)
        delays.append(elapsed - job.duration)
        total += polls
    delays.sort()
    return Outcome(fmean(delays), delays[math.ceil(0.95 * len(delays)) - 1], total / len(jobs))


def ours_with_equal_polls(jobs: Sequence[Job], polls: float) -> Outcome:
    """Our schedule without a history, its gaps stretched alike until it makes `polls` requests per job in the mean."""
    plain, shortest, longest = PollSchedule(), 0.2, 5.0
    for _ in range(12):
        stretch = math.sqrt(shortest * longest)
        gaps = {name: stretch * getattr(plain, name) for name in ("growth", "shortest", "longest", "longest_silence")}
        outcome = simulate(ours(PollSchedule(**gaps)), jobs)
        shortest, longest = (stretch, longest) if outcome.polls > polls else (shortest, stretch)
    return outcome


def fixed_with_equal_polls(jobs: Sequence[Job], polls: float) -> tuple[float, float]:
    """(interval, mean delay) in seconds of the fixed interval that makes `polls` requests per job in the mean."""
    shortest, longest = 0.05, LONGEST_JOB
    for _ in range(50):
        interval = math.sqrt(shortest * longest)
        made = fmean(1 + math.ceil(job.duration / interval) for job in jobs)
        shortest, longest = (interval, longest) if made > polls else (shortest, interval)
    return interval, fmean(math.ceil(job.duration / interval) * interval - job.duration for job in jobs)


# -- the bound -------------------------------------------------------------------------------------------------------


def best_cost(eta: float, sigma: float, steps: int = 600) -> float:
    """The least possible mean delay + `PRICE` · polls, in seconds, for durations log-normal around `eta` with `sigma`.

    Backwards over a geometric grid of times: from each, the best next poll, given that the job is not ready yet.
    """
    low, high = math.log(eta) - 4.2 * sigma, math.log(eta) + 4.2 * sigma
    times = [0.0, *(math.exp(low + (high - low) * step / (steps - 1)) for step in range(steps))]
    scores = [-math.inf, *((math.log(time) - math.log(eta)) / sigma for time in times[1:])]
    waiting = [_normal(-score) for score in scores]  # P(not ready at this time)
    mean = eta * math.exp(sigma**2 / 2)
    spent = [mean * _normal(score - sigma) for score in scores]  # E[duration; ready by this time]
    cost = [PRICE] * len(times)
    for now in range(len(times) - 2, -1, -1):
        cost[now] = math.inf
        for after in range(now + 1, len(times)):
            late = times[after] * (waiting[now] - waiting[after]) - (spent[after] - spent[now])
            total = PRICE + (late + waiting[after] * cost[after]) / waiting[now]
            if total > cost[now] * 1.5 + PRICE:
                break  # the wait alone costs more than the best so far, and it only grows
            cost[now] = min(cost[now], total)
    return cost[0] + PRICE  # and the poll at the start


def best_mean_cost(sigma: float, points: int = 12, bias: float = 1.0) -> float:
    """`best_cost` in the mean over the estimates of `make_jobs`, for a schedule that knows their `bias` too."""
    width = math.log(LONGEST_ETA / SHORTEST_ETA) / points
    etas = [SHORTEST_ETA * math.exp(width * (point + 0.5)) for point in range(points)]
    return fmean(best_cost(bias * eta, sigma) for eta in etas)


def _normal(score: float) -> float:
    return 0.5 * math.erfc(-score / math.sqrt(2))
