"""Series written into a cell: numbers with blanks, commas or semicolons between, JSON, nested lists."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from consilience.core.errors import CellError
from consilience.data.kinds._arrays import MAX_NUMBERS
from consilience.data.kinds._dates import read_date
from consilience.data.kinds._number_text import GAPS
from consilience.data.kinds._signal import TIME, Signal, from_table

__all__ = ["from_lists", "from_text", "tokens"]

ROWS = re.compile(r"[\n;]")
FIELDS = re.compile(r"\s*,\s*|\s+")
EPOCH = datetime.date(1970, 1, 1).toordinal()
MARKS = re.compile(r"[,;\n]")


def from_text(text: str) -> Signal:
    """A series from a cell's text.

    Numbers with blanks, commas, semicolons or new lines between; an empty field and words such as ``nan`` are gaps. Rows of several numbers,
    parted by semicolons or new lines, are points in time with a channel each. A comma is a decimal mark where blanks or semicolons part the
    numbers, there is no point in the cell, and no number has two commas. JSON: a list, a list of lists ``[L, C]``, a list of records, or an
    object of lists such as ``{"time": [...], "value": [...]}``.

    Raises:
        CellError: There is text among the numbers, nothing but gaps, or rows of unlike length.
    """
    text = text.strip()
    if text[:1] == "{" or (text[:1] == "[" and text[-1:] == "]"):
        try:
            return from_lists(json.loads(text))
        except RecursionError:
            raise CellError("The lists of the cell are nested too deep.") from None
        except ValueError:  # not JSON: lists as numpy prints them, with blanks between
            if text[:1] == "{" or "[" in text[1:]:
                raise CellError("The cell begins like JSON and is none.", found=text) from None
    if text[:1] + text[-1:] in ("[]", "()"):
        text = text[1:-1].strip()
    rows = tokens(text)
    if not rows:
        raise CellError("The series has no values.")
    if len({len(row) for row in rows}) > 1:
        if "," in text and ";" not in text:  # one long list that was wrapped
            rows = [[field for row in rows for field in row]]
        else:
            raise CellError(f"The rows of the series have unlike numbers of channels: {sorted({len(row) for row in rows})[:5]}.", found=text)
    width = len(rows[0])
    flat = floats([field for row in rows for field in row])
    return from_table(flat if len(rows) == 1 or width == 1 else flat.reshape(len(rows), width))


def tokens(text: str) -> list[list[str]]:
    """Rows of fields; one row for a plain list."""
    if not text:
        return []
    if not MARKS.search(text):
        return [text.split()]
    parts = [part.strip() for part in ROWS.split(text)] if ROWS.search(text) else [text]
    while len(parts) > 1 and not parts[-1]:  # a mark after the last one
        del parts[-1]
    if "," in text and "." not in text:
        words = [word for part in parts for word in part.split()]
        marked = len(parts) > 1 or len(words) > 1
        if marked and all(word.count(",") <= 1 and word.strip(",") == word for word in words):
            parts = [part.replace(",", ".") for part in parts]
    rows = [FIELDS.split(part.removesuffix(",").rstrip()) if part else [""] for part in parts]
    return [[field for row in rows for field in row]] if all(len(row) == 1 for row in rows) else rows


def floats(fields: Sequence[str]) -> np.ndarray:
    """Fields as float64, gaps NaN.

    Raises:
        CellError: A field is neither a number nor a gap.
    """
    try:
        return np.fromiter(map(float, fields), dtype=np.float64, count=len(fields))
    except ValueError:
        return np.fromiter(map(one_float, fields), dtype=np.float64, count=len(fields))


def one_float(field: str) -> float:
    field = field.strip("\"'")
    if field.lower() in GAPS:
        return float("nan")
    try:
        return float(field)
    except ValueError:
        raise CellError("There is text among the numbers of the series.", found=field) from None


def from_lists(cell: Any) -> Signal:
    """A series from lists of numbers, a list of records, or an object of lists.

    Raises:
        CellError: It is none of these, or its lists are of unlike length.
    """
    if isinstance(cell, Mapping):
        return from_named(cell)
    if not isinstance(cell, list | tuple):
        raise CellError("The cell holds no list of numbers.", found=cell)
    if not cell:
        raise CellError("The series has no values.")
    if isinstance(cell[0], Mapping):
        names = list(cell[0])
        if not all(isinstance(record, Mapping) for record in cell):
            raise CellError("The list holds records and other things.")
        return from_named({name: [record.get(name) for record in cell] for name in names})
    if any(isinstance(row, list | tuple) for row in cell):
        width = max(len(row) for row in cell if isinstance(row, list | tuple))
        rows = [[None] * width if row is None else row for row in cell]
        if any(not isinstance(row, list | tuple) or len(row) != width for row in rows):
            raise CellError("The inner lists have unlike numbers of channels.")
        if not width:
            raise CellError("The series has no values.")
        return from_table(column([value for row in rows for value in row]).reshape(len(rows), width))
    return from_table(column(cell))


def from_named(cell: Mapping[str, Any]) -> Signal:
    """Lists of one length by name; ``time``, ``lat`` and ``lon`` have their meaning."""
    lists = {str(name): values for name, values in cell.items() if isinstance(values, list | tuple)}
    if not lists:
        raise CellError("The object holds no list of numbers.", found=list(cell)[:5])
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise CellError("The lists of the series have unlike lengths.", found=lengths)
    arrays = [column(values, dates=TIME.fullmatch(name.strip().lower()) is not None) for name, values in lists.items()]
    return from_table(np.stack(arrays, axis=1), list(lists))


def column(values: Sequence[Any], dates: bool = False) -> np.ndarray:
    """Numbers, None and number-like texts as float64.

    Raises:
        CellError: Something else stands there.
    """
    if len(values) > MAX_NUMBERS:
        raise CellError(f"The series has {len(values):,} values; more than {MAX_NUMBERS:,} are not read.")
    try:
        made = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        made = np.array([one_value(value, dates) for value in values], dtype=np.float64)
    if made.ndim != 1:
        raise CellError("The lists of the series are nested too deep.")
    return made


def one_value(value: Any, dates: bool) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return float("inf")
    if isinstance(value, str):
        seconds = read_date(value) if dates else None
        return one_float(value) if seconds is None else seconds
    if isinstance(value, datetime.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)).timestamp()
    if isinstance(value, datetime.date):
        return (value.toordinal() - EPOCH) * 86400.0
    raise CellError("There is something else among the numbers of the series.", found=value)
