"""How a linear model looks for its penalties, and what it makes of wide blocks: against the same done plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from consilience.core.budget import Budget
from consilience.data.schema import make_folds
from consilience.features._examples import Block, Examples
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Split
from consilience.learn.learners._lbfgs import fit_linear, linear_scores
from consilience.learn.learners._rotate import Rotation
from consilience.learn.learners._views import unflatten
from consilience.learn.learners.linear import Linear
from consilience.testing import fake_task


def drawn(rows: int, width: int, seed: int = 0) -> tuple[Examples, np.ndarray]:
    random = np.random.default_rng(seed)
    target = random.integers(0, 3, rows)
    values = random.normal(size=(rows, width)) + 0.5 * np.eye(3, width)[target]
    return Examples((Block("a:one", "a", values.astype(np.float32), np.ones(rows, bool)),), rows), target


def folds_of(examples: Examples, target: np.ndarray, k: int) -> list[Split]:
    return [
        Split(examples.take(fold.train), target[fold.train], examples.take(fold.valid), target[fold.valid], fold.valid)
        for fold in make_folds(len(target), k, seed=0)
    ]


def learner(name: str, task: Any, **settings: Any) -> Any:
    cls: Any = LEARNERS.get(name)
    return cls(cls.Settings(**settings), Situation(task))


@pytest.mark.parametrize("as_sparse", [False, True])
def test_a_rotated_block_gives_the_same_model(as_sparse: bool) -> None:
    random = np.random.default_rng(1)
    train, fresh = random.normal(size=(60, 200)).astype(np.float32), random.normal(size=(9, 200)).astype(np.float32)
    train[50:] = train[:10]  # equal rows leave the kernel without a root
    train[:, 100:] *= random.random((60, 100)) < 0.1
    blocks: list[Any] = [sparse.csr_matrix(train) if as_sparse else train]
    others: list[Any] = [sparse.csr_matrix(fresh) if as_sparse else fresh]
    target = random.integers(0, 3, 60)
    rotation = Rotation(blocks)

    def scores(matrix: Any, asked: Any) -> np.ndarray:
        flat = fit_linear([matrix], target, [0.05], loss="softmax", num_outputs=3, tolerance=1e-12, max_iterations=3000)
        weights, bias = unflatten(flat, [matrix.shape[1]], 3)
        return linear_scores([asked], weights, bias, asked.shape[0])

    plain = scores(blocks[0], others[0])
    np.testing.assert_allclose(scores(rotation.train, rotation.apply(others)), plain, atol=3e-3)
    flat = fit_linear([rotation.train], target, [0.05], loss="softmax", num_outputs=3, tolerance=1e-12, max_iterations=3000)
    weights, bias = unflatten(flat, [60], 3)
    np.testing.assert_allclose(linear_scores(others, rotation.weights(weights[0]), bias, 9), plain, atol=3e-3)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize(("rows", "width"), [(90, 30), (400, 8)])
def test_the_penalty_found_is_the_best_of_all_on_all_folds(k: int, rows: int, width: int) -> None:
    task, (examples, target) = fake_task("multiclass", 3), drawn(rows, width)
    splits = folds_of(examples, target, max(k, 2))[:k]
    penalties = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5)
    found = learner("linear", task, penalties=penalties, rounds=0).cross_fit(splits, rows, Budget())
    one_by_one = {}
    for penalty in penalties:
        plain = learner("linear", task, penalties=(penalty,), rounds=0)
        losses = [task.row_losses(split.valid_target, plain.path(split, Budget()).scores[0]) for split in splits]
        one_by_one[penalty] = float(np.concatenate(losses).mean())
    assert found.point["penalty"] == min(one_by_one, key=lambda penalty: one_by_one[penalty])
    scored = np.concatenate([split.rows for split in splits])
    assert np.isfinite(found.scores[scored]).all()
    assert np.isnan(np.delete(found.scores, scored, axis=0)).all()


def test_what_was_a_candidate_is_not_searched_for_again_by_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    task, (examples, target) = fake_task("multiclass", 3), drawn(120, 6)
    more = Examples((*examples.blocks, Block("b:two", "b", drawn(120, 5, seed=2)[0].blocks[0].values, np.ones(120, bool))), 120)
    splits, asked = folds_of(more, target, 3), []
    search = Linear._search
    monkeypatch.setattr(Linear, "_search", lambda self, folds, budget: asked.append(1) or search(self, folds, budget))
    alone = learner("linear", task).cross_fit([split.only({"a"}) for split in splits], 120, Budget())
    learner("linear", task).cross_fit(splits, 120, Budget())
    assert len(asked) == 2
    pooled = learner("pool", task).cross_fit(splits, 120, Budget())
    assert len(asked) == 3
    assert pooled.point["parts"]["a:one"] == alone.point
