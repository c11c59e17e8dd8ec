"""Does a table look like the rows that were learned from, column by column? Source: Rabanser et al. (2019), univariate tests with a correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2_contingency

from consilience.data.schema import Dataset, Schema
from consilience.pipeline.portrait import count_like, measured

__all__ = ["Drift", "find_drift"]

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
