"""A real ipykernel in a process of its own, for tests without a browser; older versions too."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

EVERY_WARNING = """
import warnings
warnings.simplefilter("always")
warnings.filterwarnings("ignore", "Deprecated in traitlets 4.1")  # ipywidgets 8.1.0 warns about itself
"""
"""Code for a kernel that shall complain of everything."""

PATIENCE = 120.0
"""Seconds after which a kernel that does not answer is a failure."""


@dataclass
class Execution:
    """What one execution gave: the reply's status, the error's name and text, and all text that was shown."""

    status: str = ""
    error: str = ""
    text: str = ""
    outputs: list[dict[str, Any]] = field(default_factory=list)


class Kernel:
    """A running kernel. `execute` waits; `begin` and `ended` let other things happen meanwhile."""

    def __init__(self, manager: KernelManager, log: Path) -> None:
        self._manager = manager
        self._log = log
        self._client: BlockingKernelClient = manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(PATIENCE)

    @property
    def log(self) -> str:
        """What the process wrote to stdout and stderr beside the protocol."""
        return self._log.read_text(errors="replace")

    def execute(self, code: str) -> Execution:
        """Execute `code` and wait for its end."""
        return self.ended(self.begin(code))

    def begin(self, code: str) -> str:
        """Send `code` to be executed; returns the message's id. Its failure aborts none that is sent after it."""
        return self._client.execute(code, stop_on_error=False)

    def ended(self, message_id: str) -> Execution:
        """Wait for the end of an execution, gathering its outputs."""
        execution = Execution()
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._client.get_iopub_msg(timeout=deadline - time.monotonic())
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            self._add(execution, message)
        while True:
            reply = self._client.get_shell_msg(timeout=deadline - time.monotonic())
            if reply["parent_header"].get("msg_id") == message_id:
                execution.status = reply["content"]["status"]
                return execution

    def published(self, message_id: str) -> list[dict[str, Any]]:
        """Wait for a new output of an execution that has ended; the contents of all outputs and updates up to it."""
        execution = Execution()
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._client.get_iopub_msg(timeout=deadline - time.monotonic())
            self._add(execution, message)
            if message["parent_header"].get("msg_id") == message_id and message["msg_type"] == "display_data":
                return execution.outputs

    @staticmethod
    def _add(execution: Execution, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            execution.text += content["text"]
        elif message["msg_type"] == "error":
            execution.error = f"{content['ename']}: {content['evalue']}\n" + "\n".join(content["traceback"])
        elif message["msg_type"] in {"display_data", "execute_result", "update_display_data"}:
            execution.outputs.append(content)
            execution.text += content["data"].get("text/plain", "")

    def send_from_view(self, model_id: str, content: dict[str, Any], *, subshell: str | None = None) -> None:
        """Send a custom message to a widget as its view does, on the shell or on a subshell."""
        session = self._client.session
        data = {"comm_id": model_id, "data": {"method": "custom", "content": content}}
        message = session.msg("comm_msg", data)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self._client.shell_channel.send(message)

    def new_subshell(self) -> str | None:
        """Make a subshell, as JupyterLab does for comm messages; returns its id, or None for an ipykernel before 7."""
        about = self._client.kernel_info(reply=True, timeout=PATIENCE)["content"]
        if "kernel subshells" not in about.get("supported_features", ()):
            return None
        message = self._client.session.msg("create_subshell_request", {})
        self._client.control_channel.send(message)
        while True:
            reply = self._client.get_control_msg(timeout=PATIENCE)
            if reply["msg_type"] == "create_subshell_reply":
                return str(reply["content"]["subshell_id"])

    def interrupt(self) -> None:
        """Press the stop button."""
        self._manager.interrupt_kernel()

    def restart(self) -> None:
        """Restart the kernel and wait until it is ready."""
        self._manager.restart_kernel()
        self._client.wait_for_ready(PATIENCE)

    def shut_down(self) -> None:
        """Shut the kernel down in order, and wait for its end."""
        if self._manager.has_kernel:
            self._manager.shutdown_kernel()
        self._client.stop_channels()


@contextmanager
def kernel(version: str | None = None, **environment: str) -> Iterator[Kernel]:
    """A kernel with the installed ipykernel, or with `version` of it."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:1]), **environment}
    if version is not None:
        variables["PYTHONPATH"] = f"{_older_ipykernel(version)}{os.pathsep}{variables['PYTHONPATH']}"
    manager = KernelManager(kernel_name="python3")
    with tempfile.TemporaryDirectory(prefix="dreambooth-kernel-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log.txt"
        with log.open("wb") as output:
            manager.start_kernel(stdout=output, stderr=output, env=variables)
            try:
                running = Kernel(manager, log)
                yield running
                running.shut_down()
            finally:  # a test that failed leaves a kernel that may answer nothing
                if manager.has_kernel:
                    manager.shutdown_kernel(now=True)


def write_kernelspec(jupyter_path: Path, version: str | None = None) -> str:
    """A kernelspec of this Python with ipykernel `version` (None: the installed one) for `JUPYTER_PATH`; its name."""
    name = f"ipykernel-{version or 'installed'}"
    spec: dict[str, Any] = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
    }
    if version is not None:
        spec["env"] = {"PYTHONPATH": str(_older_ipykernel(version))}
    folder = jupyter_path / "kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return name


def _older_ipykernel(version: str) -> Path:
    """ipykernel `version` alone in a folder, to be put before the installed one; made once a machine."""
    folder = Path(tempfile.gettempdir()) / f"dreambooth-ipykernel-{version}-{getpass.getuser()}"
    if not folder.is_dir():
        half = tempfile.mkdtemp(dir=folder.parent)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", half]
        subprocess.run([*install, f"ipykernel=={version}"], check=True)
        with contextlib.suppress(OSError):  # another worker was quicker
            Path(half).rename(folder)
    return folder
