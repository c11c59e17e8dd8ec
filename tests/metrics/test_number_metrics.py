"""Metrics of a number, against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from consilience.metrics import REGRESSION, REGRESSION_LOG
from consilience.metrics.regression import mae, mae_log, median_ae, r2, r2_log, rmse

steady = settings(max_examples=15, deadline=None)

REFERENCES: dict[str, Any] = {
    "rmse": reference.root_mean_squared_error,
    "mae": reference.mean_absolute_error,
    "r2": reference.r2_score,
    "median_ae": reference.median_absolute_error,
    "mae_log": lambda target, prediction, **words: reference.mean_absolute_error(np.log(target), np.log(prediction), **words),
    "r2_log": lambda target, prediction, **words: reference.r2_score(np.log(target), np.log(prediction), **words),
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positive target and prediction with ties, and weights from 0; at least two different target values have weight."""
    num_rows = draw(st.integers(2, 30))
    numbers = st.lists(st.one_of(st.integers(1, 5).map(float), st.floats(0.01, 1e6)), min_size=num_rows, max_size=num_rows)
    target, prediction = np.array(draw(numbers)), np.array(draw(numbers))
    weights = np.array(draw(st.lists(st.integers(0, 3), min_size=num_rows, max_size=num_rows)))
    logs = np.log(target[weights > 0])
    # scikit-learn rounds where the spread is next to nothing beside the values.
    assume(len(logs) and np.ptp(logs) > 1e-3)
    return target, prediction, weights


@pytest.mark.parametrize("name", sorted(REGRESSION_LOG))
@steady
@given(case=cases())
def test_equals_scikit_learn(name: str, case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, prediction, weights = case
    assert REGRESSION_LOG[name].compute(target, prediction) == pytest.approx(REFERENCES[name](target, prediction), rel=1e-6, abs=1e-9)
    rows = np.repeat(np.arange(len(target)), weights)
    prepare = REGRESSION_LOG[name].prepare
    assert prepare is not None
    found = prepare(target, prediction)(weights[None].astype(float))[0]
    assert found == pytest.approx(REFERENCES[name](target[rows], prediction[rows]), rel=1e-6, abs=1e-9)


@steady
@given(case=cases(), seed=st.integers(0, 2**31))
def test_broken_weights_equal_scikit_learn(case: tuple[np.ndarray, np.ndarray, np.ndarray], seed: int) -> None:
    target, prediction, _ = case
    weights = np.random.default_rng(seed).uniform(0.01, 3, len(target))
    for score in (rmse, mae, r2, mae_log, r2_log, median_ae):
        wanted = REFERENCES[score.__name__](target, prediction, sample_weight=weights)
        assert score(target, prediction, weights) == pytest.approx(wanted, rel=1e-6, abs=1e-9), score.__name__


@pytest.mark.parametrize("value", [0.1, 0.0, 1e9 + 0.1, -3.3])
def test_r2_of_a_constant_target_is_undefined(value: float) -> None:
    # 0.1 has no exact mean, so that the variance of a column of it is not exactly 0.
    assert np.isnan(r2(np.full(11, value), np.linspace(0, 1, 11)))


def test_r2_of_a_constant_resample_is_undefined() -> None:
    prepare = REGRESSION["r2"].prepare
    assert prepare is not None
    resampled = prepare(np.array([0.1, 0.1, 0.7]), np.zeros(3))(np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0], [1.0, 1.0, 1.0]]))
    assert np.isnan(resampled).tolist() == [True, True, False]


@pytest.mark.parametrize("bad", [0.0, -1.0])
@pytest.mark.parametrize("score", [mae_log, r2_log])
def test_logarithms_that_do_not_exist_leave_the_metric_undefined(score: Any, bad: float) -> None:
    good = np.array([1.0, 2.0, 3.0])
    assert np.isfinite(score(good, good))
    assert np.isnan(score(np.array([1.0, 2.0, bad]), good))
    assert np.isnan(score(good, np.array([1.0, 2.0, bad])))


def test_huge_errors_do_not_overflow() -> None:
    target, prediction = np.array([1.0, 2.0, 3.0]), np.array([1e200, 1e200, 1e200])
    assert rmse(target, prediction) == pytest.approx(1e200)
    assert r2(target, prediction) == -np.inf


def test_a_perfect_prediction() -> None:
    numbers = np.array([1.0, 2.5, 9.0])
    perfect = {"rmse": 0.0, "mae": 0.0, "r2": 1.0, "median_ae": 0.0, "mae_log": 0.0, "r2_log": 1.0}
    assert {name: metric.compute(numbers, numbers) for name, metric in REGRESSION_LOG.items()} == perfect
