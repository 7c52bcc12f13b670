"""`python -m dreambooth_widget.demo`: the command that serves the stand-in endpoint."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from .test_endpoint import post


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process on Windows")
def test_command_serves_until_ctrl_c(tmp_path: Path) -> None:
    """It prints lines that work as they stand, and ends with status 0 and no traceback."""
    command = [sys.executable, "-X", "dev", "-m", "dreambooth_widget.demo"]
    with ExitStack() as stack:
        server = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        stack.callback(server.kill)  # a test that fails leaves no server
        assert server.stdout is not None
        words = ""
        while "Ctrl-C" not in words:
            words += server.stdout.readline()
        found = re.search(r"DreamboothWidget\('(.*)', (\d+), endpoint='(.*)'\)", words)
        assert found is not None, words
        key, request_id, url = found.groups()
        answer = asyncio.run(post(url, {"key": key, "request_id": request_id}))
        assert answer["status"] == "processing"
        server.send_signal(signal.SIGINT)
        out, error = server.communicate(timeout=30)
    assert (server.returncode, out) == (0, "Stopped.\n")
    assert [line for line in error.splitlines() if not re.search(r"took [\d.]+ seconds$", line)] == []


def test_command_names_taken_port() -> None:
    """One sentence and status 1, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "dreambooth_widget.demo", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert re.fullmatch(rf"Cannot listen on port {port}: .*in use.*\n", done.stderr)


def test_wrong_port_is_one_line() -> None:
    """A number that is no port gives one sentence and status 1."""
    command = [sys.executable, "-m", "dreambooth_widget.demo", "--port", "99999"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("--port 99999: ")
