"""Texts of numbers as arrays: which mark parts them, whether a first line names the columns, gaps, written dates."""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.data.kinds._cells import UNKNOWN
from consilience.data.kinds._dates import read_date

__all__ = ["GAPS", "first_lines", "parse_text", "peek_text", "plain_number"]

GAPS = UNKNOWN | {"none", "nil", ".", "missing"}
"""Words, in lower case, that stand for a gap among numbers."""

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?|[+-]?inf(?:inity)?", re.IGNORECASE)
COMMA_NUMBER = re.compile(r"[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d{1,4})?")
BLANKS = re.compile(r"[ \t\u00a0]+")
MARKS = ("\t", ";", ",", "|")
LINES = 50


def parse_text(body: bytes, most: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers ``[L, C] float64``, or ``[N]`` for one line or one column, and the columns' names in lower case, if there are several and a first line
    names them. Lines that begin with ``#`` and blank lines are left out.

    Raises:
        CellError: No numbers, more than ``most``, unlike lines, or text among the numbers.
    """
    text = decoded(body)
    lines = meant(text.splitlines())
    if not lines:
        raise CellError("The file has no line with numbers.")
    mark = mark_of(lines[:LINES])
    fields = split(lines[0], mark)
    named = is_header(fields)
    comma = mark == ";" and decimal_comma(lines[named:LINES])
    if len(lines) == named:
        raise CellError("The file has a line of names and no numbers.", found=lines[0])
    count = (len(lines) - named) * len(fields)
    if count > most:
        raise CellError(f"The file holds {count:,} numbers; more than {most:,} are not read.", hint="Thin it out, or cut it into several rows.")
    names = tuple(field.strip().strip("\"'").lower() for field in fields) if named and len(fields) > 1 else ()
    if len(lines) - named == 1 and not names:  # a table of a million columns would take minutes
        fields = split(lines[-1], mark)
        return numbers(pl.Series(fields), 0, 1, (), False, comma), ()
    columns = cut(lines[named:], mark, len(fields))
    arrays = [numbers(column, place, len(fields), names, named, comma) for place, column in enumerate(columns)]
    values = np.stack(arrays, axis=1)
    return (values.reshape(-1), ()) if 1 in values.shape and not (names and len(names) > 1) else (values, names)


def peek_text(start: bytes, size: int) -> tuple[tuple[int, ...], tuple[str, ...]] | None:
    """Shape and names of a text of ``size`` bytes that begins so; None where the first lines are no numbers."""
    whole = len(start) >= size
    lines = first_lines(start, whole)
    if not lines:
        return None
    mark = mark_of(lines[:LINES])
    fields = split(lines[0], mark)
    if not whole and len(lines) == 1:
        fields = fields[:-1]  # it may be cut off
        lines = [(mark or " ").join(fields)]
    named = is_header(fields)
    some = [split(line, mark) for line in lines[named:LINES]]
    if not some or any(len(row) != len(fields) for row in some):
        return None
    comma = mark == ";" and decimal_comma(lines[named:LINES])
    checked = [field for row in some for place, field in enumerate(row) if place or len(row) == 1]
    if not all(plain_number(field, comma) or field.strip().lower() in GAPS for field in checked):
        return None
    if not all(plain_number(row[0], comma) or row[0].strip().lower() in GAPS or read_date(row[0].strip()) is not None for row in some):
        return None
    rows = len(lines) - named
    if not whole and len(lines) > 1:
        rows = max(rows, round(rows * size / max(1, len(start))))
    columns = len(fields)
    if not whole and rows == 1:
        columns = max(columns, round(columns * size / max(1, len(start))))
    names = tuple(field.strip().strip("\"'").lower() for field in fields) if named and columns > 1 else ()
    if not names and 1 in (rows, columns):
        return (rows * columns,), ()
    return (rows, columns), names


def first_lines(start: bytes, whole: bool = True) -> list[str]:
    """The lines with content at the start of a text; the last one is left out if it may be cut off. Empty where it is no text."""
    try:
        text = decoded(start)
    except CellError:
        return []
    lines = text.splitlines()
    return meant(lines if whole or len(lines) == 1 else lines[:-1])


def plain_number(field: str, comma: bool = False) -> bool:
    """Whether a field is a written number."""
    return (COMMA_NUMBER if comma else NUMBER).fullmatch(field.strip()) is not None


def decoded(body: bytes) -> str:
    """Bytes as text; what no text has is refused.

    Raises:
        CellError: It is no text.
    """
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", errors="replace")
    if b"\0" in body[:4096]:
        raise CellError("The file is neither a text of numbers nor an NPY or Parquet file.")
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")


def meant(lines: list[str]) -> list[str]:
    return [stripped for line in lines if (stripped := line.strip(" \r\n\v\f")) and not stripped.startswith("#")]


def mark_of(lines: list[str]) -> str:
    """What parts the fields: the first mark that every line has, as often as every other; blanks otherwise."""
    for mark in MARKS:
        if all(mark in line for line in lines) or (len(lines) == 1 and mark in lines[0]):
            return mark
    return next((mark for mark in (";", ",") if sum(mark in line for line in lines) > 0.5 * len(lines)), "")


def split(line: str, mark: str) -> list[str]:
    fields = line.split(mark) if mark else BLANKS.split(line)
    return [field.strip(" \"'") for field in fields] if '"' in line or "'" in line else fields


def is_header(fields: list[str]) -> bool:
    """Whether a line names columns: some field is neither a number, nor a gap, nor (the first one) a date."""
    plain = (field.strip().strip("\"'") for field in fields)
    return any(not plain_number(word, ";" in word or "," in word) and word.lower() not in GAPS and not (place == 0 and read_date(word) is not None)
               for place, word in enumerate(plain))  # fmt: skip


def decimal_comma(lines: list[str]) -> bool:
    return any("," in line for line in lines) and not any("." in line for line in lines)


def cut(lines: list[str], mark: str, width: int) -> list[pl.Series]:
    """One series of texts for each of ``width`` columns."""
    if not mark:
        lines = [BLANKS.sub("\t", line) for line in lines]
        mark = "\t"
    if width == 1:
        return [pl.Series(lines)]
    for place, line in enumerate(lines):
        if line.count(mark) != width - 1:
            raise CellError(f"Line {place + 1} of the numbers has {line.count(mark) + 1} fields, the first one has {width}.", found=line)
    body = BytesIO("\n".join(lines).encode())
    try:
        frame = pl.read_csv(body, separator=mark, has_header=False, infer_schema=False, quote_char=None)
    except pl.exceptions.PolarsError as error:
        raise CellError(f"The text cannot be read as a table: {str(error).splitlines()[0] if str(error) else type(error).__name__}.") from None
    return frame.get_columns()


def numbers(column: pl.Series, place: int, width: int, names: tuple[str, ...], named: bool, comma: bool) -> np.ndarray:
    """A column of texts as float64: gaps NaN, dates in the first column as seconds since 1970."""
    text = column.str.strip_chars(" \t\r\"'")
    if comma:
        text = text.str.replace(",", ".", literal=True)
    cast = text.cast(pl.Float64, strict=False)
    odd = np.flatnonzero((cast.is_null() & text.is_not_null()).to_numpy())
    values: np.ndarray = np.array(cast.fill_null(np.nan).to_numpy(), dtype=np.float64)
    dates = place == 0 and width > 1
    for row in odd:
        word = text[int(row)]
        if word.lower() in GAPS:
            continue
        seconds = read_date(word) if dates else None
        if seconds is None:
            where = f"column {names[place]!r}" if names else f"column {place + 1}"
            raise CellError(f"There is text among the numbers: {where}, line {int(row) + 1 + named}.", found=word)
        values[row] = seconds
    return values
