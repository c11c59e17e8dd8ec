"""Small tables for the tests of this folder."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.data.kinds import KINDS, Cells


def make_column(name: str, kind: str, values: list) -> Cells:
    if kind in ("number", "date"):
        array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        return Cells(name, KINDS.get(kind)(), array, ~np.isnan(array))
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return Cells(name, KINDS.get(kind)(), array, np.array([value is not None for value in values]))


def make_mixed(rows: int = 60, gaps: float = 0.2, seed: int = 0) -> dict[str, Cells]:
    """All four kinds; row 0 is empty where there are gaps."""
    draw = np.random.default_rng(seed)
    table = {
        "price": ("number", np.exp(draw.normal(0, 2, rows)).tolist()),
        "height": ("number", draw.normal(170, 10, rows).tolist()),
        "colour": ("category", draw.choice(["red", "blue", "绿", "green"], rows).tolist()),
        "shape": ("category", draw.choice(["round", "flat"], rows).tolist()),
        "sold": ("date", draw.uniform(1.0e9, 1.7e9, rows).tolist()),
        "tags": ("set", [draw.choice(["a", "b", "c"], draw.integers(0, 4), replace=False).tolist() for _ in range(rows)]),
    }
    found = {}
    for name, (kind, values) in table.items():
        there = draw.random(rows) >= gaps
        if gaps:
            there[0] = False
        found[name] = make_column(name, kind, [value if keep else None for value, keep in zip(values, there, strict=True)])
    return found


def make_rubbish(cells: Cells, there: np.ndarray) -> Cells:
    """The same cells with other content wherever ``there`` is False."""
    values = cells.values.copy()
    kind = type(cells.kind).__module__.rsplit(".", 1)[-1]
    for row in np.flatnonzero(~there):
        values[row] = {"number": np.inf, "date": -1e300, "category": "red", "set": ["a", "zzz"]}[kind]
    return Cells(cells.name, cells.kind, values, there)


@pytest.fixture
def column():
    return make_column


@pytest.fixture
def mixed():
    return make_mixed


@pytest.fixture
def rubbish():
    return make_rubbish
