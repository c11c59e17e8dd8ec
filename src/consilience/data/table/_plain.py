"""One Python object of any library -> one of the few sorts that ``column_of`` knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np
import polars as pl

from consilience.data.table._pictures import is_pil

__all__ = ["as_json", "as_text", "media_of", "plain"]


def plain(cell: Any) -> Any:
    """None, str, bool, int, float, date, datetime, time, timedelta, bytes, list, dict, array of two or more axes, PIL image; anything else as text.

    >>> plain((np.int8(1), float("nan")))
    [1, None]
    """
    if isinstance(cell, Enum):
        return plain(cell.value)
    if isinstance(cell, np.generic) or type(cell).__name__ in {"NAType", "NaTType"} or hasattr(cell, "__array__"):
        return plain_array(cell)
    if cell is None or isinstance(cell, (bool, int, float, Decimal)):
        return plain_number(cell)
    if isinstance(cell, (date, time, timedelta)):
        return plain_moment(cell)
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return bytes(cell)
    if isinstance(cell, (set, frozenset)):
        return [plain(item) for item in sorted(cell, key=str)]
    if isinstance(cell, (list, tuple)):
        return [plain(item) for item in cell]
    if isinstance(cell, Mapping):
        return media_of(cell) if is_media(cell) else {str(key): plain(value) for key, value in cell.items()}
    return cell if is_pil(cell) else str(cell)


def plain_number(cell: Any) -> Any:
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, int):
        return int(cell)
    return None if (cell.is_nan() if isinstance(cell, Decimal) else cell != cell) else float(cell)


def plain_moment(cell: Any) -> Any:
    """Without subclasses: pandas' own have nanoseconds, for which Python's have no place."""
    if isinstance(cell, datetime):
        return datetime(*cell.timetuple()[:6], cell.microsecond, cell.tzinfo)
    return timedelta(seconds=cell.total_seconds()) if isinstance(cell, timedelta) else cell


def plain_array(cell: Any) -> Any:
    """numpy's scalars and arrays, and everything that says it can become one (tensors, series, older PIL images, pandas' NA)."""
    if isinstance(cell, np.generic):
        units = {"M": "datetime64[us]", "m": "timedelta64[us]"}
        value = cell.astype(units[cell.dtype.kind]).item() if cell.dtype.kind in units else cell.item()
        return str(value) if isinstance(value, np.generic) else plain(value)
    if is_pil(cell):
        return cell
    if not hasattr(cell, "__array__"):
        return None
    if isinstance(cell, pl.Series):
        return [plain(item) for item in cell.to_list()]
    array = np.asarray(cell)
    if array.ndim > 1:
        return array
    return plain(list(array) if array.ndim else array[()])


def is_media(cell: Mapping[Any, Any]) -> bool:
    """Whether it is a picture, sound or clip as Hugging Face data sets keep it."""
    return "bytes" in cell and set(cell) <= {"bytes", "path"} and isinstance(cell["bytes"], (bytes, bytearray, memoryview, type(None)))


def media_of(cell: Mapping[Any, Any]) -> bytes | str | None:
    """The bytes of ``{"bytes": ..., "path": ...}``, else its path."""
    if cell["bytes"] is not None:
        return bytes(cell["bytes"])
    path = cell.get("path")
    return None if path is None else str(path)


def as_json(cell: Any) -> str:
    """The cell as JSON text; what JSON has no word for goes in as text."""
    return json.dumps(cell, ensure_ascii=False, default=lambda value: plain(value.tolist()) if isinstance(value, np.ndarray) else as_text(value))


def as_text(cell: Any) -> str:
    """The cell as a person would write it."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, (list, dict)):
        return as_json(cell)
    if isinstance(cell, np.ndarray):
        return as_json(plain(cell.tolist()))
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    try:
        return str(cell)
    except ValueError:  # a whole number of thousands of digits, which Python writes in base 16 alone
        return f"{cell:#x}"
