"""Any table -> ``Table``: files of many formats, data frames of many libraries, dicts and lists."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from consilience.core.errors import TableError
from consilience.data.table._confined import confine, inside, paths_start
from consilience.data.table._files import TEXTUAL, read_file
from consilience.data.table._frames import normal_frame
from consilience.data.table._memory import from_memory
from consilience.data.table._table import Table

__all__ = ["read_table"]


def read_table(source: Any, *, columns_as_text: bool = True, folder: str | os.PathLike[str] | None = None, confined: bool = False) -> Table:
    """Reads a table, whatever it is.

    From csv, tsv and txt every column is text and an empty cell is null; delimiter and encoding are found. The other formats are typed.
    Media in memory become bytes, flat lists stay lists, deeper nesting becomes JSON text, NaN becomes null.
    Relative paths in a file's cells start from the file's folder, those in memory from the current one.

    Args:
        source: Path to .csv, .tsv, .txt, .jsonl, .ndjson, .json, .parquet, .arrow, .feather, .ipc, .xlsx, .xls or .ods, also with .gz after it;
            pandas, polars or pyarrow table; Hugging Face data set; dict of lists; list of dicts; or a Table, which is returned as it is.
        columns_as_text: False: a column of a text file becomes numbers where all its cells are (and none has a leading zero).
        folder: Where relative paths in cells start instead.
        confined: True for a table that a stranger sent, in an archive that was unpacked or as an upload: a path in a cell that leaves the folder, by
            ``..``, as an absolute path or through a link, is not opened, and its row is set aside with that reason. A table in memory without a
            ``folder`` may name no files at all.

    Raises:
        TableError: It cannot be read; names file and line. With ``confined`` also: the file is a link to another folder.
        MissingExtra: An .xlsx, .xls or .ods file, and python-calamine is not installed.

    >>> read_table({"name": ["a", "b"], "price": [1.5, None]}).frame.rows()
    [('a', 1.5), ('b', None)]
    """
    start = None if folder is None else Path(os.path.abspath(Path(folder).expanduser()))
    if isinstance(source, Table):
        return based(source, start, confined) if confined or start is not None else source
    if not isinstance(source, (str, os.PathLike)):
        with paths_start(confine(start) if confined else start):
            return based(Table(normal_frame(named(from_memory(source)))), start, confined)
    path = Path(source).expanduser()
    if confined and inside(path.parent, path.name) is None:
        raise TableError("The table is a link that leads out of its folder.", file=str(path), hint="Put the file itself there.")
    start = start or Path(os.path.abspath(path)).parent
    with paths_start(confine(start) if confined else start):
        frame, suffix = read_file(path)
        if suffix not in TEXTUAL:
            frame = normal_frame(named(frame, str(path)))
        elif not columns_as_text:
            frame = frame.select(numbers(column) for column in frame.iter_columns())
    return based(Table(frame, source=path.name), start, confined)


def based(table: Table, start: Path | None, confined: bool) -> Table:
    """The table with the folder from which paths in its cells start, and which they may not leave if it is confined."""
    bases: dict[str, Path] = {}
    for name in table.columns:
        base = start or table.bases.get(name)
        if confined:
            bases[name] = confine(base)
        elif base is not None:
            bases[name] = base
    return replace(table, bases=bases)


def named(frame: pl.DataFrame, file: str | None = None) -> pl.DataFrame:
    """The frame, if it has columns, each with a name."""
    if not frame.width:
        raise TableError("The table has no columns.", file=file, hint="Give one with at least one column.")
    return frame.rename({"": next(name for name in ("column_1", "column_1_") if name not in frame.columns)}) if "" in frame.columns else frame


def numbers(column: pl.Series) -> pl.Series:
    """Integers or fractions where every filled cell is one; zip codes and the like keep their zeros."""
    if column.null_count() == len(column) or column.str.contains(r"^\s*[+-]?0\d").any():
        return column
    for dtype in (pl.Int64, pl.Float64):
        cast = column.str.strip_chars().cast(dtype, strict=False)
        if cast.null_count() == column.null_count():
            return cast
    return column
