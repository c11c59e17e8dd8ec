"""Metrics of a set of labels, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from consilience.metrics import MULTILABEL
from consilience.metrics.multilabel import hamming, macro_f1, mean_average_precision, micro_f1

steady = settings(max_examples=20, deadline=None)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (some without a positive), probabilities with ties and on the threshold, weights from 0."""
    num_rows, num_labels = draw(st.integers(1, 25)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    target = random.random((num_rows, num_labels)) < draw(st.sampled_from([0.1, 0.5]))
    target[:, draw(st.integers(0, num_labels)) :] = False
    weights = random.integers(0, 4, num_rows)
    weights[random.integers(num_rows)] += 1
    return target, random.integers(0, 9, (num_rows, num_labels)) / 8, weights


def expected(name: str, target: np.ndarray, output: np.ndarray, weights: np.ndarray | None = None) -> float:
    given = output >= 0.5
    if name == "micro_f1":
        pairs = None if weights is None else np.repeat(weights, target.shape[1])
        return float(reference.f1_score(target.ravel(), given.ravel(), zero_division=0, sample_weight=pairs))
    if name == "macro_f1":
        there = (target | given).any(axis=0)
        scores = [reference.f1_score(target[:, k], given[:, k], sample_weight=weights, zero_division=0) for k in np.flatnonzero(there)]
        return float(np.mean(scores)) if scores else float("nan")
    if name == "map":
        some = np.flatnonzero(target.any(axis=0))
        return (
            float(np.mean([reference.average_precision_score(target[:, k], output[:, k], sample_weight=weights) for k in some]))
            if len(some)
            else np.nan
        )
    if name == "hamming":
        return float(np.average((target != given).mean(axis=1), weights=weights))
    assert name == "log_loss"
    columns = [np.stack([1 - output[:, k], output[:, k]], axis=1) for k in range(output.shape[1])]
    losses = [
        reference.log_loss(target[:, k], np.clip(column, 1e-15, 1 - 1e-15), labels=[False, True], sample_weight=weights)
        for k, column in enumerate(columns)
    ]
    return float(np.mean(losses))


@pytest.mark.parametrize("name", sorted(MULTILABEL))
@steady
@given(case=cases())
def test_equals_scikit_learn(name: str, case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    target, output, weights = case
    near = 1e-6 if name == "log_loss" else 1e-10
    assert MULTILABEL[name].compute(target, output) == pytest.approx(expected(name, target, output), abs=near, nan_ok=True)
    rows = np.repeat(np.arange(len(target)), weights)
    prepare = MULTILABEL[name].prepare
    assert prepare is not None
    found = prepare(target, output)(weights[None].astype(float))[0]
    assert found == pytest.approx(expected(name, target[rows], output[rows]), abs=near, nan_ok=True)


@steady
@given(case=cases(), seed=st.integers(0, 2**31))
def test_broken_weights_equal_scikit_learn(case: tuple[np.ndarray, np.ndarray, np.ndarray], seed: int) -> None:
    target, output, _ = case
    weights = np.random.default_rng(seed).uniform(0.01, 3, len(target))
    for name, score in {"micro_f1": micro_f1, "macro_f1": macro_f1, "map": mean_average_precision, "hamming": hamming}.items():
        assert score(target, output, weights) == pytest.approx(expected(name, target, output, weights), abs=1e-10, nan_ok=True), name


def test_micro_f1_and_hamming_equal_scikit_learn_on_whole_tables() -> None:
    random = np.random.default_rng(0)
    target, output = random.random((50, 4)) < 0.4, random.random((50, 4))
    assert micro_f1(target, output) == pytest.approx(reference.f1_score(target, output >= 0.5, average="micro"))
    assert macro_f1(target, output) == pytest.approx(reference.f1_score(target, output >= 0.5, average="macro"))
    assert hamming(target, output) == pytest.approx(reference.hamming_loss(target, output >= 0.5))
    assert mean_average_precision(target, output) == pytest.approx(reference.average_precision_score(target, output, average="macro"))


def test_a_label_that_nobody_has_counts_nowhere() -> None:
    target, output = np.array([[True, False], [False, False]]), np.array([[0.9, 0.1], [0.2, 0.3]])
    assert macro_f1(target, output) == 1.0
    assert mean_average_precision(target, output) == 1.0


def test_half_is_a_yes() -> None:
    assert micro_f1(np.array([[True]]), np.array([[0.5]])) == 1.0


def test_no_labels_at_all() -> None:
    nothing, output = np.zeros((3, 2), dtype=bool), np.full((3, 2), 0.1)
    assert micro_f1(nothing, output) == 0.0
    assert np.isnan(macro_f1(nothing, output))
    assert np.isnan(mean_average_precision(nothing, output))
    assert hamming(nothing, output) == 0.0
