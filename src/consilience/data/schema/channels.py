"""Columns that are channels of one thing: the axes of a sensor, which were measured together and so are equally long in every row."""

from __future__ import annotations

import numpy as np

from consilience.core.errors import CellError
from consilience.data.kinds import Cells
from consilience.data.schema.dataset import Dataset

__all__ = ["channel_groups"]

LOOKED_AT = 60
"""Rows whose cells are read."""

ALIKE = 0.95
"""Share of these rows in which both columns are equally long."""


def channel_groups(dataset: Dataset) -> list[tuple[str, ...]]:
    """Groups of two columns or more, in the table's order; a column is in one group at most."""
    by_kind: dict[str, list[Cells]] = {}
    for cells in dataset.cells.values():
        if cells.kind.together and cells.name not in dataset.absent_columns:
            by_kind.setdefault(cells.kind.modality, []).append(cells)
    groups: list[tuple[str, ...]] = []
    for columns in by_kind.values():
        lengths = {cells.name: _lengths(cells) for cells in columns}
        left = [cells.name for cells in columns]
        while left:
            first = left.pop(0)
            same = [name for name in left if _alike(lengths[first], lengths[name])]
            left = [name for name in left if name not in same]
            if same:
                groups.append((first, *same))
    return groups


def _lengths(cells: Cells) -> np.ndarray:
    """``[R]`` how long the cells of some rows are, the same rows for every column; 0 where there is nothing to read."""
    rows = np.unique(np.linspace(0, max(0, len(cells) - 1), num=min(len(cells), LOOKED_AT)).astype(int))
    found = np.zeros(len(rows), dtype=np.int64)
    for place, row in enumerate(rows.tolist()):
        if cells.present[row]:
            try:
                found[place] = len(cells.read(row).values)
            except CellError:
                continue
    return found


def _alike(first: np.ndarray, second: np.ndarray) -> bool:
    both = (first > 0) & (second > 0)
    return bool(both.any()) and float((first[both] == second[both]).mean()) >= ALIKE
