"""Every learner keeps the contract of learners on every task, and the checks can fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from consilience.features._examples import Examples
from consilience.learn.learners import LEARNERS, Situation
from consilience.testing import check_learner, fake_task
from consilience.testing.learner_checks import Trial, check_absence, check_order, check_scores, check_signal, check_state, check_unchanged

BRIEF = ("choice", "scores", "signal", "state", "combiner")
TRAINING = {"epochs": 8, "batch_size": 20, "learning_rate": 1.5e-2, "patience": 8, "average": 0.5}
SMALL: dict[str, dict[str, Any]] = {
    "linear": {"penalties": (0.1, 0.01, 0.001), "rounds": 1},
    "network": {"width": 16, "training": TRAINING},
    "tabm": {"components": 8, "members": 4, "width": 32, "training": {**TRAINING, "epochs": 10}},
    "trees": {"rounds": 45, "learning_rate": 0.1, "components": 8},
}


@pytest.mark.parametrize("name", LEARNERS.keys())
def test_learner(name: str) -> None:
    check_learner(name, fake_task("multiclass"), SMALL.get(name))


@pytest.mark.parametrize("task", ["binary", "multilabel", "regression"])
@pytest.mark.parametrize("name", LEARNERS.keys())
def test_learner_on_other_tasks(name: str, task: str) -> None:
    only = None if LEARNERS.card(name).cost == "low" else BRIEF
    check_learner(name, fake_task(task), SMALL.get(name), only=only)


@pytest.mark.parametrize("name", LEARNERS.keys())
def test_balanced_classes(name: str) -> None:
    check_learner(name, fake_task("multiclass", 3, class_weights="balanced", focal=1.0), SMALL.get(name), only=("scores", "signal", "combiner"))


def trial(**changes: Any) -> Trial:
    """A linear learner whose fitted class breaks a promise."""
    cls: Any = LEARNERS.get("linear")
    fitted = type("Broken", (cls.fitted,), changes)
    learner = cls(cls.Settings(**SMALL["linear"]), Situation(fake_task("binary"), 3))
    honest = learner.fit

    def fit(*words: Any) -> Any:
        made = honest(*words)
        made.__class__ = fitted
        return made

    learner.fit = fit
    return Trial(learner, learner.situation.task)


PREDICT = LEARNERS.get("linear").fitted.predict


def centred(self: Any, examples: Examples) -> np.ndarray:
    scores = PREDICT(self, examples)
    return scores - scores.mean(axis=0) if len(scores) else scores


def peeks(self: Any, examples: Examples) -> np.ndarray:
    return PREDICT(self, examples) + np.nan_to_num(np.asarray(examples.blocks[1].values)).mean(axis=1, keepdims=True)


def writes(self: Any, examples: Examples) -> np.ndarray:
    examples.blocks[1].values[...] = 0
    return PREDICT(self, examples)


def gives_up(self: Any, examples: Examples) -> np.ndarray:
    scores = PREDICT(self, examples)
    scores[~np.any(list(examples.present().values()), axis=0)] = np.nan
    return scores


@pytest.mark.parametrize(
    ("check", "changes", "told"),
    [
        (check_order, {"predict": centred}, "same row alone"),
        (check_absence, {"predict": peeks}, "changes a prediction"),
        (check_unchanged, {"predict": writes}, "changed in place"),
        (check_scores, {"predict": gives_up}, "not finite"),
        (check_signal, {"predict": lambda self, examples: -PREDICT(self, examples)}, "of a constant"),
        (check_state, {"predict": lambda self, examples: PREDICT(self, examples) + 1e-9}, "something else"),
    ],
)
def test_the_checks_can_fail(check: Any, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check(trial(**changes))
