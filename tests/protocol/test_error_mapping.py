"""Rate limits, and answers that end in an error of the caller or the job."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from dreambooth_widget.errors import (
    AccountError,
    DreamboothError,
    EndpointMovedError,
    GenerationFailedError,
    InvalidKeyError,
    InvalidRequestError,
    RequestNotFoundError,
)
from dreambooth_widget.protocol.endpoint import V6

from ..answers import (
    BAD_FIELD,
    BAD_KEY,
    DONE,
    FAILED,
    KEY,
    KEY_TEXT,
    RATE_LIMIT,
    RATE_LIMIT_2026,
    SOME_ERROR,
    WAITING,
    busy,
    refused,
)


class TestRateLimit:
    """Asked to slow down: waits, goes on."""

    @pytest.mark.parametrize("body", [RATE_LIMIT, RATE_LIMIT_2026])
    def test_documented_rate_limits(self, body: str) -> None:
        """The documented rate limits name 30 seconds, in words or in a field."""
        answer = busy(body)
        assert answer.rate_limited
        assert answer.retry_after == 30
        assert not answer.unexpected

    @pytest.mark.parametrize("word", ["error", "failed"])
    @pytest.mark.parametrize(
        "message",
        ["Rate limit exceeded", "rate-limit", "API RATE LIMIT exceeded for subscription", "Spam filter is on"],
    )
    def test_words_of_rate_limits(self, message: str, word: str) -> None:
        """Its words count before those of the account: "Rate limit exceeded" contains "limit exceeded"."""
        assert busy({"status": word, "message": message}).rate_limited

    def test_too_many(self) -> None:
        """The words "too many requests" are a rate limit."""
        assert busy({"status": "error", "message": "Too many requests."}).rate_limited

    def test_only_in_the_tips(self) -> None:
        """Tips count when they ask to slow down and there is no message."""
        assert busy({"status": "error", "message": "Error", "tips": "spam filter is enabled, wait 9 sec"}).rate_limited

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", SOME_ERROR, WAITING, BAD_FIELD, FAILED, BAD_KEY, b"{}"])
    def test_http_429(self, body: Any) -> None:
        """HTTP 429 is a rate limit with any body but a success."""
        assert busy(body, 429).rate_limited

    def test_inner_429(self) -> None:
        """A `code` 429 inside HTTP 200 is one too."""
        assert busy({"status": "error", "message": "no", "code": 429}).rate_limited

    @pytest.mark.parametrize(
        ("words", "seconds"),
        [
            ("wait for 45 seconds", 45),
            ("wait 45s", 45),
            ("wait 2 minutes, or 90 sec", 120),
            ("wait 1.5 min", 90),
            ("100 requests per 900 minutes", 600),
            ("get 20x faster, 10M images", None),
            ("wait", None),
            ("a 30-second pause", 30),
            ("500 ms", None),
        ],
    )
    def test_wait_in_words(self, words: str, seconds: float | None) -> None:
        """The longest time that the words name is the wait, ten minutes at most."""
        assert busy({"status": "error", "message": "rate limit", "tips": words}).retry_after == seconds

    def test_longest_of_all(self) -> None:
        """Header, field and words: the longest of them counts."""
        body = {"status": "error", "message": "Rate limit: wait 40 seconds", "retry_after": 50}
        assert busy(body, 429, {"Retry-After": "60"}).retry_after == 60
        assert busy(body, 429, {"Retry-After": "6"}).retry_after == 50
        assert busy({**body, "retry_after": None}, 429).retry_after == 40

    @pytest.mark.parametrize("value", [40, 40.0, "40", "40 seconds", "40s"])
    @pytest.mark.parametrize("name", ["retry_after", "retryAfter", "retry-after"])
    def test_field_in_other_forms(self, name: str, value: Any) -> None:
        """The field is a number, the text of one, or words, in three spellings."""
        assert busy({"status": "error", "message": "rate limit", name: value}).retry_after == 40

    def test_words_of_a_page(self) -> None:
        """A wait that a plain text or a page names is reported, too."""
        assert busy(b"Too many requests. Wait 70 seconds.", 429, {"Retry-After": "5"}).retry_after == 70

    def test_wait_of_a_failing_server(self) -> None:
        """A wait is reported of errors that pass, too."""
        assert busy({"status": "error", "message": "Busy, retry in 20 seconds"}, 503).retry_after == 20

    @pytest.mark.parametrize(
        ("words", "seconds"),
        [
            ("Please try after 5 minutes", 300),
            ("Busy. Try again in 20 seconds.", 20),
            ("Wait 9s", 9),
            ("Operation timed out after 300 seconds", None),
            ("The upstream timed out after 300 seconds, try again", None),
        ],
    )
    def test_times_of_passing_errors(self, words: str, seconds: float | None) -> None:
        """Of an error that passes, only a request to wait is a wait."""
        assert busy({"status": "error", "message": words}).retry_after == seconds

    @pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
    def test_header_in_any_case(self, name: str) -> None:
        """The header's name is found in any case."""
        assert busy(b"", 429, {name: "61"}).retry_after == 61

    def test_header_as_a_date(self) -> None:
        """A date is measured from the answer's own `Date`, whatever this machine's clock is."""
        headers = {"Retry-After": formatdate(1_000_090, usegmt=True), "Date": formatdate(1_000_000, usegmt=True)}
        assert busy(b"", 429, headers).retry_after == 90

    def test_prompt_of_too_many_words(self) -> None:
        """The words "too many words" in a field's complaint are no rate limit."""
        assert refused({"status": "error", "message": {"prompt": ["too many words"]}}).error is InvalidRequestError


class TestKeyAndAccount:
    """The caller is refused: the key or the account."""

    def test_documented_key_refusal(self) -> None:
        """The documented refusal names the key as the cause."""
        answer = refused(BAD_KEY)
        assert answer.error is InvalidKeyError
        assert answer.message == "The service refused the API key."
        assert answer.details == "Invalid Api Key"

    @pytest.mark.parametrize(
        "message",
        [
            "Invalid API key.",
            "api key is invalid",
            "The key is missing",
            "invalid key",
            "Unauthorized",
            "Key not found",
            "Your API key has been disabled",
        ],
    )
    def test_words_of_the_key(self, message: str) -> None:
        """Other words for a bad key are known."""
        assert refused({"status": "error", "message": message}).error is InvalidKeyError

    @pytest.mark.parametrize("code", ["invalid_api_key", "unauthenticated", "INVALID-API-KEY"])
    def test_code_of_the_key(self, code: str) -> None:
        """The newest version's codes for a bad key decide before the words."""
        assert refused({"status": "error", "code": code, "message": "insufficient"}).error is InvalidKeyError

    @pytest.mark.parametrize("body", [b"", b"<html>", SOME_ERROR, b"null", b'{"message":"x","error":true}'])
    def test_http_401(self, body: Any) -> None:
        """HTTP 401 is a bad key, whichever server answers."""
        assert refused(body, 401).error is InvalidKeyError

    def test_words_know_more_than_http(self) -> None:
        """The service's words decide before the HTTP status: a 401 may be about the subscription."""
        assert refused({"status": "error", "message": "Your subscription has ended"}, 401).error is AccountError

    def test_failed_for_the_key(self) -> None:
        """A call that "failed" because of the key means nothing for the job."""
        assert refused({"status": "failed", "message": "Invalid Api Key"}).error is InvalidKeyError

    def test_missing_key_field(self) -> None:
        """A complaint about the field `key` is one about the key."""
        assert refused({"status": "error", "message": {"key": ["The key field is required."]}}).error is InvalidKeyError

    @pytest.mark.parametrize("status", [200, 400, 500, 503])
    def test_under_any_http_status(self, status: int) -> None:
        """The words "Invalid Api Key" are believed of a failing server too."""
        assert refused(BAD_KEY, status).error is InvalidKeyError

    @pytest.mark.parametrize(
        "message",
        [
            "Monthly limit exceeded",
            "Insufficient credits",
            "You have no subscription",
            "daily quota used",
            "You have monthly limit exceeded, please try again later",
            "No credit left",
            "Please upgrade your plan",
            "Your account has been suspended",
            "You have exceeded your monthly limit",
            "Your plan does not include this",
            "limit reached",
        ],
    )
    def test_words_of_the_account(self, message: str) -> None:
        """A used-up account is not taken for a rate limit."""
        assert refused({"status": "error", "message": message}).error is AccountError

    @pytest.mark.parametrize("code", ["insufficient_balance", "no_subscription", "forbidden"])
    def test_code_of_the_account(self, code: str) -> None:
        """The newest version's codes for the account."""
        assert refused({"status": "error", "code": code}).error is AccountError

    @pytest.mark.parametrize(("status", "body"), [(402, b""), (402, b"<html>"), (402, b"Pay"), (403, SOME_ERROR)])
    def test_http_402_403(self, status: int, body: Any) -> None:
        """HTTP 402, and 403 with a status of the service's, are about the account."""
        assert refused(body, status).error is AccountError


class TestOtherErrors:
    """Errors of the request, the job and the endpoint."""

    def test_failed_is_final(self) -> None:
        """The documented failure is final."""
        answer = refused(FAILED)
        assert answer.error is GenerationFailedError
        assert answer.details == "Failed, Try Again"

    @pytest.mark.parametrize("word", ["failed", "Failure", "fail", "canceled", "cancelled"])
    def test_words_for_failed(self, word: str) -> None:
        """Other words for a dead job are final too, even if they ask to try again."""
        assert refused({"status": word, "message": "Try again"}).error is GenerationFailedError

    @pytest.mark.parametrize("fields", [{"message": "model not found"}, {"code": "provider_error"}, {"message": None}])
    @pytest.mark.parametrize("status", [200, 404, 500])
    def test_failed_outranks_the_message(self, fields: dict[str, Any], status: int) -> None:
        """The status "failed" is final: the job is dead."""
        assert refused({"status": "failed", **fields}, status).error is GenerationFailedError

    @pytest.mark.parametrize("message", ["Generation failed", "Failed to generate the image", "Error while generating"])
    def test_words_for_dead_jobs(self, message: str) -> None:
        """An error that reports a failed generation is the end of the job."""
        assert refused({"status": "error", "message": message}).error is GenerationFailedError

    def test_object_message(self) -> None:
        """An object message becomes "field: text" for each field."""
        answer = refused(BAD_FIELD)
        assert answer.error is InvalidRequestError
        assert answer.details == "prompt: The prompt field is required."
        several = {"status": "error", "message": {"width": ["too large", "odd"], "steps": "missing", "x": 7, "y": []}}
        assert refused(several).details == "width: too large; odd; steps: missing; x: 7; y"

    def test_any_other(self) -> None:
        """Any other error is final and shows the service's words, as a sentence."""
        answer = refused(SOME_ERROR)
        assert answer.error is InvalidRequestError
        assert answer.message == "The service did not accept the request: Error message."
        assert answer.details == "Error message"
        assert refused({"status": "error", "message": "Why?"}).message.endswith("request: Why?")

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"message": "Request not found"}, 200),
            ({"message": "no such request"}, 200),
            ({"code": "not_found", "message": "?"}, 200),
            ({"message": "?"}, 404),
            ({"status": None, "message": "Request not found"}, 404),
            ({"status": None, "error": "No job with this id was found"}, 404),
            ({"status": None, "message": "No generation found for this request"}, 404),
        ],
    )
    def test_not_found(self, fields: dict[str, Any], status: int) -> None:
        """An unknown request has an error of its own: it is polled for again first."""
        assert refused({"status": "error", **fields}, status).error is RequestNotFoundError

    def test_validation_code(self) -> None:
        """The newest version's code for a bad request."""
        assert (
            refused({"status": "error", "code": "validation_error", "message": "not found"}).error
            is InvalidRequestError
        )

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ({"message": "Unauthenticated."}, 200, InvalidKeyError),
            ({"message": "Server is on fire"}, 400, InvalidRequestError),
            ({"error": "bad things"}, 200, InvalidRequestError),
            ({"success": False, "message": "Invalid API key"}, 200, InvalidKeyError),
            ({"status": 401, "message": "no"}, 200, InvalidKeyError),
            ({"status": "unauthorized", "message": "no"}, 401, InvalidKeyError),
        ],
    )
    def test_without_a_status_word(self, body: Any, status: int, error: type[DreamboothError]) -> None:
        """An error without the word "error" is still understood, if its words are known."""
        assert refused(body, status).error is error

    def test_details_are_cut(self) -> None:
        """Endless details are cut at 2,000 characters, and the sentence at 200."""
        answer = refused({"status": "error", "message": "x" * 100_000})
        assert len(answer.details) == 2000
        assert len(answer.message) < 300

    @pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
    def test_redirect_is_final(self, status: int) -> None:
        """A redirect is final and names the new location."""
        answer = refused(DONE, status, headers={"LOCATION": V6})
        assert answer.error is EndpointMovedError
        assert answer.location == V6

    @pytest.mark.parametrize(
        ("headers", "location"),
        [
            ({}, ""),
            ({"Location": f"https://x/?key={KEY_TEXT}"}, "https://x/?key=[key]"),
            ({"Location": "https://u:p@x/"}, ""),
        ],
    )
    def test_location_loses_secrets(self, headers: dict[str, str], location: str) -> None:
        """A location is shown without the key, and not at all with credentials in it."""
        answer = refused(b"", 302, headers=headers, redact=KEY.redact)
        assert answer.location == location
