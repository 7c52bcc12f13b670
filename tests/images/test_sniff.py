"""What untrusted bytes are, and base64 taken off them."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreambooth_widget.images.sniff import PictureRefusedError, identify, unwrap

from ..image_files import FORMATS, encoded, noise, scene

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_known_by_first_bytes(kind: str) -> None:
    """The allowed formats are recognized, whatever the link was called."""
    assert identify(encoded(scene(), kind)) == kind


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>gone", "not a picture that can be shown: HTML"),
        (b"\n  <html><body>404", "not a picture that can be shown: HTML"),
        (b'<?xml version="1.0"?><Error>AccessDenied</Error>', "not a picture that can be shown: XML"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "not a picture that can be shown: SVG"),
        (b'<?xml version="1.0"?>\n<!-- c -->\n<svg/>', "not a picture that can be shown: SVG"),
        (b'{"status":"error"}', "not a picture that can be shown: JSON"),
        (b"\0\0\0 ftypisom", "A video (mp4): open its link"),
        (b"\0\0\0 ftypqt  ", "A video (mov): open its link"),
        (b"\x1aE\xdf\xa3....", "A video (webm): open its link"),
        (b"RIFF....WAVEfmt ", "Sound (wav): open its link"),
        (b"ID3\4....", "Sound (mp3): open its link"),
        (b"glTF\2\0\0\0", "A 3D model (glb): open its link"),
        (b"\0\0\0 ftypheic", "A picture (HEIC): open its link"),
        (b"II*\0....", "A picture (TIFF): open its link"),
        (b"BM......", "A picture (BMP): open its link"),
        (b"%PDF-1.7", "A document (PDF): open its link"),
        (b"PK\3\4....", "A zip file: open its link"),
        (b"once upon a time", "not a picture that can be shown: text"),
        (b"once", "not a picture"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, reason: str) -> None:
    """The tile says what came instead of a picture."""
    with pytest.raises(PictureRefusedError) as refused:
        identify(data)
    assert str(refused.value) == reason
    with pytest.raises(PictureRefusedError, match=re.escape(reason)):
        unwrap(data, max_bytes=MEBIBYTE)


@pytest.mark.parametrize(
    ("data", "retryable"),
    [
        *((notice, True) for notice in (b"", b" \n", b"<html>", b"<Error><Code>NoSuchKey", b"{}", b"Not found\n")),
        *((other, False) for other in (b"glTF", b"x", b"\xff words")),
    ],
)
def test_retryable_links_are_told_apart(data: bytes, retryable: bool) -> None:
    """A notice or nothing may become the picture later, a video never does."""
    with pytest.raises(PictureRefusedError) as refused:
        identify(data)
    assert refused.value.retryable is retryable


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: b"data:image/png;base64," + text,
        lambda text: b"data:image/png;name=a;base64,\n" + text,
        lambda text: b' "' + text + b'"\n',
        lambda text: b"\r\n".join(text[at : at + 76] for at in range(0, len(text), 76)),
        lambda text: text.replace(b"+", b"-").replace(b"/", b"_"),
        lambda text: text.rstrip(b"="),
    ],
    ids=["raw", "data URI", "data URI with parameters", "JSON string", "MIME lines", "URL-safe", "unpadded"],
)
def test_base64_is_taken_off(kind: str, wrap: object) -> None:
    """Base64 text in every spelling gives back the very bytes, and image bytes stay themselves."""
    data = encoded(noise((200, 150)), kind)
    assert unwrap(wrap(base64.b64encode(data)), max_bytes=MEBIBYTE) == data  # type: ignore[operator]
    assert unwrap(data, max_bytes=MEBIBYTE) is data


def test_base64_of_several_pieces() -> None:
    """Text longer than a piece, with line ends that fall anywhere in it, is put together rightly."""
    data = encoded(noise((700, 700)))
    text = base64.encodebytes(data)
    assert len(text) > 4 * (1 << 18)
    assert unwrap(text, max_bytes=8 * MEBIBYTE) == data


@pytest.mark.parametrize("wrap", [lambda data: data, base64.b64encode], ids=["bytes", "base64"])
def test_too_many_bytes_are_refused(wrap: object) -> None:
    """`max_bytes` counts the picture's own bytes, however they came."""
    data = encoded(noise((200, 200)))
    assert unwrap(wrap(data), max_bytes=len(data)) == data  # type: ignore[operator]
    with pytest.raises(PictureRefusedError, match="larger than the"):
        unwrap(wrap(data), max_bytes=len(data) - 1)  # type: ignore[operator]


def test_damaged_base64_is_refused() -> None:
    """A text that begins like a picture and then is none says so."""
    text = bytearray(base64.b64encode(encoded(scene())))
    text[100] = ord("!")
    with pytest.raises(PictureRefusedError, match="base64 text is damaged"):
        unwrap(bytes(text), max_bytes=MEBIBYTE)


@given(st.binary() | st.binary().map(base64.b64encode) | st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_unwrapped_or_refused(data: bytes) -> None:
    """Nothing but a refusal ever comes out as an exception."""
    try:
        assert isinstance(unwrap(data, max_bytes=100), bytes)
    except PictureRefusedError as refused:
        assert str(refused)  # noqa: PT017 - both ways out are right
