"""Python objects of any sort, as data frames and JSON hold them -> one typed polars column. Never fails for what a cell holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl

from consilience.data.table._confined import read_path
from consilience.data.table._pictures import encode_pictures, is_pil
from consilience.data.table._plain import as_json, as_text, plain

__all__ = ["column_of", "whole_text"]

SIMPLE: dict[type, Any] = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}


def column_of(name: str, cells: Iterable[Any]) -> pl.Series:
    """A column of the narrowest type that all cells have; strings where they have none in common.

    None, NaN, NaT and NA are null. Pictures (arrays, PIL images) are PNG bytes. Flat lists stay lists; other nested cells are JSON.

    >>> column_of("a", [1, None, 2.5]).to_list()
    [1.0, None, 2.5]
    >>> column_of("a", [1, "x"]).to_list()
    ['1', 'x']
    """
    cells = list(cells)
    sorts = set(map(type, cells)) - {type(None)}
    if len(sorts) != 1 or not sorts <= SIMPLE.keys():
        cells = [plain(cell) for cell in cells]
        sorts = set(map(type, cells)) - {type(None)}
    if not sorts:
        return pl.Series(name, cells, dtype=pl.String)
    if sorts <= {str}:
        return text_column(name, cells)
    if sorts <= {bool}:
        return pl.Series(name, cells, dtype=pl.Boolean)
    if sorts <= {int, float}:
        return number_column(name, cells, whole=sorts == {int})
    if sorts <= {date, datetime}:
        return date_column(name, cells, whole=sorts == {date})
    if sorts <= {timedelta}:
        return pl.Series(name, [None if cell is None else cell.total_seconds() for cell in cells], dtype=pl.Float64)
    if sorts <= {list}:
        return list_column(name, cells)
    pictures = [isinstance(cell, np.ndarray) or is_pil(cell) for cell in cells]
    if any(pictures):
        encoded = encode_pictures([cell for cell, picture in zip(cells, pictures, strict=True) if picture])
        if encoded is not None:
            pngs = iter(encoded)
            return column_of(name, [next(pngs) if picture else cell for cell, picture in zip(cells, pictures, strict=True)])
    if bytes in sorts:
        return media_column(name, cells)
    return text_column(name, [None if cell is None else as_text(cell) for cell in cells])


def text_column(name: str, cells: Sequence[str | None]) -> pl.Series:
    try:
        return pl.Series(name, cells, dtype=pl.String)
    except UnicodeEncodeError:
        return pl.Series(name, [None if cell is None else whole_text(cell) for cell in cells], dtype=pl.String)


def whole_text(text: str) -> str:
    """The text without halves of surrogate pairs, as broken JSON escapes leave them: they are no characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def number_column(name: str, cells: Sequence[Any], whole: bool) -> pl.Series:
    try:
        if not whole:
            return pl.Series(name, [None if cell is None or cell != cell else float(cell) for cell in cells], dtype=pl.Float64)
        return pl.Series(name, cells, dtype=pl.Int64)
    except (OverflowError, TypeError):  # longer than the type allows: an identifier rather than an amount
        return pl.Series(name, [None if cell is None else as_text(cell) for cell in cells], dtype=pl.String)


def date_column(name: str, cells: Sequence[Any], whole: bool) -> pl.Series:
    if whole:
        return pl.Series(name, cells, dtype=pl.Date)
    moments = [cell if cell is None or isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day) for cell in cells]
    zoned = {moment.tzinfo is not None for moment in moments if moment is not None}
    if len(zoned) > 1:
        return pl.Series(name, [None if cell is None else cell.isoformat() for cell in cells], dtype=pl.String)
    if zoned == {True}:
        return pl.Series(name, [None if moment is None else moment.astimezone(timezone.utc) for moment in moments], dtype=pl.Datetime("us", "UTC"))
    return pl.Series(name, moments, dtype=pl.Datetime("us"))


def list_column(name: str, cells: Sequence[list[Any] | None]) -> pl.Series:
    items = [item for cell in cells if cell is not None for item in cell]
    if any(isinstance(item, (list, dict, np.ndarray)) for item in items):
        return pl.Series(name, [None if cell is None else as_json(cell) for cell in cells], dtype=pl.String)
    flat = column_of("", items)
    values, start, lists = flat.to_list(), 0, []
    for cell in cells:
        end = start + len(cell or ())
        lists.append(None if cell is None else values[start:end])
        start = end
    return pl.Series(name, lists, dtype=pl.List(flat.dtype))


def media_column(name: str, cells: Sequence[Any]) -> pl.Series:
    """Bytes; where some cells are paths, the bytes of their files. A path to nothing stays as bytes that no decoder takes: its row is named later."""

    def load(cell: Any) -> bytes | None:
        if cell is None or isinstance(cell, bytes):
            return cell
        text = as_text(cell)
        try:
            return read_path(text)
        except (OSError, ValueError):
            return text.encode("utf-8", "replace")

    return pl.Series(name, [load(cell) for cell in cells], dtype=pl.Binary)
