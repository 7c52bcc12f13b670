"""One child process: where it finds its program, what it cannot see, and what bounds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import dreambooth_widget
from dreambooth_widget.images import child
from dreambooth_widget.images.pool import WorkerPool
from dreambooth_widget.images.sniff import PictureRefusedError

from ..image_files import encoded, scene
from .workers import in_worker, processes

LIMIT = 100_000_000
PNG = encoded(scene())

posix = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")


FOREIGN = """
import sys
sys.path[:] = [*{paths!r}, *filter(None, sys.path)]  # not the current folder, which Python 3.10 cannot leave out
import asyncio
from dreambooth_widget.images.pool import WorkerPool
pool = WorkerPool()
found = asyncio.run(pool.inspect(bytes.fromhex({data!r}), max_pixels=10**6))
print(found.width, len(pool._children), "aiohttp" in sys.modules, "PIL" in sys.modules)
"""


@pytest.mark.parametrize("way", ["PYTHONPATH", "sys.path"])
def test_package_found_where_kernel_did(tmp_path: Path, way: str) -> None:
    """In a folder that only `PYTHONPATH` or the program itself names, and nothing comes from the current folder."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "here").mkdir()
    package = Path(dreambooth_widget.__file__).parent
    (tmp_path / "lib" / "dreambooth_widget").symlink_to(package)
    for name in ("PIL", "json", "struct", "dreambooth_widget", "sitecustomize", "zlib", "hashlib"):
        (tmp_path / "here" / f"{name}.py").write_text("raise SystemExit('from the current folder')")
    paths = [str(tmp_path / "lib")]
    pillow = str(Path(sys.modules["PIL"].__file__ or "").parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, pillow]) if way == "PYTHONPATH" else ""}
    code = FOREIGN.format(paths=[*paths, pillow] if way == "sys.path" else [], data=PNG.hex())
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path / "here", env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["96", "1", "False", "False"], done.stderr


async def test_key_not_in_its_environment(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing that decodes a stranger's bytes needs it."""
    monkeypatch.setenv("DREAMBOOTH_API_KEY", "canary-key-canary-key")
    seen = tmp_path / "environment"
    program = in_worker(f"open({str(seen)!r}, 'w').write(repr(__import__('os').environ))\nraise SystemExit")
    monkeypatch.setattr(child, "_PROGRAM", program)
    with pytest.raises(PictureRefusedError, match="decoding it failed"):
        await pool.inspect(PNG, max_pixels=LIMIT)
    assert "PATH" in seen.read_text()
    assert "canary" not in seen.read_text()


async def test_prints_stay_out_of_frames(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither between the frames nor in a cell: Pillow warns, and C libraries write to standard output."""
    loud = "import os, warnings\nprint('loud', flush=True)\nos.write(1, b'loud')\nos.write(2, b'loud')\n"
    loud += "warnings.warn('loud')\nraise worker.PictureRefusedError('quiet')"
    monkeypatch.setattr(child, "_PROGRAM", in_worker(loud))
    with pytest.raises(PictureRefusedError, match="quiet"):
        await pool.inspect(PNG, max_pixels=LIMIT)
    assert capfd.readouterr() == ("", "")


@posix
async def test_its_memory_is_limited(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 2 GB, and more only where the user allows more pixels."""
    limits = "import resource\nraise worker.PictureRefusedError(str(resource.getrlimit(resource.RLIMIT_AS)[0]))"
    monkeypatch.setattr(child, "_PROGRAM", in_worker(limits))
    for max_pixels, wanted in ((LIMIT, 2_000_000_000), (400_000_000, 8_000_000_000), (1000, 1 << 30)):
        with pytest.raises(PictureRefusedError, match=f"^{wanted}$"):
            await pool.inspect(PNG, max_pixels=max_pixels)


@pytest.mark.parametrize("max_pixels", [10**12, sys.maxsize, 10**30])
async def test_enormous_limit_allows_pictures(pool: WorkerPool, max_pixels: int) -> None:
    """Whoever wants no limit names a number that no memory limit can follow."""
    assert (await pool.inspect(PNG, max_pixels=max_pixels)).width == 96


@pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")
async def test_system_ends_it_before_kernel(pool: WorkerPool) -> None:
    """A machine without memory left costs one picture, and not everything that the kernel has computed."""
    await pool.inspect(PNG, max_pixels=LIMIT)
    (process,) = processes(pool)
    assert Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip() == "1000"
