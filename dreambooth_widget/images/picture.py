"""`Picture`: one checked picture of a result, its bytes, facts and renditions. Pillow comes when it is needed."""

from __future__ import annotations

import errno
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .files import clear_unfinished, write_atomically
from .inspection import EDGES, Rendition, RenditionKind
from .original import Original
from .prompt_text import describe
from .sniff import EXTENSIONS, ImageFormat

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Picture", "contact_sheet", "small_image"]

_TILE, _GAP = 256, 8
"""Pixels of a contact sheet: the width and height of a tile, and the space around it."""


@dataclass(frozen=True, eq=False, init=False)
class Picture:
    """One picture of the result, as it came: `data` are the original bytes, nothing is re-encoded.

    Two pictures are equal when their bytes are.

    Attributes:
        index: Number of the picture in the answer, from 0.
        url: Where it came from, "" when it came inline or from a cache.
        format: "PNG", "JPEG", "WEBP", "GIF" or "AVIF".
        width: Pixels as it is displayed, that is after its EXIF orientation. `height` likewise.
        text: Text chunks (PNG), "Comment" (JPEG, GIF) and the EXIF "UserComment": at most 64, each of up to 65,536
            characters and 262,144 together.
        facts: What the texts say of prompt, seed and the like, by our names for them.
        digest: First 16 hexadecimal digits of the SHA-256 of `data`.
    """

    index: int
    url: str = field(repr=False)  # a signed link is a bearer token
    original: Original = field(repr=False)
    format: ImageFormat
    width: int
    height: int
    text: Mapping[str, str] = field(repr=False)
    facts: Mapping[str, str] = field(repr=False)
    digest: str

    def __init__(
        self,
        index: int,
        url: str,
        data: bytes | Original,
        format: ImageFormat,
        width: int,
        height: int,
        text: Mapping[str, str] = MappingProxyType({}),
        facts: Mapping[str, str] | None = None,
    ) -> None:
        original = data if isinstance(data, Original) else Original(data)
        facts = describe(text) if facts is None else facts
        vars(self).update(index=index, url=url, original=original, format=format, width=width, height=height)
        vars(self).update(text=text, facts=facts, digest=original.sha256[:16])

    @classmethod
    def of(cls, original: Original, *, index: int, url: str) -> Picture:
        """Return the picture of an inspected original."""
        found = original.inspection
        assert found is not None
        text, facts = MappingProxyType(dict(found.text)), MappingProxyType(dict(found.facts))
        return cls(index, url, original, found.format, found.width, found.height, text, facts)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Picture) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        # For other processes: with its bytes, and without the query of its link, which may be a signature.
        original = Original(self.data, self.original.inspection)
        values = (self.format, self.width, self.height, dict(self.text), dict(self.facts))
        return Picture, (self.index, self.url.partition("?")[0], original, *values)

    @property
    def data(self) -> bytes:
        """The original bytes; read from disk each time when they are there."""
        return self.original.read()

    @property
    def nbytes(self) -> int:
        """The size of `data` in bytes, known without reading it."""
        return self.original.nbytes

    def rendition(self, kind: RenditionKind) -> Rendition:
        """Return the stored "thumbnail" (at most 384 pixels wide and high) or "preview" (1024).

        Raises:
            LookupError: If this picture was made by hand and not by a client.
            OSError: If the file of it was removed.
        """
        found = self.original.inspection
        if found is None:
            raise LookupError("a picture that was made by hand has no renditions")
        return found.renditions[kind]

    @property
    def image(self) -> Image.Image:
        """The picture decoded, upright by its EXIF orientation: a fresh PIL image on each call."""
        from .decoding import decode, quiet_pillow, read_exif
        from .rendering import upright

        with quiet_pillow:
            image, _ = decode(self.data, self.format)
            turned = upright(image, read_exif(image)[0])
            if turned is not image:
                turned.info.pop("exif", None)  # code that applies it would turn the image once more
            return turned

    @property
    def mime(self) -> str:
        """Media type of the original bytes, such as `image/png`."""
        return f"image/{self.format.lower()}"

    @property
    def extension(self) -> str:
        """File name extension of the original bytes, without the dot."""
        return EXTENSIONS[self.format]

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the original bytes to `path`, atomically, and return it.

        Raises:
            FileExistsError: If the file exists and `overwrite` is False, also when it appears meanwhile.
            FileNotFoundError: If its folder does not exist.
            IsADirectoryError: If `path` is a folder.
        """
        target = Path(path).expanduser()
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "this is a folder, pass the name of a file", str(target))
        clear_unfinished(target.parent)
        write_atomically(target, self.data, overwrite=overwrite)
        return target


def small_image(picture: Picture, edge: int) -> Image.Image:
    """Return the picture as RGB, upright and in sRGB, at most `edge` pixels wide and high; transparency is white.

    It comes from the smallest rendition that is large enough, from the original for more than 1024 pixels.
    """
    from PIL import Image

    kind = next((kind for kind, longest in EDGES.items() if longest >= edge), None)
    try:
        image = picture.image if kind is None else Image.open(io.BytesIO(picture.rendition(kind).data))
    except LookupError:
        image = picture.image
    if image.has_transparency_data:
        image = image.convert("RGBA")
        page = Image.new("RGB", image.size, "white")
        page.paste(image, mask=image.getchannel("A"))
        image = page
    image = image.convert("RGB")
    image.thumbnail((edge, edge))
    return image


def contact_sheet(pictures: Sequence[Picture]) -> Image.Image:
    """Return all pictures row by row on one white RGB sheet, each centred in a tile; as square as it goes.

    Raises:
        ValueError: There are no pictures.
    """
    from PIL import Image

    if not pictures:
        raise ValueError("no pictures for a contact sheet")
    across = math.ceil(math.sqrt(len(pictures)))
    down = math.ceil(len(pictures) / across)
    step = _TILE + _GAP
    sheet = Image.new("RGB", (across * step + _GAP, down * step + _GAP), "white")
    for number, picture in enumerate(pictures):
        small = small_image(picture, _TILE)
        left = _GAP + number % across * step + (_TILE - small.width) // 2
        top = _GAP + number // across * step + (_TILE - small.height) // 2
        sheet.paste(small, (left, top))
    return sheet
