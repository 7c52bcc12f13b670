"""Announced links are watched: granted, denied, lied about, late, and never more often than is polite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

import dreambooth_widget as dw
from dreambooth_widget import Client, PollSchedule, Retry
from dreambooth_widget.client import deadline, link_watch
from dreambooth_widget.client import fetcher as fetcher_module
from dreambooth_widget.client.exchange import Failure, Response
from dreambooth_widget.client.job import FetchJob
from dreambooth_widget.client.link_watch import LinkProbe
from dreambooth_widget.client.options import FetchOptions
from dreambooth_widget.client.schedule import DurationHistory
from dreambooth_widget.client.transport import Transport
from dreambooth_widget.credentials import ApiKey
from dreambooth_widget.protocol.answer_types import Answer, Busy, Processing, Refused
from dreambooth_widget.protocol.parsing import PictureLink

from ..benchmarks import virtual_time
from ..endpoint import CANARY, PROCESSING, Endpoint, Reply, Seen, png

FAST = PollSchedule(shortest=0.02, longest=0.05, longest_silence=0.05)
NEVER = PollSchedule(shortest=600.0, longest=600.0, longest_silence=600.0)
QUICK = Retry(attempts=3, first=0.01, longest=0.05, rate_limit_wait=0.1)
NOT_YET = Reply(b"", 404)
ABSENT = Response(404, {})


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Probes of the real endpoint follow each other at once."""
    if "endpoint" in request.fixturenames:
        monkeypatch.setattr(link_watch, "_PACE", 0.02)
        monkeypatch.setattr(link_watch.LinkProbe.__init__, "__defaults__", (1000.0,))


async def make_client(endpoint: Endpoint, schedule: PollSchedule, **options: Any) -> Client:
    """A client of the scripted endpoint."""
    return Client(CANARY, endpoint=endpoint.url, schedule=schedule, retry=QUICK, rate=1000, **options)


@pytest.fixture
async def client(endpoint: Endpoint) -> AsyncIterator[Client]:
    """A client that polls often."""
    async with await make_client(endpoint, FAST) as client:
        yield client


@pytest.fixture
async def patient(endpoint: Endpoint) -> AsyncIterator[Client]:
    """A client that polls once, and then only when a link makes it."""
    async with await make_client(endpoint, NEVER) as client:
        yield client


def queued(*links: str) -> dict[str, Any]:
    """What a generation call answers that announces links."""
    return {"status": "processing", "id": 7, "eta": 0.1, "output": [], "future_links": list(links)}


def probes(endpoint: Endpoint) -> list[Seen]:
    """The requests for the beginning of a file."""
    return [seen for seen in endpoint.gets if "Range" in seen.headers]


# -- the real endpoint -----------------------------------------------------------------------------------------------


async def test_picture_makes_it_poll(endpoint: Endpoint, patient: Client) -> None:
    """The service is polled when the link has become a picture, and not before; the host never sees the key.

    The next job of this endpoint relies on its links.
    """
    link = endpoint.serve("1.png", NOT_YET, NOT_YET, png())
    endpoint.answers = [PROCESSING, endpoint.success(link)]
    result = await patient.fetch_response(queued(link))
    assert [picture.data for picture in result] == [png()]
    assert len(endpoint.polls) == 2
    assert [seen.headers["Range"] for seen in probes(endpoint)] == ["bytes=0-63"] * 3
    assert len(endpoint.gets) == 4
    assert all(CANARY not in f"{seen.path} {seen.headers} {seen.body!r}" for seen in endpoint.gets)
    assert fetcher_module._HISTORIES[endpoint.url].links_hold


async def test_links_of_a_poll_are_watched(endpoint: Endpoint, patient: Client) -> None:
    """A request of which only the id is known has its links from the answer to its first poll."""
    link = endpoint.serve("1.png", NOT_YET, png())
    endpoint.answers = [queued(link), endpoint.success(link)]
    assert len(await patient.fetch(7)) == 1
    assert len(endpoint.polls) == 2


async def test_redirected_picture_counts(endpoint: Endpoint, patient: Client) -> None:
    """A link may lead to another address, as for a download."""
    link = endpoint.serve("1", NOT_YET, Reply(b"", 302, {"Location": endpoint.serve("2.png", png())}))
    endpoint.answers = [PROCESSING, endpoint.success(link)]
    assert len(await patient.fetch_response(queued(link))) == 1


async def test_partial_content_counts(endpoint: Endpoint, patient: Client) -> None:
    """A host may send just the part that was asked for."""
    part = Reply(png()[:64], 206, {"Content-Range": f"bytes 0-63/{len(png())}"})
    link = endpoint.serve("1.png", NOT_YET, part, png())
    endpoint.answers = [PROCESSING, endpoint.success(link)]
    assert len(await patient.fetch_response(queued(link))) == 1
    assert len(endpoint.polls) == 2


@pytest.mark.parametrize(
    "notice",
    [
        NOT_YET,
        Reply(b""),
        Reply(b"<!doctype html><title>Soon</title>"),
        Reply({"status": "soon"}),
        Reply(b"<?xml version='1.0'?><Error/>", 403),
        Reply(b"", 500),
        Reply(drop=True),
    ],
    ids=["404", "empty", "html", "json", "403", "500", "dropped"],
)
async def test_other_pictures_are_loaded(endpoint: Endpoint, client: Client, notice: Reply) -> None:
    """Whatever is there instead of a picture, the job goes on as without links."""
    endpoint.answers = [PROCESSING] * 5 + [endpoint.success(endpoint.serve("other.png", png()))]
    job = client.fetch_response(queued(endpoint.serve("announced.png", NOT_YET, notice)))
    assert len(await job) == 1
    assert job.state.polls == 6


async def test_late_service_is_polled_on(endpoint: Endpoint, client: Client) -> None:
    """A picture that the service does not know yet makes one poll; the schedule goes on, for the next job too."""
    link = endpoint.serve("1.png", NOT_YET, png())
    endpoint.answers = [PROCESSING] * 12 + [endpoint.success(link)]
    assert len(await client.fetch_response(queued(link))) == 1
    assert len(endpoint.polls) == 13
    assert len(probes(endpoint)) == 2
    assert not fetcher_module._HISTORIES[endpoint.url].links_hold


async def test_retry_after_is_obeyed(endpoint: Endpoint, client: Client) -> None:
    """A host that asks to wait an hour is left alone, by the next job of the client too."""
    link = endpoint.serve("1.png", Reply(b"", 429, {"Retry-After": "3600"}))
    finished = endpoint.success(endpoint.serve("other.png", png()))
    for _ in range(2):
        endpoint.answers = [PROCESSING] * (len(endpoint.polls) + 8) + [finished]
        await client.fetch_response(queued(link))
    assert len(probes(endpoint)) == 1


async def test_links_can_be_left_alone(endpoint: Endpoint) -> None:
    """`watch_links=False` probes nothing."""
    link = endpoint.serve("1.png", NOT_YET)
    finished = endpoint.success(endpoint.serve("other.png", png()))
    endpoint.answers = [PROCESSING] * 8 + [finished]
    async with await make_client(endpoint, FAST, watch_links=False) as client:
        await client.fetch_response(queued(link))
    assert not probes(endpoint)


async def test_refused_address_is_not_probed(endpoint: Endpoint, client: Client) -> None:
    """The guard of downloads holds for probes: such a link is no hint."""
    endpoint.answers = [PROCESSING] * 5 + [endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch_response(queued("http://169.254.169.254/1.png"))
    assert len(await job) == 1
    assert job.state.polls == 6


@pytest.mark.parametrize("link", ["http://[", "https://", "ftp://h/1.png", "1.png", "data:image/png;base64,iVBO"])
async def test_what_is_no_address_is_no_hint(endpoint: Endpoint, client: Client, link: str) -> None:
    """A link that no host can be asked for costs nothing, least of all the job."""
    endpoint.answers = [PROCESSING] * 3 + [endpoint.success(endpoint.serve("1.png", png()))]
    job = client.fetch_response(queued(link))
    assert len(await job) == 1
    assert job.state.polls == 4


async def test_pictures_at_the_deadline(endpoint: Endpoint, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the service says "processing" to the end, links that have all become pictures are the pictures."""
    links = endpoint.serve("1.png", NOT_YET, png("red")), endpoint.serve("2.png", png("blue"))
    endpoint.answers = [PROCESSING]
    monkeypatch.setattr(deadline, "default_deadline", lambda eta: 3.0)
    result = await client.fetch_response(queued(*links))
    assert [picture.data for picture in result] == [png("red"), png("blue")]


@pytest.mark.parametrize("first", [NOT_YET, Reply(png())], ids=["second is missing", "there from the start"])
async def test_no_pictures_at_the_deadline(endpoint: Endpoint, client: Client, first: Reply) -> None:
    """One that is missing, or was there before the job: still running, as without links."""
    links = endpoint.serve("1.png", first, Reply(png())), endpoint.serve("2.png", NOT_YET)
    endpoint.answers = [PROCESSING]
    with pytest.raises(dw.DeadlineExceededError):
        await client.fetch_response(queued(*links[: 1 if first.status == 200 else 2]), deadline=1.0)


# -- simulated hosts, in virtual time ----------------------------------------------------------------------------------


class Host(Transport):
    """A service and a picture host: ready at a time of the loop; `response` answers probes before that."""

    def __init__(self, ready_at: float, response: Response | Failure = ABSENT) -> None:
        super().__init__(ApiKey(CANARY), "https://service.example/fetch")
        self.ready_at, self.response, self.busy_until = ready_at, response, 0.0
        self.shown_at, self.slowness = ready_at, 0.1
        self.polls: list[float] = []
        self.probes: list[float] = []

    async def _send(self, request_id: str) -> Answer:
        now = asyncio.get_running_loop().time()
        self.polls.append(now)
        await asyncio.sleep(self.slowness)
        if now < self.busy_until and len(self.polls) > 1:
            return Busy("too many", self.busy_until - now, rate_limited=True)
        return Refused(dw.GenerationFailedError, "ready") if now >= self.ready_at else Processing()

    async def get(self, url: str, largest: int, *, beginning: bool = False) -> Response | Failure:
        """Return the picture, or what is there before it."""
        assert beginning
        now = asyncio.get_running_loop().time()
        self.probes.append(now)
        await asyncio.sleep(0.1)
        return Response(200, {}, png()[:largest]) if now >= self.shown_at else self.response


def run(host: Host, eta: float, *, held: bool = False, jobs: int = 1) -> DurationHistory:
    """Fetch from the host in virtual time; `held`: whether the job before had its pictures at its links."""
    history = DurationHistory()
    history.links_hold = held

    async def work() -> None:
        probe = LinkProbe()
        link = (PictureLink("https://pictures.example/1.png"),)
        options = [FetchOptions(str(number), eta=eta, links=link, deadline=1e4) for number in range(jobs)]
        running = [FetchJob(host, each, history, probe=probe) for each in options]
        await asyncio.gather(*running, return_exceptions=True)

    virtual_time.run(work)
    return history


def run_to_deadline(host: Host) -> None:
    """Fetch what never becomes ready, by a schedule that polls at the start and at the deadline alone."""

    async def work() -> None:
        link = (PictureLink("https://pictures.example/1.png"),)
        await FetchJob(host, FetchOptions("1", eta=10.0, links=link, schedule=NEVER, deadline=60.0))

    with pytest.raises(dw.DeadlineExceededError):
        virtual_time.run(work)


@pytest.mark.parametrize("body", [b"", b"<!doctype html><title>Soon</title>", b'{"status": "soon"}', b"<Error/>"])
@pytest.mark.parametrize("status", [200, 206, 403, 404])
def test_notice_makes_no_poll(status: int, body: bytes) -> None:
    """Whatever is there instead of a picture: polled at the start and at the deadline, as without links."""
    host = Host(1e9, Response(status, {}, body))
    run_to_deadline(host)
    assert len(host.polls) == 2
    assert len(host.probes) > 40


def test_picture_before_its_time_is_ignored() -> None:
    """A link that is a picture at the first probe is not probed again, and makes no poll."""
    host = Host(1e9)
    host.shown_at = 0.0
    run_to_deadline(host)
    assert len(host.polls) == 2
    assert len(host.probes) == 1


def test_probes_begin_at_half() -> None:
    """One probe at the start tells what is there before its time; the others begin near half the estimate."""
    host = Host(ready_at=70.3)
    run(host, eta=100.0)
    assert host.probes[0] < 1
    assert 40 <= host.probes[1] <= 51
    assert all(1 <= later - earlier <= 1.5 for earlier, later in pairwise(host.probes[1:]))
    assert host.polls[-1] - 70.3 <= 1.5


def test_links_that_held_spare_polls() -> None:
    """After a job whose links kept their promise, polls only break the silence; before, the schedule goes on."""
    first, second = Host(ready_at=70.3), Host(ready_at=70.3)
    run(first, eta=60.0)
    run(second, eta=60.0, held=True)
    assert len(second.polls) <= 2 + 70 / 13.5 < len(first.polls)
    assert all(later - earlier <= 15 * 1.1 + 0.2 for earlier, later in pairwise(second.polls))
    assert second.polls[-1] - 70.3 <= 1.5


def test_silent_host_spares_nothing() -> None:
    """Where the host does not answer, the schedule goes on, whatever held before."""
    host, alone = Host(70.3, Failure("the connection was refused")), Host(70.3, ABSENT)
    run(host, eta=60.0, held=True)
    run(alone, eta=60.0, held=True)
    assert len(host.polls) > len(alone.polls)
    assert all(later - earlier >= 5 for earlier, later in pairwise(host.probes))


def test_named_wait_of_the_host() -> None:
    """A host that asks to wait is probed again then, and not before."""
    host = Host(70.3, Response(429, {"Retry-After": "40"}))
    run(host, eta=10.0)
    assert all(later - earlier >= 40 for earlier, later in pairwise(host.probes))
    assert len(host.probes) == 2


def test_picture_does_not_break_a_wait() -> None:
    """Where the service has asked to wait, a picture does not make it polled sooner."""
    host = Host(ready_at=20.0)
    host.busy_until = 90.0
    run(host, eta=10.0)
    assert host.polls[-1] >= 90.0
    assert len(host.polls) == 3


def test_answer_on_its_way_is_outdated() -> None:
    """A picture that shows while the service takes its time to answer makes the next poll follow that answer."""
    host = Host(ready_at=2.5)
    host.slowness = 6.0
    run(host, eta=4.0, held=True)
    assert host.polls[1] == pytest.approx(6.0, abs=0.2)


def test_unconfirmed_picture_is_one_poll() -> None:
    """A picture that the service does not confirm makes one poll; then the schedule goes on."""
    host = Host(ready_at=50.0)
    host.shown_at = 20.0
    run(host, eta=30.0, held=True)
    assert len([poll for poll in host.polls if 20 <= poll < 21.5]) == 1
    later = [poll for poll in host.polls if poll > 22]
    assert max(second - first for first, second in pairwise(later)) < 6


def test_probes_of_a_client_are_bounded() -> None:
    """All jobs of a client make five probes a second, however many they are."""
    host = Host(ready_at=40.0)
    run(host, eta=10.0, jobs=60)
    assert all(later - earlier >= 0.99 for earlier, later in zip(host.probes[5:], host.probes[10:], strict=False))
    assert len([probe for probe in host.probes if probe < 40]) >= 150
