"""Damage of table columns: nothing at 0, nested hits, in units of the column."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.data.kinds import KINDS, Cells
from consilience.judge.robustness._columns import COLUMN_DAMAGE, spread

ROWS = 200


def column(kind: str, seed: int = 0) -> Cells:
    dice = np.random.default_rng(seed)
    present = dice.random(ROWS) < 0.9
    values: np.ndarray
    if kind in ("number", "date"):
        values = np.where(present, dice.normal(50, 8, ROWS), np.nan) * (1 if kind == "number" else 1e7)
    else:
        values = np.empty(ROWS, dtype=object)
        names = ["red", "green", "blue", "grey"]
        for row in np.flatnonzero(present).tolist():
            values[row] = str(dice.choice(names)) if kind == "category" else sorted(set(dice.choice(names, 2).tolist()))
    return Cells("x", KINDS.get(kind)(), values, present)


PAIRS = [(family, kind) for family, (kinds, _) in COLUMN_DAMAGE.items() for kind in sorted(kinds)]


def same(one: Cells, two: Cells) -> np.ndarray:
    """Which rows hold the same."""
    both = one.present & two.present
    equal = np.array([both[row] and one.values[row] == two.values[row] for row in range(len(one))])
    return np.asarray(equal | (~one.present & ~two.present))


@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_more_is_changed_from_severity_to_severity(family: str, kind: str) -> None:
    change, off = COLUMN_DAMAGE[family][1], []
    for severity in range(6):
        far = []
        for seed in range(6):
            cells = column(kind, seed)
            made = change(cells, severity, np.random.default_rng(seed))
            again = change(cells, severity, np.random.default_rng(seed))
            assert same(made, again).all()
            far.append(
                float(np.nansum(np.abs(made.values - cells.values))) if family in ("noise", "shifted_dates") else float((~same(cells, made)).sum())
            )
        off.append(np.mean(far))
    assert off[0] == 0
    assert np.all(np.diff(off) > 0), off


@pytest.mark.parametrize(
    ("family", "kind"), [pair for pair in PAIRS if pair[0] in ("scale_errors", "swapped_levels", "missing_cells", "swapped_rows")]
)
def test_what_was_hit_stays_hit(family: str, kind: str) -> None:
    cells, change = column(kind), COLUMN_DAMAGE[family][1]
    if family == "swapped_rows":  # whether two cells that trade places hold the same is chance
        cells = Cells("x", KINDS.get("number")(), np.arange(ROWS, dtype=float), np.ones(ROWS, dtype=bool))
    kept = np.ones(ROWS, dtype=bool)
    for severity in range(1, 6):
        now = same(cells, change(cells, severity, np.random.default_rng(5)))
        assert not (now & ~kept).any()
        kept = now


def test_nothing_is_written_into_the_column() -> None:
    for family, kind in PAIRS:
        cells = column(kind)
        before = [list(value) if isinstance(value, list) else value for value in cells.values], cells.present.copy()
        COLUMN_DAMAGE[family][1](cells, 5, np.random.default_rng(0))
        assert str(before[0]) == str([list(value) if isinstance(value, list) else value for value in cells.values])
        assert np.array_equal(before[1], cells.present)


def test_noise_is_measured_in_the_columns_own_spread() -> None:
    cells = column("number")
    large = Cells("x", cells.kind, cells.values * 1000, cells.present)
    noise = COLUMN_DAMAGE["noise"][1]
    small = noise(cells, 3, np.random.default_rng(0)).values - cells.values
    assert np.nanstd(small) == pytest.approx(0.5 * spread(cells), rel=0.2)
    np.testing.assert_allclose(noise(large, 3, np.random.default_rng(0)).values - large.values, 1000 * small, rtol=1e-6)


def test_swapped_rows_are_the_same_cells_in_another_order() -> None:
    cells = column("number")
    made = COLUMN_DAMAGE["swapped_rows"][1](cells, 5, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(made.values), np.sort(cells.values))


def test_levels_stay_levels_of_the_column() -> None:
    made = COLUMN_DAMAGE["swapped_levels"][1](column("set"), 5, np.random.default_rng(0))
    for value in made.values[made.present]:
        assert len(set(value)) == len(value)
        assert set(value) <= {"red", "green", "blue", "grey"}
    one = Cells("x", KINDS.get("category")(), np.array(["a"] * 9, dtype=object), np.ones(9, dtype=bool))
    assert COLUMN_DAMAGE["swapped_levels"][1](one, 5, np.random.default_rng(0)).values.tolist() == ["a"] * 9
