"""The front end as built: a JavaScript module and a style sheet for the widget, and another pair for the batch.

The files are not in git. A hatchling hook builds them when the package is installed or packed, so a checkout that
is only on ``PYTHONPATH`` has none, and says so here instead of showing an empty cell.
"""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Final, Literal

__all__ = ["pack", "read_bundle"]

STATIC: Final = Path(__file__).parents[1] / "static"

_LOADER: Final = """\
// The front end of dreambooth_widget, deflated: it is saved with the notebook, once for every widget.
const packed = "%s";
const unpack = () =>
  new Response(
    new Blob([Uint8Array.from(atob(packed), (c) => c.charCodeAt(0))]).stream()
      .pipeThrough(new DecompressionStream("deflate")),
  ).text();
export default async () => {
  const url = URL.createObjectURL(new Blob([await unpack()], { type: "text/javascript" }));
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
};
"""


def read_bundle(name: Literal["widget", "batch"] = "widget", static: Path = STATIC) -> tuple[str, str]:
    """Return the text of ``<name>.js`` and its style sheet: ``widget.css``, to which the batch's own only adds.

    Raises `ImportError` with what to do when they were never built.
    """
    styles = ["widget.css"] if name == "widget" else ["widget.css", f"{name}.css"]
    try:
        script, *parts = ((static / file).read_text(encoding="utf-8") for file in (f"{name}.js", *styles))
    except FileNotFoundError as error:
        raise ImportError(
            f"The front end of dreambooth_widget is not built: {error.filename} is missing. In a checkout, "
            "run `pip install -e .`: it builds the files, with or without Node on this machine.",
            name=__package__,
        ) from None
    return script, "".join(parts)


def pack(script: str) -> str:
    """An ES module that unpacks and imports `script`: about half the size, and the same default export.

    anywidget imports its modules from `blob:` addresses too, so no host that shows widgets refuses this one.
    """
    return _LOADER % base64.b64encode(zlib.compress(script.encode(), 9)).decode()
