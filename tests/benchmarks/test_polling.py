"""The polling benchmark runs, by itself, and its targets hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("benchmarks/polling")  # one run of the benchmark for all

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "benchmarks" / "polling.py"


def run(jobs: int, *options: str) -> subprocess.CompletedProcess[str]:
    """The benchmark, started as a command, with few jobs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--jobs", str(jobs), *options],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=150,
    )


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """What it measured."""
    done = run(1500, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def test_targets(result: dict[str, Any]) -> None:
    """Every target is met."""
    assert [target["target"] for target in result["targets"] if not target["met"]] == []
    assert len(result["targets"]) == 6


def test_fixed_interval_is_later(result: dict[str, Any]) -> None:
    """At equal polls a fixed interval is at least 1.4 times later."""
    assert result["targets"][0]["measured"] >= 1.4


def test_no_schedule_beats_the_bound(result: dict[str, Any]) -> None:
    """The oracle's cost is a bound: no schedule falls below it by more than chance."""
    assert min(row["ratio"] for world in result["worlds"] for row in world["rows"]) > 0.97


def test_ours_costs_least_with_an_estimate(result: dict[str, Any]) -> None:
    """Of all schedules in the tables ours costs least, with a good, a fair and a poor estimate."""
    for world in result["worlds"][:3]:
        ours, *others = (row["ratio"] for row in world["rows"])
        assert ours < min(others), world["name"]


def test_median_replaces_the_estimate(result: dict[str, Any]) -> None:
    """Where nothing is announced, the median of the jobs before makes ours cost less than it did without."""
    informed, ours, *_ = (row["ratio"] for row in result["worlds"][3]["rows"])
    assert informed < ours < 1.3


def test_history_corrects_the_bias(result: dict[str, Any]) -> None:
    """Where jobs take longer than announced, the jobs before make ours cost less than it does without them."""
    informed, ours, *_ = (row["ratio"] for row in result["worlds"][4]["rows"])
    assert informed < ours
    assert informed < 1.2


def test_links_are_sooner_with_fewer_polls(result: dict[str, Any]) -> None:
    """Where links are known, the first job is noticed sooner, and the later ones take fewer polls too."""
    held, first = result["links"]
    ours = result["worlds"][1]["rows"][0]
    assert max(held["mean"], first["mean"]) < ours["mean"] / 2
    assert held["polls"] < 0.6 * ours["polls"]
    assert first["polls"] <= ours["polls"] + 0.2


def test_prints_tables() -> None:
    """Without an option it prints the tables and the targets for people; so few jobs may miss a target."""
    done = run(100)
    assert done.returncode in (0, 1), done.stderr
    assert "| ours |" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith(("* met: ", "* MISSED: "))]) == 6
