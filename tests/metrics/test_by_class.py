"""Scores per class and the confusion table, against scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from consilience.core.errors import UsageError
from consilience.metrics import by_class, by_label, confusion

steady = settings(max_examples=20, deadline=None)

FIELDS = ("precision", "recall", "f1", "support")


@steady
@given(seed=st.integers(0, 2**31), num_rows=st.integers(0, 30), num_classes=st.integers(2, 5))
def test_each_class_equals_scikit_learn(seed: int, num_rows: int, num_classes: int) -> None:
    random = np.random.default_rng(seed)
    target, output = random.integers(0, num_classes, num_rows), random.dirichlet(np.ones(num_classes), num_rows)
    names = [f"class {number}" for number in range(num_classes)]
    found = by_class(target, output, names)
    assert list(found) == names
    assert all(tuple(row) == FIELDS for row in found.values())
    if num_rows:
        wanted = precision_recall_fscore_support(target, output.argmax(axis=1), labels=np.arange(num_classes), zero_division=0)
        np.testing.assert_allclose(np.array([list(row.values()) for row in found.values()]).T, wanted)
        table = confusion(target, output.argmax(axis=1), num_classes)
        assert table.tolist() == confusion_matrix(target, output.argmax(axis=1), labels=np.arange(num_classes)).tolist()
    json.dumps(found, allow_nan=False)


@steady
@given(seed=st.integers(0, 2**31), num_rows=st.integers(1, 30), num_labels=st.integers(2, 5))
def test_each_label_equals_scikit_learn(seed: int, num_rows: int, num_labels: int) -> None:
    random = np.random.default_rng(seed)
    target, output = random.random((num_rows, num_labels)) < 0.3, random.random((num_rows, num_labels))
    found = by_label(target, output, [str(label) for label in range(num_labels)])
    wanted = precision_recall_fscore_support(target, output >= 0.5, labels=np.arange(num_labels), zero_division=0)
    np.testing.assert_allclose(np.array([list(row.values()) for row in found.values()]).T, wanted)
    json.dumps(found, allow_nan=False)


def test_rows_of_the_table_are_the_truth() -> None:
    assert confusion(np.array([0, 0, 1]), np.array([1, 1, 1]), 3).tolist() == [[0, 2, 0], [0, 1, 0], [0, 0, 0]]
    assert confusion(np.zeros(0, dtype=int), np.zeros(0, dtype=int), 2).tolist() == [[0, 0], [0, 0]]


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="names"):
        by_class(np.array([0]), np.array([[0.5, 0.5]]), ["only one"])
    with pytest.raises(UsageError, match="prediction holds class numbers 0 to 2"):
        confusion(np.array([0, 1]), np.array([0, 2]), 2)
    with pytest.raises(UsageError, match="target holds class numbers -1"):
        confusion(np.array([-1, 1]), np.array([0, 1]), 2)
    with pytest.raises(UsageError, match="shapes"):
        confusion(np.array([0, 1]), np.array([0]), 2)
