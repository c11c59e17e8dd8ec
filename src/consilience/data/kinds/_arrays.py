"""Files of numbers as arrays: NPY, CSV and other text, Parquet. Every size is checked before memory is asked for; nothing is unpickled."""

from __future__ import annotations

import ast
import math
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from consilience.core.errors import CellError
from consilience.data.kinds._number_text import first_lines, parse_text, peek_text
from consilience.data.kinds._paths import Outside

__all__ = ["ARRAY_SUFFIXES", "MAX_NUMBERS", "Named", "Peek", "is_array", "peek", "peek_shape", "read_array", "read_named"]

ARRAY_SUFFIXES = (".npy", ".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq")
"""Endings of the files that are read here, in lower case. What a file is, is told from how it begins."""

MAX_NUMBERS = 50_000_000
MAX_BYTES = {"npy": 9 * MAX_NUMBERS, "parquet": 9 * MAX_NUMBERS, "text": 256_000_000}
NPY, PARQUET = b"\x93NUMPY", b"PAR1"
LONGEST_HEADER = 4096
"""Bytes of an NPY header; one of plain numbers has about 128."""
LOOKED_AT = 1 << 16


@dataclass(frozen=True)
class Named:
    """An array and, for tables, the names of its columns (lower case, empty where the file has none).

    Args:
        values: ``[N]``, or ``[L, C]``, or as the NPY file has it; numbers, gaps of a text are NaN.
        names: C names, or none.
    """

    values: np.ndarray
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peek:
    """What the first bytes say: the shape (rows of a long text are estimated), the columns' names."""

    shape: tuple[int, ...]
    names: tuple[str, ...] = ()


def read_array(value: Path | bytes | Outside) -> np.ndarray:
    """The numbers of a file or of its bytes.

    An NPY array keeps its shape and type (bool and whole numbers too). A text or Parquet table is ``[L, C] float64``, or ``[N]`` where it has one
    line or one column; written dates are seconds since 1970, gaps NaN.

    Raises:
        CellError: The file is gone, empty, damaged, holds more than 50 million numbers, objects, or text among its numbers.
    """
    return read_named(value).values


def read_named(value: Path | bytes | Outside) -> Named:
    """``read_array``, with the names of the columns.

    Raises:
        CellError: As for ``read_array``.
    """
    name = str(value) if isinstance(value, Path) else None
    try:
        body = load(value)
        if body.startswith(NPY):
            return Named(read_npy(body))
        if body.startswith(PARQUET):
            return read_parquet(body)
        values, names = parse_text(body, MAX_NUMBERS)
        return Named(values, names)
    except CellError as error:
        error.file = error.file or name
        raise


def peek_shape(value: Path | bytes | Outside) -> tuple[int, ...] | None:
    """The shape that ``read_array`` would give, from the first bytes; None where they tell none. Rows of a long text are an estimate."""
    seen = peek(value)
    return None if seen is None else seen.shape


def peek(value: Path | bytes | Outside) -> Peek | None:
    """Shape and names from the first bytes; None where they tell none. Never raises for a file's content."""
    if isinstance(value, Outside):
        return None
    try:
        if isinstance(value, bytes):
            start, size = value[:LOOKED_AT], len(value)
        else:
            with Path(value).open("rb") as file:
                start, size = file.read(LOOKED_AT), Path(value).stat().st_size
        if start.startswith(NPY):
            return Peek(npy_header(start)[0])
        if start.startswith(PARQUET):
            source = BytesIO(value) if isinstance(value, bytes) else value
            names = tuple(pl.read_parquet_schema(source))
            rows = pl.scan_parquet(source).select(pl.len()).collect().item()
            return Peek(shape_of(rows, len(names)), tuple(word.strip().lower() for word in names))
        seen = peek_text(start, size)
    except (CellError, OSError, pl.exceptions.PolarsError):
        return None
    return None if seen is None else Peek(*seen)


def is_array(cell: bytes) -> bool:
    """Whether bytes begin like an NPY or Parquet file, or like a text of numbers."""
    return cell.startswith((NPY, PARQUET)) or (len(first_lines(cell[:LOOKED_AT])) > 0 and peek(cell) is not None)


def load(value: Path | bytes | Outside) -> bytes:
    """The whole content, unless there is too much of it for its sort."""
    if isinstance(value, Outside):
        raise value.error()
    try:
        if isinstance(value, bytes):
            body, size = value, len(value)
        else:
            with Path(value).open("rb") as file:
                size = Path(value).stat().st_size
                body = file.read(8)
                limit = MAX_BYTES[sort_of(body)]
                body += file.read(limit) if size <= limit else b""
    except OSError as error:
        raise CellError(f"The file cannot be read: {error.strerror or error}.", file=str(value)) from None
    if not body:
        raise CellError("The file is empty (0 bytes), so there are no numbers." if isinstance(value, Path) else "The cell is empty (0 bytes).")
    if size > (limit := MAX_BYTES[sort_of(body)]):
        raise CellError(f"The file has {size:,} bytes; more than {limit:,} are not read.", hint="Thin it out, or cut it into several rows.")
    return body


def sort_of(body: bytes) -> str:
    return "npy" if body.startswith(NPY) else "parquet" if body.startswith(PARQUET) else "text"


def shape_of(rows: int, columns: int) -> tuple[int, ...]:
    """One line or one column is a vector."""
    return (rows,) if columns == 1 else (columns,) if rows == 1 else (rows, columns)


def read_npy(body: bytes) -> np.ndarray:
    """An NPY file's array, in this machine's byte order.

    Raises:
        CellError: It holds no plain numbers, too many, or fewer than its header says.
    """
    shape, fortran, dtype, start = npy_header(body)
    count = math.prod(shape)
    if count > MAX_NUMBERS:
        raise too_many(count)
    if count * dtype.itemsize > len(body) - start:
        there = (len(body) - start) // dtype.itemsize
        raise CellError(f"The NPY file is cut off: its header says {count:,} numbers, and {there:,} are there.")
    flat = np.frombuffer(body, dtype=dtype, count=count, offset=start)
    array = flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
    return np.ascontiguousarray(array, dtype=dtype.newbyteorder("="))


def npy_header(body: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether columns come first, type, and where the numbers begin."""
    try:
        wide = body[6] > 1
        (length,) = struct.unpack_from("<I" if wide else "<H", body, 8)
        start = 8 + (4 if wide else 2)
        if length > LONGEST_HEADER:
            raise CellError(f"The header of the NPY file is damaged: it says that it is {length:,} bytes long.")
        header = ast.literal_eval(body[start : start + length].decode("utf-8"))
        shape, fortran, dtype = tuple(header["shape"]), bool(header["fortran_order"]), np.dtype(header["descr"])
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, RecursionError, MemoryError, struct.error, Warning):
        raise CellError("The header of the NPY file is damaged.") from None
    if dtype.kind not in "biuf" or dtype.itemsize > 16:
        sort = "objects" if dtype.hasobject else str(dtype)
        raise CellError(f"The NPY file holds {sort}, not numbers.", hint="Save an array of plain numbers.")
    if not all(isinstance(side, int) and side >= 0 for side in shape) or len(shape) > 32:
        raise CellError("The header of the NPY file is damaged: no array has this shape.", found=shape)
    return shape or (1,), fortran, dtype, start + length


def read_parquet(body: bytes) -> Named:
    """A Parquet table of numbers and times.

    Raises:
        CellError: It is damaged, has too many cells, or a column of something else.
    """
    try:
        schema = pl.read_parquet_schema(BytesIO(body))
        rows = pl.scan_parquet(BytesIO(body)).select(pl.len()).collect().item()
        if rows * len(schema) > MAX_NUMBERS:
            raise too_many(rows * len(schema))
        for name, dtype in schema.items():
            if not (dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean):
                raise CellError(f"The column {name!r} of the Parquet file holds {dtype}, not numbers.")
        frame = pl.read_parquet(BytesIO(body))
        columns = [seconds(column) if column.dtype.is_temporal() else column.cast(pl.Float64) for column in frame.iter_columns()]
    except pl.exceptions.PolarsError as error:
        raise CellError(f"The Parquet file is damaged: {str(error).splitlines()[0] if str(error) else type(error).__name__}.") from None
    if not columns or not rows:
        raise CellError("The Parquet file has no cells.")
    values = np.stack([column.to_numpy() for column in columns], axis=1)
    return Named(values.reshape(shape_of(*values.shape)), tuple(name.strip().lower() for name in schema) if len(schema) > 1 else ())


def seconds(column: pl.Series) -> pl.Series:
    """Seconds since 1970, or of the span."""
    micro = column.cast(pl.Duration("us")) if column.dtype in (pl.Duration, pl.Time) else column.cast(pl.Datetime("us"))
    return micro.cast(pl.Int64).cast(pl.Float64) / 1e6


def too_many(count: int) -> CellError:
    return CellError(f"The file holds {count:,} numbers; more than {MAX_NUMBERS:,} are not read.", hint="Thin it out, or cut it into several rows.")
