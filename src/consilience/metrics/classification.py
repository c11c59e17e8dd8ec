"""Metrics of one class out of K. Each takes class numbers ``target [N]``, ``probabilities [N, K]`` and, where wanted, ``weights [N]`` of the rows.

The predicted class is the most probable one, the first of them at a tie. Macro averages run over the classes that occur in the target or among
the predictions, and a class that is never predicted has a precision of 0, as in scikit-learn with ``zero_division=0``. A row of weight 0 is a row
that is not there. All raise UsageError for shapes that do not fit, class numbers without a column, and probabilities that are none. All are NaN
without rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from consilience.metrics._check import check_classes
from consilience.metrics._types import Metric, Resampled
from consilience.metrics._weighted import class_sums, mean_known, mean_where, once, rank_auc, ratio, row_mean

__all__ = ["CLASSIFICATION", "accuracy", "auc", "balanced_accuracy", "brier", "ece", "log_loss", "macro_f1", "precision", "recall"]

BINS = 15
LEAST = 1e-15


def accuracy(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Share of rows whose most probable class is the right one.

    >>> accuracy(np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]]))
    0.5
    """
    return once(prepare_accuracy, target, probabilities, weights)


def balanced_accuracy(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Recall, averaged over the classes in the target, so that a rare class counts as much as a common one.

    >>> balanced_accuracy(np.array([0, 0, 0, 1]), np.array([[0.9, 0.1]] * 4))
    0.5
    """
    return once(prepare_balanced, target, probabilities, weights)


def macro_f1(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """F1 (harmonic mean of precision and recall) of each class, averaged over the classes in target or prediction."""
    return once(prepare_f1, target, probabilities, weights)


def precision(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Share of the rows given a class that do belong to it, averaged over the classes in target or prediction."""
    return once(prepare_precision, target, probabilities, weights)


def recall(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Share of a class's rows that were found, averaged over the classes in target or prediction.

    Differs from ``balanced_accuracy`` only where a class is predicted that the target does not hold: it counts here, with 0.
    """
    return once(prepare_recall, target, probabilities, weights)


def log_loss(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean of -log(probability of the right class), in nats. Probabilities are raised to at least 1e-15 and each row is scaled to sum to 1.

    >>> round(log_loss(np.array([0]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """
    return once(prepare_log_loss, target, probabilities, weights)


def auc(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Area under the ROC curve: of class 1 where there are two columns, else of each class against the rest, averaged.

    Classes without rows, and classes that all rows have, are left out of the average. NaN where no class is left. Source: Hanley and McNeil (1982).

    >>> auc(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]))
    0.75
    """
    return once(prepare_auc, target, probabilities, weights)


def ece(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Expected calibration error: distance between confidence (highest probability) and accuracy, over 15 bins of equal width.

    Bins count by their rows; a bin holds its upper edge. Source: Guo et al. (2017).

    >>> round(ece(np.array([0, 1]), np.array([[0.8, 0.2], [0.8, 0.2]])), 4)
    0.3
    """
    return once(prepare_ece, target, probabilities, weights)


def brier(target: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Squared distance between the probabilities and the truth, summed over the classes.

    0 is sure and right, 2 is sure and wrong, also for two classes. Source: Brier (1950).

    >>> brier(np.array([0]), np.array([[0.0, 1.0]]))
    2.0
    """
    return once(prepare_brier, target, probabilities, weights)


def prepare_accuracy(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_classes(target, probabilities)
    return row_mean((output.argmax(axis=1) == true).astype(np.float64), share=True)


def prepare_counts(target: np.ndarray, probabilities: np.ndarray, score: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Resampled:
    """A metric of three counts per class, each ``[R, K]``: rows found, rows of the class, rows given the class."""
    true, output = check_classes(target, probabilities)
    given, num_classes = output.argmax(axis=1), output.shape[1]
    found = class_sums(true, num_classes, np.flatnonzero(true == given))
    support, said = class_sums(true, num_classes), class_sums(given, num_classes)
    return lambda weights: score(found(weights), support(weights), said(weights))


def prepare_balanced(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    return prepare_counts(target, probabilities, lambda found, support, said: mean_where(ratio(found, support), support > 0))


def prepare_f1(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    return prepare_counts(target, probabilities, lambda found, support, said: mean_where(ratio(2 * found, support + said), support + said > 0))


def prepare_precision(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    return prepare_counts(target, probabilities, lambda found, support, said: mean_where(ratio(found, said), support + said > 0))


def prepare_recall(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    return prepare_counts(target, probabilities, lambda found, support, said: mean_where(ratio(found, support), support + said > 0))


def prepare_log_loss(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_classes(target, probabilities)
    raised = output.clip(LEAST)
    # A single class is certain: the loss is 0, not -0.
    return row_mean(np.log(raised.sum(axis=1)) - np.log(raised[np.arange(len(true)), true]))


def prepare_auc(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_classes(target, probabilities)
    columns = [1] if output.shape[1] == 2 else [column for column in range(output.shape[1]) if 0 < np.count_nonzero(true == column) < len(true)]
    areas = [rank_auc(true == column, output[:, column]) for column in columns]
    return mean_known(areas)


def prepare_ece(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_classes(target, probabilities)
    confidence = output.max(axis=1)
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence, side="left")
    gaps = class_sums(bins, BINS, values=confidence - (output.argmax(axis=1) == true))
    return lambda weights: np.abs(gaps(weights)).sum(axis=1) / weights.sum(axis=1)


def prepare_brier(target: np.ndarray, probabilities: np.ndarray) -> Resampled:
    true, output = check_classes(target, probabilities)
    truth = np.arange(output.shape[1]) == true[:, None]
    return row_mean(((output - truth) ** 2).sum(axis=1))


CLASSIFICATION: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", accuracy, True, 0.0, 1.0, "Share of rows that got the right class.", prepare_accuracy),
        Metric("balanced_accuracy", balanced_accuracy, True, 0.0, 1.0, "Recall, averaged over the classes in the target.", prepare_balanced),
        Metric("macro_f1", macro_f1, True, 0.0, 1.0, "F1 per class, averaged.", prepare_f1),
        Metric("precision", precision, True, 0.0, 1.0, "Share of the rows given a class that belong to it, averaged.", prepare_precision),
        Metric("recall", recall, True, 0.0, 1.0, "Share of a class's rows that were found, averaged.", prepare_recall),
        Metric("log_loss", log_loss, False, 0.0, math.inf, "Mean of -log(probability of the right class), in nats.", prepare_log_loss),
        Metric("auc", auc, True, 0.0, 1.0, "Area under the ROC curve, one class against the rest, averaged.", prepare_auc),
        Metric("ece", ece, False, 0.0, 1.0, "Distance between confidence and accuracy, over 15 bins.", prepare_ece),
        Metric("brier", brier, False, 0.0, 2.0, "Squared distance between probabilities and truth, summed over classes.", prepare_brier),
    )
}
