"""A column of small clouds of points, each class another shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from consilience.testing._fake_arrays import column_of_arrays

__all__ = ["fake_points_column"]


def fake_points_column(rows: int = 24, seed: int = 0, folder: Path | None = None) -> pl.Series:
    """NPY files of 60 to 120 points: ball, disc, rod, ring and box take turns; some cells are missing, the first always.

    Args:
        rows: How many.
        seed: The same seed gives the same column.
        folder: Where the files are written, named by their full path; None keeps them in memory as bytes.

    >>> fake_points_column(rows=3).to_list()[0] is None
    True
    """
    return column_of_arrays("scan", "points", rows, seed, folder, _shape)


def _shape(code: int, draw: np.random.Generator) -> np.ndarray:
    """``[P, 3] float32`` of one class, turned about the vertical axis."""
    count = int(draw.integers(60, 121))
    points = draw.normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    if code == 1:
        points[:, 2] *= 0.05
    elif code == 2:
        points[:, :2] *= 0.1
    elif code == 3:
        points[:, :2] /= np.linalg.norm(points[:, :2], axis=1, keepdims=True)
        points[:, 2] *= 0.1
    elif code == 4:
        points = np.clip(points, -0.5, 0.5) * np.array([1.0, 2.0, 1.0])
    angle = draw.uniform(0, 2 * np.pi)
    points[:, :2] = points[:, :2] @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points + draw.normal(0, 0.02, points.shape)).astype(np.float32)
