"""Every row of the protocol, played literally by a real server, and what a job makes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, PollSchedule, Retry

from .. import answers
from ..endpoint import CANARY, Endpoint, Reply, png

FAST = PollSchedule(shortest=0.01, longest=0.02, longest_silence=0.02)
QUICK = Retry(attempts=3, first=0.01, longest=0.02, rate_limit_wait=0.05)


@pytest.fixture
async def client(endpoint: Endpoint) -> AsyncIterator[Client]:
    """A client of it that is in a hurry."""
    async with Client(CANARY, endpoint=endpoint.url, schedule=FAST, retry=QUICK, rate=10_000) as client:
        yield client


def literal(body: str, status: int = 200, **headers: str) -> Reply:
    """The body as the service sent it, byte for byte; legacy answers call their JSON text/html."""
    return Reply(body.encode(), status, {"Content-Type": "text/html; charset=UTF-8", **headers})


@pytest.mark.parametrize(
    "before",
    [
        literal(answers.WAITING),
        literal(answers.WAITING_SHORT),
        literal(answers.QUEUED),
        literal(answers.RATE_LIMIT.replace("30 seconds", "0 seconds")),
        literal('{"status":"error","code":"rate_limited","message":"…","retry_after":0}'),
        literal('{"message":"Too Many Attempts."}', 429),
        literal("", 429, **{"Retry-After": "0"}),
        literal('{"status":"success","id":13443927,"output":[]}'),
        literal('{"status":"success","id":13443927,"output":""}'),
        literal('{"status":"success","output":null}'),
        literal('{"status":"error","code":"not_found","message":"No such request"}', 404),
        literal('{"status":"error","message":"Request not found"}'),
        literal("<html><h1>502 Bad Gateway</h1></html>", 502),
        literal("<!DOCTYPE html><title>Just a moment...</title>", 403),
        literal("", 408),
        literal("", 500),
        literal("error code: 520", 520),
        literal("error code: 524", 524),
        literal('{"status":"error","code":"upstream_unavailable","message":"…"}', 503),
        literal("not json"),
        literal(""),
        literal("[]"),
        literal('{"status":"in the oven"}'),
        Reply(drop=True),
    ],
    ids=lambda reply: repr(reply.body[:40]),
)
async def test_these_are_not_the_end(endpoint: Endpoint, client: Client, before: Reply) -> None:
    """Waiting, asked to wait, not there yet, or out of order for a moment: polled on, and the pictures come."""
    endpoint.answers = [before, endpoint.success(endpoint.serve("1.png", png()))]
    assert len(await client.fetch("13443927")) == 1
    assert {json.loads(poll.body)["request_id"] for poll in endpoint.polls} == {"13443927"}


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (literal(answers.BAD_KEY), dw.InvalidKeyError),
        (literal('{"status":"error","code":"invalid_api_key","message":"…"}', 401), dw.InvalidKeyError),
        (literal('{"status":"error","message":"You have monthly limit exceeded"}'), dw.AccountError),
        (literal('{"status":"error","code":"insufficient_balance","message":"…"}', 402), dw.AccountError),
        (literal('{"status":"error","code":"no_subscription","message":"…"}', 403), dw.AccountError),
        (literal('{"status":"error","code":"forbidden","message":"…"}', 403), dw.AccountError),
        (literal(answers.FAILED), dw.GenerationFailedError),
        (literal(answers.BAD_FIELD), dw.InvalidRequestError),
        (literal('{"status":"error","code":"validation_error","message":{"key":["x"]}}', 400), dw.InvalidRequestError),
        (literal(answers.SOME_ERROR), dw.InvalidRequestError),
        (Reply(b"", 301, {"Location": "https://modelslab.example/api"}), dw.EndpointMovedError),
        (Reply(b"", 302, {"Location": "https://modelslab.example/api"}), dw.EndpointMovedError),
        (Reply(b"", 307, {"Location": "https://modelslab.example/api"}), dw.EndpointMovedError),
    ],
)
async def test_these_are_the_end(
    endpoint: Endpoint, client: Client, last: Reply, error: type[dw.DreamboothError]
) -> None:
    """One poll, one typed error that says what to do."""
    endpoint.answers = [last]
    with pytest.raises(error) as caught:
        await client.fetch(1)
    assert type(caught.value) is error
    assert len(endpoint.polls) == 1
    assert caught.value.message.endswith(".")
    assert caught.value.advice.endswith(".")


@pytest.mark.parametrize(
    ("output", "count"),
    [
        (["{link}"], 1),
        (["{link}"] * 6, 6),
        ("{link}", 1),
        ({"0": "{link}", "1": "{link}"}, 2),
        (["", None, "{link}"], 1),
    ],
)
async def test_outputs_of_every_shape(endpoint: Endpoint, client: Client, output: Any, count: int) -> None:
    """A list of any length, a bare string, an object of links; empty entries are none."""
    link = endpoint.serve("1.png", png())
    body = json.dumps({"status": "success", "id": 1, "output": output}).replace("{link}", link)
    endpoint.answers = [literal(body)]
    assert len(await client.fetch(1)) == count


async def test_the_key_that_the_service_repeats_is_struck_out(endpoint: Endpoint, client: Client) -> None:
    """From the message and the details of an error, and from `meta`."""
    endpoint.answers = [{"status": "error", "message": f"{CANARY} did what?", "tip": CANARY}]
    with pytest.raises(dw.DreamboothError) as caught:
        await client.fetch(1)
    assert CANARY not in repr(vars(caught.value)) + str(caught.value)
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), meta={"key": CANARY, "seed": 1})]
    assert CANARY not in repr((await client.fetch(1)).meta)
