"""Several tables -> one: side by side in the order of their rows, or looked up by a key column."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import polars as pl

from consilience.core.errors import ColumnError, TableError, UsageError, listed
from consilience.data.table._table import Table
from consilience.data.table.read import read_table

__all__ = ["join_tables", "read_tables"]


def join_tables(tables: Sequence[Table], how: str) -> Table:
    """One table of several; the first one's rows stay, in their order.

    A column found in several tables is kept once if its values agree.

    Args:
        tables: At least one. A single one is returned as it is.
        how: ``"order"``: the n-th rows of all tables belong together. Else the name of a key column: later tables are looked up by it; cells without
            a partner are null. Keys compare as text without blanks around it.

    Raises:
        TableError: Different numbers of rows, a doubled key, no key in common, or columns of the same name that disagree.
        ColumnError: A table has no such key column, or it holds no keys.

    >>> left, right = Table(pl.DataFrame({"k": ["b", "a"]})), Table(pl.DataFrame({"k": ["a", "b"], "x": [1, 2]}))
    >>> join_tables([left, right], "k").frame.rows()
    [('b', 2), ('a', 1)]
    """
    if not tables:
        raise UsageError("There is no table to join.", hint="Give at least one.")
    if len(tables) == 1:
        return tables[0]
    whole = tables[0]
    if how != "order":
        keys_of(whole, how)
    for table in tables[1:]:
        whole = beside(whole, table) if how == "order" else looked_up(whole, table, how)
    return whole


def beside(left: Table, right: Table) -> Table:
    if len(left) != len(right):
        what = f"The tables do not have the same number of rows: {left.source} has {len(left)}, {right.source} has {len(right)}."
        raise TableError(what, hint="Rows can only be put side by side if each has its partner; with a key column in both, use --join COL.")
    frame = left.frame
    for column in right.frame.iter_columns():
        if column.name not in frame.columns:
            frame = frame.with_columns(column)
            continue
        mine, theirs = comparable(frame[column.name], column)
        differ = mine.ne_missing(theirs)
        if differ.any():
            raise disagreement(left, right, column.name, differ, "Rename it in one of the tables, or join by a key column with --join COL.")
    return merged(left, right, frame)


def looked_up(left: Table, right: Table, key: str) -> Table:
    mine, theirs = keys_of(left, key), keys_of(right, key)
    filled = theirs.drop_nulls()
    if filled.n_unique() < len(filled):
        value = filled.filter(filled.is_duplicated())[0]
        rows = theirs.eq(value).fill_null(False).arg_true().to_list()
        said = ", ".join(str(row) for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
        hint = "Bring it to one row per key first, or give that table first: then the other one is looked up for each of its rows."
        raise TableError(f"The key {value!r} is there {len(rows)} times, in rows {said} (counted from 0).", table=right.source, column=key, hint=hint)
    index = pl.DataFrame({"key": theirs, "row": pl.arange(0, len(theirs), eager=True)}).drop_nulls("key")
    wanted = pl.DataFrame({"key": mine, "place": pl.arange(0, len(mine), eager=True)})
    found = wanted.join(index, on="key", how="left").sort("place")["row"]
    if len(left) and found.null_count() == len(found):
        examples = f"{left.source} has {some(mine)}, {right.source} has {some(theirs)}"
        hint = "Look whether both columns mean the same, or use --join order."
        raise TableError(f"No key of column {key!r} is in both tables: {examples}.", hint=hint)
    frame = left.frame
    for column in right.frame.iter_columns():
        if column.name == key:
            continue
        fetched = column.gather(found)
        if column.name not in frame.columns:
            frame = frame.with_columns(fetched)
            continue
        ours, other = comparable(frame[column.name], fetched)
        differ = (filled_cells(ours) & filled_cells(other) & ours.ne_missing(other)).fill_null(False)
        if differ.any():
            raise disagreement(left, right, column.name, differ, "Rename it in one of the tables.")
        frame = frame.with_columns(pl.select(pl.when(filled_cells(ours)).then(ours).otherwise(other).alias(column.name)).to_series())
    return merged(left, right, frame)


def keys_of(table: Table, key: str) -> pl.Series:
    """The key column as text without blanks around it; empty keys are null, and 3.0 is 3."""
    if key not in table.columns:
        near = get_close_matches(key, table.columns, n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        raise ColumnError(
            "The key column is not in this table.",
            table=table.source,
            column=key,
            hint=f"{guess}There are: {listed(list(map(repr, table.columns)))}.",
        )
    column = table.frame[key]
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise ColumnError(f"A key has to be a text or a number, not {column.dtype}.", table=table.source, column=key, hint="Name another column.")
    if column.dtype.is_float() and (column.drop_nulls() % 1 == 0).all() and (column.drop_nulls().abs() < 2**63).all():
        column = column.cast(pl.Int64)
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text == "", None).alias("key")


def comparable(mine: pl.Series, theirs: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Both as they are where their types agree, else both as text."""
    if mine.dtype == theirs.dtype:
        return mine, theirs
    return as_text(mine), as_text(theirs)


def as_text(column: pl.Series) -> pl.Series:
    if column.dtype.is_nested():
        return pl.Series(column.name, [None if cell is None else str(cell) for cell in column.to_list()], dtype=pl.String)
    return column.cast(pl.String, strict=False)


def filled_cells(column: pl.Series) -> pl.Series:
    there = column.is_not_null()
    return there & (column.str.strip_chars() != "").fill_null(False) if column.dtype == pl.String else there


def disagreement(left: Table, right: Table, column: str, differ: pl.Series, hint: str) -> TableError:
    row = int(differ.arg_true()[0])
    count = int(differ.sum())
    said = f"its values differ in {count} row{'s' * (count != 1)}, first in row {row} (counted from 0)"
    return TableError(f"{left.source} and {right.source} both have the column {column!r}, and {said}.", hint=hint)


def merged(left: Table, right: Table, frame: pl.DataFrame) -> Table:
    return Table(frame, {**right.bases, **left.bases}, f"{left.source} + {right.source}")


def some(keys: pl.Series) -> str:
    return ", ".join(repr(key) for key in keys.drop_nulls().unique(maintain_order=True)[:3]) or "none"


def read_tables(sources: Sequence[Any], how: str | None, *, confined: bool = False) -> Table:
    """One table of several sources, in the forms that ``read_table`` takes; ``confined`` as there.

    Raises:
        UsageError: There are several, and ``how`` does not say how they belong together.
    """
    if len(sources) > 1 and how is None:
        raise UsageError(
            f"{len(sources)} tables are given, and nothing says how they belong together.",
            hint="Use --join order (the same rows in the same order) or --join COLUMN (a key that all of them have); in Python join='order'.",
        )
    return join_tables([read_table(source, confined=confined) for source in sources], how or "order")
