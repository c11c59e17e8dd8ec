"""A table as it was read: polars frame, where relative paths start, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """Rows and columns before anyone knows what they mean.

    Args:
        frame: Columns as read. From text files every column is ``String`` (a zip code keeps its zero); from Parquet and data frames they are typed.
            Media in memory (arrays, PIL images) are ``Binary`` (PNG).
        bases: Column to the folder from which relative paths in it start. Columns that are not named have none. A ``Confined`` folder is not left.
        source: What to call the table in messages: a file name, or ``"the table"``.
    """

    frame: pl.DataFrame
    bases: Mapping[str, Path] = field(default_factory=dict)
    source: str = "the table"

    def __len__(self) -> int:
        return self.frame.height

    @property
    def columns(self) -> list[str]:
        return self.frame.columns

    def take(self, rows: np.ndarray) -> Table:
        """The same table with these rows, in this order."""
        return Table(self.frame[rows], self.bases, self.source)
