"""When two things count as the same, and what a state is after a trip through files."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from consilience.core.state import State
from consilience.data.kinds import Cells

__all__ = ["close", "dense", "same", "same_cells", "same_state", "snapshot", "through_disk"]


def through_disk(state: State) -> State:
    """The state as it comes back from a model folder: JSON, safetensors, UTF-8.

    >>> through_disk(State({"k": (1, 2)}, {"a": np.zeros(2)})).config
    {'k': [1, 2]}
    """
    from safetensors.numpy import load, save

    arrays = load(save({name: np.ascontiguousarray(array) for name, array in state.arrays.items()})) if state.arrays else {}
    return State(json.loads(json.dumps(state.config, allow_nan=False)), arrays, {name: text.encode().decode() for name, text in state.texts.items()})


def dense(values: Any) -> np.ndarray:
    """A matrix as a dense array."""
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


def same(first: Any, second: Any) -> bool:
    """Equal type, shape and bits; NaN equals NaN, and a sparse matrix is compared by what it says."""
    if sparse.issparse(first) != sparse.issparse(second):
        return False
    one, two = dense(first), dense(second)
    if one.dtype != two.dtype or one.shape != two.shape:
        return False
    return bool(np.array_equal(one, two, equal_nan=one.dtype.kind in "fc"))


def close(first: Any, second: Any, tolerance: float = 1e-4) -> bool:
    """Equal shape, and equal up to ``tolerance`` of the largest value there is."""
    one, two = dense(first).astype(np.float64), dense(second).astype(np.float64)
    if one.shape != two.shape:
        return False
    largest = max(1.0, float(np.abs(one).max(initial=0.0)))
    return bool(np.allclose(one, two, rtol=tolerance, atol=tolerance * largest))


def same_state(first: State, second: State) -> bool:
    """Equal configuration (as JSON), arrays to the bit, and texts."""
    if json.dumps(first.config, sort_keys=True) != json.dumps(second.config, sort_keys=True) or first.texts != second.texts:
        return False
    return first.arrays.keys() == second.arrays.keys() and all(same(first.arrays[name], second.arrays[name]) for name in first.arrays)


def same_cells(first: Cells, second: Cells) -> bool:
    """Equal values and presence."""
    listed = zip(first.values.tolist(), second.values.tolist(), strict=True)
    return bool(np.array_equal(first.present, second.present)) and all(one == two or (one != one and two != two) for one, two in listed)


def snapshot(columns: Mapping[str, Cells]) -> dict[str, Cells]:
    """A deep copy of cells, to see later whether they were changed."""
    return {name: Cells(cells.name, cells.kind, copy.deepcopy(cells.values), cells.present.copy()) for name, cells in columns.items()}
