"""Every task keeps the contract of tasks, and the checks can fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from consilience.tasks import TASKS
from consilience.testing import check_task, fake_target, fake_task
from consilience.testing.task_checks import check_balance, check_loss, check_metrics, check_output, check_round_trip


@pytest.mark.parametrize("name", TASKS.keys())
def test_task(name: str) -> None:
    check_task(name)


def broken(name: str, log: bool = False, **changes: Any) -> Any:
    task = fake_task(name, log=log)
    task.__class__ = type("Broken", (type(task),), changes)
    return task


@pytest.mark.parametrize(
    ("check", "name", "changes", "told"),
    [
        (
            check_round_trip,
            "multiclass",
            {"decode": lambda self, output: {"prediction": ["class 0"] * len(output), "probability": [1.0] * len(output)}},
            "back",
        ),
        (check_round_trip, "regression", {"output": lambda self, scores: scores[:, 0] + 1}, "back"),
        (check_round_trip, "binary", {"labels": lambda self, encoded: encoded.astype(np.int8)}, "stratify"),
        (check_output, "multiclass", {"output": lambda self, scores: 1 / (1 + np.exp(-np.clip(scores, -50, 50)))}, "sum to 1"),
        (check_output, "multilabel", {"output": lambda self, scores: scores}, "within 0 and 1"),
        (check_loss, "binary", {"row_losses": lambda self, encoded, scores: np.zeros(len(encoded))}, "mean over rows"),
        (check_loss, "regression", {"loss": lambda self, scores, encoded, weights: scores.sum() / 0}, "finite"),
        (check_metrics, "multiclass", {"metrics": {}}, "promised and not there"),
        (check_metrics, "multilabel", {"choose_by": "log_los"}, "no metric"),
    ],
)
def test_the_checks_can_fail(check: Any, name: str, changes: dict[str, Any], told: str) -> None:
    task = broken(name, **changes)
    with pytest.raises(AssertionError, match=told):
        check(task, fake_target(task, 42))


def test_a_model_of_logarithms_that_predicts_zero_is_told() -> None:
    task = broken("regression", log=True, output=lambda self, scores: np.clip(np.exp(np.clip(scores[:, 0], -1e9, 700)), 0, None))
    with pytest.raises(AssertionError, match="predicts 0"):
        check_output(task, fake_target(task, 42))


def test_a_focal_loss_that_is_none_is_told() -> None:
    def make(**settings: Any) -> Any:
        return fake_task("multiclass", **{**settings, "focal": 0.0})

    with pytest.raises(AssertionError, match="Focal"):
        check_balance(make, fake_target(make(), 42))
