"""JSON, JSON lines and Python records -> a frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import TableError
from consilience.data.table._cells import column_of, whole_text
from consilience.data.table._encoding import to_utf8
from consilience.data.table._names import refuse_doubled

__all__ = ["from_lists", "from_records", "read_json", "read_json_lines"]


def read_json_lines(data: bytes, file: str) -> pl.DataFrame:
    """One record per line; blank lines are no rows.

    Raises:
        TableError: A line is no JSON, or JSON but no record; names the line.
    """
    records = []
    for number, line in enumerate(to_utf8(data, file).split(b"\n"), 1):
        if line.strip():
            try:
                record = loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                hint = "Each line has to be one JSON record."
                raise TableError(f"Line {number} is no JSON ({error}).", file=file, found=shown(line), hint=hint) from None
            if not isinstance(record, dict):
                hint = 'Each line has to be one record, such as {"name": "a", "price": 3}.'
                raise TableError(f"Line {number} is JSON, but no record.", file=file, found=shown(line), hint=hint)
            records.append(record)
    if not records:
        raise TableError("The file is empty.", file=file, hint="Each line has to be one JSON record.")
    return from_records(records)


def read_json(data: bytes, file: str) -> pl.DataFrame:
    """A list of records, or a record of lists of equal lengths.

    Raises:
        TableError: The file is no JSON, or holds something else.
    """
    text = to_utf8(data, file)
    try:
        whole = loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        what = "The file is empty." if not text.strip() else f"The file is no JSON ({error})."
        hint = "If each line is a record of its own, name the file .jsonl."
        raise TableError(what, file=file, hint=hint) from None
    if isinstance(whole, list) and all(isinstance(record, dict) for record in whole):
        if not whole:
            raise TableError("The list of records is empty.", file=file, hint="The first record has to name the columns.")
        return from_records(whole)
    if isinstance(whole, dict) and whole and all(isinstance(column, list) for column in whole.values()):
        return from_lists(whole, file=file)
    raise TableError("The JSON is no table.", file=file, found=shown(text), hint='It has to be a list of records: [{"name": "a", "price": 3}, ...].')


def from_records(records: Sequence[Mapping[Any, Any]]) -> pl.DataFrame:
    """Columns in the order in which they first occur; a key that a record lacks is null there.

    >>> from_records([{"a": 1}, {"b": "x"}]).rows()
    [(1, None), (None, 'x')]
    """
    names: dict[Any, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
    return from_lists({name: [record.get(name) for record in records] for name in names})


def from_lists(columns: Mapping[Any, Iterable[Any]], file: str | None = None) -> pl.DataFrame:
    """One column per entry.

    Raises:
        TableError: The lists have different lengths, or two names are equal as text.
    """
    refuse_doubled([whole_text(str(key)) for key in columns], file)
    series: dict[str, pl.Series] = {}
    for key, cells in columns.items():
        if isinstance(cells, np.ndarray) and cells.ndim == 1 and cells.dtype.kind in "biufU":
            cells = cells.tolist()
        name = whole_text(str(key))
        try:
            series[name] = column_of(name, cells)
        except RecursionError:
            hint = "Give lists and records of a few levels, or a text."
            raise TableError("A cell is nested too deeply.", file=file, column=name, hint=hint) from None
    lengths = {name: len(column) for name, column in series.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name!r} {length}" for name, length in lengths.items())
        raise TableError(f"The columns have different numbers of rows: {said}.", file=file, hint="Give None where a cell is missing.")
    return pl.DataFrame(series)


def loads(text: bytes) -> Any:
    """``json.loads``; a whole number of more digits than Python takes for one stays text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) <= 400 else digits)


def shown(data: bytes) -> str:
    return data[:200].decode("utf-8", "replace").strip()
