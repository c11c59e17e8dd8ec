"""Metrics of a set of labels. Each takes ``target [N, L]`` bool, ``probabilities [N, L]`` and, where wanted, ``weights [N]`` of the rows.

A label is predicted from a probability of 0.5 on. A row of weight 0 is a row that is not there.
All raise UsageError for shapes that do not fit and probabilities that are none; all are NaN without rows.
"""

from __future__ import annotations

import math

import numpy as np

from consilience.metrics._check import check_labels
from consilience.metrics._types import Metric, Resampled
from consilience.metrics._weighted import average_precision, mean_known, mean_where, once, ratio, row_mean

__all__ = ["MULTILABEL", "THRESHOLD", "hamming", "log_loss", "macro_f1", "mean_average_precision", "micro_f1"]

THRESHOLD = 0.5
LEAST = 1e-15


def micro_f1(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """F1 over all pairs of row and label; 0 where there is neither a label nor a prediction.

    >>> micro_f1(np.array([[True, False], [True, True]]), np.array([[0.9, 0.1], [0.2, 0.7]]))
    0.8
    """
    return once(prepare_micro_f1, target, probabilities, weights)


def macro_f1(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """F1 of each label, averaged over the labels that occur in target or prediction; NaN where none does."""
    return once(prepare_macro_f1, target, probabilities, weights)


def mean_average_precision(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Average precision (area under the steps of precision over recall) of each label, averaged over the labels that some row has.

    NaN where no row has a label.
    """
    return once(prepare_map, target, probabilities, weights)


def hamming(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Share of pairs of row and label that are wrong.

    >>> hamming(np.array([[True, False], [True, True]]), np.array([[0.9, 0.1], [0.2, 0.7]]))
    0.25
    """
    return once(prepare_hamming, target, probabilities, weights)


def log_loss(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean binary cross-entropy over rows and labels, in nats; probabilities are raised to at least 1e-15."""
    return once(prepare_log_loss, target, probabilities, weights)


def prepare_micro_f1(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_labels(target, probabilities)
    given = output >= THRESHOLD
    found = (true & given).sum(axis=1).astype(np.float64)
    named = (true.sum(axis=1) + given.sum(axis=1)).astype(np.float64)
    return lambda weights: ratio(2 * (weights @ found), weights @ named)


def prepare_macro_f1(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_labels(target, probabilities)
    given = output >= THRESHOLD
    found = (true & given).astype(np.float64)
    named = true.astype(np.float64) + given

    def mean_f1(weights: np.ndarray) -> np.ndarray:
        whole = weights @ named
        return mean_where(ratio(2 * (weights @ found), whole), whole > 0)

    return mean_f1


def prepare_map(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_labels(target, probabilities)
    areas = [average_precision(true[:, label], output[:, label]) for label in np.flatnonzero(true.any(axis=0))]
    return mean_known(areas)


def prepare_hamming(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_labels(target, probabilities)
    return row_mean((true != (output >= THRESHOLD)).mean(axis=1))


def prepare_log_loss(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_labels(target, probabilities)
    right = np.where(true, output, 1 - output).clip(LEAST)
    return row_mean(np.abs(np.log(right)).mean(axis=1))


MULTILABEL: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("micro_f1", micro_f1, True, 0.0, 1.0, "F1 over all pairs of row and label.", prepare_micro_f1),
        Metric("macro_f1", macro_f1, True, 0.0, 1.0, "F1 per label, averaged.", prepare_macro_f1),
        Metric("map", mean_average_precision, True, 0.0, 1.0, "Average precision per label, averaged.", prepare_map),
        Metric("hamming", hamming, False, 0.0, 1.0, "Share of pairs of row and label that are wrong.", prepare_hamming),
        Metric("log_loss", log_loss, False, 0.0, math.inf, "Mean binary cross-entropy over rows and labels, in nats.", prepare_log_loss),
    )
}
