"""`client.options`: policies, tokens and the address of a request."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from dreambooth_widget import V4, V6, PollSchedule, Retry
from dreambooth_widget.client.arguments import check_samples, check_seconds
from dreambooth_widget.client.options import FetchOptions, Limits, Policies
from dreambooth_widget.client.state import FetchState

from ..answers import QUEUED

POLICIES = Policies(schedule=PollSchedule(growth=2.0), retry=Retry(attempts=2), limits=Limits(5, 6), deadline=7.0)


def test_policies_are_merged() -> None:
    """Every policy is taken from the second, everything about the request from the first."""
    request = FetchOptions("7", 20.0, expected=4, caption="a dog", deadline=1.0)
    merged = request.with_policies(POLICIES)
    policies = {field.name for field in fields(Policies)}
    for field in fields(FetchOptions):
        source = POLICIES if field.name in policies else request
        assert getattr(merged, field.name) == getattr(source, field.name)


def test_token_has_no_deadline() -> None:
    """A token carries request, endpoint, ETA and start; the job that resumes has a deadline of its own."""
    options = FetchOptions("7", deadline=1.0, caption="a dog")
    token = options.token(V6, FetchState("7", eta=20.0, started_at=1000.0, polls=3))
    assert FetchOptions.for_token(token) == FetchOptions("7", 20.0, started_at=1000.0, endpoint=V6)
    earlier = json.dumps({**json.loads(token), "deadline": 1.0})
    assert FetchOptions.for_token(earlier).deadline is None


def test_links_are_in_no_text() -> None:
    """A signed link opens the file for anyone: the announced ones are in neither repr nor token."""
    options = FetchOptions.for_response(QUEUED)
    assert [link.url for link in options.links] == ["https://cdn.example/0-55b7.png"]
    assert "cdn.example" not in repr(options)
    assert "cdn.example" not in options.token(V6, options.first_state())
    assert "cdn.example" not in repr(options.first_state())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "{}",
        "null",
        "7",
        "[" * 100_000,
        '{"request_id": 7}',
        '{"request_id": 7, "endpoint": "ftp://h/"}',
        '{"request_id": 7, "endpoint": "https://h/", "eta": "soon"}',
    ],
    ids=range(8),
)
def test_wrong_token(token: str) -> None:
    """What is no token is refused, whatever it is."""
    with pytest.raises(ValueError, match="this is not a resume token"):
        FetchOptions.for_token(token)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example/api/v4/dreambooth/fetch",
        "https://modelslab.com.evil.example/fetch",
        "http://modelslab.com/api/v6/images/fetch",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://10.0.0.1/fetch",
        "http://127。0。0。1/fetch",
    ],
)
def test_strange_address_of_token_needs_consent(endpoint: str) -> None:
    """A token may be a stranger's: the key goes to no host that the caller has not named, but the service's own."""
    token = FetchOptions("7").token(endpoint, FetchState("7"))
    with pytest.raises(ValueError, match=r"the token is for .* pass the same as endpoint= if your API key may be sent"):
        FetchOptions.for_token(token)
    assert FetchOptions.for_token(token, endpoint).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint", [V4, V6, "http://127.0.0.1:8123/fetch", "http://localhost/fetch", "http://[::1]:8123/fetch"]
)
def test_own_address_of_token_is_used(endpoint: str) -> None:
    """The service's addresses and this machine's need nothing but the token."""
    token = FetchOptions("7").token(endpoint, FetchState("7"))
    assert FetchOptions.for_token(token).endpoint == endpoint


def test_address_of_a_response() -> None:
    """The default address gives way to the vendor's; an address of the user and any other host do not."""
    named = FetchOptions.for_response(QUEUED)
    assert named.endpoint_at(V4) == "https://stablediffusionapi.com/api/v3/dreambooth/fetch/{request_id}"
    assert named.endpoint_at("https://proxy.example/fetch") == "https://proxy.example/fetch"
    assert FetchOptions("7").endpoint_at(V4) == V4
    assert FetchOptions("7", endpoint="https://modelslab.com.evil.example/fetch").endpoint_at(V4) == V4


def test_first_state_is_announced() -> None:
    """The first state has the caption and a waiting entry for each expected picture, in the announced size."""
    state = FetchOptions("7", expected=2, caption="a dog", meta={"W": 512, "H": True}).first_state()
    assert state.caption == "a dog"
    assert [(entry.index, entry.status, entry.width, entry.height) for entry in state.pictures] == [
        (0, "waiting", 512, None),
        (1, "waiting", 512, None),
    ]


def test_announced_size_of_response() -> None:
    """A generation call's `meta` announces the size of its pictures, also as text and by the longer names."""
    meta = {"n_samples": "1", "width": "768", "H": 1024}
    options = FetchOptions.for_response({"status": "processing", "id": 7, "meta": meta})
    assert [(entry.width, entry.height) for entry in options.announced()] == [(768, 1024)]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"schedule": 5}, r"schedule must be a PollSchedule\(…\), not int"),
        ({"retry": None}, r"retry must be a Retry\(…\), not NoneType"),
        ({"deadline": "soon"}, "deadline must be a number of seconds"),
    ],
)
def test_wrong_policies(policy: dict[str, Any], reason: str) -> None:
    """They are refused before a job begins, which would fail in the middle."""
    with pytest.raises(TypeError, match=reason):
        Policies(**policy)


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        (0, ValueError, "at least 1, not 0"),
        (-1, ValueError, "at least 1, not -1"),
        (1.5, TypeError, "an int, not float"),
        (True, TypeError, "an int, not bool"),
        (None, TypeError, "an int, not NoneType"),
    ],
)
def test_wrong_limits(value: Any, kind: type[Exception], wanted: str) -> None:
    """Limits are positive ints."""
    for name in ("max_bytes", "max_pixels"):
        with pytest.raises(kind, match=f"^{name} must be {wanted}$"):
            Limits(**{name: value})


def test_numbers_of_numpy() -> None:
    """They become plain ones, which a resume token can hold."""
    numpy = pytest.importorskip("numpy")
    options = FetchOptions("1", eta=check_seconds("eta", numpy.int64(20)), deadline=numpy.float32(5))
    assert json.loads(options.token(V4, options.first_state()))["eta"] == 20
    kept = [options.deadline, check_samples(numpy.int64(4)), Limits(numpy.int64(7)).max_bytes]
    assert [(type(value), value) for value in kept] == [(float, 5), (int, 4), (int, 7)]
