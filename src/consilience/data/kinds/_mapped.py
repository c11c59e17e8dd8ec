"""NPY files as arrays that lie on the disk: nothing is read before it is asked for, and a header that lies is found out first."""

from __future__ import annotations

from io import BytesIO
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Literal

import numpy as np
from numpy.lib import format as npy

from consilience.core.errors import CellError
from consilience.data.kinds._paths import Outside

__all__ = ["NPY", "first_bytes", "map_npy", "named"]

NPY = b"\x93NUMPY"
NUMBERS = "biuf"
# What numpy raises on headers of any bytes: it reads them as Python literals, and tries once more as a program's words.
DAMAGE = (ValueError, OSError, EOFError, SyntaxError, TokenError, TypeError, KeyError, RecursionError, MemoryError, OverflowError, Warning)
HEADER = 12_000
"""Bytes in which the header of an array of numbers ends by far."""


def named(value: object) -> str | None:
    """The name of a file for a message; None for bytes and texts in memory."""
    return str(value) if isinstance(value, Path) else None


def first_bytes(value: Path | bytes | Outside, count: int = HEADER) -> bytes:
    """How a file or a cell begins.

    Raises:
        CellError: The file is gone, empty, or where nothing may be read.
    """
    if isinstance(value, Outside):
        raise value.error()
    if isinstance(value, bytes):
        start = value[:count]
    else:
        try:
            with open(value, "rb") as file:
                start = file.read(count)
        except OSError as error:
            raise CellError(f"The file cannot be read: {error.strerror or error}.", file=named(value)) from None
    if not start:
        raise CellError(f"The {'file' if named(value) else 'cell'} is empty (0 bytes).", file=named(value))
    return start


def map_npy(value: Path | bytes | Outside) -> np.ndarray:
    """The array of an NPY file, mapped and not read; its shape is whatever the file says, its type a real number.

    Raises:
        CellError: It is no such file, holds objects, or is shorter than its header says.
    """
    start, file = first_bytes(value), named(value)
    head = BytesIO(start)
    try:
        version = npy.read_magic(head)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_columns, dtype = read(head)
    except DAMAGE:
        raise CellError("The header of the NPY file is damaged.", file=file) from None
    if dtype.kind not in NUMBERS or dtype.hasobject:
        raise CellError(f"The NPY file holds {dtype}, not numbers.", file=file)
    if any(length < 0 for length in shape):
        raise CellError("The header of the NPY file is damaged.", file=file)
    needed, offset = prod(shape) * dtype.itemsize, head.tell()
    there = (len(value) if isinstance(value, bytes) else Path(str(value)).stat().st_size) - offset
    if needed > there:
        raise CellError(f"The NPY file is cut off: an array of shape {shape} needs {needed:,} bytes, {there:,} are there.", file=file)
    order: Literal["F", "C"] = "F" if by_columns else "C"
    if not needed:
        return np.zeros(shape, dtype=dtype)
    if isinstance(value, bytes):
        return np.ndarray(shape, dtype, value, offset, order=order)
    try:
        return np.memmap(Path(str(value)), dtype, "r", offset, shape, order)
    except (OSError, ValueError) as error:
        raise CellError(f"The NPY file cannot be read: {error}.", file=file) from None
