"""Several columns that are channels of one thing, as one column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.core.hashing import hash_bytes
from consilience.data.kinds._base import Cells, Evidence, Kind, Parsed, Profile
from consilience.data.kinds._changed import ChangedKind

__all__ = ["joined"]


class JoinedKind(Kind):
    """Values are tuples with an entry, or None, for each column; what is read is what the columns' own kind makes of them together.

    Args:
        kind: The kind of the columns.
        names: Their names, for messages.
    """

    media = True

    def __init__(self, kind: Kind, names: Sequence[str]) -> None:
        self.kind, self.names = kind, tuple(names)

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0.0, "several columns are never one by themselves")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        return Parsed(np.full(len(column), None, dtype=object), np.zeros(len(column), dtype=bool))

    def read(self, value: Any) -> Any:
        parts = []
        for name, part in zip(self.names, value, strict=True):
            try:
                parts.append(None if part is None else self.kind.read(part))
            except CellError as error:
                error.column = name
                raise
        return self.kind.stacked(parts)

    def key(self, value: Any) -> bytes:
        return hash_bytes(*(b"" if part is None else self.kind.key(part) for part in value))

    def thumbnail(self, value: Any) -> str:
        return " ".join(self.kind.thumbnail(part) for part in value if part is not None)

    def draw(self, decoded: Any) -> str:
        return self.kind.draw(decoded)


def joined(name: str, columns: Sequence[Cells]) -> Cells:
    """Columns of one kind as one; a row is present where any of them is."""
    present: np.ndarray = np.any(np.stack([cells.present for cells in columns]), axis=0)
    values = np.empty(len(present), dtype=object)
    for row in np.flatnonzero(present):
        values[row] = tuple(cells.values[row] if cells.present[row] else None for cells in columns)
    # Where some of the columns carry changes, the kind that knows of changes reads them all.
    kind = next((cells.kind for cells in columns if isinstance(cells.kind, ChangedKind)), columns[0].kind)
    return Cells(name, JoinedKind(kind, [cells.name for cells in columns]), values, present)
