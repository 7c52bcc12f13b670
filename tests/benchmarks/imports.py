"""What `import` costs in a kernel: ours beside `import ipywidgets`.

    python tests/benchmarks/imports.py [--rounds 15] [--json]

The ways take turns, each in a fresh Python that has imported ipykernel, as every kernel has: asyncio, ssl and email are
there then. The times are processor time of the import statement alone. Prints the target; the exit status is 1 when it
is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.report import print_report

OURS = "the widget"
TARGET = 2.5
"""Target: importing the widget takes at most this many times as long as importing ipywidgets, which takes 40 ms in a
kernel. Half of what ours adds is the making of data classes and patterns; only late imports would save it."""

WAYS = {
    "ipywidgets": "import ipywidgets",
    "anywidget, on which ours stands": "import anywidget",
    OURS: "from dreambooth_widget import DreamboothWidget",
    "the widget and the batch": "from dreambooth_widget import DreamboothBatch, DreamboothWidget",
    "fetch, without Jupyter": "from dreambooth_widget import fetch",
}

CLOCK = "import ipykernel.kernelapp, time; begun = time.process_time(); {}; print(time.process_time() - begun)"


def measure(rounds: int) -> list[dict[str, Any]]:
    """A row for each way: its least time as a multiple of that of ipywidgets."""
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    # Compiled once, as installed: this machine may be set not to write what it compiles.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(rounds + 1):
        for name, statement in WAYS.items():
            command = [sys.executable, "-c", CLOCK.format(statement)]
            times[name].append(
                float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
            )
    least = {name: min(found) for name, found in times.items()}  # whatever is more, others on the machine have caused
    return [
        {"import": name, "beside ipywidgets": round(seconds / least["ipywidgets"], 2)}
        for name, seconds in least.items()
    ]


def main() -> int:
    """Measure and print; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description="What `import` costs in a kernel.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    rows = measure(options.rounds)
    ratio = next(row["beside ipywidgets"] for row in rows if row["import"] == OURS)
    target = f"importing the widget takes at most {TARGET} times as long as importing ipywidgets: {ratio}"
    return print_report({"rows": rows}, [(target, ratio <= TARGET)], as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
