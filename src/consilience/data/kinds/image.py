"""Pictures by path or as bytes. Source: Pillow. When cells name picture files or hold them; addresses on a network are not fetched."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.core.hashing import hash_bytes
from consilience.core.registry import Card
from consilience.data.kinds._base import Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import as_text, clean, clean_sample, objects
from consilience.data.kinds._decode import data_uri, decode
from consilience.data.kinds._paths import Outside, locate
from consilience.data.kinds._pictures import AUGMENTATIONS, CORRUPTIONS

__all__ = ["ImageKind"]

CARD = Card(
    summary="Pictures: paths (png, jpg, gif, bmp, webp, tif, ppm) or bytes; read as RGB, turned upright.",
    source="Pillow; corruptions after Hendrycks and Dietterich (2019)",
    cost="medium",
)

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm")
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"P6", b"P5", b"P3")
REMOTE = ("http://", "https://", "ftp://", "s3://", "gs://")


class ImageKind(Kind):
    """Pictures: the value is a ``Path`` or ``bytes``; ``read`` gives ``[H, W, 3] uint8`` RGB.

    A path out of a ``Confined`` base is present and cannot be read: its row is set aside, and the file is not opened.

    >>> parsed = ImageKind().parse(pl.Series(["gone.png"]), Path("/nowhere"))
    >>> parsed.present.tolist(), parsed.problems[0]
    ([False], "The file 'gone.png' is not there.")
    """

    modality = "image"
    media = True
    corruptions = CORRUPTIONS
    augmentations = AUGMENTATIONS

    def sniff(self, profile: Profile) -> Evidence:
        dtype = profile.column.dtype
        if dtype == pl.Binary:
            cells = [cell for cell in profile.sample[:200] if cell]
            share = sum(cell.startswith(MAGIC) for cell in cells) / max(1, len(cells))
            return Evidence(0.98 * share, f"{share:.0%} of the cells are pictures in memory")
        if dtype not in (pl.String, pl.Categorical, pl.Enum):
            return Evidence(0.0, f"the cells are {dtype}")
        texts = clean_sample(profile.sample)
        named = [text for text in texts if _is_name(text)]
        if not named:
            return Evidence(0.0, "no cell names a picture file")
        share = len(named) / len(texts)
        some = named[:: max(1, len(named) // 100)][:100]
        there = sum(isinstance(locate(text, profile.base), Path) for text in some)
        reason = f"{share:.0%} of the filled cells are names of picture files"
        if there < len(some):
            reason += f"; of {len(some)} that were looked for {there} are there"
        return Evidence(0.98 * min(1.0, share / 0.9) ** 0.5 if share >= 0.3 else 0.5 * share, reason)

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        if column.dtype == pl.Binary:
            return Parsed(objects(column, len(column)), column.is_not_null().to_numpy())
        problems: dict[int, str] = {}
        values = np.empty(len(column), dtype=object)
        present = np.zeros(len(column), dtype=bool)
        names = clean(column) if column.dtype in (pl.String, pl.Categorical, pl.Enum) else as_text(column)
        for row, name in enumerate(names):
            if name is None:
                continue
            if name.lower().startswith(REMOTE):
                problems[row] = f"The picture {name!r} is on a network; nothing is fetched. Download it and name the file."
            elif (found := locate(name, base)) is None:
                problems[row] = f"The file {name!r} is not there."
            else:
                values[row], present[row] = found, True
        return Parsed(values, present, problems)

    def read(self, value: Any) -> Any:
        """The picture as ``[H, W, 3] uint8``."""
        return decode(value)

    def read_at(self, value: Any, size: int) -> np.ndarray:
        """The picture, maybe smaller, its short side still at least ``size`` pixels unless it was shorter. Fast for large JPEG files."""
        return decode(value, size)

    def key(self, value: Any) -> bytes:
        """The same picture has the same key, whether it lies in a file or in memory."""
        if isinstance(value, bytes):
            return hash_bytes(value)
        if isinstance(value, Outside):
            raise value.error()
        try:
            return hash_bytes(Path(value).read_bytes())
        except OSError as error:
            raise CellError(f"The file cannot be read: {error.strerror or error}.", file=str(value)) from None

    def thumbnail(self, value: Any) -> str:
        try:
            return f'<img alt="" src="{data_uri(value)}">'
        except CellError as error:
            return escape(f"no picture: {error.what}")


def _is_name(text: str) -> bool:
    return text.lower().endswith(SUFFIXES) and "\n" not in text and len(text) < 1024
