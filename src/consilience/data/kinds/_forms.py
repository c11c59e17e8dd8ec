"""How a column writes its cells, for kinds where one cell alone does not say (day or month first, comma or point)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import polars as pl

from consilience.data.kinds._base import Parsed

__all__ = ["Formed"]


@runtime_checkable
class Formed(Protocol):
    """A kind whose cells can only be understood beside each other.

    ``parse(column)`` finds the form on the column itself. A table that comes later, maybe of one row, is read with the form of the table that
    was learned from.
    """

    def form(self, column: pl.Series) -> str:
        """The form that fits most cells, as a short text."""

    def parse_as(self, column: pl.Series, base: Path | None, form: str) -> Parsed:
        """The column's cells under a form."""
