"""Does a table look like the rows that were learned from, column by column? Source: Rabanser et al. (2019), univariate tests with a correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2_contingency

from consilience.data.schema import Dataset, Schema
from consilience.pipeline.portrait import count_like, measured

__all__ = ["Drift", "Uncompared", "find_drift", "find_uncompared"]

LEVEL = 0.001
"""Chance of one false finding in a table that is like the training rows."""

LEAST = 0.1
"""Share of rows that has to differ: with many rows, differences that do no harm are beyond doubt as well."""


@dataclass(frozen=True)
class Drift:
    """A column that differs.

    Args:
        of: missing, number, date, length or category.
        distance: Share of the rows that would have to change for the two to be alike (total variation distance).
        here, there: In this table and in the training rows: the share that is missing, the median, or the share of ``name``.
        name: The category whose share changed most; None is a value that training did not have by name.
    """

    column: str
    of: str
    distance: float
    here: float
    there: float
    name: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Uncompared:
    """A column of which nobody can say whether it differs.

    Args:
        why: absent (a table lacks it), empty (no cell of it is filled) or unanswered (the target is not known in every row).
        first, second: Whether that is so in the first table (or the training rows), and in the second.
    """

    column: str
    why: str
    first: bool
    second: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def find_uncompared(portraits: Mapping[str, Mapping[str, Any]], dataset: Dataset, schema: Schema) -> list[Uncompared]:
    """The features that ``find_drift`` cannot compare, in the order of the schema; of an empty one it still compares how many cells are missing."""
    found: list[Uncompared] = []
    for column in schema.features():
        name, known = column.name, portraits.get(column.name)
        cells = None if column.name in dataset.absent_columns else dataset.cells.get(column.name)
        if known is None or cells is None:
            found.append(Uncompared(name, "absent", known is None, cells is None))
        elif not known["present"] or not cells.present.any():
            found.append(Uncompared(name, "empty", not known["present"], not cells.present.any()))
    return found


def find_drift(portraits: Mapping[str, Mapping[str, Any]], dataset: Dataset, schema: Schema) -> list[Drift]:
    """The columns that differ beyond chance (chi-square, corrected for the number of looks) and by a tenth of the rows; the farthest first."""
    found: list[Drift] = []
    columns = {name: one for name, one in measured(dataset, schema).items() if name in portraits}
    level = LEVEL / max(1, 2 * len(columns))
    for name, (of, values) in columns.items():
        known = portraits[name]
        present = int(dataset.cells[name].present.sum()) if name in dataset.cells else len(dataset)
        here, there = len(dataset) - present, known["rows"] - known["present"]
        distance = _distance([here, present], [there, known["present"]], level)
        if distance >= LEAST:
            found.append(Drift(name, "missing", distance, here / len(dataset), there / known["rows"]))
        if of != known["of"] or not known.get("counts") or not len(values):
            continue
        ours, theirs = count_like(known, values), known["counts"]
        distance = _distance(ours, theirs, level)
        if distance < LEAST:
            continue
        if of != "category":
            found.append(Drift(name, of, distance, float(np.median(values)), known["median"]))
            continue
        shares = np.array(ours) / sum(ours), np.array(theirs) / sum(theirs)
        most = int(np.argmax(np.abs(shares[0] - shares[1])))
        found.append(Drift(name, of, distance, float(shares[0][most]), float(shares[1][most]), [*known["names"], None][most]))
    return sorted(found, key=lambda one: -one.distance)


def _distance(ours: list[int], theirs: list[int], level: float) -> float:
    """Total variation distance of two rows of counts; 0 where chance explains it."""
    table = np.array([ours, theirs], dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all() or chi2_contingency(table).pvalue >= level:
        return 0.0
    shares = table / table.sum(axis=1, keepdims=True)
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
