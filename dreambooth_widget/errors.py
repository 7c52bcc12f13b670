"""Every error of the package, in one tree.

::

    DreamboothError
    ├── InvalidKeyError          the service refused the API key
    ├── AccountError             the account has no credit, no subscription or no right to this
    ├── InvalidRequestError      the service did not accept the request as it was sent
    ├── RequestNotFoundError     the service has no request with this id
    ├── GenerationFailedError    the job is dead at the service; only a new generation call helps
    ├── EmptyResultError         "success" without any picture, poll after poll
    ├── RateLimitedError         the service kept asking to wait until the deadline
    ├── UnexpectedAnswerError    the service answered with something that is not its protocol
    ├── EndpointMovedError       the address redirects, is wrong or retired; `location` is the one to use
    ├── EndpointUnreachableError no answer: DNS, connection, time-out, or 5xx to the end
    ├── DeadlineExceededError    still processing at the deadline (also a `TimeoutError`); resumable
    ├── StoppedError             waiting was stopped; the job goes on at the service
    └── PictureError             the job succeeded, but not one picture could be loaded
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AccountError",
    "DeadlineExceededError",
    "DreamboothError",
    "EmptyResultError",
    "EndpointMovedError",
    "EndpointUnreachableError",
    "GenerationFailedError",
    "InvalidKeyError",
    "InvalidRequestError",
    "PictureError",
    "RateLimitedError",
    "RequestNotFoundError",
    "StoppedError",
    "UnexpectedAnswerError",
]


class DreamboothError(Exception):
    """What ended a job. `str(error)` is what happened and what to do about it.

    Attributes:
        message: What happened.
        request_id: The request, "" before it is known.
        advice: What to do.
        details: The words of the service. The key is redacted before they get here.
    """

    title: ClassVar[str] = "Failed"
    """Two words for a status chip."""

    standing_advice: ClassVar[str] = "Check again, and look at the details."
    """What to do, unless the code that raises gives other advice."""

    def __init__(
        self,
        message: str,
        *,
        request_id: str = "",
        advice: str | None = None,
        details: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.request_id = request_id
        self.advice = self.standing_advice if advice is None else advice
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()

    def __repr__(self) -> str:
        # Distinguishes the errors in a list of outcomes.
        return f"{type(self).__name__}({self.message!r}, request_id={self.request_id!r})"


class InvalidKeyError(DreamboothError):
    """The service refused the API key."""

    title = "Key refused"
    standing_advice = "Check the key in your account at the service and pass it again."


class AccountError(DreamboothError):
    """The account is out of credit, subscription or rights."""

    title = "Account limit"
    standing_advice = "Look at your plan and balance at the service, then check again."


class InvalidRequestError(DreamboothError):
    """The service did not accept the request: an error that names its fields, or any other that does not pass."""

    title = "Request refused"
    standing_advice = "Check the request id and the endpoint; checking again is free."


class RequestNotFoundError(DreamboothError):
    """The service has no request with this id, also after a few more polls."""

    title = "Not found"
    standing_advice = (
        "Check the request id, that it belongs to this key, and that the endpoint has the same API version."
    )


class GenerationFailedError(DreamboothError):
    """The job is dead at the service. It is never submitted again: that would cost money."""

    title = "Job failed"
    standing_advice = "Submit the generation again; waiting longer does not help."


class EmptyResultError(DreamboothError):
    """The service reports success without any picture, poll after poll."""

    title = "No pictures"
    standing_advice = "Check again in a minute, or submit the generation again."


class RateLimitedError(DreamboothError):
    """The service still asked to wait when the deadline came."""

    title = "Rate limited"
    standing_advice = "Wait a minute, then check again; fewer requests at a time help."


class UnexpectedAnswerError(DreamboothError):
    """The answer is not of the service's protocol: HTML, an empty body or a list, for example."""

    title = "Unclear answer"
    standing_advice = "Check that endpoint= is the service's fetch address."


class EndpointMovedError(DreamboothError):
    """The endpoint is wrong or retired, or redirects; a redirect is not followed, because the key would go along.

    `location` is the absolute address to use instead: the target of the redirect or V6; "" if none is known.
    """

    title = "Wrong endpoint"

    def __init__(
        self,
        message: str,
        *,
        location: str = "",
        request_id: str = "",
        advice: str | None = None,
        details: str = "",
    ) -> None:
        if advice is None:
            named = f"If you trust that address, pass endpoint={location!r}."
            advice = named if location else "Look up the service's new address."
        super().__init__(message, request_id=request_id, advice=advice, details=details)
        self.location = location


class EndpointUnreachableError(DreamboothError):
    """No usable answer within the retries: DNS, connection, time-out, 408, 5xx, or a firewall that refuses."""

    title = "Service unreachable"
    standing_advice = "Check the network and the endpoint, then check again; the job goes on at the service."


class DeadlineExceededError(DreamboothError, TimeoutError):
    """Still processing at the deadline. It is no failure: checking again resumes."""

    title = "Still running"
    standing_advice = "Checking again resumes."


class StoppedError(DreamboothError):
    """Waiting was stopped. The service cannot cancel a job, so it goes on there."""

    title = "Stopped waiting"
    standing_advice = "The job goes on at the service; checking again resumes."


class PictureError(DreamboothError):
    """The job succeeded, but not one of its pictures could be loaded. `details` has a line for each."""

    title = "No pictures"
    standing_advice = "Check again: links sometimes need a minute, and expire after 24 hours."
