"""Bootstrap intervals: they hold the value, cover the truth, pair models, draw whole groups, and repeat under a seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.core.errors import UsageError
from consilience.metrics import (
    CLASSIFICATION,
    MULTILABEL,
    REGRESSION,
    REGRESSION_LOG,
    Interval,
    Metric,
    bootstrap,
    paired_bootstrap,
    paired_difference,
)
from consilience.metrics._resample import affordable, draws


def classified(num_rows: int, num_classes: int, seed: int, right: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    target = random.integers(0, num_classes, num_rows)
    said = np.where(random.random(num_rows) < right, target, (target + 1) % num_classes)
    return target, 0.6 * np.eye(num_classes)[said] + 0.4 * random.dirichlet(np.ones(num_classes), num_rows)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), num_rows=st.integers(1, 40), num_classes=st.integers(1, 5), grouped=st.booleans())
def test_every_interval_holds_its_value(seed: int, num_rows: int, num_classes: int, grouped: bool) -> None:
    target, output = classified(num_rows, num_classes, seed)
    groups = np.random.default_rng(seed).integers(0, 5, num_rows) if grouped else None
    for name, found in bootstrap(CLASSIFICATION, target, output, rounds=20, groups=groups).items():
        metric = CLASSIFICATION[name]
        assert type(found.value) is type(found.low) is type(found.high) is float
        if math.isnan(found.value):
            assert name == "auc"
            assert math.isnan(found.low)
            assert math.isnan(found.high)
        else:
            assert metric.low <= found.low <= found.value <= found.high <= metric.high
            assert found.value == metric.compute(target, output)


def test_the_interval_of_a_count_is_the_percentiles_of_repeated_rows() -> None:
    """The weights say the same as rows that stand there several times."""
    target, output = classified(60, 4, 0)
    (weights,) = draws(60, 50, 7, None)
    repeats = [np.repeat(np.arange(60), times.astype(int)) for times in weights]
    assert all(len(rows) == 60 for rows in repeats)
    found = bootstrap(CLASSIFICATION, target, output, rounds=50, seed=7, level=0.8)
    for name in ("macro_f1", "balanced_accuracy", "auc", "ece"):
        metric = CLASSIFICATION[name]
        values = [metric.compute(target[rows], output[rows]) for rows in repeats]
        low, high = np.quantile(values, [0.1, 0.9], method="weibull")
        value = metric.compute(target, output)
        assert [found[name].low, found[name].high] == pytest.approx([min(low, value), max(high, value)])


def test_a_metric_without_weights_gets_its_rows_repeated() -> None:
    target, output = classified(50, 3, 1)
    fast = CLASSIFICATION["macro_f1"]
    slow = Metric("slow", fast.compute, True, 0.0, 1.0, "The same, without weights.")
    found = bootstrap({"fast": fast, "slow": slow}, target, output, rounds=100)
    assert found["slow"].low == pytest.approx(found["fast"].low)
    assert found["slow"].high == pytest.approx(found["fast"].high)
    both = [paired_bootstrap(metric, target, output, output[:, ::-1], rounds=50) for metric in (fast, slow)]
    assert [both[0].low, both[0].value, both[0].high] == pytest.approx([both[1].low, both[1].value, both[1].high])


def test_the_interval_of_accuracy_covers_the_truth() -> None:
    random = np.random.default_rng(0)
    truth, covered = 0.7, 0
    for seed in range(200):
        right = random.random(150) < truth
        output = np.where(right[:, None], [[0.8, 0.2]], [[0.2, 0.8]])
        found = bootstrap({"accuracy": CLASSIFICATION["accuracy"]}, np.zeros(150, dtype=int), output, rounds=300, seed=seed)["accuracy"]
        covered += found.low <= truth <= found.high
    assert 180 <= covered <= 198


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    errors = np.random.default_rng(0).exponential(size=400)
    found = bootstrap({"mae": REGRESSION["mae"]}, np.zeros(400), errors)["mae"]
    assert found.high - found.low == pytest.approx(2 * 1.96 * errors.std() / 20, rel=0.1)
    assert (found.high + found.low) / 2 == pytest.approx(errors.mean(), rel=0.02)


def test_a_higher_level_is_wider() -> None:
    target, output = classified(100, 3, 2)
    narrow, wide = (bootstrap(CLASSIFICATION, target, output, rounds=200, level=level)["brier"] for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_seed_decides() -> None:
    target, output = classified(80, 3, 3)
    first, again, other = (bootstrap(CLASSIFICATION, target, output, rounds=100, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_a_metric_gets_the_same_interval_alone_and_in_company() -> None:
    target, output = classified(80, 3, 4)
    together = bootstrap(CLASSIFICATION, target, output, rounds=100)
    assert all(bootstrap({name: metric}, target, output, rounds=100)[name] == together[name] for name, metric in CLASSIFICATION.items())


@pytest.mark.parametrize("family", ["classification", "regression", "multilabel"])
def test_one_row_has_no_width_but_for_accuracy_and_no_rows_have_no_value(family: str) -> None:
    metrics, target, output = {
        "classification": (CLASSIFICATION, np.array([1]), np.array([[0.3, 0.7]])),
        "regression": (REGRESSION_LOG, np.array([2.0]), np.array([3.0])),
        "multilabel": (MULTILABEL, np.array([[True, False]]), np.array([[0.7, 0.2]])),
    }[family]
    found = bootstrap(metrics, target, output, rounds=10)
    assert {name for name, interval in found.items() if math.isnan(interval.value)} == {"auc", "r2", "r2_log"} & set(metrics)
    known = {name: interval for name, interval in found.items() if not math.isnan(interval.value)}
    if family == "classification":
        right = known.pop("accuracy")
        assert (round(right.low, 2), right.value, right.high) == (0.21, 1.0, 1.0)
    assert all(interval.low == interval.value == interval.high for interval in known.values())
    empty = bootstrap(metrics, target[:0], output[:0], rounds=10)
    assert list(empty) == list(metrics)
    assert all(math.isnan(interval.value) and math.isnan(interval.low) for interval in empty.values())


def test_resamples_of_one_class_are_left_out() -> None:
    target = np.array([0, 0, 0, 1])
    output = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.4, 0.6]])
    found = bootstrap({"auc": CLASSIFICATION["auc"]}, target, output, rounds=200)["auc"]
    assert found.value == pytest.approx(2 / 3)
    assert 0 <= found.low < 2 / 3 < found.high <= 1


def test_a_bad_logarithm_leaves_the_whole_interval_undefined() -> None:
    found = bootstrap(REGRESSION_LOG, np.array([1.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0]), rounds=50)
    assert all(math.isnan(part) for part in (found["mae_log"].value, found["mae_log"].low, found["mae_log"].high))
    assert found["mae"].value == 1.0


def test_groups_are_drawn_whole() -> None:
    groups = np.array(["a", "b", "a", "c", "b", "a"])
    (weights,) = draws(6, 100, 0, groups)
    assert (weights[:, groups == "a"] == weights[:, :1]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(weights, axis=0)) > 5


def test_groups_widen_the_interval_where_rows_are_copies() -> None:
    target, output = (np.repeat(part, 10, axis=0) for part in classified(40, 3, 5))
    rows = bootstrap(CLASSIFICATION, target, output)["accuracy"]
    whole = bootstrap(CLASSIFICATION, target, output, groups=np.repeat(np.arange(40), 10))["accuracy"]
    assert whole.value == rows.value
    assert (whole.high - whole.low) / (rows.high - rows.low) == pytest.approx(math.sqrt(10), rel=0.15)
    twins = paired_difference(np.repeat([0.0, 1.0], 50), np.repeat([1.0, 0.5], 50), groups=np.repeat([0, 1], 50))
    assert (twins.low, twins.value, twins.high) == (-0.5, 0.25, 1.0)


def test_a_single_group_falls_back_to_rows() -> None:
    target, output = classified(50, 3, 6)
    alone = bootstrap(CLASSIFICATION, target, output, rounds=50, groups=np.zeros(50, dtype=int))
    assert alone == bootstrap(CLASSIFICATION, target, output, rounds=50)


@pytest.mark.parametrize("metric", [CLASSIFICATION["accuracy"], CLASSIFICATION["log_loss"], CLASSIFICATION["auc"]], ids=lambda metric: metric.name)
def test_positive_means_that_a_is_better(metric: Metric) -> None:
    target, good = classified(300, 3, 7, right=0.9)
    _, poor = classified(300, 3, 7, right=0.5)
    found = paired_bootstrap(metric, target, good, poor, rounds=200)
    assert 0 < found.low <= found.value <= found.high
    assert found.value == pytest.approx(abs(metric.compute(target, good) - metric.compute(target, poor)))
    turned = paired_bootstrap(metric, target, poor, good, rounds=200)
    assert [turned.low, turned.value, turned.high] == pytest.approx([-found.high, -found.value, -found.low])


def test_a_model_against_itself_differs_by_nothing() -> None:
    target, output = classified(100, 3, 8)
    for metric in CLASSIFICATION.values():
        assert paired_bootstrap(metric, target, output, output.copy(), rounds=50) == Interval(0.0, 0.0, 0.0)


def test_pairing_makes_the_interval_narrower() -> None:
    random = np.random.default_rng(0)
    hard = random.exponential(size=300)
    target, first, second = np.zeros(300), hard, hard + random.normal(0.05, 0.1, 300)
    paired = paired_bootstrap(REGRESSION["mae"], target, first, second)
    alone = bootstrap({"mae": REGRESSION["mae"]}, target, first)["mae"]
    assert paired.low > 0
    assert paired.high - paired.low < (alone.high - alone.low) / 3


def test_losses_by_row_say_the_same_as_their_metric() -> None:
    random = np.random.default_rng(1)
    target, first, second = random.normal(size=(3, 120))
    by_metric = paired_bootstrap(REGRESSION["mae"], target, first, second, seed=3)
    by_row = paired_difference(np.abs(target - first), np.abs(target - second), seed=3)
    assert [by_row.low, by_row.value, by_row.high] == pytest.approx([by_metric.low, by_metric.value, by_metric.high])
    assert paired_difference(np.zeros(5), np.ones(5)).value == 1.0


@given(seed=st.integers(0, 2**31), num_rows=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_a_paired_interval_holds_its_value(seed: int, num_rows: int) -> None:
    first, second = np.random.default_rng(seed).normal(size=(2, num_rows))
    found = paired_difference(first, second, rounds=5)
    assert found.low <= found.value <= found.high


def test_comparing_nothing_gives_nan() -> None:
    none = np.zeros(0)
    assert math.isnan(paired_difference(none, none).value)
    assert math.isnan(paired_bootstrap(REGRESSION["mae"], none, none, none).low)


def test_large_tables_get_fewer_rounds() -> None:
    assert affordable(1000, (500, 10)) == affordable(1000, (10_000, 13)) == 1000
    assert affordable(1000, (10**7, 100)) == 100
    assert affordable(7, (10**7, 100)) == 7
    assert affordable(1000, (10,), fast=False) == 200
    assert sum(len(weights) for weights in draws(3000, 500, 0, None)) == 500


def test_a_slow_metric_is_called_at_most_200_times_also_beside_a_fast_one() -> None:
    sizes: list[int] = []

    def count(target: np.ndarray, output: np.ndarray) -> float:
        sizes.append(len(target))
        return float(len(sizes))

    numbers = np.zeros(4000)
    bootstrap({"slow": Metric("slow", count, True, 0.0, math.inf, "Counts."), "mae": REGRESSION["mae"]}, numbers, numbers, rounds=900)
    assert sizes == [4000] * 201


def test_requests_that_cannot_be_are_refused() -> None:
    target, output = classified(10, 2, 0)
    with pytest.raises(UsageError, match="rounds"):
        bootstrap(CLASSIFICATION, target, output, rounds=0)
    with pytest.raises(UsageError, match="level"):
        bootstrap(CLASSIFICATION, target, output, level=95)
    with pytest.raises(UsageError, match="group"):
        bootstrap(CLASSIFICATION, target, output, groups=np.zeros(9))
    with pytest.raises(UsageError, match="9 rows"):
        bootstrap(CLASSIFICATION, target[:9], output)
    with pytest.raises(UsageError, match="rows"):
        paired_bootstrap(CLASSIFICATION["auc"], target, output, output[:9])
    with pytest.raises(UsageError, match="finite loss"):
        paired_difference(np.array([1.0, np.nan]), np.ones(2))
    with pytest.raises(UsageError, match="rows"):
        paired_difference(np.ones(3), np.ones(2))
