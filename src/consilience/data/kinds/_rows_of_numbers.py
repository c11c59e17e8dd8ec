"""Rows of numbers from a text of any size, of which a bounded number is kept; commas, semicolons, tabs or blanks between them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np

from consilience.core.errors import CellError, shorten
from consilience.data.kinds._mapped import named
from consilience.data.kinds._paths import Outside

__all__ = ["read_rows"]

LONGEST = 1 << 14
"""Bytes of a line, at most."""
WIDEST = 256
COMMENTS = (b"#", b"//", b"%")


def read_rows(
    value: Path | bytes | Outside, most: int, *, start: int = 0, skip: int = 0, count: int | None = None, width: int | None = None
) -> np.ndarray:
    """``[N, C] float64``, N at most ``most`` (then evenly spread over the text); an empty place is NaN.

    A first line of names is understood: columns x, y and z come first then. A first line with one whole number is taken for the number of points.

    Args:
        start: Byte at which the rows begin.
        skip: Lines that are passed over.
        count: How many rows there have to be; None for as many as there are.
        width: How many numbers a row has to have; None for as many as the first has.

    Raises:
        CellError: A line is no row of numbers, has another number of them than the first, or rows are missing.
    """
    file = named(value)
    total = sum(1 for _ in islice(rows_of(value, start, skip), count))
    if count is not None and total < count:
        raise CellError(f"The file is cut off: it says that it has {count:,} points, and holds {total:,}.", file=file)
    lines = islice(rows_of(value, start, skip), count)
    first = next(lines, None)
    if first is None:
        return np.zeros((0, width or 3))
    line = first[1]
    sep = next((mark for mark in (b",", b";", b"\t") if mark in line), None)
    names: list[str] = []
    columns: list[int] | None = None
    kept: list[tuple[int, bytes]] = []
    if width is None and (head := is_head(line, sep)):
        names = [name.strip().strip('"').lower() for name in line.decode(errors="replace").split(sep.decode() if sep else None)]
        columns, total = (None if head == "count" else order_of(names, file)), total - 1
        if not total:
            return np.zeros((0, 3))
    else:
        kept.append(first)
    step = max(1.0, total / most)
    wanted = len(kept) * step
    for place, item in enumerate(lines, len(kept)):
        if place >= wanted:
            kept.append(item)
            wanted += step
    if names and columns is None:
        sep = next((mark for mark in (b",", b";", b"\t") if mark in kept[0][1]), None)
    found = numbers_of(kept[:most], sep, width or len(names if columns else []), file)
    return found if columns is None else found[:, columns]


def rows_of(value: Path | bytes | Outside, start: int, skip: int) -> Iterator[tuple[int, bytes]]:
    """Number (from 1) and content of the lines that are neither blank nor a comment."""
    if isinstance(value, Outside):
        raise value.error()
    with BytesIO(value) if isinstance(value, bytes) else open(value, "rb") as file:
        file.seek(start)
        number = 0
        while line := file.readline(LONGEST):
            number += 1
            if len(line) == LONGEST and not line.endswith(b"\n"):
                raise CellError(f"Line {number} is longer than {LONGEST:,} bytes, so this is no list of points.", file=named(value))
            line = line.strip()
            if line and not line.startswith(COMMENTS):
                if skip:
                    skip -= 1
                else:
                    yield number, line


def is_head(line: bytes, sep: bytes | None) -> str:
    """``"names"`` or ``"count"`` for a line that is not yet a point; empty for one that is."""
    parts = line.split(sep)
    if len(parts) == 1 and parts[0].isdigit():
        return "count"
    try:
        for part in parts:
            float(part or b"nan")
    except ValueError:
        return "names"
    return ""


def order_of(names: list[str], file: str | None) -> list[int]:
    if not {"x", "y", "z"} <= set(names):
        raise CellError("The first line is neither three numbers nor names with x, y and z among them.", found=shorten(", ".join(names)), file=file)
    return [names.index(axis) for axis in "xyz"] + [place for place, name in enumerate(names) if name not in ("x", "y", "z")]


def numbers_of(lines: list[tuple[int, bytes]], sep: bytes | None, width: int, file: str | None) -> np.ndarray:
    """The lines as an array."""
    width = width or len(lines[0][1].split(sep))
    if width > WIDEST:
        raise CellError(f"Line {lines[0][0]} has {width:,} numbers, so this is no list of points.", file=file)
    found = np.empty((len(lines), width))
    for row, (number, line) in enumerate(lines):
        parts = line.split(sep)
        if len(parts) != width:
            raise CellError(f"Line {number} has {len(parts)} numbers where the others have {width}.", file=file)
        try:
            found[row] = [float(part) if part.strip() else np.nan for part in parts]
        except ValueError:
            raise CellError(f"Line {number} is no row of numbers.", found=shorten(line[:60].decode(errors="replace"), 40), file=file) from None
    return found
