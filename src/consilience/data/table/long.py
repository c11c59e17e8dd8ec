"""A long table (id, time, values; many rows for each id) as cells of a table with one row for each id: series and sequences of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from consilience.core.errors import ColumnError, TableError, listed
from consilience.data.table._table import Table
from consilience.data.table.join import keys_of

__all__ = ["gather_long"]

GAPS = ("", "na", "n/a", "nan", "null", "<na>", "#n/a", "-", "?", "unknown", "none")
SECONDS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""Times since 1970 beyond the first number are in nano-, micro- and milliseconds."""
FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S%.f", "%Y/%m/%d %H:%M",
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y %H:%M:%S%.f", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S%.f", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S%.f", "%m/%d/%Y %H:%M", "%m/%d/%Y",
)  # fmt: skip
ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")


def gather_long(table: Table, long: Table, key: str, time: str | None = None, name: str | None = None) -> Table:
    """The table with one more column, or several: for each of its rows, the long table's rows of the same key.

    Columns of numbers become one series, a JSON object of lists such as ``{"time": [0, 1], "pulse": [61, 64]}``, in the order of time (in that of
    the rows where no time is named). Every other column is a sequence of events: a text column ``"name: item"`` with one word for each event, blanks
    within an item written ``_``. Where there are events and times, the series also has ``gap``, the seconds since the event before. Keys compare as
    text without blanks around it. A row without partner gets no cell; long rows whose key the table does not have, or without a time, are left out.

    Args:
        table: One row for each id.
        long: Many rows for each id.
        key: The column that both have.
        time: The long table's column of times: numbers (seconds, or parts of them since 1970) or written dates.
        name: What to call the new column; the name of the long table's file if None.

    Raises:
        ColumnError: No such key or time column, a time that cannot be read, or a name that the table has already.
        TableError: No key is in both tables, or the long table has nothing but keys and times.

    >>> wide, many = Table(pl.DataFrame({"id": ["a", "b"]})), Table(pl.DataFrame({"id": ["a", "a"], "t": [2, 1], "x": [5, 6]}))
    >>> gather_long(wide, many, "id", "t", "log").frame["log"].to_list()
    ['{"time":[1.0,2.0],"x":[6.0,5.0]}', None]
    """
    mine, theirs = keys_of(table, key), keys_of(long, key)
    name = name or Path(long.source).stem
    if len(table) and len(long) and not theirs.drop_nulls().is_in(mine.drop_nulls().unique().to_list()).any():
        examples = f"{table.source} has {some(mine)}, {long.source} has {some(theirs)}"
        raise TableError(f"No key of column {key!r} is in both tables: {examples}.", hint="Look whether both columns mean the same.")
    rows = pl.DataFrame({"key": theirs})
    if time is not None:
        rows = rows.with_columns(times_of(long, time).alias("time"))
    numeric: list[str] = []
    events: list[str] = []
    for column in long.frame.drop([column for column in (key, time) if column is not None]).iter_columns():
        if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
            raise ColumnError(f"A long table holds numbers, texts and times, not {column.dtype}.", table=long.source, column=column.name)
        numbers = as_numbers(column)
        (events if numbers is None else numeric).append(column.name)
        rows = rows.with_columns((words_of(column) if numbers is None else numbers).alias(f"={column.name}"))
    if not numeric and not events:
        raise TableError("The long table has no column beside keys and times.", table=long.source, hint="Give one with numbers or items.")
    rows = rows.filter(pl.col("key").is_not_null() & pl.col("key").is_in(mine.drop_nulls().unique().to_list()))
    if time is not None:
        rows = rows.filter(pl.col("time").is_not_null()).sort("time", maintain_order=True)
        if events:
            rows = rows.with_columns((pl.col("time") - pl.col("time").shift().over("key")).fill_null(0.0).alias("gap"))
    return with_cells(table, long, mine, name, written(rows, numeric, events, name))


def written(rows: pl.DataFrame, numeric: Sequence[str], events: Sequence[str], name: str) -> pl.DataFrame:
    """One row for each key: ``key``, the series, the events."""
    grouped = rows.group_by("key", maintain_order=True).agg(pl.all())
    made = [pl.col("key")]
    channels = [pl.col(f"={column}").alias(column) for column in numeric]
    gap = "gap" if "gap" not in numeric else "gap_"
    channels += [pl.col("gap").alias(gap)] if "gap" in rows.columns else []
    if channels:
        moments = [pl.col("time")] if "time" in rows.columns else []
        clear = [
            channel.alias(f"{channel.meta.output_name()}_") if moments and channel.meta.output_name() == "time" else channel for channel in channels
        ]
        made.append(pl.struct([*moments, *clear]).struct.json_encode().alias(name))
    made += [pl.col(f"={column}").list.join(" ", ignore_nulls=True).alias(f"{name}: {column}") for column in events]
    return grouped.select(made)


def with_cells(table: Table, long: Table, mine: pl.Series, name: str, cells: pl.DataFrame) -> Table:
    """The table with the cells of its rows' keys."""
    new = [column for column in cells.columns if column != "key" or cells.columns.count("key") > 1]
    taken = [column for column in new if column in table.columns]
    if taken:
        raise ColumnError(
            "The table has a column of this name already.", table=table.source, column=taken[0], hint=f"Name the cells of {long.source}."
        )
    wanted = pl.DataFrame({"key": mine, "place": pl.arange(0, len(mine), eager=True)})
    found = wanted.join(cells, on="key", how="left").sort("place").drop("key", "place")
    empty = [pl.when(pl.col(column) != "").then(pl.col(column)) for column in found.columns]
    return replace(table, frame=table.frame.hstack(found.select(empty)), source=f"{table.source} + {long.source}")


def times_of(long: Table, time: str) -> pl.Series:
    """Times as seconds, null where none is given.

    Raises:
        ColumnError: There is no such column, or something in it is no time.
    """
    if time not in long.columns:
        raise ColumnError("The time column is not in this table.", table=long.source, column=time, hint=f"There are: {listed(long.columns)}.")
    column = long.frame[time]
    if column.dtype.is_temporal():
        micro = column.cast(pl.Duration("us")) if column.dtype in (pl.Duration, pl.Time) else column.cast(pl.Datetime("us"))
        return micro.cast(pl.Int64).cast(pl.Float64) / 1e6
    numbers = as_numbers(column)
    if numbers is None:
        return read_times(column, long.source)
    middle = numbers.abs().median()
    size = float(middle) if isinstance(middle, int | float) else 0.0
    return numbers / next((divisor for limit, divisor in SECONDS if size > limit), 1.0)


def read_times(column: pl.Series, source: str) -> pl.Series:
    """Written times as seconds since 1970, in the one spelling that reads them all."""
    texts = blank_to_null(column.cast(pl.String))
    filled = texts.drop_nulls()
    best = pl.Series([None] * len(texts), dtype=pl.Float64)
    for spelling in (*FORMATS, *ZONED):
        read = texts.str.to_datetime(spelling, strict=False, time_unit="us", time_zone="UTC" if spelling in ZONED else None)
        seconds = read.cast(pl.Int64).cast(pl.Float64) / 1e6
        if seconds.null_count() == texts.null_count():
            return seconds
        best = seconds if seconds.null_count() < best.null_count() else best
    row = int((best.is_null() & texts.is_not_null()).arg_true()[0])
    hint = "Write all times alike, such as 2024-05-01 12:30:00, or as numbers."
    raise ColumnError("A time cannot be read.", table=source, column=column.name, row=row, found=texts[row] if len(filled) else None, hint=hint)


def as_numbers(column: pl.Series) -> pl.Series | None:
    """The column as float64 with nulls for gaps; None if something in it is no number."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        numbers = column.cast(pl.Float64)
    elif column.dtype == pl.Null:
        return None
    else:
        texts = blank_to_null(column.cast(pl.String))
        numbers = texts.cast(pl.Float64, strict=False)
        if numbers.null_count() > texts.null_count() or numbers.null_count() == len(numbers):
            return None
    return numbers.set(~numbers.is_finite().fill_null(True), None)


def words_of(column: pl.Series) -> pl.Series:
    """One word for each cell, blanks within it written ``_``."""
    return blank_to_null(column.cast(pl.String)).str.replace_all(r"\s+", "_")


def blank_to_null(texts: pl.Series) -> pl.Series:
    stripped = texts.str.strip_chars()
    return stripped.set(stripped.str.to_lowercase().is_in(list(GAPS)), None)


def some(keys: pl.Series) -> str:
    return listed([repr(value) for value in keys.drop_nulls().unique(maintain_order=True).head(3).to_list()]) or "none"
