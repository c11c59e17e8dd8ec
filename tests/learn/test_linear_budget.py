"""A linear fit that is cut short by the time limit ends where it is, and is still a model."""

from __future__ import annotations

import numpy as np

from consilience.core.budget import Budget
from consilience.learn.learners._lbfgs import fit_linear


def test_an_ended_budget_ends_the_fit_early_but_not_before_it_began() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(300, 40)).astype(np.float32)
    target = features[:, :3].argmax(axis=1)  # weights grow for as long as they are let

    def fit(budget: Budget | None) -> np.ndarray:
        return fit_linear([features], target, [1e-6], loss="softmax", num_outputs=3, budget=budget)

    whole, cut = fit(None), fit(Budget(0.0))
    assert np.isfinite(cut).all()
    assert 0 < np.abs(cut).sum() < 0.7 * np.abs(whole).sum()


def test_weights_of_rare_classes_leave_the_shares_of_classes_as_they_are() -> None:
    """Rows of rare classes weigh more, and what that adds to their probability is taken back."""
    from consilience.features._examples import Block, Examples
    from consilience.learn.learners import LEARNERS, Situation
    from consilience.testing import fake_task

    random = np.random.default_rng(1)
    target = (random.random(3000) < 0.05).astype(np.int64)
    values = (random.normal(size=(3000, 4)) + 1.0 * target[:, None]).astype(np.float32)
    examples = Examples((Block("a", "a", values, np.ones(3000, bool)),), 3000)
    task, cls = fake_task("binary"), LEARNERS.get("linear")
    point = {"penalty": 1e-4, "factors": {}}
    learner = cls(cls.Settings(), Situation(task))
    plain, balanced = (learner.fit(examples, target, {**point, "balance": power}, Budget(None)).predict(examples) for power in (0.0, 0.5))  # type: ignore[union-attr]
    shares = [task.output(scores)[:, 1].mean() for scores in (plain, balanced)]
    assert not np.allclose(plain, balanced)
    np.testing.assert_allclose(shares, 0.05, atol=0.01)
