"""Rows unlike the training rows: one in a hundred of those that are like them is flagged, and nearly all that are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from consilience.features._examples import Block, Examples
from consilience.learn.familiar import Familiarity, _Space
from consilience.learn.learners._base import Split
from consilience.testing import fake_examples, fake_task

SLOTS = {"picture:fake", "table:fake", "note:fake", "note:words"}


def familiar(examples: Examples, slots: set[str] = SLOTS) -> Familiarity | None:
    number = len(examples)
    part, target = np.random.default_rng(0).permutation(number) % 5, np.zeros(number)
    folds = [(np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(5)]
    splits = [Split(examples.take(train), target[train], examples.take(valid), target[valid], valid) for train, valid in folds]
    return Familiarity.fit(splits, examples, slots)


def moved(examples: Examples, name: str, by: float) -> Examples:
    blocks = tuple(replace(block, values=block.values + np.float32(by)) if block.name == name else block for block in examples.blocks)
    return replace(examples, blocks=blocks)


@pytest.mark.parametrize("rows", [150, 600, 2500])
def test_one_in_a_hundred_familiar_rows_is_flagged(rows: int) -> None:
    task = fake_task("multiclass", 3)
    flagged = []
    for seed in range(8):
        found = familiar(fake_examples(task, rows, seed)[0])
        assert found is not None
        flagged.append(found.of(fake_examples(task, 600, 100 + seed)[0]).flagged.mean())
    assert 0.003 < np.mean(flagged) < 0.02


def test_far_rows_are_flagged_and_the_modality_is_named() -> None:
    task = fake_task("multiclass", 3)
    found = familiar(fake_examples(task, 400, 0)[0])
    assert found is not None
    said = found.of(moved(fake_examples(task, 200, 1)[0], "table:fake", 25.0))
    there = fake_examples(task, 200, 1)[0].present()["table"]
    assert said.flagged[there].all()
    assert said.flagged[~there].mean() < 0.05
    assert all("table" in note for note in np.array(said.notes())[there])
    assert all(bool(note) == flag for note, flag in zip(said.notes(), said.flagged, strict=True))
    assert ((said.chance > 0) & (said.chance <= 1)).all()


def test_what_is_absent_is_not_unfamiliar() -> None:
    task = fake_task("multiclass", 3)
    found = familiar(fake_examples(task, 400, 0)[0])
    assert found is not None
    gone = moved(fake_examples(task, 50, 1)[0], "table:fake", 1e6).without(["image", "table", "text"])
    assert np.array_equal(found.of(gone).chance, np.ones(50))


def test_restored_it_says_the_same_and_is_small() -> None:
    task, dice = fake_task("multiclass", 3), np.random.default_rng(0)
    examples = fake_examples(task, 300, 0)[0]
    wide = Block("wide:fake", "image", dice.normal(size=(300, 5000)).astype(np.float32), np.ones(300, bool))
    sparser = Block(
        "words:fake",
        "words",
        sparse.csr_matrix((np.ones(3000), (np.arange(3000) // 10, dice.integers(0, 30_000, 3000))), shape=(300, 30_000)),
        np.ones(300, bool),
    )
    examples = replace(examples, blocks=(*examples.blocks, wide, sparser))
    found = familiar(examples, {*SLOTS, "wide:fake", "words:fake"})
    assert found is not None
    again = Familiarity.restore(found.state())
    assert np.array_equal(found.of(examples).chance, again.of(examples).chance)
    assert again.modalities == ["image", "table", "text", "words"]
    assert sum(array.nbytes for array in found.state().arrays.values()) < 1e6


def test_the_distance_is_that_of_mahalanobis() -> None:
    """With as many components as features: the textbook formula."""
    dice = np.random.default_rng(0)
    values = (dice.normal(size=(500, 4)) @ dice.normal(size=(4, 4))).astype(np.float32)
    space = _Space.fit(Block("a", "a", values, np.ones(500, bool)), 0)
    assert space is not None
    block = Block("a", "a", values[:50] * 3, np.ones(50, bool))
    centred = (values[:50] * 3 - values.mean(axis=0)) / values.std(axis=0)
    inverse = np.linalg.inv(np.corrcoef(values.T) + 0.1 * np.eye(4))
    assert np.corrcoef(space.distances(block), np.sqrt(np.einsum("ni,ij,nj->n", centred, inverse, centred)))[0, 1] > 0.98


def test_too_few_rows_say_nothing() -> None:
    assert familiar(fake_examples(fake_task("multiclass", 3), 60, 0)[0]) is None


def test_parts_that_do_not_fit_are_refused() -> None:
    found = familiar(fake_examples(fake_task("multiclass", 3), 150, 0)[0])
    assert found is not None
    state = found.state()
    state.arrays = {name: array[:-1] if name.endswith("variances") else array for name, array in state.arrays.items()}
    with pytest.raises(ValueError, match="does not fit"):
        Familiarity.restore(state)
