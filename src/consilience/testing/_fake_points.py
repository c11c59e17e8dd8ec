"""A column of small clouds of points, each class another shape."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl

from consilience.core.seeds import generator

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
    draw = generator(seed, "fake points")
    gone = draw.random(rows) < 0.15
    cells: list[bytes | str | None] = []
    for row in range(rows):
        content = io.BytesIO()
        np.save(content, _shape(row % 5, draw), allow_pickle=False)
        if row == 0 or gone[row]:
            cells.append(None)
        elif folder is None:
            cells.append(content.getvalue())
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"points_{row}.npy"
            path.write_bytes(content.getvalue())
            cells.append(str(path.resolve()))
    return pl.Series("scan", cells, dtype=pl.Binary if folder is None else pl.String)


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
