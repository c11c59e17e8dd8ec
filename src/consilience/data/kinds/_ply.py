"""The points of a PLY file, text or binary of both byte orders. Source: the PLY polygon file format (Turk, 1994). Faces are not read."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from consilience.core.errors import CellError, shorten
from consilience.data.kinds._mapped import first_bytes, named
from consilience.data.kinds._paths import Outside
from consilience.data.kinds._rows_of_numbers import read_rows

__all__ = ["map_ply"]

HEADER = 1 << 16
"""Bytes in which a header has to end."""
MOST = 256
"""Properties of a point, at most."""
TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass
class Element:
    """A sort of things that the file lists.

    Args:
        fields: Name and type of each number; the type is empty for a list.
    """

    name: str
    count: int
    fields: list[tuple[str, str]]


def map_ply(value: Path | bytes | Outside, most: int) -> np.ndarray:
    """``[N, 3 + F]``: x, y, z, then the other properties in the file's order; colours of whole numbers from 0 to 1.

    Args:
        most: Points wanted; a text with more is thinned while it is read.

    Raises:
        CellError: The header is damaged, there are no points with x, y and z, or fewer than it says.
    """
    file = named(value)
    start = first_bytes(value, HEADER)
    order, elements, offset = parse_header(start, file)
    places = [place for place, element in enumerate(elements) if element.name == "vertex"]
    if not places:
        raise CellError("The PLY file has no element 'vertex', so there are no points.", file=file)
    before, vertex = elements[: places[0]], elements[places[0]]
    names = [name for name, _ in vertex.fields]
    if any(not kind for element in (*before, vertex) for _, kind in element.fields):
        raise CellError("The PLY file has lists before or in its points, which are not read.", hint="Write the points first.", file=file)
    if not {"x", "y", "z"} <= set(names) or len(set(names)) < len(names):
        raise CellError(f"The points of the PLY file need the properties x, y and z once; there are {shorten(', '.join(names))}.", file=file)
    columns = [names.index(axis) for axis in "xyz"] + [place for place, name in enumerate(names) if name not in "xyz"]
    scale = np.array([255.0 if vertex.fields[place][1] == "u1" else 1.0 for place in columns])
    if order:
        rows = binary(value, vertex, order, offset + sum(element.count * size_of(element, order) for element in before), file)
        # Fields lie side by side and may be of several types, so they are put together a bounded number at a time.
        rows = rows[np.arange(most) * len(rows) // most] if len(rows) > most else rows
        found = np.stack([rows[f"f{place}"].astype(np.float64) for place in columns], axis=1)
    else:
        found = read_rows(value, most, start=offset, skip=sum(element.count for element in before), count=vertex.count, width=len(names))[:, columns]
    scaled: np.ndarray = found / scale
    return scaled


def parse_header(start: bytes, file: str | None) -> tuple[str, list[Element], int]:
    """Byte order (empty for text), elements, and where the header ends."""
    lines: IO[bytes] = BytesIO(start)
    order, elements = None, list[Element]()
    try:
        for line in lines:
            words = line.decode("ascii", errors="replace").split()
            if words[:1] == ["format"]:
                order = FORMATS[words[1]]
            elif words[:1] == ["element"]:
                elements.append(Element(words[1], int(words[2]), []))
            elif words[:1] == ["property"]:
                elements[-1].fields.append((words[-1], "" if words[1] == "list" else TYPES[words[1]]))
            elif words == ["end_header"] and order is not None and all(0 <= item.count < 2**40 and len(item.fields) <= MOST for item in elements):
                return order, elements, lines.tell()
    except (KeyError, ValueError, IndexError):
        raise CellError(
            "A line of the PLY header cannot be understood.", found=shorten(line.decode("ascii", errors="replace").strip()), file=file
        ) from None
    raise CellError("The header of the PLY file is damaged or does not end.", file=file)


def size_of(element: Element, order: str) -> int:
    return sum(np.dtype(order + kind).itemsize for _, kind in element.fields)


def binary(value: Path | bytes | Outside, vertex: Element, order: str, offset: int, file: str | None) -> np.ndarray:
    """The points as records that still lie in the file."""
    record = np.dtype([(f"f{place}", order + kind) for place, (_, kind) in enumerate(vertex.fields)])
    there = (len(value) if isinstance(value, bytes) else Path(str(value)).stat().st_size) - offset
    if vertex.count * record.itemsize > there:
        found = max(0, there // record.itemsize)
        raise CellError(f"The PLY file is cut off: it says that it has {vertex.count:,} points, and holds {found:,}.", file=file)
    if not vertex.count:
        return np.zeros(0, dtype=record)
    if isinstance(value, bytes):
        return np.frombuffer(value, record, vertex.count, offset)
    return np.memmap(Path(str(value)), record, "r", offset, (vertex.count,))
