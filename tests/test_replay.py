"""Literal answers of the service, played by a real server, and the outcome of the job."""

from __future__ import annotations

import base64
import io
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

import dreambooth_widget as dw
from dreambooth_widget import Client, PollSchedule, Retry

from . import answers
from .endpoint import CANARY, Endpoint, Reply, png

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
        literal('{"status":"error","message":"Service temporarily unavailable. Please try again later."}'),
        literal('{"status":"error","message":""}'),
        literal('{"status":"error","message":"CUDA out of memory. Tried to allocate 2.00 GiB"}'),
        literal('{"status":"error","message":"Insufficient memory"}'),
        literal("error code: 1010", 403, Server="cloudflare"),
        literal('{"message":"Forbidden"}', 403),
        literal("<title>404 Not Found</title>", 404),
        Reply(drop=True),
    ],
    ids=lambda reply: repr(reply.body[:40]),
)
async def test_these_are_not_the_end(endpoint: Endpoint, client: Client, before: Reply) -> None:
    """Waiting, rate-limited, not there yet, or out of order for a moment: polled on, and the pictures come."""
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
        (literal('{"status":"error","message":"Model not found: x"}'), dw.InvalidRequestError),
        (literal('{"message":"The route api/v4/fetch could not be found."}', 404), dw.EndpointMovedError),
        (literal("", 405), dw.EndpointMovedError),
        (literal("Gone", 410), dw.EndpointMovedError),
        (Reply(b"", 301, {"Location": "https://modelslab.example/api"}), dw.EndpointMovedError),
        (Reply(b"", 302, {"Location": "https://modelslab.example/api"}), dw.EndpointMovedError),
        (Reply(b"", 307, {"Location": "https://modelslab.example/api"}), dw.EndpointMovedError),
    ],
)
async def test_these_are_the_end(
    endpoint: Endpoint, client: Client, last: Reply, error: type[dw.DreamboothError]
) -> None:
    """One poll, one typed error with advice."""
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
        ([["{link}"], ["{link}"]], 2),
        ([{"url": "{link}"}, {"url": "{link}"}], 2),
    ],
)
async def test_outputs_of_every_shape(endpoint: Endpoint, client: Client, output: Any, count: int) -> None:
    """A list of any length, a bare string, an object of links; empty entries are none."""
    link = endpoint.serve("1.png", png())
    body = json.dumps({"status": "success", "id": 1, "output": output}).replace("{link}", link)
    endpoint.answers = [literal(body)]
    assert len(await client.fetch(1)) == count


@pytest.mark.parametrize("status", ['"success"', '"completed"', "true", "null"])
@pytest.mark.parametrize(
    "fields", ['"proxy_links":[{0},{0}],"output":[]', '"future_links":{{"0":{0},"1":{0}}},"output":null']
)
async def test_links_in_other_fields(endpoint: Endpoint, client: Client, status: str, fields: str) -> None:
    """The links stand in for an empty `output`, under any word for success."""
    link = json.dumps(endpoint.serve("1.png", png()))
    endpoint.answers = [literal(f'{{"status":{status},{fields.format(link)}}}')]
    assert len(await client.fetch(1)) == 2


async def test_three_pictures_inline(endpoint: Endpoint, client: Client) -> None:
    """Three PNG files of 2.4 MB, inline as base64 in one answer, are three pictures."""
    noise = Image.frombytes("RGB", (1024, 800), random.Random(1).randbytes(1024 * 800 * 3))
    out = io.BytesIO()
    noise.save(out, "PNG", compress_level=1)
    assert len(out.getvalue()) > 2_400_000
    endpoint.answers = [{"status": "success", "output": [base64.b64encode(out.getvalue()).decode()] * 3}]
    assert [picture.data for picture in await client.fetch(1)] == [out.getvalue()] * 3


async def test_relative_redirect_is_absolute(endpoint: Endpoint, client: Client) -> None:
    """The error names the new location as an address that can be passed as the endpoint."""
    endpoint.answers = [Reply(b"", 308, {"Location": "/api/v6/images/fetch"})]
    with pytest.raises(dw.EndpointMovedError) as caught:
        await client.fetch(1)
    assert caught.value.location == f"http://127.0.0.1:{endpoint.port}/api/v6/images/fetch"


async def test_firewall_does_not_accuse(endpoint: Endpoint, client: Client) -> None:
    """A firewall that refuses every try is named, and not the account."""
    endpoint.answers = [literal("error code: 1010", 403, Server="cloudflare")]
    with pytest.raises(
        dw.EndpointUnreachableError, match=r"a firewall or a proxy .*server: cloudflare.* \(HTTP 403\)"
    ) as caught:
        await client.fetch(1)
    assert len(endpoint.polls) == QUICK.attempts
    assert "account" not in str(caught.value)
    assert caught.value.details == "error code: 1010"


async def test_echoed_key_is_redacted(endpoint: Endpoint, client: Client) -> None:
    """From the message and the details of an error, and from `meta`."""
    endpoint.answers = [{"status": "error", "message": f"{CANARY} did what?", "tip": CANARY}]
    with pytest.raises(dw.DreamboothError) as caught:
        await client.fetch(1)
    assert CANARY not in repr(vars(caught.value)) + str(caught.value)
    endpoint.answers = [endpoint.success(endpoint.serve("1.png", png()), meta={"key": CANARY, "seed": 1})]
    assert CANARY not in repr((await client.fetch(1)).meta)
