"""CSV and its relatives -> a frame of strings. A vectorised check of the layout first; polars reads what passes, Python's csv module the rest."""

from __future__ import annotations

import csv
import io
from itertools import islice

import polars as pl

from consilience.core.errors import TableError
from consilience.data.table._encoding import to_utf8
from consilience.data.table._rows import DELIMITERS, Text, long_cells, read_fast, read_slow

__all__ = ["read_delimited"]

SAMPLE = 1 << 18


def read_delimited(data: bytes, file: str, suffix: str = ".csv") -> pl.DataFrame:
    """All cells as strings, empty ones null. The delimiter is found from the first records.

    A blank line is no row, unless the table has a single column: there it is an empty cell.

    Raises:
        TableError: No header, a doubled column name, a line with too many or too few cells, quotes that do not match; names the line.

    >>> read_delimited(b'a;b\\n1,5;"x;y"\\n', "t.csv").rows()
    [('1,5', 'x;y')]
    """
    data = to_utf8(data, file)
    if b"\r" in data and b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    body = data.lstrip(b"\r\n")
    skipped = data[: len(data) - len(body)].count(b"\n")
    if not body.strip():
        what = "The file holds nothing but blank lines." if data else "The file is empty."
        raise TableError(what, file=file, hint="Its first line has to name the columns.")
    first, _, rest = body.partition(b"\n")
    delimiter = ""
    if first[:4] == b"sep=" and len(first.strip()) == 5:  # what Excel writes on top to say which delimiter follows
        delimiter, body = chr(first[4]), rest.lstrip(b"\r\n")
        skipped += 1 + rest[: len(rest) - len(body)].count(b"\n")
        if not body.strip():
            raise TableError("The file holds nothing but its separator.", file=file, hint="Its second line has to name the columns.")
    text = Text(body, file, skipped, delimiter or sniff(body, suffix))
    frame = read_fast(text)
    if frame is None:
        frame = read_slow(text)
    return frame.with_columns(pl.when(pl.all() == "").then(None).otherwise(pl.all()).name.keep())


def sniff(body: bytes, suffix: str) -> str:
    """The delimiter that splits the header and most often splits records into as many cells as the header has."""
    sample = body[:SAMPLE].decode("utf-8", "ignore").replace("\r", "")
    order = ["\t", *(sign for sign in DELIMITERS if sign != "\t")] if suffix == ".tsv" else list(DELIMITERS)
    best, best_score = "\t" if suffix in {".tsv", ".txt"} else ",", (-1.0, 1)
    with long_cells():
        for delimiter in order:
            widths = [len(record) for record in islice(csv.reader(io.StringIO(sample, newline="\n"), delimiter=delimiter), 200)]
            if len(body) > SAMPLE and 1 < len(widths) < 200:
                widths.pop()  # cut off by the end of the sample
            rows = [width for width in widths[1:] if width]
            share = sum(width == widths[0] for width in rows) / len(rows) if rows else 1.0
            if widths[0] > 1 and (share, widths[0]) > best_score:
                best, best_score = delimiter, (share, widths[0])
    return best
