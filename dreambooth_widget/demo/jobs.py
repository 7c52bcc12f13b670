"""The stand-in's jobs and the literal answers that it gives about them. Pure: time comes in as an argument."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

__all__ = ["FETCH_PATH", "KEY", "Failure", "Job", "Jobs", "answer_queued", "invalid_key", "not_found", "required"]

KEY = "demo-key-opens-only-the-stand-in"
"""The one key that the stand-in accepts. It is no secret: it opens nothing else."""

FETCH_PATH = "/api/v4/dreambooth/fetch"

Failure = Literal["failed", "rate_limit", "missing", "unavailable", "empty", "account", "not_found", "never"]
"""How a job can go wrong on request: the job dies; the second poll is asked to wait; the last picture is gone; the
first three polls meet a 503 page; success without pictures; the account is used up; the id is unknown; no end."""

_TIP = "Get 20x faster image generation using enterprise plan. Click here : https://stablediffusionapi.com/enterprise"
_NEGATIVE = "blurry, low quality, text, watermark"
_UNAVAILABLE = "<html><head><title>503 Service Temporarily Unavailable</title></head><body>nginx</body></html>"


@dataclass
class Job:
    """One generation. `ready_at` is on the caller's clock in seconds, or None until the first poll starts it."""

    request_id: int
    prompt: str
    samples: int
    eta: float
    width: int
    height: int
    seed: int
    fail: Failure | None
    token: str
    ready_at: float | None = None
    polls: int = 0

    def links(self, origin: str) -> list[str]:
        """Where the pictures are, or will be, in the order of the seeds."""
        return [f"{origin}/generations/{self.token}-{number}.png" for number in range(self.samples)]

    def picture_gone(self, number: int) -> bool:
        """Whether this picture answers 404 for good."""
        return self.fail == "missing" and number == self.samples - 1

    @property
    def meta(self) -> dict[str, Any]:
        """The job's prompt, seed, size, steps and model, as in an answer."""
        return {
            "prompt": self.prompt,
            "negative_prompt": _NEGATIVE,
            "model_id": "sks-dog-demo",
            "scheduler": "DDIMScheduler",
            "guidance_scale": 7.5,
            "steps": 30,
            "seed": self.seed,
            "n_samples": self.samples,
            "W": self.width,
            "H": self.height,
        }

    def answer(self, now: float, origin: str, pace: float) -> tuple[int, dict[str, Any] | str]:
        """HTTP status and body (a dict is JSON, a str is HTML) of one more poll at `now`."""
        self.polls += 1
        if self.ready_at is None:
            self.ready_at = now + self.eta
        if self.fail == "not_found":
            return 200, not_found()
        if self.fail == "unavailable" and self.polls <= 3:
            return 503, _UNAVAILABLE
        if self.fail == "rate_limit" and self.polls == 2:
            return 200, _rate_limited(max(1, round(30 * pace)))
        if self.fail == "account":
            return 200, {"status": "error", "message": "Your monthly limit exceeded, upgrade your subscription."}
        if now < self.ready_at or self.fail == "never":
            return 200, {"status": "processing", "messege": "try again later.", "output": "", "tip": _TIP}
        if self.fail == "failed":
            return 200, {"status": "failed", "id": "", "message": "Failed, Try Again", "output": ""}
        return 200, self._finished(origin)

    def _finished(self, origin: str) -> dict[str, Any]:
        return {
            "status": "success",
            "generationTime": round(self.eta, 2),
            "id": self.request_id,
            "output": [] if self.fail == "empty" else self.links(origin),
            "meta": self.meta,
        }


def answer_queued(job: Job, origin: str) -> dict[str, Any]:
    """Return the generation call's answer for a `job` that it has queued."""
    return {
        "status": "processing",
        "tip": "Your image is processing in background, you can get this image using fetch API here.",
        "eta": round(job.eta, 2),
        "messege": "Try to fetch request after seconds estimated",
        "webhook_status": "",
        "fetch_result": f"{origin}{FETCH_PATH}/{job.request_id}",
        "id": job.request_id,
        "output": [],
        "meta": job.meta,
        "future_links": job.links(origin),
    }


def invalid_key() -> dict[str, Any]:
    """Return the answer to a wrong key."""
    tip = "1. Make sure you are passing Content-Type: application/json in header. 2. Make sure it is a POST request."
    return {"status": "error", "message": "Invalid Api Key", "tip": tip}


def not_found() -> dict[str, Any]:
    """Return the answer to an unknown request id."""
    return {"status": "error", "code": "not_found", "message": "Request not found"}


def required(field: str) -> dict[str, Any]:
    """Return the answer to a call that lacks a field."""
    return {"status": "error", "message": {field: [f"The {field.replace('_', ' ')} field is required."]}}


def _rate_limited(seconds: int) -> dict[str, Any]:
    wait = f"please wait for {seconds} seconds and try again"
    tips = f"you are sending same request multiple times, spam filter is enabled, {wait}"
    return {"status": "error", "message": "Rate limit exceeded", "tips": tips}


class Jobs:
    """All jobs of one stand-in, by request id. Times are seconds on the caller's clock."""

    def __init__(self, *, pace: float) -> None:
        self.pace = pace
        self._jobs: dict[str, Job] = {}
        self._by_token: dict[str, Job] = {}
        self._samples = 0

    def add(
        self,
        prompt: str,
        *,
        samples: int = 4,
        eta: float = 8.0,
        width: int = 1024,
        height: int = 1024,
        seed: int | None = None,
        fail: Failure | None = None,
        now: float | None = None,
    ) -> Job:
        """Queue a job that is ready `eta * pace` seconds after `now`, or after its first poll when `now` is None."""
        _check(prompt, samples, eta, width, height, fail)
        count = len(self._jobs)
        if seed is None:
            # The same call, the same pictures: a multiple of 8, and then on.
            seed = (zlib.crc32(prompt.encode("utf-8", "replace")) // 8 * 8 + self._samples) % 2**31
        self._samples += samples
        number = 13443927 + 37 * count
        real_eta = eta * self.pace
        token = uuid.uuid5(uuid.NAMESPACE_URL, f"{number}/{seed}/{prompt}").hex
        ready_at = None if now is None else now + real_eta
        job = Job(number, prompt, samples, real_eta, width, height, seed, fail, token, ready_at)
        self._jobs[str(number)] = self._by_token[token] = job
        return job

    def find(self, request_id: object) -> Job | None:
        """Return the job of a request id as the caller sent it, a str or a number."""
        return self._jobs.get(str(request_id))

    def find_picture(self, name: str) -> tuple[Job, int] | None:
        """Return the job and the number of the picture that a link's last part names."""
        token, _, number = name.removesuffix(".png").partition("-")
        job = self._by_token.get(token)
        if job is None or not number.isdecimal() or int(number) >= job.samples:
            return None
        return job, int(number)


def _check(prompt: str, samples: int, eta: float, width: int, height: int, fail: object) -> None:
    if not str(prompt).strip():
        raise ValueError("prompt must be a text that is not empty")
    if not 1 <= samples <= 64:
        raise ValueError(f"samples must be 1 to 64, not {samples}")
    if not eta >= 0:
        raise ValueError(f"eta must not be negative, but is {eta}")
    if not (64 <= width <= 2048 and 64 <= height <= 2048):
        raise ValueError(f"width and height must be 64 to 2048 pixels, not {width}×{height}")
    if fail is not None and fail not in get_args(Failure):
        raise ValueError(f"fail must be None or one of {', '.join(get_args(Failure))}, not {fail!r}")


def read_order(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Jobs.add` in the body of a generation call; its numbers may come as text."""
    order: dict[str, Any] = {"prompt": body["prompt"]}
    for name, convert in (("samples", int), ("width", int), ("height", int), ("seed", int), ("eta", float)):
        if body.get(name) not in (None, ""):
            order[name] = convert(body[name])
    return order
