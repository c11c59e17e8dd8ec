"""Where a classifier is good and where it is not: precision and recall per class, and who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from consilience.core.errors import UsageError
from consilience.metrics._check import check_classes, check_labels
from consilience.metrics.multilabel import THRESHOLD

__all__ = ["by_class", "by_label", "confusion"]


def by_class(target: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support (rows in the target) of each class, in the order of ``classes``; 0 where a ratio has nothing below the line.

    Args:
        target: ``[N]`` class numbers.
        probabilities: ``[N, K]``; the most probable class counts as predicted.
        classes: K names.

    Raises:
        UsageError: Shapes or the number of names do not fit.

    >>> by_class(np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["cat", "dog"])["cat"]
    {'precision': 0.5, 'recall': 1.0, 'f1': 0.6666666666666666, 'support': 1}
    """
    true, output = check_classes(target, probabilities)
    table = confusion(true, output.argmax(axis=1), output.shape[1])
    return describe(classes, np.diag(table), table.sum(axis=1), table.sum(axis=0))


def by_label(target: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """The same for a set of labels: ``target [N, L]`` bool, ``probabilities [N, L]``, L names; predicted from a probability of 0.5 on.

    >>> by_label(np.array([[True, False], [True, True]]), np.array([[0.9, 0.1], [0.2, 0.7]]), ["red", "round"])["red"]
    {'precision': 1.0, 'recall': 0.5, 'f1': 0.6666666666666666, 'support': 2}
    """
    true, output = check_labels(target, probabilities)
    given = output >= THRESHOLD
    return describe(classes, (true & given).sum(axis=0), true.sum(axis=0), given.sum(axis=0))


def confusion(target: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts ``[K, K]`` int64: the row is the true class, the column the predicted one.

    Args:
        target: ``[N]`` class numbers.
        predicted: ``[N]`` class numbers.
        num_classes: K.

    Raises:
        UsageError: Lengths differ, or a class number is not among 0 to K - 1.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    true, given = np.asarray(target), np.asarray(predicted)
    if true.shape != given.shape or true.ndim != 1:
        raise UsageError(f"Target and prediction have shapes {true.shape} and {given.shape}.", hint="Give one class number per row to both.")
    for numbers, what in ((true, "target"), (given, "prediction")):
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= num_classes):
            found = f"{numbers.min()} to {numbers.max()}"
            raise UsageError(f"The {what} holds class numbers {found}.", hint=f"Give numbers from 0 to {num_classes - 1}.")
    pairs = true.astype(np.int64) * num_classes + given.astype(np.int64)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def describe(classes: Sequence[str], found: np.ndarray, support: np.ndarray, said: np.ndarray) -> dict[str, dict[str, float]]:
    if len(classes) != len(found):
        raise UsageError(f"There are {len(classes)} class names for {len(found)} columns of probabilities.", hint="Give one name per column.")
    return {
        name: {
            "precision": int(hit) / max(int(given), 1),
            "recall": int(hit) / max(int(rows), 1),
            "f1": 2 * int(hit) / max(int(rows) + int(given), 1),
            "support": int(rows),
        }
        for name, hit, rows, given in zip(classes, found, support, said, strict=True)
    }
