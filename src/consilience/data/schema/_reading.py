"""Columns of a table, read under a schema that may have been learned on another table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from consilience.data.kinds import KINDS, Cells, Kind, Parsed
from consilience.data.kinds._cells import as_text
from consilience.data.kinds._forms import Formed
from consilience.data.schema._types import ColumnSchema

__all__ = ["absent_cells", "group_codes", "parse_column"]


def parse_column(kind: Kind, column: pl.Series, base: Path | None, schema: ColumnSchema) -> Parsed:
    """The cells in the form that the schema's examples show: a row that comes alone is read like those that were learned from."""
    if not isinstance(kind, Formed) or not schema.examples:
        return kind.parse(column, base)
    return kind.parse_as(column, base, kind.form(pl.Series(schema.examples, dtype=pl.String)))


def absent_cells(schema: ColumnSchema, rows: int) -> Cells:
    """A column of nothing, typed as its kind would."""
    floats = schema.kind in ("number", "date")
    values = np.full(rows, np.nan) if floats else np.full(rows, None, dtype=object)
    return Cells(schema.name, KINDS.get(schema.kind)(), values, np.zeros(rows, dtype=bool))


def group_codes(column: pl.Series) -> np.ndarray:
    """``[N]`` integers, equal where the cells are; each row without a group is a group by itself."""
    text = as_text(column)
    codes = text.rank("dense").cast(pl.Int64)
    first = int(codes.max() or 0) + 1  # type: ignore[arg-type]
    numbers: np.ndarray = codes.fill_null(0).to_numpy().copy()
    gaps = np.flatnonzero(text.is_null().to_numpy())
    numbers[gaps] = first + np.arange(len(gaps))
    return np.asarray(np.unique(numbers, return_inverse=True)[1], dtype=np.int64).reshape(-1)
