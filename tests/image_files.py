"""Real image bytes for the tests: small ones, broken ones, enormous ones, with metadata of every kind."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image, PngImagePlugin

from dreambooth_widget.images.decoding import quiet_pillow
from dreambooth_widget.images.inspection import Inspection, RenditionKind
from dreambooth_widget.images.original import Original
from dreambooth_widget.images.picture import Picture
from dreambooth_widget.images.worker import inspect

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")


def inspect_here(data: bytes, *, max_pixels: int = 50_000_000) -> Inspection:
    """What a worker finds in a file, found in this process."""
    with quiet_pillow:
        return inspect(data, max_pixels=max_pixels)


def read_picture(data: bytes, *, index: int = 0, url: str = "", max_pixels: int = 10**8) -> Picture:
    """The picture in a file, as a client has it."""
    return Picture.of(Original(data, inspect_here(data, max_pixels=max_pixels)), index=index, url=url)


def small(found: Inspection, kind: RenditionKind = "preview") -> Image.Image:
    """A rendition, decoded."""
    return Image.open(io.BytesIO(found.renditions[kind].data))


def pixel(image: Image.Image, at: tuple[int, int] = (0, 0)) -> tuple[int, ...]:
    """One pixel, always as a tuple."""
    value = image.getpixel(at)
    return value if isinstance(value, tuple) else (value,)  # type: ignore[return-value]


def near(found: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 3) -> bool:
    """Whether two colours are the same to the eye."""
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The image as a file of that format."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def scene(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture whose four corners differ: red, green, blue and white, blended into each other."""
    corners = Image.new("RGB", (2, 2))
    for corner, colour in (((0, 0), "red"), ((1, 0), "lime"), ((0, 1), "blue"), ((1, 1), "white")):
        corners.putpixel(corner, Image.new("RGB", (1, 1), colour).getpixel((0, 0)))
    return corners.resize(size, Image.Resampling.BICUBIC)


def noise(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """A picture that does not compress, as a photograph does not."""
    bands = len(Image.new(mode, (1, 1)).getbands()) * (2 if mode == "I;16" else 1)
    return Image.frombytes(mode, size, random.Random(0).randbytes(size[0] * size[1] * bands))


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def plain_png(width: int, height: int, colour_type: int = 2) -> bytes:
    """A valid PNG of zeros: small as a file, as large as you like decoded."""
    samples = {0: 1, 2: 3, 6: 4}[colour_type]
    packer = zlib.compressobj(9)
    row = bytes(1 + width * samples)
    pixels = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND")


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """The PNG with more chunks between its header and the rest."""
    return png[:33] + b"".join(chunks) + png[33:]


def announcing(kind: str, width: int, height: int) -> bytes:
    """A file whose header announces that many pixels (up to 16,383 for WebP), and which has hardly any."""
    if kind == "PNG":
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND")
    data = bytearray(encoded(scene((16, 16)), kind))
    if kind == "GIF":
        at = data.index(b",", 13 + 3 * 256 if data[10] & 0x80 else 13)
        struct.pack_into("<HH", data, 6, width, height)
        struct.pack_into("<HH", data, at + 5, width, height)
    elif kind == "JPEG":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    else:
        struct.pack_into("<HH", data, 26, width, height)
    return bytes(data)


def exif(orientation: int = 1, comment: bytes = b"", *, order: str = "<", prefix: bool = True) -> bytes:
    """An EXIF block with an orientation and a UserComment (with its 8-byte code)."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    first = struct.pack(order + "H", 2)
    first += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    first += struct.pack(order + "HHII", 0x8769, 4, 1, 38) + bytes(4)
    second = struct.pack(order + "HHHII", 1, 0x9286, 7, len(comment), 56) + bytes(4)
    block = head + struct.pack(order + "I", 8) + first + second + comment
    return (b"Exif\0\0" if prefix else b"") + block


def profile(red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...], gamma: float = 2.2) -> bytes:
    """An ICC profile of an RGB space, by its primaries as D50 XYZ."""

    def fixed(values: tuple[float, ...]) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    words = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    contents = {
        b"desc": words + bytes(-len(words) % 4),
        b"cprt": b"text" + bytes(4) + b"no\0\0",
        b"wtpt": fixed((0.9642, 1.0, 0.8249)),
        b"rXYZ": fixed(red),
        b"gXYZ": fixed(green),
        b"bXYZ": fixed(blue),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = struct.pack(">I", len(contents)), b""
    start = 128 + 4 + 12 * len(contents)
    for tag, content in contents.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content
    head = bytes(4) + b"lcms" + bytes.fromhex("02100000") + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += struct.pack(">iii", round(0.9642 * 65536), 65536, round(0.8249 * 65536)) + bytes(48)
    whole = head + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


DISPLAY_P3 = profile((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
SWAPPED = profile((0.3851, 0.7169, 0.0971), (0.4361, 0.2225, 0.0139), (0.1431, 0.0606, 0.7141))
"""sRGB with red and green exchanged: whether it was honoured is easy to see."""


def text_png(size: tuple[int, int] = (8, 8), **text: str) -> bytes:
    """A PNG with text chunks: zTXt for values that start with "z:", iTXt for all but Latin-1, tEXt otherwise."""
    info = PngImagePlugin.PngInfo()
    for key, value in text.items():
        if value.isascii():
            info.add_text(key, value, zip=value.startswith("z:"))
        else:
            info.add_itxt(key, value)
    return encoded(scene(size), pnginfo=info)
