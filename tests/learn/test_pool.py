"""Pools of linear models: weights against a naive search, evidence that is absent, what is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from consilience.core.budget import Budget
from consilience.features._examples import Block, Examples
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Split
from consilience.learn.learners.pool import pool_weights
from consilience.learn.spaces import constant_scores
from consilience.testing import fake_task


def views(rows: int, seed: int, absent: float = 0.0) -> tuple[Examples, np.ndarray]:
    """Two encoders of one recording, each with noise of its own, and a third that tells nothing."""
    dice = np.random.default_rng(seed)
    target = dice.integers(3, size=rows)
    blocks = []
    for name, strength in (("clip:stats", 1.2), ("clip:rocket", 1.2), ("clip:noise", 0.0)):
        values = strength * np.eye(3)[target] @ np.eye(3, 8) + dice.normal(size=(rows, 8))
        blocks.append(Block(name, "audio", values.astype(np.float32), dice.random(rows) >= absent))
    return Examples(tuple(blocks), rows), target


def split_of(examples: Examples, target: np.ndarray, cut: int) -> Split:
    first, rest = np.arange(cut), np.arange(cut, len(target))
    return Split(examples.take(first), target[first], examples.take(rest), target[rest], rest)


def pool(task: Any) -> Any:
    cls: Any = LEARNERS.get("pool")
    return cls(cls.Settings(), Situation(task, 0))


def test_weights_are_those_of_a_search_by_hand() -> None:
    task, dice = fake_task("multiclass", 3), np.random.default_rng(0)
    target = dice.integers(3, size=400)
    base = constant_scores(target, task)
    evidence = {"a": 1.5 * np.eye(3)[target] + dice.normal(size=(400, 3)), "b": dice.normal(size=(400, 3))}
    found = pool_weights(evidence, base, target, task)

    def loss(a: float, b: float) -> float:
        return float(task.row_losses(target, base + a * evidence["a"] + b * evidence["b"]).mean())

    grid = [(a, b) for a in np.linspace(0, 3, 61) for b in np.linspace(0, 1, 21)]
    assert loss(found["a"], found["b"]) <= min(loss(a, b) for a, b in grid) + 2e-3
    assert found["b"] < 0.1


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_what_is_absent_adds_nothing(kind: str) -> None:
    task = fake_task(kind, 0 if kind == "regression" else 3)
    examples, target = views(300, 1, absent=0.3)
    learner = pool(task)
    encoded = target.astype(float) if kind == "regression" else target
    found = learner.cross_fit([split_of(examples, encoded, 200)], 300, Budget(None))
    fitted = learner.fit(examples, encoded, found.point, Budget(None))
    nothing = fitted.predict(examples.without(["audio"]))
    assert np.allclose(nothing, constant_scores(encoded, task)[0])
    one = Examples(tuple(Block(b.name, b.modality, b.values, b.mask & (b.name == "clip:stats")) for b in examples.blocks), 300)
    moved = np.abs(fitted.predict(one) - nothing).max(axis=1) > 1e-6
    assert moved.tolist() == examples.blocks[0].mask.tolist()


def test_two_views_say_more_than_the_better_one() -> None:
    task = fake_task("multiclass", 3)
    examples, target = views(900, 2)
    split = split_of(examples, target, 450)
    found = pool(task).cross_fit([split], 900, Budget(None))
    both = task.row_losses(split.valid_target, found.scores[split.rows]).mean()
    cls: Any = LEARNERS.get("linear")
    for block in examples.blocks[:2]:
        alone = split_of(Examples((block,), 900), target, 450)
        single = cls(cls.Settings(), Situation(task, 0)).cross_fit([alone], 900, Budget(None))
        assert both < task.row_losses(split.valid_target, single.scores[split.rows]).mean() - 0.02
    assert found.point["weights"]["clip:noise"] < 0.2 * found.point["weights"]["clip:stats"]
    again = pool(task).again(split, found.point, Budget(None))
    assert np.allclose(again, found.scores[split.rows], atol=0.05)
