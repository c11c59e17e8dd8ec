"""A column of NPY files, in memory or in a folder: what the fakes of clouds and of scans share."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from consilience.core.seeds import generator

__all__ = ["column_of_arrays"]


def column_of_arrays(
    name: str, what: str, rows: int, seed: int, folder: Path | None, make: Callable[[int, np.random.Generator], np.ndarray]
) -> pl.Series:
    """Five classes take turns; some cells are missing, the first always.

    Args:
        name: Of the column.
        what: The kind; files are named by it.
        folder: Where the files are written, named by their full path; None keeps them in memory as bytes.
        make: (class from 0 to 4, randomness) -> one array.
    """
    draw = generator(seed, f"fake {what}")
    gone = draw.random(rows) < 0.15
    cells: list[bytes | str | None] = []
    for row in range(rows):
        content = io.BytesIO()
        np.save(content, make(row % 5, draw), allow_pickle=False)
        if row == 0 or gone[row]:
            cells.append(None)
        elif folder is None:
            cells.append(content.getvalue())
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{what}_{row}.npy"
            path.write_bytes(content.getvalue())
            cells.append(str(path.resolve()))
    return pl.Series(name, cells, dtype=pl.Binary if folder is None else pl.String)
