"""Batches in every state: what the kernel would put into the traits, and the rows it would send."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

State = dict[str, Any]
Make = Callable[[int, int], State]
"""Makes a ready picture from its request's number and its own."""

SUBJECTS = ("a lighthouse keeper's garden at dusk, mist over the hills", "a harbour in the rain", "two owls", "")
STATUSES = ("idle", "processing", "downloading", "success", "error", "stopped", "timed_out")
GIVEN_UP = "The service gave the job up. Submit the generation again; waiting longer does not help."


def row(request: int, status: str, pictures: Sequence[State] = (), **more: Any) -> State:
    """One request; a running one began twelve seconds ago."""
    now = time.time()
    started = None if status == "idle" else now - 12 - request % 7
    return {
        "request": request,
        "id": str(13443927 + request),
        "caption": SUBJECTS[request % len(SUBJECTS)],
        "status": status,
        "activity": "",
        "note": "",
        "title": "",
        "eta": 30.0,
        "started_at": started,
        "finished_at": now - 1 if status in ("success", "error", "stopped", "timed_out") else None,
        "next_poll_at": now + 3 if status == "processing" else None,
        "meta": {"seed": str(request), "model": "midjourney-v4"},
        "pictures": list(pictures),
        **more,
    }


def announced(make: Make, request: int, count: int = 4) -> list[State]:
    """Pictures that are known to come."""
    return [{**make(request, index), "status": "waiting", "id": "", "text": {}} for index in range(count)]


def done(make: Make, request: int, count: int = 4) -> State:
    """A request with its pictures."""
    return row(request, "success", [make(request, index) for index in range(count)])


def failed(request: int, title: str = "Job failed", note: str = GIVEN_UP) -> State:
    """A request without."""
    return row(request, "error", title=title, note=note)


def stopped(request: int) -> State:
    """A request that nobody waits for any longer."""
    return row(request, "stopped", note="The job goes on at the service.")


def traits(rows: Sequence[State], *, status: str = "", **more: Any) -> State:
    """What the kernel says of `rows` as a whole."""
    counts = {name: sum(each["status"] == name for each in rows) for name in STATUSES}
    going = counts["idle"] + counts["processing"] + counts["downloading"]
    bad = f", {counts['error']} failed" if counts["error"] else ""
    now = time.time()
    over = "error" if counts["error"] else "stopped" if counts["stopped"] else "success"
    ended = not going and bool(rows)
    return {
        "status": status or ("processing" if going else over if rows else "idle"),
        "message": f"{counts['success']} of {len(rows)} done{bad}" if rows else "",
        "total": len(rows),
        "counts": counts,
        "started_at": now - 95 if rows else None,
        "finished_at": now if ended else None,
        "done_at": now + 40.5 if going else None,
        "next_poll_at": now + 3 if going else None,
        "selected": [],
        "_card": {
            "activity": "",
            "clock": now,
            "form": False,
            "has_key": True,
            "key_refused": any(each["title"] == "Key refused" for each in rows),
            "trouble": "",
        },
        **more,
    }


def batches(make: Make) -> dict[str, tuple[State, list[State]]]:
    """Each state as `(traits, rows)`. Made when asked for: they hold the time."""
    waiting = [
        row(each, "idle" if each > 7 else "processing", announced(make, each) * (each < 3)) for each in range(12)
    ]
    waiting[5] |= {"activity": "retrying"}
    waiting[6] |= {"status": "downloading", "pictures": [make(6, 0), *announced(make, 6)[1:]]}
    part = [done(make, each) for each in range(37)] + [row(each, "processing") for each in range(37, 48)]
    running = [failed(each) if each in (2, 20) else one for each, one in enumerate([*part, failed(48), failed(49)])]
    running[48:] = [row(48, "idle"), row(49, "idle")]
    refused = [
        failed(each, "Key refused", "The service refused the API key. Check it and pass it again.") for each in range(6)
    ]
    lost = done(make, 1)
    lost["pictures"][2] |= {"status": "missing", "id": "", "text": {}, "reason": "the link expired (403)"}
    some = [done(make, 0), lost, failed(2), stopped(3), row(4, "timed_out", note="Not ready after 10:00.")]
    busy = {"activity": "retrying", "clock": time.time(), "form": False, "has_key": True}
    trouble = {**busy, "trouble": "12 requests are being tried again: The connection was refused"}
    form = {**busy, "activity": "", "form": True, "has_key": False, "trouble": ""}
    every = {
        "30-batch-waiting": waiting,
        "31-batch-running": running,
        "32-batch-done": [done(make, each) for each in range(8)],
        "33-batch-all-failed": refused,
        "34-batch-thousand": [done(make, each) for each in range(1000)],
        "35-batch-empty": [],
        "36-batch-mixed": some,
    }
    known = {name: (traits(rows), rows) for name, rows in every.items()}
    known["37-batch-trouble"] = (traits(waiting, _card=trouble), waiting)
    idle = [row(each, "idle") for each in range(3)]
    known["38-batch-form"] = (traits(idle, status="idle", started_at=None, done_at=None, _card=form), idle)
    hanging = [*every["32-batch-done"][:7], row(7, "processing", announced(make, 7))]
    late = "7 of 8 done, 1 is taking longer than estimated"
    known["36b-batch-hanging"] = (traits(hanging, message=late, done_at=None), hanging)
    fifty = [*(done(make, each) for each in range(48)), failed(48), failed(49)]
    known["36c-batch-fifty"] = (traits(fifty), fifty)
    known["39-batch-selected"] = (traits(every["32-batch-done"], selected=[[0, 1], [1, 3]]), every["32-batch-done"])
    return known
