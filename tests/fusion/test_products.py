"""Products between modalities let a linear model learn what no sum of modalities can, and leave everything else as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from consilience.core.budget import Budget
from consilience.features._examples import Examples
from consilience.learn.candidates import default_candidates
from consilience.learn.effort import PRESETS
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import CannotWin, Split
from consilience.learn.learners._products import Products
from consilience.testing import check_learner, fake_examples, fake_task, through_disk, xor_examples

TASK = fake_task("binary")


def learner(name: str, **settings: Any) -> Any:
    cls: Any = LEARNERS.get(name)
    return cls(cls.Settings(**settings), Situation(TASK))


def held_out(name: str, **settings: Any) -> float:
    """Share of new rows of the exclusive or that are right."""
    (examples, target), (fresh, truth) = xor_examples(400, modalities=3), xor_examples(400, seed=1, modalities=3)
    path = learner(name, **settings).path(Split(examples, target, fresh, truth, np.arange(400)), Budget(None))
    best = min(path.scores, key=lambda scores: float(TASK.row_losses(truth, scores).mean()))
    return float((best.argmax(axis=1) == truth).mean())


def test_the_exclusive_or_is_learned_with_products_and_by_trees() -> None:
    assert held_out("linear") < 0.6
    assert held_out("linear", products=32) >= 0.95
    assert held_out("trees") >= 0.95  # splits below splits are products already: trees are given none


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_linear_learner_with_products_keeps_the_contract(task: str) -> None:
    check_learner("linear", fake_task(task), {"penalties": (0.1, 0.01, 0.001), "rounds": 1, "products": 8})


def test_products_are_those_of_whitened_components() -> None:
    examples, _ = xor_examples(60)
    products = Products.fit(examples, 5, seed=0)
    (block,) = products.blocks(examples)
    parts = [(products.reducer.transform(examples)[:, products.columns[name]]) for name in ("first", "second")]
    scaled = [np.clip((part - part.mean(axis=0)) / part.std(axis=0), -3, 3) for part in parts]
    naive = np.stack([np.outer(*row).ravel() for row in zip(*scaled, strict=True)])
    np.testing.assert_allclose(block.values, naive, atol=1e-4)


def test_a_pair_is_absent_where_one_of_it_is() -> None:
    examples, _ = fake_examples(fake_task("binary"), 80)
    products = Products.fit(examples, 4, seed=0)
    present = examples.present()
    for block in products.blocks(examples):
        first, second = products.pairs[block.modality]
        assert np.array_equal(block.present, present[first] & present[second])
        assert not np.asarray(block.values)[~block.present].any()
    assert len(products.pairs) == 3
    assert products.close(("image", "text")) == ("image", "image × text", "text")
    restored = Products.restore(through_disk(products.state()))
    for one, other in zip(products.blocks(examples), restored.blocks(examples), strict=True):
        assert np.array_equal(one.values, other.values)


def test_products_stay_few_where_modalities_are_many() -> None:
    examples, _ = xor_examples(400, modalities=8, width=40)
    assert sum(block.width for block in Products.fit(examples, 32, seed=0).blocks(examples)) <= 2048


def test_who_has_no_products_is_as_before() -> None:
    """A single modality has no pair."""
    examples, target = xor_examples(80)
    alone: Examples = examples.only(["first"])
    point = {"penalty": 0.01, "factors": {}, "balance": 0.0}
    plain = learner("linear").fit(alone, target, point, Budget(None)).predict(alone)
    asked = learner("linear", products=8).fit(alone, target, point, Budget(None)).predict(alone)
    assert np.array_equal(plain, asked)


def test_products_that_only_add_noise_are_given_up() -> None:
    random = np.random.default_rng(0)
    examples, _ = xor_examples(400)
    target = random.integers(0, 2, 400)
    folds = [np.arange(fold, 400, 4) for fold in range(4)]
    splits = []
    for fold in folds:
        rest = np.setdiff1d(np.arange(400), fold)
        splits.append(Split(examples.take(rest), target[rest], examples.take(fold), target[fold], fold))
    rival = np.where(np.eye(2)[target] > 0, 2.0, -2.0)
    with pytest.raises(CannotWin):
        learner("linear", products=8).cross_fit(splits, 400, Budget(None), rival)
    none = np.zeros((400, 2))
    with pytest.raises(CannotWin, match="products were no gain on the first fold"):
        learner("linear", products=8).cross_fit(splits, 400, Budget(None), none)  # as good as a constant, and so are they


def test_products_that_pay_go_through_all_folds() -> None:
    examples, target = xor_examples(200)
    splits = []
    for fold in (np.arange(0, 200, 2), np.arange(1, 200, 2)):
        rest = np.setdiff1d(np.arange(200), fold)
        splits.append(Split(examples.take(rest), target[rest], examples.take(fold), target[fold], fold))
    found = learner("linear", products=8, rounds=0).cross_fit(splits, 200, Budget(None), np.zeros((200, 2)))
    assert (found.scores.argmax(axis=1) == target).mean() > 0.95


def test_the_candidate_stands_where_there_are_two_modalities() -> None:
    def products_of(names: list[str]) -> list[str]:
        return [candidate.name for candidate in default_candidates(names, [], names, effort=PRESETS["fast"]) if "-products" in candidate.name]

    assert products_of(["a", "b"]) == ["linear-products:a+b"]
    assert products_of(["a"]) == []
