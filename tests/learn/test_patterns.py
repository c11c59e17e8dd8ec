"""Which patterns of evidence have a model of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from consilience.core.budget import Budget
from consilience.features._examples import Block, Examples
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._patterns import patterns_to_learn
from consilience.testing import fake_task

NAMES = ("audio", "graph", "image", "series", "table", "text")


def six_modalities(rows: int = 120) -> tuple[Examples, np.ndarray]:
    """Six blocks of which each tells a sixth; every third row lacks the first three of them."""
    draw = np.random.default_rng(0)
    values = draw.normal(size=(6, rows, 4)).astype(np.float32)
    blocks = []
    for place, name in enumerate(NAMES):
        there = (np.arange(rows) % 3 > 0) | (place >= 3)
        blocks.append(Block(name, name, values[place] * there[:, None], there))
    return Examples(tuple(blocks), rows), values[:, :, 0].sum(axis=0).astype(np.float64)


def test_of_many_modalities_the_patterns_that_rows_have_are_learned() -> None:
    examples, _ = six_modalities()
    patterns = patterns_to_learn(examples.present(), len(examples))
    assert patterns[0] == NAMES
    assert patterns[-1] == ()
    assert NAMES[3:] in patterns
    assert len(patterns) == 1 + 6 + 1 + 6 + 1
    assert [len(pattern) for pattern in patterns] == sorted((len(pattern) for pattern in patterns), reverse=True)


def test_no_more_patterns_than_can_be_afforded() -> None:
    draw = np.random.default_rng(0)
    present = {name: draw.random(5000) < 0.5 for name in "abcdefgh"}
    assert len(patterns_to_learn(present, 5000)) <= 1 + 8 + 32 + 8 + 1


@pytest.mark.parametrize("learner", ["linear", "gp"])
def test_a_row_without_half_of_its_evidence_is_scored_by_all_of_the_rest(learner: str) -> None:
    train, target = six_modalities()
    cls = LEARNERS.get(learner)
    made = cls(cls.Settings(), Situation(fake_task("regression")))
    point = {"linear": {"penalty": 0.01, "factors": {}, "balance": 0.0}, "gp": {"noise": 1.0, "gain": 1.0, "kernels": {}}}[learner]
    fitted = made.fit(train, target, point, Budget(None))
    test, truth = six_modalities()
    gone = tuple(replace(block, mask=np.zeros(len(test), dtype=bool), values=np.zeros_like(block.values)) for block in test.blocks[:3])
    scores = fitted.predict(Examples((*gone, *test.blocks[3:]), len(test)))[:, 0]
    assert np.corrcoef(scores, truth)[0, 1] ** 2 > 0.35  # three of six tell half, one of them a sixth
