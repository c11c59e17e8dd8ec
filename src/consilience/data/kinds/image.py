"""Pictures by path or as bytes. Source: Pillow. When cells name picture files or hold them; addresses on a network are not fetched."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._damage import DAMAGE
from consilience.data.kinds._decode import data_uri, decode, pixels_uri
from consilience.data.kinds._media import content_key, parse_files, sniff_files
from consilience.data.kinds._pictures import AUGMENTATIONS

__all__ = ["ImageKind"]

CARD = Card(
    summary="Pictures: paths (png, jpg, gif, bmp, webp, tif, ppm) or bytes; read as RGB, turned upright.",
    source="Pillow; corruptions after Hendrycks and Dietterich (2019)",
    cost="medium",
)

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm")
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"P6", b"P5", b"P3")


class ImageKind(Kind):
    """Pictures: the value is a ``Path`` or ``bytes``; ``read`` gives ``[H, W, 3] uint8`` RGB.

    A path out of a ``Confined`` base is present and cannot be read: its row is set aside, and the file is not opened.

    >>> parsed = ImageKind().parse(pl.Series(["gone.png"]), Path("/nowhere"))
    >>> parsed.present.tolist(), parsed.problems[0]
    ([False], "The file 'gone.png' is not there.")
    """

    modality = "image"
    media = True
    corruptions = DAMAGE
    augmentations = AUGMENTATIONS

    def sniff(self, profile: Profile) -> Evidence:
        return sniff_files(profile, "picture", SUFFIXES, is_picture)

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return parse_files(column, base, "picture")

    def read(self, value: Any) -> Any:
        """The picture as ``[H, W, 3] uint8``."""
        return decode(value)

    def read_at(self, value: Any, size: int) -> np.ndarray:
        """The picture, maybe smaller, its short side still at least ``size`` pixels unless it was shorter. Fast for large JPEG files."""
        return decode(value, size)

    def key(self, value: Any) -> bytes:
        """The same picture has the same key, whether it lies in a file or in memory."""
        return content_key(value)

    def thumbnail(self, value: Any) -> str:
        try:
            return f'<img alt="" src="{data_uri(value)}">'
        except CellError as error:
            return escape(f"no picture: {error.what}")

    def draw(self, decoded: Any) -> str:
        return f'<img alt="" src="{pixels_uri(decoded, 170)}">'


def is_picture(cell: bytes) -> bool:
    return cell.startswith(MAGIC) or (cell.startswith(b"RIFF") and cell[8:12] == b"WEBP")  # sound and film begin with RIFF too
