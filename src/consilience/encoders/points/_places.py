"""From a decoded cloud to places with the vertical axis last; choices of points that depend on the points and not on their order."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from consilience.core.errors import CellError

__all__ = ["Up", "check", "chosen", "farthest", "upright"]

Up = Literal["x", "y", "z"]


def check(cell: Any) -> np.ndarray:
    """The cell, if it is a cloud.

    Raises:
        CellError: It is no ``[P, 3 + F]`` array with a point, or one that is not finite.
    """
    fits = isinstance(cell, np.ndarray) and cell.dtype.kind == "f" and cell.ndim == 2 and cell.shape[1] >= 3 and len(cell) > 0
    if not fits or not np.isfinite(cell).all():
        found = f"{cell.dtype} array of shape {cell.shape}" if isinstance(cell, np.ndarray) else type(cell).__name__
        raise CellError("The cloud is not a finite array of points x (x, y, z, ...).", found=found)
    return np.asarray(cell)


def upright(cell: np.ndarray, up: Up) -> np.ndarray:
    """``[P, 3] float64``: two axes that lie, and the vertical one last."""
    order = {"x": (1, 2, 0), "y": (2, 0, 1), "z": (0, 1, 2)}[up]
    places: np.ndarray = cell[:, list(order)].astype(np.float64)
    return places


def chosen(points: np.ndarray, count: int) -> np.ndarray:
    """Rows of ``count`` points at most, drawn by a hash of each point: the same points whatever their order, in the order of their hash."""
    bits = np.ascontiguousarray(points, dtype=np.float32).view(np.uint32).astype(np.uint64)  # [P, C]
    mixed = np.zeros(len(bits), dtype=np.uint64)
    for column in bits.T:  # the finaliser of splitmix64 after each column; numbers run over, as they should
        mixed = mixed * np.uint64(31) + column + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    rows = np.argpartition(mixed, count)[:count] if len(mixed) > count else np.arange(len(mixed))
    ordered: np.ndarray = rows[np.argsort(mixed[rows], kind="stable")]
    return ordered


def farthest(places: np.ndarray, count: int) -> np.ndarray:
    """Rows of ``count`` points, each the farthest from those before it; the first is the farthest from the middle."""
    rows = np.empty(min(count, len(places)), dtype=np.int64)
    gap = np.full(len(places), np.inf)
    row = int(((places - places.mean(axis=0)) ** 2).sum(axis=1).argmax())
    for place in range(len(rows)):
        rows[place] = row
        gap = np.minimum(gap, ((places - places[row]) ** 2).sum(axis=1))
        row = int(gap.argmax())
    return rows
