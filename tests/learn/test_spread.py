"""Intervals that follow the row: wider where errors are larger, and only where that pays."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.core.state import State
from consilience.learn.calibration import Calibration
from consilience.learn.spread import Spread
from consilience.testing import fake_task


def uneven(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Scores, true values, and presence; errors are four times as large where the picture is absent."""
    random = np.random.default_rng(seed)
    there = random.random(rows) < 0.5
    scores = random.normal(size=rows)
    return scores, scores + random.normal(size=rows) * np.where(there, 0.25, 1.0), {"image": there, "table": np.ones(rows, bool)}


def test_rows_without_the_picture_get_wider_intervals_and_both_are_covered() -> None:
    task = fake_task("regression")
    scores, target, present = uneven(600)
    found = Calibration.fit(scores[:, None], target, task, present)
    assert found.spread is not None
    scores, target, present = uneven(8000, seed=1)
    margins = found.margins(scores[:, None], present)
    inside, there = np.abs(target - scores) <= margins, present["image"]
    assert 2.5 < np.median(margins[~there]) / np.median(margins[there]) < 6
    assert 0.85 < inside[there].mean() < 0.95
    assert 0.85 < inside[~there].mean() < 0.95


def test_even_errors_keep_one_width() -> None:
    kept = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        kept += Spread.fit(random.normal(size=300), np.abs(random.normal(size=300)), {"a": random.random(300) < 0.5}) is not None
    assert kept <= 3


def test_state_is_the_whole() -> None:
    task = fake_task("regression")
    scores, target, present = uneven(300)
    found = Calibration.fit(scores[:, None], target, task, present)
    again = Calibration.restore(State(found.state().config), task)
    np.testing.assert_array_equal(again.margins(scores[:, None], present), found.margins(scores[:, None], present))


def test_a_modality_that_the_table_lacks_is_absent_in_every_row() -> None:
    task = fake_task("regression")
    scores, target, present = uneven(600)
    found = Calibration.fit(scores[:, None], target, task, present)
    without = found.margins(scores[:, None], {"table": present["table"]})
    np.testing.assert_array_equal(without, found.margins(scores[:, None], {**present, "image": np.zeros(600, bool)}))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 90), st.integers(0, 1000), st.sampled_from([0.0, 1e-9, 1.0, 1e9]))
def test_any_residuals_give_finite_margins_or_none(rows: int, seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    scores, present = random.normal(size=rows) * scale, {"a": random.random(rows) < 0.3}
    found = Calibration.fit(scores[:, None], scores + random.normal(size=rows) * scale, fake_task("regression"), present)
    margins = found.margins(scores[:, None], present)
    assert margins.shape == (rows,)
    assert np.isfinite(margins).all()
    assert (margins >= 0).all()
