"""What the columns of the training rows look like, in a few numbers each: another table is compared with it later, when these rows are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from consilience.data.schema import Dataset, Schema

__all__ = ["count_like", "measured", "portray"]

BINS = 10
NAMES = 30
"""Values of a category that are counted by name; the others count together."""

_MEASURES = {"number": "number", "date": "date", "text": "length", "category": "category"}
"""Kind to what is counted of it; of other kinds only how many cells are present."""

_TARGETS = {"binary": "category", "multiclass": "category", "regression": "number"}


def portray(dataset: Dataset, schema: Schema) -> dict[str, dict[str, Any]]:
    """Column to its portrait, as JSON values; the target is among them.

    Keys: ``rows``; ``present``; ``of``: number, date, length (of a text) or category, empty for other kinds; ``counts``: rows in the ranges
    between ``edges``, or with each of ``names`` and, at the end, with any other value.
    """
    made: dict[str, dict[str, Any]] = {}
    for name, (of, values) in measured(dataset, schema).items():
        portrait: dict[str, Any] = {"rows": len(dataset), "present": _present(dataset, name), "of": of}
        if of == "category":
            portrait["names"] = [value for value, _ in Counter(values.tolist()).most_common(NAMES)]
        elif of and len(values):
            portrait["edges"] = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])).tolist()
            portrait["median"] = float(np.median(values))
        if len(values):
            portrait["counts"] = count_like(portrait, values)
        made[name] = portrait
    return made


def measured(dataset: Dataset, schema: Schema) -> dict[str, tuple[str, np.ndarray]]:
    """Column to what is counted of it and the values ``[P]`` of its present cells; columns that the table lacks are left out."""
    made: dict[str, tuple[str, np.ndarray]] = {}
    for column in schema.features():
        cells = dataset.cells.get(column.name)
        if cells is None or column.name in dataset.absent_columns:
            continue
        of = _MEASURES.get(column.kind, "")
        values = cells.values[cells.present] if of else np.empty(0)
        made[column.name] = of, np.array([len(str(text)) for text in values], float) if of == "length" else values
    target = schema.target
    if target is not None and dataset.target is not None and target.task in _TARGETS:
        made[target.name] = _TARGETS[target.task], dataset.target
    return made


def count_like(portrait: Mapping[str, Any], values: np.ndarray) -> list[int]:
    """Values counted by the ranges or names of a portrait."""
    if portrait["of"] == "category":
        counts = Counter(values.tolist())
        named = [counts[name] for name in portrait["names"]]
        return [*named, len(values) - sum(named)]
    edges = portrait["edges"]
    counted: list[int] = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1).tolist()
    return counted


def _present(dataset: Dataset, name: str) -> int:
    return int(dataset.cells[name].present.sum()) if name in dataset.cells else len(dataset)
