"""Metrics of one class out of K, against scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from consilience.metrics import CLASSIFICATION
from consilience.metrics.classification import accuracy, auc, balanced_accuracy, brier, ece, log_loss, macro_f1, precision, recall

steady = settings(max_examples=20, deadline=None)

MACRO = {"precision": reference.precision_score, "recall": reference.recall_score, "macro_f1": reference.f1_score}


@st.composite
def cases(draw: st.DrawFn, least_classes: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target, probabilities with many ties, whole-number weights from 0; classes may be missing from target, prediction or both."""
    num_rows, num_classes = draw(st.integers(1, 30)), draw(st.integers(least_classes, 6))
    used = draw(st.integers(1, num_classes))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    raw = random.integers(0, 5, (num_rows, num_classes)).astype(float)
    raw[raw.sum(axis=1) == 0] = 1
    weights = random.integers(0, 4, num_rows)
    weights[random.integers(num_rows)] += 1
    return random.integers(0, used, num_rows), raw / raw.sum(axis=1, keepdims=True), weights


def quietly(score: Any, *args: Any, **words: Any) -> float:
    """scikit-learn warns of classes without rows, which are wanted here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(score(*args, **words))


def expected(name: str, target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    given, num_classes = probabilities.argmax(axis=1), probabilities.shape[1]
    if name in MACRO:
        return quietly(MACRO[name], target, given, average="macro", zero_division=0, sample_weight=weights)
    if name == "accuracy":
        return quietly(reference.accuracy_score, target, given, sample_weight=weights)
    if name == "balanced_accuracy":
        return quietly(reference.balanced_accuracy_score, target, given, sample_weight=weights)
    if name == "log_loss":
        raised = probabilities.clip(1e-15)
        return quietly(reference.log_loss, target, raised / raised.sum(axis=1, keepdims=True), labels=np.arange(num_classes), sample_weight=weights)
    if name == "brier":
        every = np.arange(num_classes)
        return quietly(reference.brier_score_loss, target, probabilities, labels=every, scale_by_half=False, sample_weight=weights)
    assert name == "auc"
    columns = [1] if num_classes == 2 else range(num_classes)
    areas = [
        quietly(reference.roc_auc_score, target == column, probabilities[:, column], sample_weight=weights)
        for column in columns
        if 0 < (target == column).sum() < len(target)
    ]
    return float(np.mean(areas)) if areas else float("nan")


@pytest.mark.parametrize("name", sorted(set(CLASSIFICATION) - {"ece"}))
@steady
@given(case=cases())
def test_equals_scikit_learn(name: str, case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, probabilities, _ = case
    found = CLASSIFICATION[name].compute(target, probabilities)
    assert found == pytest.approx(expected(name, target, probabilities), abs=1e-6 if name == "log_loss" else 1e-10, nan_ok=True)


@pytest.mark.parametrize("name", sorted(set(CLASSIFICATION) - {"ece"}))
@steady
@given(case=cases())
def test_whole_number_weights_repeat_rows(name: str, case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, probabilities, weights = case
    rows = np.repeat(np.arange(len(target)), weights)
    prepare = CLASSIFICATION[name].prepare
    assert prepare is not None
    found = prepare(target, probabilities)(weights[None].astype(float))[0]
    assert found == pytest.approx(expected(name, target[rows], probabilities[rows]), abs=1e-6 if name == "log_loss" else 1e-10, nan_ok=True)


@steady
@given(case=cases(), seed=st.integers(0, 2**31))
def test_broken_weights_equal_scikit_learn(case: tuple[np.ndarray, np.ndarray, np.ndarray], seed: int) -> None:
    target, probabilities, _ = case
    weights = np.random.default_rng(seed).uniform(0.01, 3, len(target))
    for score in (accuracy, balanced_accuracy, macro_f1, precision, recall, log_loss, auc, brier):
        wanted = expected(score.__name__, target, probabilities, weights)
        assert score(target, probabilities, weights) == pytest.approx(wanted, abs=1e-6 if score is log_loss else 1e-10, nan_ok=True), score.__name__


@steady
@given(case=cases())
def test_ece_equals_a_loop_over_bins(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, probabilities, weights = case
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == target
    total = 0.0
    for low, high in zip(np.linspace(0, 1, 16)[:-1], np.linspace(0, 1, 16)[1:], strict=True):
        inside = (confidence > low) & (confidence <= high) & (weights > 0)
        if inside.any():
            share = weights[inside].sum() / weights.sum()
            total += share * abs(np.average(confidence[inside], weights=weights[inside]) - np.average(right[inside], weights=weights[inside]))
    assert ece(target, probabilities, weights) == pytest.approx(total, abs=1e-12)


@example(confidence=1.0, right=True)
@steady
@given(confidence=st.floats(0.5, 1), right=st.booleans())
def test_ece_of_one_row_is_its_gap(confidence: float, right: bool) -> None:
    probabilities = np.array([[1 - confidence, confidence]])
    predicted = int(probabilities.argmax())
    assert ece(np.array([predicted if right else 1 - predicted]), probabilities) == pytest.approx(abs(confidence - right))


def test_log_loss_of_a_sure_mistake_is_large_and_finite() -> None:
    assert log_loss(np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(-np.log(1e-15), rel=1e-6)
    assert log_loss(np.array([0]), np.array([[1.0, 0.0]])) == pytest.approx(0.0, abs=1e-12)


def test_log_loss_scales_rows_to_one() -> None:
    assert log_loss(np.array([0]), np.array([[0.2, 0.2]])) == pytest.approx(np.log(2))


def test_auc_of_two_classes_looks_at_class_one_alone() -> None:
    target, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert auc(target, np.stack([np.zeros(4), scores], axis=1)) == reference.roc_auc_score(target, scores)


def test_auc_leaves_out_classes_without_rows() -> None:
    target = np.array([0, 1, 0, 1])
    two = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.5, 0.5]])
    three = np.concatenate([two, np.array([[0.3], [0.1], [0.9], [0.2]])], axis=1)
    assert auc(target, three) == pytest.approx((auc(target, two) + reference.roc_auc_score(1 - target, two[:, 0])) / 2)


def test_auc_of_one_class_is_undefined() -> None:
    assert np.isnan(auc(np.array([1, 1]), np.array([[0.5, 0.5], [0.1, 0.9]])))


def test_a_class_that_is_only_predicted_counts_in_macro_averages_but_not_in_balanced_accuracy() -> None:
    target, probabilities = np.array([0, 0]), np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]])
    assert balanced_accuracy(target, probabilities) == 0.5
    assert recall(target, probabilities) == 0.25


def test_one_column_is_a_sure_thing() -> None:
    values = {name: metric.compute(np.zeros(3, dtype=int), np.ones((3, 1))) for name, metric in CLASSIFICATION.items()}
    assert np.isnan(values.pop("auc"))
    assert values == {name: 1.0 if CLASSIFICATION[name].greater_is_better else 0.0 for name in values}
