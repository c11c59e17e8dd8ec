"""Damage that a single table cell does not know of: what is much noise, or another level, hangs on the column. Source: Jäger et al. (2021).

Each function gives the column under one severity. With the same generator the cells that a severity hits are hit by the next one too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from consilience.data.kinds import Cells

__all__ = ["COLUMN_DAMAGE", "ColumnDamage"]

ColumnDamage = Callable[[Cells, int, np.random.Generator], Cells]

SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5)
"""Of the cells, by severity."""

MIX_UPS = (10.0, 0.1, 1000.0, 0.001, 2.54, 0.4536, 60.0)
"""Factors of slips: a decimal place, thousands, inches, pounds, minutes."""


def noise(cells: Cells, severity: int, generator: np.random.Generator) -> Cells:
    """Numbers: noise of 10 % of the column's spread at severity 1, 150 % at 5."""
    draws = generator.standard_normal(len(cells))
    return with_values(cells, cells.values + draws * spread(cells) * (0.0, 0.1, 0.25, 0.5, 1.0, 1.5)[severity])


def scale_errors(cells: Cells, severity: int, generator: np.random.Generator) -> Cells:
    """Numbers: 5 % of the cells in a wrong unit or with a slipped decimal place at severity 1, half of them at 5."""
    hit = generator.random(len(cells)) < SHARES[severity]
    factors = generator.choice(MIX_UPS, len(cells))
    return with_values(cells, np.where(hit, cells.values * factors, cells.values))


def shifted_dates(cells: Cells, severity: int, generator: np.random.Generator) -> Cells:
    """Dates: all later by 10 % of the column's spread at severity 1, three times the spread at 5, as if a model had grown old."""
    return with_values(cells, cells.values + spread(cells) * (0.0, 0.1, 0.3, 0.7, 1.5, 3.0)[severity])


def swapped_levels(cells: Cells, severity: int, generator: np.random.Generator) -> Cells:
    """Categories, and one item of each set: 5 % become another level of the column at severity 1, half of them at 5."""
    hit = np.flatnonzero((generator.random(len(cells)) < SHARES[severity]) & cells.present)
    draws, places = generator.random(len(cells)), generator.random(len(cells))
    levels = sorted({item for value in cells.values[cells.present] for item in ([value] if isinstance(value, str) else value)})
    values = cells.values.copy()
    for row in hit.tolist():
        values[row] = other_level(values[row], levels, float(draws[row]), float(places[row]))
    return with_values(cells, values)


def missing_cells(cells: Cells, severity: int, generator: np.random.Generator) -> Cells:
    """Any kind: a tenth of the cells is gone at severity 1, eight tenths at 5, in each column by itself."""
    gone = generator.random(len(cells)) < (0.0, 0.1, 0.2, 0.4, 0.6, 0.8)[severity]
    return Cells(cells.name, cells.kind, cells.values, cells.present & ~gone)


def swapped_rows(cells: Cells, severity: int, generator: np.random.Generator) -> Cells:
    """Any kind: 5 % of the cells trade places with others at severity 1, all of them at 5, as if a column had slipped."""
    share = (0.0, 0.05, 0.15, 0.35, 0.65, 1.0)[severity]
    order = np.arange(len(cells))
    ring = generator.permutation(len(cells))[: round(share * len(cells))]
    order[ring] = np.roll(ring, 1)  # each gets the cell of the one before, so that none keeps its own
    return cells.take(order)


def other_level(value: object, levels: list[str], draw: float, place: float) -> object:
    """One of the levels that the cell does not hold; the cell as it is where there is none."""
    if isinstance(value, str):
        others = [level for level in levels if level != value]
        return others[int(draw * len(others))] if others else value
    items = list(value) if isinstance(value, list) else []
    others = [level for level in levels if level not in items]
    if items and others:
        items[int(place * len(items))] = others[int(draw * len(others))]
    return items


def spread(cells: Cells) -> float:
    """The standard deviation that the middle half of the present cells speaks for; of all, where these are equal."""
    values = np.asarray(cells.values[cells.present], dtype=np.float64)
    if not len(values):
        return 0.0
    low, high = np.quantile(values, [0.25, 0.75])
    return float((high - low) / 1.349 or values.std())


def with_values(cells: Cells, values: np.ndarray) -> Cells:
    return Cells(cells.name, cells.kind, values, cells.present)


COLUMN_DAMAGE: Mapping[str, tuple[frozenset[str], ColumnDamage]] = {
    "noise": (frozenset({"number"}), noise),
    "scale_errors": (frozenset({"number"}), scale_errors),
    "shifted_dates": (frozenset({"date"}), shifted_dates),
    "swapped_levels": (frozenset({"category", "set"}), swapped_levels),
    "missing_cells": (frozenset({"number", "category", "date", "set"}), missing_cells),
    "swapped_rows": (frozenset({"number", "category", "date", "set"}), swapped_rows),
}
"""Family to the kinds of columns that it changes, and the change."""
