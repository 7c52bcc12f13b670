"""Untrusted bytes become pictures: checked, decoded to be believed, shown small. Pure Pillow.

Everything here may take long and belongs into a worker thread. Sizes are in pixels. The order of
distrust is: what the header says (`image_bytes`), whether the end is there, then a whole decoding.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from PIL import GifImagePlugin, Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from . import exif
from .image_bytes import ImageFormat, PictureRefusedError, check_complete, identify, pixel_size, unwrap
from .picture_files import file_name, file_stem, save_all, write_atomically, zip_bytes
from .picture_text import describe

__all__ = [
    "Picture",
    "PictureRefusedError",
    "contact_sheet",
    "describe",
    "file_name",
    "file_stem",
    "read_picture",
    "save_all",
    "thumbnail",
    "unwrap",
    "zip_bytes",
]

# The readers themselves, not Image.open: that one warns and refuses by Image.MAX_IMAGE_PIXELS, which is the
# user's, and may hand a JPEG to its MPO reader.
_READERS: Mapping[ImageFormat, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
_EXTENSIONS: Mapping[str, str] = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif"}

_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    struct.error,
    zlib.error,
    MemoryError,
    AssertionError,
    RuntimeError,
    Warning,  # under warnings turned into errors
    Image.DecompressionBombError,
)
"""What Pillow's readers have been seen to raise on damaged files, all of it."""

_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture of the result, as it came: `data` are the original bytes, nothing is re-encoded.

    `width` and `height` are in pixels as it is displayed, that is after its EXIF orientation. `text` has its
    text chunks (PNG), its comment and its EXIF UserComment. `url` is where it came from, "" when it came inline.
    Two pictures are equal when their bytes are.
    """

    index: int
    url: str = field(repr=False)  # a signed link is a bearer token
    data: bytes = field(repr=False)
    format: ImageFormat
    width: int
    height: int
    text: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    digest: str = field(init=False)
    """First 16 hexadecimal digits of the SHA-256 of `data`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.data).hexdigest()[:16])

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Picture) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def image(self) -> Image.Image:
        """The picture decoded, upright by its EXIF orientation: a fresh PIL image on each call."""
        image = _open(self.data, self.format)
        image.load()
        return _upright(image)

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
    kind = identify(data)
    size = pixel_size(data, kind)
    _check_pixels(size, max_pixels)
    check_complete(data, kind)
    try:
        image = _open(data, kind)
        image.load()
        text = _text_of(image)
        if _orientation(image) >= 5:
            size = size[1], size[0]
    except _DECODING_ERRORS as error:
        raise PictureRefusedError(_reason(error)) from None
    return Picture(index, url, data, kind, *size, text=MappingProxyType(text))


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    pixels = size[0] * size[1]
    if pixels > max_pixels:
        raise PictureRefusedError(f"{pixels / 1e6:.3g} megapixels are more than the {max_pixels / 1e6:.3g} allowed")


def _open(data: bytes, kind: ImageFormat) -> ImageFile.ImageFile:
    return _READERS[kind](io.BytesIO(data))


def _reason(error: BaseException) -> str:
    words = str(error).lower()
    if isinstance(error, MemoryError):
        return "not enough memory for this picture"
    if "truncated" in words:
        return "the file is truncated"
    if "too large" in words or "too much memory" in words:
        return "its text or colour profile is too large"
    return "the file is damaged"


def _text_of(image: ImageFile.ImageFile) -> dict[str, str]:
    """Text chunks of a PNG, comments of JPEG and GIF, EXIF UserComment of any; str to str."""
    text = {str(key): str(value) for key, value in getattr(image, "text", {}).items()}
    comment = image.info.get("comment")
    if isinstance(comment, bytes):
        text.setdefault("Comment", comment.decode("utf-8", "replace").strip("\0 "))
    described = exif.user_comment(_exif_block(image))
    if described:
        text.setdefault("UserComment", described)
    return text


def _exif_block(image: Image.Image) -> bytes:
    block = image.info.get("exif", b"")
    return block if isinstance(block, bytes) else b""


def _orientation(image: Image.Image) -> int:
    return exif.orientation(_exif_block(image))


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.info.pop("exif", None)  # it would be turned once more by whoever reads it
    return turned


def thumbnail(
    picture: Picture, edge: int = 384, *, format: Literal["WEBP", "JPEG", "PNG"] = "WEBP", quality: int = 80
) -> bytes:
    """The picture at most `edge` pixels wide and high, encoded for the screen: upright, in sRGB. Never enlarged.

    Transparency is kept in WebP and PNG, and laid on white in JPEG.
    """
    small = shrink(picture, edge)
    if format == "JPEG":
        small = _on_white(small)
    out = io.BytesIO()
    small.save(out, format, quality=quality)
    return out.getvalue()


def shrink(picture: Picture, edge: int) -> Image.Image:
    """The picture as it looks on a screen, at most `edge` pixels wide and high: RGB or RGBA, upright, sRGB."""
    image = _open(picture.data, picture.format)
    image.draft(image.mode, (edge * 2, edge * 2))  # a JPEG decodes itself smaller; the others ignore it
    image.load()
    small: Image.Image = _shown_mode(image)
    scale = min(1.0, edge / max(small.size))
    if scale < 1:
        size = max(1, round(small.width * scale)), max(1, round(small.height * scale))
        small = small.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _upright_copy(_to_srgb(small, image.info.get("icc_profile")), _orientation(image))


def _upright_copy(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _shown_mode(image: Image.Image) -> Image.Image:
    """In a mode that can be resized and that its colour profile speaks of: L, LA, RGB, RGBA or CMYK."""
    if image.mode.startswith(("I", "F")):
        # Sixteen bits: convert("L") alone would clip everything above 255 to white.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image.convert("LA" if image.mode in ("L", "LA", "La", "1") else "RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("L" if image.mode == "1" else "RGB")


def _to_srgb(image: Image.Image, profile: object) -> Image.Image:
    """RGB or RGBA in sRGB. A profile that is damaged, or of another kind than the image, is ignored."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert(image.mode.removesuffix("A")) if alpha is not None else image
    result = None
    if isinstance(profile, bytes) and profile:
        try:
            result = ImageCms.profileToProfile(
                colours, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            result = None
    shown = colours.convert("RGB") if result is None else result
    if alpha is not None:
        shown.putalpha(alpha)
    return shown


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    return page


def contact_sheet(pictures: Sequence[Picture], *, columns: int | None = None, tile: int = 256) -> Image.Image:
    """All pictures on one white RGB sheet, each centred in a tile of `tile` pixels; as square as it goes.

    ValueError without pictures, or with fewer than one column or pixel.
    """
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
        small = _on_white(shrink(picture, tile))
        left = gap + place % across * step + (tile - small.width) // 2
        top = gap + place // across * step + (tile - small.height) // 2
        sheet.paste(small, (left, top))
    return sheet
