"""Splits of a whole fit: rounds, hold-outs, groups by hand and groups of near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties.conftest import examples
from tests.properties.tables import explained

from consilience.core.errors import DataError
from consilience.data.schema import Fold, make_folds, make_holdout
from consilience.features._examples import Block
from consilience.features.duplicates import near_duplicates
from consilience.pipeline._folds import plan_rounds
from consilience.pipeline.recipe import make_recipe

LABELS = st.sampled_from(["even", "rare", "one", "lists", "none"])


def labels_of(kind: str, rows: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if kind == "rare":
        return np.where(random.random(rows) < 0.07, "rare", "common")
    if kind == "lists":
        made = np.empty(rows, dtype=object)
        made[:] = [[str(code) for code in random.integers(0, 4, random.integers(0, 3))] for _ in range(rows)]
        return made
    if kind == "none":
        made = np.empty(rows, dtype=object)
        made[:] = [None if code else "x" for code in random.integers(0, 3, rows)]
        return made
    return random.integers(0, {"even": 5, "one": 1}[kind], rows)


def check(folds: Sequence[Fold], rows: int, groups: np.ndarray | None, *, all_once: bool) -> None:
    """Each row on exactly one side of each fold, in ascending order; each checks once; groups do not straddle."""
    for fold in folds:
        assert len(fold.train)
        assert len(fold.valid)
        assert (np.diff(fold.train) > 0).all()
        assert (np.diff(fold.valid) > 0).all()
        assert np.array_equal(np.sort(np.concatenate([fold.train, fold.valid])), np.arange(rows))
        if groups is not None:
            assert not set(groups[fold.train].tolist()) & set(groups[fold.valid].tolist())
    if all_once:
        assert np.array_equal(np.sort(np.concatenate([fold.valid for fold in folds])), np.arange(rows))


@st.composite
def blocks(draw: st.DrawFn) -> tuple[list[Block], np.ndarray]:
    """Features in which some rows are (nearly) those of another, some absent, some constant; and from which row each was copied."""
    rows, seed = draw(st.integers(3, 120)), draw(st.integers(0, 10**6))
    random = np.random.default_rng(seed)
    source = np.where(
        random.random(rows) < draw(st.floats(0, 0.6)), random.integers(0, max(1, rows // draw(st.integers(1, 8))), rows), np.arange(rows)
    )
    noise = draw(st.sampled_from([0.0, 1e-3, 0.05, 0.3]))
    made = []
    for place in range(draw(st.integers(1, 3))):
        width = draw(st.sampled_from([1, 2, 16, 300]))
        values = random.standard_normal((rows, width))[source] + noise * random.standard_normal((rows, width))
        present = random.random(rows) < draw(st.sampled_from([0.0, 0.5, 1.0, 1.0]))
        values[~present] = 0
        if draw(st.booleans()) and draw(st.booleans()):
            values[:] = 3.0
        made.append(Block(f"b{place}", "image", values.astype(np.float32), present))
    return made, source


@examples(80)
@given(blocks(), st.integers(0, 100))
def test_near_duplicates_are_groups(found: tuple[list[Block], np.ndarray], seed: int) -> None:
    parts, _ = found
    rows = len(parts[0].values)
    groups = near_duplicates(parts, seed)
    if groups is None:
        return
    assert groups.shape == (rows,)
    assert np.array_equal(groups[groups], groups)  # each group is named by one of its rows
    assert np.bincount(groups).max() <= max(2, int(0.05 * rows))
    assert np.array_equal(groups, near_duplicates(parts, seed))
    if len(set(groups.tolist())) > 1:
        check(make_folds(rows, 5, groups=groups, seed=seed), rows, groups, all_once=True)
        check([make_holdout(rows, 0.2, groups=groups, seed=seed)], rows, groups, all_once=False)


@examples(120)
@given(
    st.integers(2, 90),
    LABELS,
    st.sampled_from(["none", "few", "many", "pairs"]),
    st.integers(0, 10**6),
    st.sampled_from(["auto", "valid", "only", "whole"]),
)
def test_all_rounds_of_a_fit(rows: int, kind: str, grouped: str, seed: int, how: str) -> None:
    random = np.random.default_rng(seed)
    labels = labels_of(kind, rows, seed)
    groups = {"none": None, "few": random.integers(-2, 3, rows), "many": random.integers(0, rows, rows), "pairs": np.arange(rows) // 2}[grouped]
    is_valid = random.random(rows) < 0.3 if how in ("valid", "only") else np.zeros(rows, dtype=bool)
    recipe = make_recipe({"target": "y", "valid_only": how == "only", "refit": how != "whole", "seed": seed % 7})
    if groups is not None and len(set(groups.tolist())) < 2 and not (0 < is_valid.sum() < rows):
        with pytest.raises(DataError, match="one group"):
            plan_rounds(is_valid, labels, groups, recipe)
        return
    try:
        rounds = plan_rounds(is_valid, labels, groups, recipe)
    except DataError as error:
        explained(error, "one group")
        return
    assert rounds
    for folds in rounds:
        if how == "only" and 0 < is_valid.sum() < rows and np.array_equal(folds[0].valid, np.flatnonzero(is_valid)):
            (fold,) = folds
            assert not set(fold.train.tolist()) & set(fold.valid.tolist())
            assert not is_valid[fold.train].any()
            if groups is not None:
                assert not set(groups[fold.train].tolist()) & set(groups[fold.valid].tolist())
                left = np.flatnonzero(~is_valid & ~np.isin(groups, groups[fold.valid]))
                assert np.array_equal(fold.train, left)
        else:
            check(folds, rows, groups, all_once=len(folds) > 1)
    again = plan_rounds(is_valid, labels, groups, recipe)
    assert all(np.array_equal(a.valid, b.valid) for first, second in zip(rounds, again, strict=True) for a, b in zip(first, second, strict=True))
    if len(rounds) > 1 and rows >= 30 and groups is None:
        assert len({tuple(folds[0].valid.tolist()) for folds in rounds}) == len(rounds)  # each round cuts anew


@examples(60)
@given(st.integers(12, 120), st.integers(2, 6), st.integers(0, 1000))
def test_every_class_learns_and_checks_where_it_can(rows: int, k: int, seed: int) -> None:
    labels = labels_of("rare", rows, seed)
    names, counts = np.unique(labels, return_counts=True)
    for fold in make_folds(rows, k, labels=labels, seed=seed):
        for name, count in zip(names, counts, strict=True):
            assert count < 2 or name in labels[fold.train]
            assert count < k or name in labels[fold.valid]
    fold = make_holdout(rows, 0.25, labels=labels, seed=seed)
    assert set(labels[fold.train]) == set(names)


@examples(40)
@given(st.integers(20, 80), st.integers(0, 1000), st.integers(2, 5))
def test_names_of_groups_do_not_matter(rows: int, seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    groups, labels = random.integers(0, rows // 3, rows), random.integers(0, 3, rows)
    renamed = np.array([f"g{code:05d}" for code in groups], dtype=object)
    for one, other in zip(
        make_folds(rows, k, labels=labels, groups=groups, seed=seed), make_folds(rows, k, labels=labels, groups=renamed, seed=seed), strict=True
    ):
        assert np.array_equal(one.valid, other.valid)


def test_copies_of_a_row_stay_together() -> None:
    random = np.random.default_rng(0)
    source = np.concatenate([np.arange(100), np.arange(20)])
    block = Block("photo", "image", random.standard_normal((100, 32)).astype(np.float32)[source], np.ones(120, dtype=bool))
    groups = near_duplicates([block])
    assert groups is not None
    assert np.array_equal(groups[100:], groups[:20])
    for seed in range(5):
        for fold in make_folds(120, 5, groups=groups, seed=seed):
            assert not set(source[fold.train].tolist()) & set(source[fold.valid].tolist())
