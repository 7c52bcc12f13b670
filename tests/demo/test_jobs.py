"""The stand-in's jobs and answers, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from dreambooth_widget.demo.jobs import Failure, Job, Jobs, answer_queued, invalid_key, not_found, read_order, required
from dreambooth_widget.errors import (
    AccountError,
    GenerationFailedError,
    InvalidKeyError,
    InvalidRequestError,
    RequestNotFoundError,
)
from dreambooth_widget.protocol import answers as protocol
from dreambooth_widget.protocol import generation

ORIGIN = "http://127.0.0.1:5000"


def job(fail: Failure | None = None, **options: Any) -> Job:
    """A job that is ready at 8 on its clock."""
    return Jobs(pace=1).add("a photo of sks dog", eta=8, fail=fail, now=0, **options)


def read(answer: tuple[int, Any]) -> protocol.Answer:
    """What the package's own protocol makes of an answer."""
    status, body = answer
    raw = body if isinstance(body, str) else json.dumps(body)
    return protocol.read_answer(status, {}, raw.encode())


def test_job_processes_then_succeeds() -> None:
    """Before its time the literal "processing" answer, after it the links, the meta and the generation time."""
    one = job(samples=3)
    assert one.answer(7.9, ORIGIN, 1)[1]["messege"] == "try again later."
    assert isinstance(read(one.answer(7.9, ORIGIN, 1)), protocol.Processing)
    finished = read(one.answer(8.1, ORIGIN, 1))
    assert isinstance(finished, protocol.Finished)
    assert [link.url for link in finished.links] == one.links(ORIGIN)
    assert len(set(one.links(ORIGIN))) == 3
    assert all("?" not in link for link in one.links(ORIGIN))
    assert (finished.meta["prompt"], finished.meta["n_samples"]) == ("a photo of sks dog", 3)


@pytest.mark.parametrize(
    ("fail", "error"),
    [("failed", GenerationFailedError), ("account", AccountError), ("not_found", RequestNotFoundError)],
)
def test_final_failures_map_to_errors(fail: Failure, error: type[Exception]) -> None:
    """The package reads each of them as the error it stands for."""
    refused = read(job(fail).answer(9, ORIGIN, 1))
    assert isinstance(refused, protocol.Refused)
    assert refused.error is error


def test_failing_job_fails_at_end() -> None:
    """Until then it looks like any other."""
    assert isinstance(read(job("failed").answer(1, ORIGIN, 1)), protocol.Processing)


@pytest.mark.parametrize(("pace", "seconds"), [(1, 30), (0.1, 3), (0.001, 1)])
def test_second_poll_is_rate_limited(pace: float, seconds: int) -> None:
    """The literal rate-limit answer names its seconds, scaled by the pace; the polls around it are usual."""
    limited = job("rate_limit")
    answers = [read(limited.answer(now, ORIGIN, pace)) for now in (1, 2, 3, 9)]
    assert [type(answer) for answer in answers] == [
        protocol.Processing,
        protocol.Busy,
        protocol.Processing,
        protocol.Finished,
    ]
    busy = answers[1]
    assert isinstance(busy, protocol.Busy)
    assert (busy.rate_limited, busy.retry_after) == (True, seconds)


def test_unavailable_service_comes_back() -> None:
    """Three HTML pages with status 503, then all is well."""
    flaky = job("unavailable")
    answers = [read(flaky.answer(9, ORIGIN, 1)) for _ in range(4)]
    assert [type(answer) for answer in answers] == [protocol.Busy] * 3 + [protocol.Finished]


def test_empty_and_endless_jobs() -> None:
    """`empty` names none, `never` goes on for ever."""
    empty = read(job("empty").answer(9, ORIGIN, 1))
    assert isinstance(empty, protocol.Finished)
    assert empty.links == ()
    assert isinstance(read(job("never").answer(1e9, ORIGIN, 1)), protocol.Processing)


def test_only_last_picture_is_missing() -> None:
    """And only on request."""
    assert [job("missing").picture_gone(number) for number in range(4)] == [False, False, False, True]
    assert not job().picture_gone(3)


def test_generation_answer_is_as_documented() -> None:
    """The package reads id, eta, number and size from it."""
    one = job(samples=2, width=512, height=768)
    queued = generation.read_generation(answer_queued(one, ORIGIN))
    assert queued.request_id == str(one.request_id)
    assert (queued.eta, queued.expected) == (8, 2)
    assert [generation.read_count(queued.meta, name) for name in ("W", "H")] == [512, 768]


def test_refusals_map_to_errors() -> None:
    """Wrong key, unknown id, missing field."""
    wanted = [
        (invalid_key(), InvalidKeyError),
        (not_found(), RequestNotFoundError),
        (required("prompt"), InvalidRequestError),
    ]
    for body, error in wanted:
        refused = read((200, body))
        assert isinstance(refused, protocol.Refused)
        assert refused.error is error


def test_pace_scales_all_times() -> None:
    """A tenth of the time, and so does the ETA in the answer."""
    quick = Jobs(pace=0.1).add("a dog", eta=8, now=100)
    assert (quick.eta, quick.ready_at) == (0.8, 100.8)


def test_first_poll_starts_the_clock() -> None:
    """For `python -m dreambooth_widget.demo`, whose user takes their time to copy three lines."""
    waiting = Jobs(pace=1).add("a dog", eta=8)
    assert isinstance(read(waiting.answer(1000, ORIGIN, 1)), protocol.Processing)
    assert isinstance(read(waiting.answer(1009, ORIGIN, 1)), protocol.Finished)


def test_jobs_are_found_by_id() -> None:
    """Ids differ, and nonsense finds nothing."""
    jobs = Jobs(pace=1)
    one, two = jobs.add("a dog"), jobs.add("a dog")
    assert one.request_id != two.request_id
    assert jobs.find(one.request_id) is one
    assert jobs.find(str(two.request_id)) is two
    for nonsense in (1, "x", None, [], {}, True):
        assert jobs.find(nonsense) is None


def test_pictures_are_found_by_link() -> None:
    """Each link's last part names its job and its number, and nothing else does."""
    jobs = Jobs(pace=1)
    one = jobs.add("a dog", samples=2)
    names = [link.rsplit("/", 1)[1] for link in one.links(ORIGIN)]
    assert [jobs.find_picture(name) for name in names] == [(one, 0), (one, 1)]
    for nonsense in (
        "",
        "x.png",
        f"{one.token}-2.png",
        f"{one.token}--1.png",
        f"{one.token}.png",
        f"{one.token}-¹.png",
    ):
        assert jobs.find_picture(nonsense) is None


def test_same_calls_have_same_seeds() -> None:
    """Another start shows the same pictures, the next call shows others."""
    first, again = Jobs(pace=1), Jobs(pace=1)
    seeds = [first.add("a dog", samples=4).seed for _ in range(3)]
    assert seeds == [again.add("a dog", samples=4).seed for _ in range(3)]
    assert seeds == [seeds[0], seeds[0] + 4, seeds[0] + 8]
    assert first.add("a dog", seed=5).seed == 5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": " "}, "prompt"),
        ({"samples": 0}, "samples"),
        ({"samples": 65}, "samples"),
        ({"eta": -1}, "eta"),
        ({"eta": float("nan")}, "eta"),
        ({"width": 63}, "width and height"),
        ({"height": 4096}, "width and height"),
        ({"fail": "sometimes"}, "one of failed, rate_limit, missing"),
    ],
)
def test_wrong_arguments_are_named(options: dict[str, Any], words: str) -> None:
    """The message names it and what is allowed."""
    with pytest.raises(ValueError, match=words):
        Jobs(pace=1).add(**{"prompt": "a dog", **options})


def test_orders_are_read_from_body() -> None:
    """Numbers may come as text, as the vendor's samples send them; what is empty is left to the defaults."""
    body = {"key": "k", "prompt": "a dog", "samples": "2", "width": "512", "height": 768, "seed": None, "eta": ""}
    assert read_order(body) == {"prompt": "a dog", "samples": 2, "width": 512, "height": 768}


def test_every_failure_is_tested() -> None:
    """A new way to fail needs a test here."""
    source = Path(__file__).read_text("utf-8")
    assert all(f'"{name}"' in source or f"`{name}`" in source for name in get_args(Failure))
