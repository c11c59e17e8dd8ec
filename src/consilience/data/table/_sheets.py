"""The first sheet of an Excel or OpenDocument workbook -> a frame, by python-calamine."""

from __future__ import annotations

import io
from typing import Any

import polars as pl

from consilience.core.errors import MissingExtra, TableError
from consilience.data.table._cells import column_of
from consilience.data.table._names import check_names

__all__ = ["read_sheet"]


def read_sheet(data: bytes, file: str) -> pl.DataFrame:
    """The first sheet that is not empty; its first row names the columns. Blank rows are left out; whole numbers stay whole.

    Raises:
        MissingExtra: python-calamine is not installed.
        TableError: The file is no workbook, is locked by a password, or holds no cells.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise MissingExtra(f"Reading {file}", "python-calamine", "excel") from None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
        rows: list[list[Any]] = next((sheet for sheet in sheets if any(cell != "" for row in sheet for cell in row)), [])
    except CalamineError as error:
        hint = "Save it again as .xlsx without a password, or as .csv."
        raise TableError(f"The workbook cannot be read ({error}).", file=file, hint=hint) from None
    rows = [row for row in rows if any(cell != "" for cell in row)]
    if not rows:
        raise TableError("The workbook is empty.", file=file, hint="The first row of its first sheet has to name the columns.")
    names = check_names([int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in rows[0]], file)
    return pl.DataFrame([sheet_column(name, [row[place] for row in rows[1:]]) for place, name in enumerate(names)])


def sheet_column(name: str, cells: list[Any]) -> pl.Series:
    """Excel keeps every number as a fraction: whole ones become integers again where the column has no others."""
    filled = [None if cell == "" else cell for cell in cells]
    if all(cell.is_integer() for cell in filled if isinstance(cell, float)):
        filled = [int(cell) if isinstance(cell, float) else cell for cell in filled]
    return column_of(name, filled)
