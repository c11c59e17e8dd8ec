"""A column of small scans, each class another body in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from consilience.testing._fake_arrays import column_of_arrays

__all__ = ["fake_volume_column"]


def fake_volume_column(rows: int = 24, seed: int = 0, folder: Path | None = None) -> pl.Series:
    """NPY files of 8 to 14 voxels a side: nothing, a ball, a hollow one, a slab and a rod take turns; some cells are missing, the first always.

    Args:
        rows: How many.
        seed: The same seed gives the same column.
        folder: Where the files are written, named by their full path; None keeps them in memory as bytes.

    >>> fake_volume_column(rows=3).to_list()[0] is None
    True
    """
    return column_of_arrays("ct", "volume", rows, seed, folder, _body)


def _body(code: int, draw: np.random.Generator) -> np.ndarray:
    """``[D, H, W] float32`` of one class: about 0 outside, 1 in the body."""
    shape = draw.integers(8, 15, 3)
    depth, height, width = np.meshgrid(*(np.linspace(-1, 1, int(side)) for side in shape), indexing="ij")
    radius = np.sqrt(depth**2 + height**2 + width**2)
    ground = np.sqrt(height**2 + width**2)
    body = (radius < -1, radius < 0.8, (radius < 1.0) & (radius > 0.55), np.abs(depth) < 0.35, ground < 0.5)[code]
    return (body + draw.normal(0, 0.1, body.shape)).astype(np.float32)
