"""What a fitted encoder has to keep: it learns from training rows, then each row gives one vector of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse

from consilience.data.kinds import Cells
from consilience.encoders import Encoder, FittedEncoder
from consilience.testing._same import close, dense, same, same_cells, same_state, snapshot, through_disk

__all__ = ["Columns", "absent", "fitted_checks", "refill", "take"]

Columns = Mapping[str, Cells]
Make = Callable[[], Encoder]


def fitted_checks(make: Make, columns: Columns) -> dict[str, Callable[[], None]]:
    """Name to check."""
    checks = (check_vectors, check_rows_alone, check_absence, check_seed, check_state, check_nothing, check_learned)
    return {check.__name__.removeprefix("check_"): partial(check, make, columns) for check in checks}


def take(columns: Columns, rows: Any) -> dict[str, Cells]:
    """The same columns with these rows."""
    return {name: cells.take(np.asarray(rows, dtype=np.int64)) for name, cells in columns.items()}


def absent(columns: Columns) -> dict[str, Cells]:
    """The same columns with nothing in them."""
    return {name: cells.absent() for name, cells in columns.items()}


def refill(columns: Columns) -> dict[str, Cells]:
    """The same columns with other content in the cells that are absent: what stands in cells that are present."""
    made = {}
    for name, cells in columns.items():
        values = cells.values.copy()
        given = cells.values[cells.present]
        for place, row in enumerate(np.flatnonzero(~cells.present).tolist()):
            values[row] = given[place % len(given)]
        made[name] = Cells(cells.name, cells.kind, values, cells.present)
    return made


def check_vectors(make: Make, columns: Columns) -> None:
    """``[N, D]`` float32, sparse if and only if the class says so, finite; zeros for a row without any cell; the cells are left as they are."""
    encoder, before, rows = fit(make, columns), snapshot(columns), count(columns)
    values = encoder.encode(columns)
    assert issparse(values) == encoder.sparse, f"The class says sparse = {encoder.sparse}, encode gives {type(values).__name__}."
    assert values.shape[0] == rows and len(values.shape) == 2, f"{rows} rows give the shape {values.shape}."  # noqa: PT018 - one promise
    assert values.dtype == np.float32, f"The vectors are {values.dtype}, promised is float32."
    assert np.isfinite(dense(values)).all(), "A vector is not finite."
    there = np.any([cells.present for cells in columns.values()], axis=0)
    assert not there.all(), "Every row has a cell; give columns in which a row has none."
    assert not dense(values)[~there].any(), "A row without any cell is not all zeros."
    assert len(np.unique(dense(values)[there], axis=0)) > 1, "All rows give the same vector."
    assert same(values, encoder.encode(columns)), "Encoding twice gives two things."
    assert all(same_cells(columns[name], before[name]) for name in columns), "The cells were changed in place."


def check_rows_alone(make: Make, columns: Columns) -> None:
    """A row gives in any company what it gives alone: other rows, another order, or a disturbed neighbour make no difference."""
    encoder, rows = fit(make, columns), count(columns)
    values = dense(encoder.encode(columns))
    order = np.random.default_rng(0).permutation(rows)
    assert close(dense(encoder.encode(take(columns, order))), values[order], 1e-5), "Another order of the rows gives other vectors."
    for row in (0, rows // 2, rows - 1):
        assert close(dense(encoder.encode(take(columns, [row])))[0], values[row], 1e-5), f"Row {row} differs from the same row alone."
    disturbed = np.arange(rows)
    disturbed[1] = rows - 1
    others = disturbed == np.arange(rows)
    assert close(dense(encoder.encode(take(columns, disturbed)))[others], values[others], 1e-5), "Disturbing one row changes others."
    assert dense(encoder.encode(take(columns, []))).shape == (0, values.shape[1]), "No rows do not give no vectors."


def check_absence(make: Make, columns: Columns) -> None:
    """What stands in absent cells has no influence, neither on what is learned nor on what is given."""
    plain, other = fit(make, columns), fit(make, refill(columns))
    assert same_state(plain.state(), other.state()), "The content of absent cells changes what is learned."
    assert same(plain.encode(columns), plain.encode(refill(columns))), "The content of absent cells changes the vectors."


def check_seed(make: Make, columns: Columns) -> None:
    """The same rows and seed give the same to the bit; fitting again forgets what was learned before."""
    first = fit(make, columns)
    assert same_state(first.state(), fit(make, columns).state()), "Two fits with one seed learn two things."
    again = fit(make, take(columns, np.arange(count(columns) // 2)))
    again.fit(columns, 3)
    assert same_state(first.state(), again.state()), "A second fit does not forget the first one."


def check_state(make: Make, columns: Columns) -> None:
    """What was learned survives a model folder to the bit."""
    encoder, fresh = fit(make, columns), fitted(make)
    fresh.restore(through_disk(encoder.state()))
    assert same(encoder.encode(columns), fresh.encode(columns)), "The restored encoder gives other vectors."
    assert same_state(through_disk(encoder.state()), through_disk(fresh.state())), "The restored encoder has another state."
    assert encoder.fingerprint() == fresh.fingerprint(), "The restored encoder has another fingerprint."


def check_nothing(make: Make, columns: Columns) -> None:
    """Training rows without any cell are learned from without an error, and so are cells never seen encoded; nothing present gives zeros."""
    encoder = fit(make, absent(columns))
    values = dense(encoder.encode(columns))
    assert np.isfinite(values).all(), "After training rows without any cell a vector is not finite."
    fresh = fitted(make)
    fresh.restore(through_disk(encoder.state()))
    assert same(values, dense(fresh.encode(columns))), "What was learned of rows without any cell does not survive a model folder."
    assert not dense(fit(make, columns).encode(absent(columns))).any(), "Rows without any cell are not all zeros."


def check_learned(make: Make, columns: Columns) -> None:
    """What was learned is part of the fingerprint."""
    half = count(columns) // 2
    first, second = fit(make, take(columns, np.arange(half))), fit(make, take(columns, np.arange(half, count(columns))))
    assert not same_state(first.state(), second.state()), "Two halves of the rows teach the same; give columns with different cells."
    assert first.fingerprint() != second.fingerprint(), "Two encoders that learned different things have one fingerprint."


def fit(make: Make, columns: Columns) -> FittedEncoder:
    encoder = fitted(make)
    encoder.fit(columns, 3)
    return encoder


def fitted(make: Make) -> FittedEncoder:
    encoder = make()
    assert isinstance(encoder, FittedEncoder)
    return encoder


def count(columns: Columns) -> int:
    return len(next(iter(columns.values())))
