"""A notebook server as a process of its own, with nothing of the user's settings and a log to read."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)
# Runs a module, and ends when the other end of its input goes: a pytest that is killed leaves no server behind.
# (`os.read`, because a thread that waits in `sys.stdin` makes the interpreter's end a crash.)
RUN = """
import os, runpy, signal, sys, threading
def watch():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=watch, daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
UNWANTED = ("DREAMBOOTH_API_KEY", "ANYWIDGET_HMR", "JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTER_TOKEN")


async def until(condition: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """The first true value of `condition()`, asked every 50 ms; an `AssertionError` naming `what` after `seconds`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert loop.time() < end, f"waited {seconds} s in vain for {what}"
        await asyncio.sleep(0.05)


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with every settings folder of Jupyter, IPython and XDG inside `folder`."""
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    return {**kept, **{name: str(folder / name.lower()) for name in FOLDERS}, **(extra or {})}


class Server:
    """`python -m <module> …` in `folder`, ending with this process; its output and its kernels' output are in `log`."""

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str],
        extra: Mapping[str, str] | None = None,
        python: str | Path = sys.executable,
    ) -> None:
        self.folder = folder
        self.root = folder / "notebooks"
        self.root.mkdir(parents=True, exist_ok=True)
        self.log = folder / "server.log"
        self.arguments = list(arguments)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [python, "-c", RUN, *arguments],
                cwd=self.root,
                env=environment(folder, extra),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that an interrupted pytest does not interrupt it half way
            )

    async def listening(self, port: int) -> str:
        """Wait until something answers on `port`; its address."""

        def connects() -> bool:
            self.check_alive()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        try:
            await until(connects, f"{self.arguments[0]} to listen")
        except BaseException:
            await self.close()
            raise
        return f"http://127.0.0.1:{port}/"

    def check_alive(self) -> None:
        """Fail with the log's end if the process is gone."""
        if self.process.poll() is not None:
            raise AssertionError(f"{' '.join(self.arguments)} ended by itself:\n{self.log.read_text()[-3000:]}")

    async def close(self) -> None:
        """End the process, kindly first."""
        self.process.terminate()
        try:
            await asyncio.to_thread(self.process.wait, 15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            await asyncio.to_thread(self.process.wait)
        finally:
            assert self.process.stdin is not None
            self.process.stdin.close()
