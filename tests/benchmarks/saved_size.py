"""What four pictures cost in the .ipynb: this widget's static copy beside other ways to show them.

    python tests/benchmarks/saved_size.py [--size 1024] [--json]

Executes one notebook for each way with nbclient, which always saves the widgets' state, and prints the bytes of the
pictures in the file. Then the targets; the exit status is 1 when one is missed. Mediapy is left out where it is not
installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from typing import Any

import nbformat
from nbclient import NotebookClient

COPY_TARGET = 128 * 1024
"""Bytes that the static copy of four pictures may cost."""

STATE_TARGET = 58_000
"""Bytes that the saved state of one widget may cost, whatever its pictures weigh: module, styles and traits. Nine
tenths are the module, deflated and in base64; 8 kB of that are the menu, the comparison of four and the loupe."""

STATE = "application/vnd.jupyter.widget-state+json"

MAKE = """
from IPython.display import display
from dreambooth_widget import DreamboothWidget, fetch
from dreambooth_widget.demo import start_demo
service = await start_demo(pace=0.01)
answer = service.generate(samples=4, eta=1, width={size}, height={size}, seed=1)
result = await fetch(service.key, answer["id"], endpoint=service.url)
"""
"""A first cell: the same four pictures for every way. Only the second cell's outputs and the widgets' state count."""

WIDGET = """
w = DreamboothWidget(service.key, answer["id"], endpoint=service.url{more})
display(w)
await w
"""

WAYS = {
    "DreamboothWidget": WIDGET.replace("{more}", ""),
    "DreamboothWidget(save_copy=False)": WIDGET.replace("{more}", ", save_copy=False"),
    "display(PIL image)": "for picture in result:\n    display(picture.image)",
    "ipywidgets.Image": "import ipywidgets\nfor p in result:\n    display(ipywidgets.Image(value=p.data))",
    "mediapy, 256 px": (
        "import mediapy, numpy\nmediapy.show_images([numpy.asarray(p.image) for p in result], height=256)"
    ),
}


def measure(size: int) -> list[dict[str, Any]]:
    """A row for each way: bytes of the cell's outputs and of the widgets' state in the file."""
    ways = dict(WAYS)
    if importlib.util.find_spec("mediapy") is None:
        del ways["mediapy, 256 px"]
    return [{"way": way, **_run(code, size)} for way, code in ways.items()]


def _run(code: str, size: int) -> dict[str, int]:
    cells = [nbformat.v4.new_code_cell(text) for text in (MAKE.replace("{size}", str(size)), code)]
    notebook = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    saved = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    outputs = notebook.cells[1].outputs
    return {"outputs": _cost(outputs) if outputs else 0, "state": _cost(saved) if saved else 0}


def _cost(part: Any) -> int:
    """Bytes that a part takes in the file, which is indented JSON in UTF-8."""
    return len(json.dumps(part, indent=1, ensure_ascii=False).encode())


def targets(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What must hold, and whether it does."""
    ours = rows[0]
    return [
        {"target": "static copy of four pictures", "value": ours["outputs"], "most": COPY_TARGET},
        {"target": "state of one widget", "value": ours["state"], "most": STATE_TARGET},
    ]


def main() -> int:
    """Measure, print, and return whether the targets hold as the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--size", type=int, default=1024, help="pixels along each edge of the pictures")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    wanted = parser.parse_args()
    rows = measure(wanted.size)
    checks = targets(rows)
    met = all(check["value"] <= check["most"] for check in checks)
    if wanted.json:
        sys.stdout.write(json.dumps({"size": wanted.size, "rows": rows, "targets": checks}) + "\n")
        return 0 if met else 1
    lines = [f"Four pictures of {wanted.size}×{wanted.size} in the .ipynb, kB", ""]
    lines.append(f"{'':36}{'outputs':>10}{'state':>10}")
    lines += [f"{row['way']:36}{row['outputs'] / 1000:10.0f}{row['state'] / 1000:10.0f}" for row in rows]
    lines.append("")
    for check in checks:
        mark = "met   " if check["value"] <= check["most"] else "MISSED"
        lines.append(f"{mark} {check['target']}: {check['value'] / 1000:.0f} of at most {check['most'] / 1000:.0f} kB")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
