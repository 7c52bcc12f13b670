"""`python -m dreambooth_widget.demo`: serve the stand-in endpoint for other programs."""

from __future__ import annotations

import argparse
import asyncio
import sys

from .endpoint import DEFAULT_PROMPT, start_demo
from .jobs import KEY


async def _serve_forever(port: int) -> None:
    async with await start_demo(port) as endpoint:
        job = endpoint._jobs.add(DEFAULT_PROMPT)  # its clock starts with the first poll
        print(
            f"The stand-in endpoint listens. In a notebook:\n\n"
            f"    from dreambooth_widget import DreamboothWidget\n"
            f"    DreamboothWidget({KEY!r}, {job.request_id}, endpoint={endpoint.url!r})\n\n"
            f"Queue more with POST {endpoint.origin}/api/v4/dreambooth and the JSON body\n"
            f'    {{"key": "{KEY}", "prompt": "…", "samples": 4, "eta": 8}}\n\n'
            f"Stop it with Ctrl-C.",
            flush=True,
        )
        await asyncio.Event().wait()


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C; return the exit status, 1 if the port cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m dreambooth_widget.demo", description="Serve the stand-in endpoint until Ctrl-C."
    )
    parser.add_argument("--port", type=int, default=0, help="the port (default: 0, a free one)")
    port = parser.parse_args(arguments).port
    if not 0 <= port <= 65535:
        print(f"--port {port}: a port is a number from 0 to 65535; 0 takes a free one.", file=sys.stderr)
        return 1
    try:
        asyncio.run(_serve_forever(port))
    except KeyboardInterrupt:
        print("Stopped.")
    except OSError as error:
        print(f"Cannot listen on port {port}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
