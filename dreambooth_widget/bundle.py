"""The front end as built: one JavaScript module and one style sheet.

The files are not in git. A hatchling hook builds them when the package is installed or packed, so a checkout that
is only on ``PYTHONPATH`` has none, and says so here instead of showing an empty cell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["read_bundle"]

STATIC: Final = Path(__file__).parent / "static"


def read_bundle(static: Path = STATIC) -> tuple[str, str]:
    """Return the text of ``widget.js`` and of ``widget.css``.

    Raises `ImportError` with what to do when they were never built.
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
