"""The front end as built: one JavaScript module and one style sheet for both widgets.

The files are not in git. A hatchling hook builds them when the package is installed or packed, so a checkout that
is only on ``PYTHONPATH`` has none: importing a widget there raises an ImportError instead of showing an empty cell.
"""

from __future__ import annotations

import base64
import os
import zlib
from pathlib import Path
from typing import Any, Final

import traitlets

__all__ = ["front_end", "pack", "read_bundle"]

STATIC: Final = Path(__file__).parents[1] / "static"

_LOADER: Final = """\
// The front end of dreambooth_widget, deflated: it is saved with the notebook, once for every widget.
// The style sheet, a NUL, the module.
const packed = "%s";
const unpack = () =>
  new Response(
    new Blob([Uint8Array.from(atob(packed), (c) => c.charCodeAt(0))]).stream()
      .pipeThrough(new DecompressionStream("deflate")),
  ).text();
export default async () => {
  const [textContent, script] = (await unpack()).split("\\0");
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try {
    const { render } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ url)).default;
    return {
      render(props) {
        props.el.append(Object.assign(document.createElement("style"), { textContent }));
        return render(props);
      },
    };
  } finally {
    URL.revokeObjectURL(url);
  }
};
"""


def read_bundle(static: Path = STATIC) -> tuple[str, str]:
    """Return the text of ``widget.js`` and of ``widget.css``.

    Raises:
        ImportError: They were never built; the message has the command that builds them.
    """
    try:
        script, style = ((static / name).read_text(encoding="utf-8") for name in ("widget.js", "widget.css"))
    except FileNotFoundError as error:
        raise ImportError(
            f"The front end of dreambooth_widget is not built: {error.filename} is missing. In a checkout, "
            "run `pip install -e .`: it builds the files, with or without Node on this machine.",
            name=__package__,
        ) from None
    return script, style


def pack(script: str, style: str) -> str:
    """Return one ES module that holds both: less than half their size, and the same default export.

    anywidget imports its modules from `blob:` addresses too, so no host that shows widgets refuses this one. Each
    view gets the style sheet into its own element, which also works below a shadow root.
    """
    return _LOADER % base64.b64encode(zlib.compress(f"{style}\0{script}".encode(), 9)).decode()


def front_end() -> tuple[Any, Any]:
    """Return the values of a widget class' ``_esm`` and ``_css``.

    A trait with the packed bundle and an empty one. With ``ANYWIDGET_HMR=1``, for work on the front end, the files
    themselves: anywidget watches them, and open cards follow ``npm run watch`` without a new kernel.
    """
    if os.environ.get("ANYWIDGET_HMR") == "1":
        return STATIC / "widget.js", STATIC / "widget.css"
    return traitlets.Unicode(pack(*read_bundle())).tag(sync=True), traitlets.Unicode().tag(sync=True)
