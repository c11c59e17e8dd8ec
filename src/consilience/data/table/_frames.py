"""A polars frame of any column types -> the types that the rest of the house knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from consilience.data.table._cells import column_of
from consilience.data.table._plain import as_json, plain

__all__ = ["normal_frame"]

STAYS = (pl.String, pl.Boolean, pl.Binary, pl.Date, pl.Datetime)


def normal_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Strings, numbers, booleans, dates, bytes and flat lists of them; NaN is null.

    Categories become strings, decimals floats, durations seconds, times of day ISO text; ``{bytes, path}`` bytes or path, other nested cells JSON.
    """
    return pl.DataFrame([normal_column(column) for column in frame.iter_columns()]) if frame.width else frame


def normal_column(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if isinstance(dtype, STAYS) or dtype.is_integer():
        return column
    if dtype.is_float():
        # By numpy, as there is hardly ever one: an expression of polars takes as long for a single row as for thousands.
        return column.fill_nan(None) if np.isnan(column.to_numpy()).sum() > column.null_count() else column
    if isinstance(dtype, (pl.Categorical, pl.Enum, pl.Null)):
        return column.cast(pl.String)
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Duration):
        # By numpy: polars multiplies by 1e-6, which is off in the last bit.
        return pl.Series(column.name, column.dt.total_microseconds().cast(pl.Float64).to_numpy() / 1e6).fill_nan(None)
    if isinstance(dtype, pl.Time):
        return column.dt.to_string("iso")
    if isinstance(dtype, pl.Array) and len(dtype.shape) > 1:
        return column_of(column.name, deep_arrays(column))
    if isinstance(dtype, pl.Array):
        return normal_column(column.arr.to_list())
    if isinstance(dtype, pl.List):
        return list_column(column, dtype.inner)
    return column_of(column.name, column.to_list())


def deep_arrays(column: pl.Series) -> list[Any]:
    """``[H, W]`` and ``[H, W, C]`` cells: numpy makes one array of the whole column, null rows left out."""
    shape = column.dtype.shape  # type: ignore[attr-defined]
    filled = iter(column.drop_nulls().to_numpy().reshape(-1, *shape))
    return [next(filled) if there else None for there in column.is_not_null()]


def list_column(column: pl.Series, inner: Any) -> pl.Series:
    if inner.is_float():
        return column.list.eval(pl.element().fill_nan(None))
    if isinstance(inner, (*STAYS, pl.Time)) or inner.is_numeric():
        return column.cast(pl.List(pl.Float64)) if isinstance(inner, pl.Decimal) else column
    if isinstance(inner, (pl.Categorical, pl.Enum, pl.Null)):
        return column.cast(pl.List(pl.String))
    return pl.Series(column.name, [None if cell is None else as_json(plain(cell)) for cell in column.to_list()], dtype=pl.String)
