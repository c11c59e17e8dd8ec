"""Cells as text: one way to write typed cells, one list of words that mean "nothing here"."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

__all__ = ["MISSING", "SMALL", "UNKNOWN", "as_text", "cell_text", "clean", "clean_sample", "filled", "objects"]

# What ``str.strip`` takes off; without it polars leaves a few control characters.
WHITE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
# Lower case. A text column keeps them all: "NA" can be an answer there.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "<na>", "#n/a"})
# Further words that mean "nothing here" where only numbers or dates can stand.
UNKNOWN = MISSING | {"-", "?", "unknown"}

# Up to so many cells a loop is faster than the fixed cost of a handful of column operations.
SMALL = 3000


def cell_text(value: Any) -> str | None:
    """One cell as text; a whole number loses its ``.0``.

    >>> [cell_text(value) for value in (3.0, True, ["a", "b"], None)]
    ['3', 'true', 'a|b', None]
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, pl.Series | list | tuple | np.ndarray):
        return "|".join(text for item in value if (text := cell_text(item)) is not None)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def as_text(column: pl.Series) -> pl.Series:
    """The column as ``String``, ends stripped, blank cells null."""
    dtype = column.dtype
    if dtype == pl.String and len(column) <= SMALL:
        return pl.Series(column.name, [cell.strip() or None if cell else None for cell in column.to_list()], dtype=pl.String)
    if dtype == pl.String:
        pass
    elif dtype.is_float():
        column = column.fill_nan(None).cast(pl.String).str.replace(r"\.0$", "")
    elif dtype in (pl.Categorical, pl.Enum) or dtype.is_integer() or dtype in (pl.Boolean, pl.Date):
        column = column.cast(pl.String)
    else:
        column = pl.Series(column.name, [cell_text(value) for value in column], dtype=pl.String)
    stripped = column.str.strip_chars(WHITE)
    return stripped.set(stripped == "", None)


def clean(column: pl.Series, missing: frozenset[str] = MISSING) -> pl.Series:
    """The column as stripped text, null where a cell is blank or one of the words for "missing"."""
    if column.dtype == pl.String and len(column) <= SMALL:
        texts = (None if cell is None else cell.strip() for cell in column.to_list())
        return pl.Series(column.name, [None if text is None or text.lower() in missing else text for text in texts], dtype=pl.String)
    text = as_text(column)
    return text.set(text.str.to_lowercase().is_in(list(missing)), None)


def clean_sample(sample: Sequence[Any], missing: frozenset[str] = MISSING) -> list[str]:
    """The sample's cells (of one type) as stripped text without those that mean "missing"."""
    if sample and isinstance(sample[0], str):
        return [text for cell in sample if (text := cell.strip()).lower() not in missing]
    texts = (cell_text(value) for value in sample)
    stripped = (text.strip() for text in texts if text is not None)
    return [text for text in stripped if text.lower() not in missing]


def filled(column: pl.Series) -> np.ndarray:
    """``[N]`` bool, True where the column is not null; mostly without an expression of polars, which a single row would wait for."""
    empty = column.null_count()
    if empty in (0, len(column)):
        return np.full(len(column), not empty)
    return column.is_not_null().to_numpy()


def objects(values: Iterable[Any], length: int) -> np.ndarray:
    """``[length]`` object array; lists stay lists."""
    listed = values.to_list() if isinstance(values, pl.Series) else values
    return np.fromiter(listed, dtype=object, count=length)
