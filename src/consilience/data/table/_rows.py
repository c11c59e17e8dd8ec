"""Delimited UTF-8 text -> a frame of strings, one row per record, or an error that names the line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from consilience.core.errors import TableError
from consilience.data.table._names import check_names

__all__ = ["DELIMITERS", "Text", "long_cells", "read_fast", "read_slow"]

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
QUOTE, NEWLINE, RETURN = 34, 10, 13


@dataclass(frozen=True)
class Text:
    """UTF-8 text with the header in its first line; ``skipped`` lines of the file stand before it."""

    body: bytes
    file: str
    skipped: int
    delimiter: str

    def ragged(self, line: int, cells: int, width: int, found: str, others: int = 0) -> TableError:
        word = DELIMITERS.get(self.delimiter, repr(self.delimiter))
        what = f"Line {line + self.skipped} has {cells} cell{'s' * (cells != 1)}, the header has {width} (separated by {word})."
        if others:
            what += f" {others} more line{'s do' if others > 1 else ' does'} not fit either."
        hint = f"Put a cell that holds a {word} or a line break in double quotes, and keep a {word} for each empty cell."
        return TableError(what, file=self.file, found=found, hint=hint)


def read_fast(text: Text) -> pl.DataFrame | None:
    """Polars' reading of a text whose quotes are where RFC 4180 wants them; None for any other text."""
    buffer = np.frombuffer(text.body, dtype=np.uint8)
    quotes = np.flatnonzero(buffer == QUOTE)
    if not quotes_fit(buffer, quotes, ord(text.delimiter)):
        return None
    newlines = np.flatnonzero(buffer == NEWLINE)
    ends, splits = newlines, np.flatnonzero(buffer == ord(text.delimiter))
    if quotes.size:  # inside quotes, after an odd number of them, neither ends anything
        ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        splits = splits[np.searchsorted(quotes, splits) % 2 == 0]
    if not ends.size or ends[-1] != len(buffer) - 1:
        ends = np.append(ends, len(buffer))
    starts = np.concatenate([[0], ends[:-1] + 1])
    cells = np.diff(np.searchsorted(splits, ends), prepend=0) + 1
    header = text.body[: ends[0]].decode().rstrip("\r")
    try:
        with long_cells():
            names = check_names(next(csv.reader(io.StringIO(header, newline="\n"), delimiter=text.delimiter)), text.file)
    except csv.Error:  # such as a return in the middle of it
        return None
    width = len(names)
    bad = [int(record) for record in np.flatnonzero(cells != width) if width == 1 or text.body[starts[record] : ends[record]].strip()]
    if bad:
        where = bad[0]
        found = text.body[starts[where] : ends[where]].decode("utf-8", "replace").rstrip("\r")
        raise text.ragged(int(np.searchsorted(newlines, starts[where])) + 1, int(cells[where]), width, found, others=len(bad) - 1)
    try:  # the header goes in as a row: polars would take a byte-order mark from the first cell of the first row
        frame = pl.read_csv(io.BytesIO(text.body), has_header=False, schema=dict.fromkeys(names, pl.String), separator=text.delimiter)
    except pl.exceptions.PolarsError:
        return None
    if frame.height != len(ends):
        return None
    frame = frame[1:]
    return frame if width == 1 else frame.filter(pl.Series(cells[1:] == width))  # the others are blank


def quotes_fit(buffer: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    """Whether every quote opens a cell, closes one, or is doubled inside one."""
    if quotes.size % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    before = np.where(opening == 0, NEWLINE, buffer[opening - 1])
    padded = np.concatenate([buffer, np.array([NEWLINE, NEWLINE], dtype=np.uint8)]) if quotes.size else buffer
    after = padded[closing + 1]
    fits = np.isin(after, (delimiter, NEWLINE, QUOTE)) | ((after == RETURN) & (padded[closing + 2] == NEWLINE))
    return bool(np.isin(before, (delimiter, NEWLINE, QUOTE)).all() and fits.all())


def read_slow(text: Text) -> pl.DataFrame:
    """The csv module's reading, for quotes in unusual places."""
    try:
        return read_records(text, csv.QUOTE_MINIMAL)
    except TableError:
        if text.delimiter != "\t":
            raise
        try:  # many tab-separated files never quote, and a quote there is a character like any other
            return read_records(text, csv.QUOTE_NONE)
        except TableError:
            pass
        raise


def read_records(text: Text, quoting: Literal[0, 3]) -> pl.DataFrame:
    parts: list[pl.DataFrame] = []
    records: list[list[str | None]] = []
    line = 1
    with long_cells():
        reader = csv.reader(io.StringIO(text.body.decode(), newline="\n"), delimiter=text.delimiter, quoting=quoting, strict=True)
        try:
            names = check_names(next(reader), text.file)
            schema = dict.fromkeys(names, pl.String)
            line = reader.line_num + 1
            for record in reader:
                if len(names) == 1 or len(record) > 1 or "".join(record).strip():
                    if len(record or [""]) != len(names):
                        raise text.ragged(line, len(record), len(names), text.delimiter.join(record))
                    records.append([*record] or [None])
                line = reader.line_num + 1
                if len(records) == 50_000:
                    parts.append(pl.DataFrame(records, schema=schema, orient="row"))
                    records = []
        except csv.Error as error:
            place = f"the record that begins in line {line + text.skipped}"
            what = f"The quotes of {place} do not match ({error})."
            hint = 'Put the whole cell in double quotes, and write a quote inside it twice: "a ""good"" one".'
            if "new-line character" in str(error):
                what = f"In {place} a carriage return stands outside quotes."
                hint = "End each line with a line feed, or put the cell in double quotes."
            raise TableError(what, file=text.file, hint=hint) from None
    return pl.concat([*parts, pl.DataFrame(records, schema=schema, orient="row")])


@contextmanager
def long_cells() -> Iterator[None]:
    """The csv module without its limit of 131,072 characters per cell, which is global and put back."""
    limit = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
