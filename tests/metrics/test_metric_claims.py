"""What every metric claims of itself: name, bounds, direction; and what all of them share."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.core.errors import UsageError
from consilience.metrics import CLASSIFICATION, MULTILABEL, REGRESSION, REGRESSION_LOG, Interval, Metric

steady = settings(max_examples=8, deadline=None)

FAMILIES = {"classification": CLASSIFICATION, "regression": REGRESSION_LOG, "multilabel": MULTILABEL}
ALL = [pytest.param(family, metric, id=f"{family}-{name}") for family, metrics in FAMILIES.items() for name, metric in metrics.items()]


def data(family: str, seed: int, num_rows: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target, a fair output, a poor output."""
    random = np.random.default_rng(seed)
    if family == "classification":
        target = random.integers(0, 4, num_rows)
        noise = random.dirichlet(np.ones(4), num_rows)
        good = 0.7 * np.eye(4)[target] + 0.3 * noise
        return target, good, 0.7 * np.eye(4)[(target + 1) % 4] + 0.3 * noise
    if family == "multilabel":
        labels = random.random((num_rows, 3)) < 0.4
        noise = random.random((num_rows, 3))
        return labels, 0.7 * labels + 0.3 * noise, 0.7 * ~labels + 0.3 * noise
    numbers = random.lognormal(size=num_rows)
    return numbers, numbers * random.uniform(0.9, 1.1, num_rows), numbers * random.uniform(0.2, 5.0, num_rows)


def test_names_and_order() -> None:
    named = ["accuracy", "balanced_accuracy", "macro_f1", "precision", "recall", "log_loss", "auc", "ece", "brier"]
    assert list(CLASSIFICATION) == named
    assert list(REGRESSION) == ["rmse", "mae", "r2", "median_ae"]
    assert list(REGRESSION_LOG) == [*REGRESSION, "mae_log", "r2_log"]
    assert list(MULTILABEL) == ["micro_f1", "macro_f1", "map", "hamming", "log_loss"]
    assert all(metric.name == name and metric.summary.endswith(".") for metrics in FAMILIES.values() for name, metric in metrics.items())


@pytest.mark.parametrize(("family", "metric"), ALL)
@steady
@given(seed=st.integers(0, 2**31))
def test_values_lie_within_the_bounds_and_good_is_better_than_poor(family: str, metric: Metric, seed: int) -> None:
    target, good, poor = data(family, seed)
    values = [metric.compute(target, output) for output in (good, poor)]
    assert all(metric.low <= value <= metric.high for value in values)
    assert metric.sign * values[0] > metric.sign * values[1]


@pytest.mark.parametrize(("family", "metric"), ALL)
def test_a_perfect_output_reaches_the_better_bound(family: str, metric: Metric) -> None:
    target, _, _ = data(family, 1)
    perfect = {"classification": np.eye(4)[target] if family == "classification" else None, "multilabel": target * 1.0, "regression": target}[family]
    assert metric.compute(target, np.asarray(perfect)) == pytest.approx(metric.high if metric.greater_is_better else metric.low, abs=1e-9)


@pytest.mark.parametrize(("family", "metric"), ALL)
@steady
@given(seed=st.integers(0, 2**31))
def test_the_order_of_rows_does_not_matter(family: str, metric: Metric, seed: int) -> None:
    target, _, output = data(family, seed)
    order = np.random.default_rng(seed + 1).permutation(len(target))
    assert metric.compute(target[order], output[order]) == pytest.approx(metric.compute(target, output), rel=1e-9)


@pytest.mark.parametrize(("family", "metric"), ALL)
def test_weights_of_one_change_nothing(family: str, metric: Metric) -> None:
    target, _, output = data(family, 3)
    plain = metric.compute(target, output)
    assert metric.compute(target, output, np.ones(len(target))) == plain  # type: ignore[call-arg]
    assert metric.compute(target, output, np.full(len(target), 7.0)) == pytest.approx(plain)  # type: ignore[call-arg]
    assert metric.prepare is not None
    assert metric.prepare(target, output)(np.ones((2, len(target)))).tolist() == [plain, plain]


@pytest.mark.parametrize(("family", "metric"), ALL)
def test_inputs_stay_as_they_were(family: str, metric: Metric) -> None:
    target, _, output = data(family, 4)
    before = target.copy(), output.copy()
    target.flags.writeable = output.flags.writeable = False
    metric.compute(target, output)
    assert np.array_equal(target, before[0])
    assert np.array_equal(output, before[1])


@pytest.mark.parametrize(("family", "metric"), ALL)
def test_float32_is_as_good(family: str, metric: Metric) -> None:
    target, _, output = data(family, 5)
    assert metric.compute(target, output.astype(np.float32)) == pytest.approx(metric.compute(target, output), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("family", "metric"), ALL)
def test_no_rows_and_no_weight_give_nan(family: str, metric: Metric) -> None:
    target, _, output = data(family, 6)
    assert math.isnan(metric.compute(target[:0], output[:0]))
    assert math.isnan(metric.compute(target, output, np.zeros(len(target))))  # type: ignore[call-arg]


@pytest.mark.parametrize(("family", "metric"), ALL)
def test_inputs_that_do_not_fit_are_refused(family: str, metric: Metric) -> None:
    target, _, output = data(family, 7)
    with pytest.raises(UsageError, match="shape"):
        metric.compute(target[:-1], output)
    broken = output.copy()
    broken[5] = np.nan
    with pytest.raises(UsageError, match="row 5"):
        metric.compute(target, broken)
    with pytest.raises(UsageError, match="weight"):
        metric.compute(target, output, np.full(len(target), -1.0))  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="weight"):
        metric.compute(target, output, np.ones(3))  # type: ignore[call-arg]


@pytest.mark.parametrize("metric", CLASSIFICATION.values(), ids=lambda metric: metric.name)
def test_classes_and_probabilities_that_cannot_be_are_refused(metric: Metric) -> None:
    target, output, _ = data("classification", 8)
    with pytest.raises(UsageError, match="Row 2 has class number 4"):
        metric.compute(np.r_[0, 0, 4, np.zeros(37, dtype=int)], output)
    with pytest.raises(UsageError, match="not class numbers"):
        metric.compute(target.astype(float), output)
    with pytest.raises(UsageError, match="logits"):
        metric.compute(target, output * 10)
    with pytest.raises(UsageError, match="one column per class"):
        metric.compute(target, output[:, 0])


def test_labels_that_are_neither_true_nor_false_are_refused() -> None:
    with pytest.raises(UsageError, match="true and false"):
        MULTILABEL["map"].compute(np.array([[2]]), np.array([[0.5]]))
    assert MULTILABEL["map"].compute(np.array([[1]]), np.array([[0.5]])) == 1.0


def test_two_classes_may_be_given_as_bool() -> None:
    output = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert CLASSIFICATION["accuracy"].compute(np.array([False, True]), output) == 1.0


def test_json_never_holds_nan() -> None:
    text = json.dumps([Interval(math.nan, math.nan, math.nan).as_dict(), Interval(-math.inf, 0.0, 1.0).as_dict()], allow_nan=False)
    assert json.loads(text) == [{"value": None, "low": None, "high": None}, {"value": None, "low": 0.0, "high": 1.0}]
    assert type(Interval(np.float64(1), 0, 2).as_dict()["value"]) is float
