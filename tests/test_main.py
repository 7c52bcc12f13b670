"""`python -m dreambooth_widget`: the quickstart in JupyterLab, and `--check` without a browser."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
import pytest

import dreambooth_widget.__main__ as command
from dreambooth_widget.__main__ import check, name_cells

MINUTES = 60  # seconds


def write_notebook(path: Path, *cells: Any) -> Path:
    """Write a notebook of these cells."""
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)
    return path


def test_copy_equals_shipped_notebook(tmp_path: Path) -> None:
    """A first start puts the quickstart, as shipped, into the reader's folder."""
    copy = command.copy_quickstart(tmp_path)
    assert copy.read_bytes() == command.find_quickstart().read_bytes()
    assert copy.parent == tmp_path


def test_edited_copy_is_kept(tmp_path: Path) -> None:
    """A second start never overwrites what the reader wrote into their copy."""
    copy = command.copy_quickstart(tmp_path)
    copy.write_text("mine", encoding="utf-8")
    assert command.copy_quickstart(tmp_path) == copy
    assert copy.read_text(encoding="utf-8") == "mine"


def test_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    """Where no copy can be written, the command reports it and ends; no traceback."""
    with pytest.raises(SystemExit, match="Cannot put a copy of the quickstart here"):
        command.copy_quickstart(tmp_path / "missing")


def test_missing_notebook_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the quickstart is reported as broken."""
    monkeypatch.setattr(command, "PACKAGE", tmp_path / "dreambooth_widget")
    with pytest.raises(SystemExit, match="reinstall"):
        command.find_quickstart()


def test_missing_jupyterlab_names_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without JupyterLab the command names what works in a checkout and elsewhere, and leaves no copy behind."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=re.escape(command.NO_LAB)):
        command.main([])
    with pytest.raises(SystemExit, match=re.escape(command.NO_LAB)):
        command.main(["--check"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "environ", "seen"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
        ("win32", {}, True),
    ],
)
def test_screen_depends_on_platform(platform: str, environ: dict[str, str], seen: bool) -> None:
    """A browser is started only where the user would see it."""
    assert command.has_screen(platform, environ) is seen


def test_lab_command_for_root_without_screen() -> None:
    """JupyterLab refuses root without `--allow-root`, and fails to find a browser without `--no-browser`."""
    notebook = Path("/somewhere/quickstart.ipynb")
    plain = command.lab_command(notebook, root=False, browser=True, port=8888)
    bare = command.lab_command(notebook, root=True, browser=False, port=1234)
    assert set(bare) - set(plain) == {"--allow-root", "--no-browser", "--ServerApp.port=1234"}
    assert set(plain) - set(bare) == {"--ServerApp.port=8888"}


def test_steps_are_named_by_headings() -> None:
    """Each code cell is a step, named by the heading above it or else by its first line."""
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [
        code("import this\nthat"),
        code("again"),
        text("# One\nwords"),
        code("1"),
        code("2"),
        code("  "),
        text("no heading"),
    ]
    names = [name for _, name in name_cells([*cells, code("3")])]
    assert names == ["import this", "again", "One", "One (2)", "One (3)"]


def test_check_stops_at_first_failure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A failing cell gives exit code 1, its name and its error; the steps after it are not tried."""
    cell = nbformat.v4.new_code_cell
    bad = write_notebook(tmp_path / "bad.ipynb", cell("open('x', 'w').close()"), cell("1 / 0"), cell("print(2)"))
    assert check(bad) == 1
    out = capfd.readouterr().out
    assert re.search(r"^ok +1/3 +open", out, re.MULTILINE)
    assert re.search(r"^FAILED 2/3 +1 / 0$", out, re.MULTILINE)
    assert "ZeroDivisionError: division by zero" in out
    assert "\x1b" not in out
    assert "3/3" not in out
    assert not (tmp_path / "x").exists(), "the notebook's files go to a temporary folder"


def test_check_reports_dead_kernel(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A kernel that dies gives one FAILED line with the reason, and no traceback."""
    cell = nbformat.v4.new_code_cell
    assert check(write_notebook(tmp_path / "dead.ipynb", cell("import os"), cell("os._exit(3)"))) == 1
    out, errors = capfd.readouterr()
    assert out.splitlines()[1:] == ["FAILED 2/2  os._exit(3): Kernel died"]
    assert "Traceback" not in errors


def test_wrong_port_is_one_line() -> None:
    """A number that is no port is refused before anything starts."""
    with pytest.raises(SystemExit, match=r"^--port 99999: a port is a number from 1 to 65535\.$"):
        command.main(["--port", "99999"])


def test_help_has_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` is plain text."""
    with pytest.raises(SystemExit):
        command.main(["--help"])
    assert "`" not in capsys.readouterr().out


def test_no_browser_names_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    """Without a screen the command prints the address to open and the port to forward, which is free."""
    commands: list[list[str]] = []
    monkeypatch.setattr(command, "serve", lambda made: commands.append(made) or 0)
    monkeypatch.chdir(tmp_path)
    assert command.main(["--no-browser"]) == 0
    (port,) = (part.rpartition("=")[2] for part in commands[0] if "ServerApp.port" in part)
    out = capsys.readouterr().out
    assert f"http://127.0.0.1:{port}/" in out
    assert f"ssh -L {port}:127.0.0.1:{port} " in out
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", int(port)))


@pytest.mark.slow
def test_check_executes_quickstart(tmp_path: Path) -> None:
    """`--check` runs the shipped notebook in this Python, prints a line for each step, and exits 0."""
    done = subprocess.run(
        [sys.executable, "-m", "dreambooth_widget", "--check"],
        cwd=tmp_path, capture_output=True, text=True, timeout=3 * MINUTES, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    cells = nbformat.read(command.find_quickstart(), as_version=4).cells
    ran = re.findall(r"^ok +\d+/\d+ ", done.stdout, re.MULTILINE)
    assert len(ran) == len([cell for cell in cells if cell.cell_type == "code" and cell.source.strip()])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_jupyterlab_serves_copy_until_signal(tmp_path: Path, how: signal.Signals) -> None:
    """JupyterLab serves the notebook at the address it prints; Ctrl-C, or a `kill`, ends it with exit code 0."""
    # No settings of the account that runs the tests.
    own = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    (tmp_path / "here").mkdir()
    lab = subprocess.Popen(
        [sys.executable, "-m", "dreambooth_widget", "--no-browser"],
        cwd=tmp_path / "here", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True, env={**os.environ, **own},
    )  # fmt: skip
    with lab:
        try:
            assert answers(address_printed_by(lab)) == 200
            if how is signal.SIGINT:
                os.killpg(lab.pid, how)  # as a terminal does: every process in the foreground gets it
            else:
                lab.terminate()
            rest, _ = lab.communicate(timeout=MINUTES)
            assert lab.returncode == 0, rest
            assert "Traceback" not in rest
            assert (tmp_path / "here" / command.QUICKSTART).exists()
        finally:
            if lab.poll() is None:
                os.killpg(lab.pid, signal.SIGKILL)


def address_printed_by(lab: subprocess.Popen[str]) -> str:
    """Return the address of the notebook as JupyterLab prints it."""
    assert lab.stdout is not None
    lines = []
    for line in lab.stdout:  # ends with the process; pytest-timeout watches over it
        lines.append(line)
        address = re.search(r"http://127\.0\.0\.1:\d+/lab/tree/dreambooth-quickstart\.ipynb\?token=\w+", line)
        if address:
            return address[0]
    return pytest.fail("no address was printed:\n" + "".join(lines))


def answers(address: str) -> int:
    """Return the status of a page; JupyterLab prints its address a moment before it listens there."""
    give_up = time.monotonic() + MINUTES
    while True:
        try:
            with urllib.request.urlopen(address, timeout=MINUTES) as page:
                return int(page.status)
        except urllib.error.URLError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)  # a port that is not yet open has no event to wait for
