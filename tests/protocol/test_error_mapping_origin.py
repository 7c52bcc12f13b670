"""Errors that are not the caller's: of something on the way, of the service for a while, of the endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from dreambooth_widget.errors import (
    AccountError,
    DreamboothError,
    EndpointMovedError,
    InvalidKeyError,
    InvalidRequestError,
)
from dreambooth_widget.protocol.endpoint import V4, V6

from ..answers import SOME_ERROR, busy, refused

BETWEEN = [
    b"error code: 1010",
    b"error code: 1020",
    b"Forbidden",
    b"",
    b"<!DOCTYPE html><title>Attention</title>",
    b"<html><head><title>403 Forbidden</title></head></html>",
    b'{"message":"Forbidden"}',
    b'{"message":"Insufficient permissions for this subscription"}',
    b'{"error":"Access denied by policy"}',
    b'{"error":{"code":403,"message":"Forbidden"}}',
    b'{"success":false,"errors":[{"code":1010,"message":"Access denied"}]}',
    b'{"status":403,"error":"Forbidden","path":"/api/v4/dreambooth/fetch"}',
    b'{"code":"403","message":"Request blocked"}',
    b'{"Message":"User: anonymous is not authorized"}',
    b"[]",
]


class TestBetween:
    """A firewall or a proxy refuses: neither the account nor the key is accused."""

    @pytest.mark.parametrize("body", BETWEEN)
    @pytest.mark.parametrize("status", [403, 407])
    def test_refusal_on_the_way(self, body: bytes, status: int) -> None:
        """A 403 or 407 without a status word of the service's is tried again a few times, and named."""
        answer = busy(body, status, {"Server": "cloudflare", "Via": "1.1 squid"})
        assert "on the way to the service (server: cloudflare, via: 1.1 squid)" in answer.reason
        assert answer.reason.endswith(f"refuses the request (HTTP {status})")
        assert answer.bounded
        assert not answer.rate_limited

    @pytest.mark.parametrize("body", [SOME_ERROR, b'{"code":"forbidden","message":"no"}', b'{"status":"error"}'])
    def test_refusal_of_the_service(self, body: Any) -> None:
        """A 403 with a status word or a code of the service's is about the account."""
        assert refused(body, 403).error is AccountError

    def test_key_is_still_named(self) -> None:
        """A 403 that names the API key is about the key, whatever its form."""
        assert refused({"message": "Invalid API key"}, 403).error is InvalidKeyError

    def test_rate_limit_is_still_named(self) -> None:
        """A 403 with a request to slow down is a rate limit."""
        assert busy({"message": "Rate limit exceeded"}, 403).rate_limited


PASSING = [
    "Service temporarily unavailable. Please try again later.",
    "Internal server error. Please try again.",
    "Internal Server Error",
    "Internal error",
    "Gateway Timeout",
    "Bad gateway",
    "504 Gateway Time-out",
    "Request timed out",
    "Upstream connect error",
    "Server is busy, please wait",
    "CUDA out of memory. Tried to allocate 2.00 GiB",
    "Out of memory",
    "Out of GPU memory",
    "Insufficient memory",
    "Insufficient GPU resources",
    "Memory limit exceeded",
    "Your request is still in queue",
    "Request queued",
    "The image is being processed",
    "Image is still processing",
    "Try Again",
    "Please try once again",
    "Please retry",
    "Servers are overloaded",
    "The load balancer is at capacity",
    "Under maintenance, come back later",
    "Model is not ready yet",
    "Something went wrong",
    "Unknown error",
    "An unexpected error occurred",
    "Connection reset by peer",
    "Failed to process the request, try again",
    "Please try after sometime",
    "Out of VRAM",
    "Error: read ECONNRESET",
    "connect ETIMEDOUT 10.0.0.7:443",
    "socket hang up",
    "Backend fetch failed",
    "database is locked",
    "The worker died unexpectedly",
    "No GPU available",
    "Queue limit exceeded",
    "Maximum execution time of 60 seconds exceeded",
    "Images not generated yet",
    "torch.cuda.OutOfMemoryError",
    ["Service unavailable"],
    {"message": "Service unavailable"},
    {"error": {"message": "Server error"}},
    "<html><title>502 Bad Gateway</title><p>nginx",
]


class TestPassing:
    """Errors that pass are waited out; only one that names something wrong with the request ends the job."""

    @pytest.mark.parametrize("message", PASSING)
    @pytest.mark.parametrize("name", ["message", "messege", "error", "detail"])
    def test_words_that_pass(self, message: Any, name: str) -> None:
        """The words mean that it passes: tried again, and quoted."""
        answer = busy({"status": "error", name: message})
        assert answer.reason.startswith("the service answered '")
        assert answer.details
        assert (answer.rate_limited, answer.unexpected, answer.bounded) == (False, False, False)

    @pytest.mark.parametrize("message", [None, "", {}, [], 0, "   ", [""], [None]])
    def test_error_without_a_reason(self, message: Any) -> None:
        """An error without a reason passes, and is reported as that."""
        answer = busy({"status": "error", "message": message})
        assert answer.reason == "the service gave an error without a reason"
        assert busy({"status": "error"}) == answer

    @pytest.mark.parametrize("code", ["service_unavailable", "timeout", "INTERNAL_ERROR", "gpu-out-of-memory", "busy"])
    def test_other_codes(self, code: str) -> None:
        """A code that is not documented is read as words."""
        assert not busy({"status": "error", "code": code, "message": "No."}).unexpected

    @pytest.mark.parametrize(
        ("message", "error"),
        [
            ("Invalid API key. Please try again.", InvalidKeyError),
            ("Insufficient credits, please try again later", AccountError),
            ("Your account is temporarily suspended", AccountError),
            ("The prompt is too long. Please try again with a shorter one.", InvalidRequestError),
            ("Invalid image size, try again", InvalidRequestError),
            ("Model not found: x. Please try again", InvalidRequestError),
            ("The NSFW filter refused this prompt, try again", InvalidRequestError),
            ("This endpoint is deprecated, please retry with v6", EndpointMovedError),
        ],
    )
    def test_polite_words_do_not_pass(self, message: str, error: type[DreamboothError]) -> None:
        """The words "try again" do not help where the key, the account or the request is named."""
        assert refused({"status": "error", "message": message}).error is error

    def test_object_message_does_not_pass(self) -> None:
        """Fields that were not accepted end the job, whatever the words."""
        assert refused({"status": "error", "message": {"prompt": ["try again"]}}).error is InvalidRequestError

    def test_words_under_http_400(self) -> None:
        """Below 500 the words are quoted, not the HTTP status."""
        assert busy({"status": "error", "message": "Server is busy"}, 400).reason == (
            "the service answered 'Server is busy'"
        )


class TestEndpoint:
    """The endpoint is wrong or retired."""

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"message": "The route api/v4/dreambooth/fetsch could not be found."}, 404),
            ({"status": "error", "message": "Route not found"}, 200),
            ({"status": "error", "code": "not_found", "message": "Endpoint not found"}, 404),
            ({"message": "no Route matched with those values"}, 404),
            ({"message": "The POST method is not supported for this route."}, 405),
            ({"detail": "Method Not Allowed"}, 405),
            ({"status": "error", "message": "no"}, 405),
            ({"status": "error", "message": "gone"}, 410),
            ({"status": "error", "message": "This API version has been removed"}, 200),
            (b"", 405),
            (b"<html>", 405),
            (b"Gone", 410),
            (b"{}", 410),
        ],
    )
    def test_wrong_endpoint(self, body: Any, status: int) -> None:
        """A missing route, 405 and 410 are final, and name V6 unless that was polled."""
        answer = refused(body, status, endpoint=V4)
        assert answer.error is EndpointMovedError
        assert answer.location == V6
        assert "endpoint" in answer.message
        assert refused(body, status, endpoint=V6).location == ""

    @pytest.mark.parametrize(
        "body",
        [b"404 page not found", b"", b"<title>Not Found</title>", {"detail": "Not Found"}, {"error": "Not Found"}],
    )
    def test_missing_page(self, body: Any) -> None:
        """A 404 of a web server does not speak of the request id: a few tries, then the endpoint is named."""
        answer = busy(body, 404)
        assert answer.unexpected
        assert answer.bounded
        assert answer.reason.endswith("(HTTP 404)")

    @pytest.mark.parametrize(
        "message",
        [
            "Model not found: x",
            "The model x does not exist",
            "No such model",
            "lora_model 'y' not found",
            "Unknown scheduler",
        ],
    )
    @pytest.mark.parametrize("fields", [{}, {"code": "not_found"}])
    @pytest.mark.parametrize("status", [200, 404])
    def test_missing_model(self, message: str, fields: dict[str, str], status: int) -> None:
        """A model that is not found is wrong in the request; it is no unknown id and no wrong endpoint."""
        assert refused({"status": "error", "message": message, **fields}, status).error is InvalidRequestError

    @pytest.mark.parametrize("location", ["/api/v6/images/fetch", "//stablediffusionapi.com/api/v6/images/fetch"])
    def test_relative_redirect(self, location: str) -> None:
        """The location of a redirect is named as an absolute address."""
        answer = refused(b"", 308, headers={"Location": location}, endpoint=V4)
        assert answer.location == "https://stablediffusionapi.com/api/v6/images/fetch"
