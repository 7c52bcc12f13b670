"""Run the benchmarks and write their numbers into this folder's README.md, and three of them into the project's.

    python tests/benchmarks/readme.py [--only NAME …] [--found FILE]

All of them take about ten minutes on two cores; nothing else should run meanwhile. What each printed is kept as JSON in
`--found` (a temporary file by default), so that `--only` can repeat a part of them. What missed its target is written
all the same, and named.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parents[1] / "README.md"
DETAILS = HERE / "README.md"
BEGIN, END = "<!-- numbers: python tests/benchmarks/readme.py -->", "<!-- end of numbers -->"

NAMES = ("many", "load", "thumbnails", "time_to_pixels", "gallery", "imports", "polling", "peers")

SCHEDULES = {
    "ours": "**dreambooth_widget**",
    "every 5 s (the vendor's samples)": "every 5 s, as in the service's samples",
    "every 10 s": "every 10 s",
    "google-api-core (1 s × 1.5 … 20 s, full jitter)": "google-api-core's default",
    "sleep(eta)": "`sleep(eta)`",
    "modelslab-py (every 60 s)": "modelslab-py, every 60 s",
}
WORLD = "ETA, σ = 0.5"

Found = dict[str, Any]


def run(name: str) -> Any:
    """What a benchmark found. It may have missed a target; whatever else it does is an error."""
    command = [sys.executable, str(HERE / f"{name}.py"), "--json"]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{name}.py failed with status {done.returncode}")
    return json.loads(done.stdout)


def compared(found: Found) -> Iterator[tuple[str, str, str, str]]:
    """(what, ours, beside, benchmark) for each row of the first table."""
    own, *others = found["many"]["compared"]
    delays = ", ".join(f"{other['way']}: {other['mean delay']} s" for other in others)
    what = "1,000 running requests behind one limit of 10 polls a second: mean delay after ready"
    yield what, f"{own['mean delay']} s", delays, "many"

    few, many = found["many"]["links"]
    what = "the same where the pictures' links are announced and hold"
    probes = f"with {few['probes a second']:g} probes a second of them, the default: {few['mean delay']} s"
    yield what, f"{many['mean delay']} s with {many['probes a second']:g} probes a second", probes, "many"

    own, sessions, threads = found["load"]["plain"]
    what = "1,000 requests, nobody limited: connections · polls · peak memory · p99 lag of the loop"
    yield what, _load(own), f"a session each: {_load(sessions)}; 32 threads: {_load(threads)}", "load"
    own, keeping = found["load"]["heavy"]
    what = "the same with 4,000 pictures of 1.3 MB: peak memory"
    yield what, f"{own['MB above idle']:.0f} MB", f"keeping all: {keeping['MB above idle']:,.0f} MB", "load"

    rows = {row["way"]: row for row in found["thumbnails"]["rows"]}
    wall, lag = "time beside Pillow in two threads", "loop stood still, ms"
    beside = ", ".join(f"{name}: {row[wall]} · {row[lag]:.0f} ms" for name, row in rows.items() if name != "ours")
    what = "100 pictures of 1024×1024 to thumbnails: time beside Pillow in two threads · longest standstill of the loop"
    yield what, f"{rows['ours'][wall]} · {rows['ours'][lag]:.0f} ms", beside, "thumbnails"

    first, *more, image = found["time_to_pixels"]["rows"]
    what = "four finished pictures of 1024×1024 on screen: thumbnails · 1024 px, beside `ipywidgets.Image`"
    yield what, _ratios(first), "; ".join(f"{row['way']}: {_ratios(row)}" for row in (*more, image)), "time_to_pixels"

    yield from _compare_galleries(found["gallery"])

    imports = {row["import"]: row["beside ipywidgets"] for row in found["imports"]["rows"]}
    rest = ", ".join(f"{name}: {ratio}" for name, ratio in imports.items() if name != "the widget")
    yield "import in a kernel, beside `import ipywidgets`", f"{imports['the widget']}", rest, "imports"

    yield from _peers(found["peers"])


def _peers(found: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    jobs = f"{len(found['jobs'])} jobs of {found['jobs'][0]:g} to {found['jobs'][-1]:g} s at once"
    alone, estimated, linked, *others = found["waits"]
    beside = "; ".join(f"{row['client']}: {_wait(row)}" for row in (alone, linked, *others))
    yield f"{jobs}: from ready to the result · requests for each", _wait(estimated), beside, "peers"
    for request_id, what in (("refused", "a wrong key"), ("failed", "a failed job")):
        own, theirs = (found["ends"][request_id][client]["seconds"] for client in ("ours", "modelslab-py"))
        yield f"{what}: time to the error", f"{own:.1f} s", f"modelslab-py 0.2.3: {theirs:.0f} s", "peers"


def _wait(row: dict[str, Any]) -> str:
    return f"{row['mean']:.1f} s · {row['requests']:.0f}"


def _compare_galleries(found: Found) -> Iterator[tuple[str, str, str, str]]:
    first = found["first screen"]
    what = "first screen of 500 pictures · of 5,000 in a batch, beside that of 20"
    few = f"of 20: {first['few']:.0f} ms · {first['few of a batch']:.0f} ms"
    yield what, f"{found['ratio']:.2f} · {found['ratio of the batch']:.2f}", few, "gallery"
    frames = {
        name: f"{each['frames a second']:.0f} · {each['worst frame']:.0f} ms"
        for name, each in found["scrolling"].items()
    }
    what = "500 pictures scrolled past: frames a second · worst frame"
    yield what, frames.pop("ours"), ", ".join(f"{name}: {each}" for name, each in frames.items()), "gallery"


def _load(row: dict[str, Any]) -> str:
    return f"{row['connections']:,} · {row['polls']:,} · {row['MB above idle']:.0f} MB · {row['lag p99 ms']} ms"


def _ratios(row: dict[str, Any]) -> str:
    return f"{row['ratio of thumbnails']:.2f} · {row['ratio of previews']:.2f}"


def missed(found: Found) -> list[str]:
    """The targets that were missed, in words."""
    targets = (target for name in NAMES if "targets" in found[name] for target in found[name]["targets"])
    return [target["target"] for target in targets if not target["met"]]


def block(found: Found) -> str:
    """What stands between the marks."""
    lines = ["| what | dreambooth_widget | beside | `tests/benchmarks/` |", "|---|---|---|---|"]
    lines += [f"| {' | '.join([*cells, f'`{name}.py`'])} |" for *cells, name in compared(found)]
    world = next(world for world in found["polling"]["worlds"] if world["name"] == WORLD)
    rows = {row["schedule"]: row for row in world["rows"]}
    lines += [
        "",
        f"How soon a ready job is noticed, and how many requests that takes: {found['polling']['jobs']:,} simulated",
        "jobs with an estimate that is wrong by a log-normal factor (σ = 0.5), from `polling.py`, which has other",
        "worlds too. The cost is the delay plus half a second per request, as a multiple of the least that any",
        "schedule could reach.",
        "",
        "| schedule | mean delay | 95 % | requests per job | cost ÷ least possible |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, label in SCHEDULES.items():
        row = rows[name]
        lines.append(
            f"| {label} | {row['mean']:.1f} s | {row['p95']:.1f} s | {row['polls']:.1f} | {row['ratio']:.2f} |"
        )
    held, first = found["polling"]["links"]
    for label, row in (("links known", held), ("links known, the first job of a kernel", first)):
        delay, late = f"{row['mean']:.1f} s", f"{row['p95']:.1f} s"
        lines.append(f"| **dreambooth_widget**, {label} | {delay} | {late} | {row['polls']:.1f} | |")
    lines += [
        "",
        "“Links known” assumes that the service announces the links (`future_links`), and that each picture is at its",
        f"link when it is ready and not before. It takes {held['probes']:.0f} requests of 64 bytes to its host.",
        "",
        *_bias(found["polling"]["bias"]),
        "",
        "In the row of other clients, theirs end with addresses, ours with loaded and checked pictures; ours with an",
        "estimate has one that is wrong by the same factor (σ = 0.5). modelslab-py's sleeps are counted, not slept.",
    ]
    if wrong := missed(found):
        lines += ["", "Missed so far:", "", *(f"* {target}" for target in wrong)]
    return "\n".join(lines)


def _bias(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the jobs before are worth where every estimate is too short."""
    ratios = " and ".join(f"{row['without']:.2f} times (σ = {row['sigma']})" for row in rows[1:])
    best = rows[-1]
    return [
        "Where all jobs take 1.6 times as long as announced, the estimates are corrected from the fourth job of a",
        f"kernel on. Without that the same schedule is later at equal requests: {ratios}.",
        f"With σ = {best['sigma']}, knowing the bias from the first job on gives",
        f"{best['without, if the bias is known']:.2f}.",
    ]


def brief(found: Found) -> str:
    """Return the three numbers that stand in the project's README."""
    world = next(world for world in found["polling"]["worlds"] if world["name"] == WORLD)
    rows = {row["schedule"]: row for row in world["rows"]}
    own, every_5 = (rows[name] for name in ("ours", "every 5 s (the vendor's samples)"))
    many, *others = found["many"]["compared"]
    loop = next(other for other in others if other["way"] == "every 5 s")
    heavy, keeping = found["load"]["heavy"]
    lines = [
        ("what", "here", "beside"),
        ("---", "--:", "--:"),
        (
            "a ready job is noticed after · requests that this takes",
            f"{own['mean']:.1f} s · {own['polls']:.1f}",
            f"polling every 5 s: {every_5['mean']:.1f} s · {every_5['polls']:.1f}",
        ),
        (
            "the same for 1,000 running jobs behind one limit of 10 polls a second",
            f"{many['mean delay']} s",
            f"each polled every 5 s: {loop['mean delay']} s",
        ),
        (
            "peak memory for 4,000 pictures of 1.3 MB",
            f"{heavy['MB above idle']:.0f} MB",
            f"keeping all: {keeping['MB above idle']:,.0f} MB",
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(text: str, path: Path = README) -> None:
    """Put `text` between the marks of a file. Raises ValueError if they are not there."""
    readme = path.read_text(encoding="utf-8")
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path.name} lacks its marks")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Run, keep and write."""
    parser = argparse.ArgumentParser(description="Runs the benchmarks and writes README's numbers.")
    parser.add_argument("--only", nargs="*", choices=NAMES, default=NAMES, help="benchmarks to run anew")
    parser.add_argument("--found", type=Path, default=Path(tempfile.gettempdir()) / "dreambooth-benchmarks.json")
    options = parser.parse_args()
    found: Found = json.loads(options.found.read_text(encoding="utf-8")) if options.found.exists() else {}
    for name in options.only:
        sys.stdout.write(f"{name} …\n")
        sys.stdout.flush()
        found[name] = run(name)
        options.found.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if lacking := [name for name in NAMES if name not in found]:
        raise SystemExit(f"Nothing is written: these have not been run yet: {', '.join(lacking)}")
    write(block(found), DETAILS)
    write(brief(found), README)


if __name__ == "__main__":
    main()
