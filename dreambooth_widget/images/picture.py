"""Untrusted bytes become pictures: checked, decoded to be believed, shown small, saved.

Everything here may take long and belongs into a worker thread. Sizes are in pixels. The order of distrust: what the
first bytes say (`image_bytes`), how the file is laid out (`image_layout`), then a decoding of every pixel (`decoding`).
Pillow is imported with the first picture, in its thread: it costs as much as the rest of the package.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .files import file_name, file_stem, save_all, write_atomically, zip_bytes
from .image_layout import read_layout
from .image_metadata import read_metadata
from .originals import Original
from .prompt_text import describe
from .sniff import ImageFormat, PictureRefusedError, identify, unwrap

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "Picture",
    "PictureRefusedError",
    "contact_sheet",
    "describe",
    "file_name",
    "file_stem",
    "read_picture",
    "save_all",
    "shrink",
    "thumbnail",
    "unwrap",
    "zip_bytes",
]

_EXTENSIONS: Mapping[ImageFormat, str] = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif"}


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Picture:
    """One picture of the result, as it came: `data` are the original bytes, nothing is re-encoded.

    `width` and `height` are in pixels as it is displayed, that is after its EXIF orientation. `text` has its text
    chunks (PNG), "Comment" (JPEG, GIF) and the EXIF "UserComment", each up to 65,536 characters. `url` is where
    it came from, "" when it came inline. Two pictures are equal when their bytes are.
    """

    index: int
    url: str = field(repr=False)  # a signed link is a bearer token
    original: Original = field(repr=False)
    """Where the bytes are: in memory, or on disk when a client has no more room."""
    format: ImageFormat
    width: int
    height: int
    text: Mapping[str, str] = field(repr=False)
    digest: str
    """First 16 hexadecimal digits of the SHA-256 of `data`."""

    def __init__(
        self,
        index: int,
        url: str,
        data: bytes,
        format: ImageFormat,
        width: int,
        height: int,
        text: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        facts = {"index": index, "url": url, "format": format, "width": width, "height": height, "text": text}
        digest = hashlib.sha256(data).hexdigest()[:16]
        for name, value in {**facts, "original": Original(data), "digest": digest}.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Picture) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        # For other processes: with its bytes, and without the query of its link, which may be a signature.
        url = self.url.partition("?")[0]
        return Picture, (self.index, url, self.data, self.format, self.width, self.height, dict(self.text))

    @property
    def data(self) -> bytes:
        """The original bytes; read from disk each time when they are there."""
        return self.original.read()

    @property
    def nbytes(self) -> int:
        """The size of `data` in bytes, known without reading it."""
        return self.original.nbytes

    @property
    def image(self) -> Image.Image:
        """The picture decoded, upright by its EXIF orientation: a fresh PIL image on each call."""
        from .decoding import DECODING_ERRORS, decode, open_image
        from .renditions import upright

        data = self.data
        layout = read_layout(data, self.format)
        try:
            image: Image.Image = open_image(data, self.format)
            image.load()
        except DECODING_ERRORS:  # Pillow gives up on damaged metadata, without which it goes
            image = decode(data, self.format, layout, edge=max(layout.width, layout.height))
        turned = upright(image, read_metadata(data, layout).orientation)
        if turned is not image:
            turned.info.pop("exif", None)  # whoever reads it would turn the image once more
        return turned

    @property
    def mime(self) -> str:
        """Media type of the original bytes, such as `image/png`."""
        return f"image/{self.format.lower()}"

    @property
    def extension(self) -> str:
        """File name extension of the original bytes, without the dot."""
        return _EXTENSIONS[self.format]

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the original bytes to `path`, atomically; the path. The folder must exist.

        FileExistsError when the file exists and `overwrite` is False, also when it appears meanwhile.
        """
        target = Path(path).expanduser()
        write_atomically(target, self.data, overwrite=overwrite)
        return target


def read_picture(data: bytes, *, index: int, url: str, max_pixels: int) -> Picture:
    """The picture in untrusted `data`, decoded from first to last pixel to be believed.

    Allowed are PNG, JPEG, WebP and GIF (the first frame), of at most `max_pixels`, which is checked
    before anything is decoded. PictureRefusedError says why not.
    """
    from .decoding import decode

    kind = identify(data)
    layout = read_layout(data, kind)
    pixels = layout.width * layout.height
    if pixels > max_pixels:
        raise PictureRefusedError(f"{_mega(pixels)} megapixels are more than the {_mega(max_pixels)} allowed")
    if not layout.complete:
        # Pillow would say so too, but not where somebody has set ImageFile.LOAD_TRUNCATED_IMAGES.
        raise PictureRefusedError("the file is truncated")
    decode(data, kind, layout)
    metadata = read_metadata(data, layout)
    size = layout.width, layout.height
    if metadata.orientation >= 5:
        size = size[1], size[0]
    return Picture(index, url, data, kind, *size, text=MappingProxyType(metadata.text))


def _mega(count: int) -> str:
    return f"{count / 1e6:.0f}" if count >= 10_000_000 else f"{count / 1e6:.3g}"


def shrink(picture: Picture, edge: int) -> Image.Image:
    """The picture as a screen shows it, at most `edge` pixels wide and high: RGB or RGBA, upright, in sRGB.

    It is never enlarged. ValueError for an edge under 1, PictureRefusedError when it cannot be decoded any more.
    """
    from .decoding import decode
    from .renditions import fit, shown_mode, to_srgb, upright

    if edge < 1:
        raise ValueError(f"edge must be at least 1 pixel, not {edge}")
    data = picture.data
    layout = read_layout(data, picture.format)
    metadata = read_metadata(data, layout)
    small = fit(shown_mode(decode(data, picture.format, layout, edge=edge)), edge)
    return upright(to_srgb(small, metadata.profile), metadata.orientation)


def thumbnail(
    picture: Picture, edge: int = 384, *, format: Literal["WEBP", "JPEG", "PNG"] = "WEBP", quality: int = 80
) -> bytes:
    """`shrink`, encoded: at most `edge` pixels wide and high. Transparency is kept, and laid on white in JPEG."""
    from .renditions import on_white

    small = shrink(picture, edge)
    out = io.BytesIO()
    (on_white(small) if format == "JPEG" else small).save(out, format, quality=quality)
    return out.getvalue()


def contact_sheet(pictures: Sequence[Picture], *, columns: int | None = None, tile: int = 256) -> Image.Image:
    """All pictures on one white RGB sheet, each centred in a tile of `tile` pixels; as square as it goes.

    ValueError without pictures, or with fewer than one column or pixel.
    """
    from PIL import Image

    from .renditions import on_white

    if not pictures:
        raise ValueError("no pictures for a contact sheet")
    if columns is not None and columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}")
    if tile < 1:
        raise ValueError(f"tile must be at least 1 pixel, not {tile}")
    across = min(columns or math.ceil(math.sqrt(len(pictures))), len(pictures))
    down = math.ceil(len(pictures) / across)
    gap = max(1, tile // 32)
    step = tile + gap
    sheet = Image.new("RGB", (across * step + gap, down * step + gap), "white")
    for place, picture in enumerate(pictures):
        small = on_white(shrink(picture, tile))
        left = gap + place % across * step + (tile - small.width) // 2
        top = gap + place // across * step + (tile - small.height) // 2
        sheet.paste(small, (left, top))
    return sheet
