"""What encoders of one column of large cells share: which column, which rows to learn from, cells read side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from consilience.core.errors import CellError, UsageError
from consilience.core.seeds import generator
from consilience.data.kinds import Cells

__all__ = ["each_present", "only_column", "prepared_sample"]


def only_column(columns: Mapping[str, Cells], who: str, what: str) -> Cells:
    """The one column that an encoder gets.

    Args:
        who: The encoder's name.
        what: The column's kind.

    Raises:
        UsageError: There are several, or none.
    """
    if len(columns) != 1:
        raise UsageError(f"The encoder {who!r} takes one {what} column, found {len(columns)}: {', '.join(columns) or 'none'}.")
    return next(iter(columns.values()))


def each_present(cells: Cells, work: Callable[[int, Any], None]) -> None:
    """Calls ``work`` with each present row and its decoded cell, several rows side by side.

    Raises:
        CellError: A cell cannot be read; it names the column and the row.
    """

    def one(row: int) -> None:
        try:
            work(row, cells.read(row))
        except CellError as error:
            error.row, error.column = row, cells.name
            raise

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for _ in pool.map(one, np.flatnonzero(cells.present).tolist()):
            pass


def prepared_sample(
    cells: Cells, prepare: Callable[[Mapping[str, Cells]], dict[str, np.ndarray]], seed: int, who: str, most: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Present cells, at most so many, as an encoder prepares them; and the places of those that are there.

    Raises:
        CellError: A cell cannot be read; the row is the table's, not the sample's.
    """
    rows = np.flatnonzero(cells.present)
    if len(rows) > most:
        rows = np.sort(generator(seed, who, "normalisation").choice(rows, most, replace=False))
    try:
        arrays = prepare({cells.name: cells.take(rows)})
    except CellError as error:
        error.row = None if error.row is None else int(rows[error.row])
        raise
    return arrays, np.flatnonzero(arrays["mask"][:, 0])
