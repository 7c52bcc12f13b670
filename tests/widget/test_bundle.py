"""The built front end: its size, its packing, and what it must not contain."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from dreambooth_widget.widget.bundle import STATIC, pack, read_bundle

FILES = ("widget.js", "widget.css")


@pytest.fixture
def bundle() -> Callable[[str], bytes]:
    """Return a reader of the built files, as this environment serves them."""
    return lambda name: (STATIC / name).read_bytes()


@pytest.mark.parametrize(("name", "limit"), [*zip(FILES, (40_000, 7_000), strict=True)])
def test_bundle_is_small(bundle: Callable[[str], bytes], name: str, limit: int) -> None:
    """The front end stays within its budget, gzipped as a server would."""
    assert len(gzip.compress(bundle(name), mtime=0)) <= limit


def test_packed_bundle_is_small() -> None:
    """Saved widget state holds the packed style sheet and script, once for each widget model."""
    script, style = read_bundle()
    packed = pack(script, style)
    assert len(packed) <= 54_000
    unpacked = zlib.decompress(base64.b64decode(packed.partition('"')[2].partition('"')[0])).decode()
    assert unpacked.split("\0") == [style, script]


def test_bundle_imports_nothing(bundle: Callable[[str], bytes]) -> None:
    """No import resolves from the blob URL from which anywidget loads the module, and nothing comes from a network."""
    script = bundle("widget.js").decode()
    assert re.search(r"""(^|[;}\s])import\s*[("'{*\w]""", script) is None
    assert re.search(r"@import|url\(\s*['\"]?(https?:)?//", bundle("widget.css").decode()) is None


def test_missing_bundle_names_command(tmp_path: Path) -> None:
    """`read_bundle` never returns half a front end."""
    (tmp_path / "widget.js").write_text("export default {}", encoding="utf-8")
    with pytest.raises(ImportError, match=r"widget\.css is missing.*`pip install -e \.`"):
        read_bundle(static=tmp_path)
