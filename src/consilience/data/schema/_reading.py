"""Columns of a table, read under a schema that may have been learned on another table."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from consilience.core.hashing import hash_bytes
from consilience.data.kinds import KINDS, Cells, Kind, Parsed
from consilience.data.kinds._cells import as_text
from consilience.data.kinds._forms import Formed
from consilience.data.schema._types import ColumnSchema

__all__ = ["absent_cells", "group_codes", "parse_column"]


def parse_column(kind: Kind, column: pl.Series, base: Path | None, schema: ColumnSchema) -> Parsed:
    """The cells in the form that the schema's examples show: a row that comes alone is read like those that were learned from."""
    form = form_of(schema.kind, schema.examples) if schema.examples else None
    return kind.parse(column, base) if form is None else cast("Formed", kind).parse_as(column, base, form)


@lru_cache(maxsize=4096)
def form_of(kind: str, examples: tuple[str, ...]) -> str | None:
    """The form that the examples show, None for a kind that has none; looked for once, not for every row that comes alone."""
    formed = KINDS.get(kind)()
    return formed.form(pl.Series(examples, dtype=pl.String)) if isinstance(formed, Formed) else None


def absent_cells(schema: ColumnSchema, rows: int) -> Cells:
    """A column of nothing, typed as its kind would."""
    floats = schema.kind in ("number", "date")
    values = np.full(rows, np.nan) if floats else np.full(rows, None, dtype=object)
    return Cells(schema.name, KINDS.get(schema.kind)(), values, np.zeros(rows, dtype=bool))


def group_codes(column: pl.Series) -> np.ndarray:
    """``[N]`` integers, equal where the cells are, also from one table to another.

    A row without a group is one by itself, with a number below 0.
    """
    text = as_text(column)
    # 62 bits of a hash of the content: the same on every machine, and never below 0.
    named = {cell: int.from_bytes(hash_bytes(cell.encode())[:8], "little") >> 2 for cell in text.drop_nulls().unique()}
    codes = np.array([named.get(cell, 0) for cell in text.to_list()], dtype=np.int64)
    gaps = np.flatnonzero(text.is_null().to_numpy())
    codes[gaps] = -1 - gaps
    return codes
