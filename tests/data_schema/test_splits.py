"""Folds and hold-outs: nothing lost, nothing doubled, groups whole, classes spread."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import DataError, UsageError
from consilience.data.schema import make_folds, make_holdout
from consilience.data.schema.splits import bin_target

codes = st.lists(st.integers(0, 6), min_size=2, max_size=80).map(np.array)
seeds = st.integers(0, 1000)


def whole(fold, num_rows):
    """Each row is on exactly one side, and both sides have rows."""
    assert sorted([*fold.train.tolist(), *fold.valid.tolist()]) == list(range(num_rows))
    assert len(fold.train)
    assert len(fold.valid)


def apart(fold, groups):
    return not set(groups[fold.train].tolist()) & set(groups[fold.valid].tolist())


@given(codes, st.integers(2, 12), seeds)
def test_folds_cover_each_row_once_and_spread_classes(labels, k, seed):
    folds = make_folds(len(labels), k, labels=labels, seed=seed)
    assert len(folds) == min(k, len(labels))
    for fold in folds:
        whole(fold, len(labels))
    assert sorted(np.concatenate([fold.valid for fold in folds]).tolist()) == list(range(len(labels)))
    counts = np.array([np.bincount(labels[fold.valid], minlength=7) for fold in folds])
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(axis=1)) <= 1


@given(codes, st.integers(2, 6), seeds, st.booleans())
def test_grouped_folds_keep_groups_whole(groups, k, seed, labelled):
    labels = np.random.default_rng(seed).integers(0, 3, len(groups)) if labelled else None
    if len(set(groups.tolist())) < 2:
        with pytest.raises(DataError, match="one group"):
            make_folds(len(groups), k, labels=labels, groups=groups, seed=seed)
        return
    folds = make_folds(len(groups), k, labels=labels, groups=groups, seed=seed)
    assert len(folds) == min(k, len(set(groups.tolist())))
    for fold in folds:
        whole(fold, len(groups))
        assert apart(fold, groups)
    assert sorted(np.concatenate([fold.valid for fold in folds]).tolist()) == list(range(len(groups)))


@given(codes, st.floats(0.05, 0.95), seeds)
def test_holdout_leaves_each_class_a_row(labels, share, seed):
    fold = make_holdout(len(labels), share, labels=labels, seed=seed)
    whole(fold, len(labels))
    counts = np.bincount(labels, minlength=7)
    left = np.bincount(labels[fold.train], minlength=7)
    assert (left[counts >= 2] >= 1).all()
    if (counts >= 2).any():
        assert (left[counts == 1] == 1).all()
    most = np.maximum(counts - 1, 0).sum()
    wanted = min(max(1, round(share * len(labels))), len(labels) - 1)
    assert len(fold.valid) == min(wanted, most) or not most


@given(codes, st.floats(0.05, 0.95), seeds, st.booleans())
def test_grouped_holdout_keeps_groups_whole(groups, share, seed, labelled):
    labels = np.random.default_rng(seed).integers(0, 3, len(groups)) if labelled else None
    if len(set(groups.tolist())) < 2:
        with pytest.raises(DataError, match="one group"):
            make_holdout(len(groups), share, labels=labels, groups=groups, seed=seed)
        return
    fold = make_holdout(len(groups), share, labels=labels, groups=groups, seed=seed)
    whole(fold, len(groups))
    assert apart(fold, groups)


def test_holdout_takes_its_share_of_each_class():
    labels = np.repeat(["a", "b", "c"], [600, 300, 100])
    fold = make_holdout(1000, 0.2, labels=labels, seed=3)
    assert [int((labels[fold.valid] == name).sum()) for name in "abc"] == [120, 60, 20]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_grouped_holdout_is_near_its_share_and_balanced(share):
    random = np.random.default_rng(0)
    groups = random.integers(0, 150, 2000)
    labels = (random.random(2000) < 0.3 + 0.4 * (groups % 2)).astype(int)
    fold = make_holdout(2000, share, labels=labels, groups=groups, seed=1)
    assert abs(len(fold.valid) / 2000 - share) < 0.03
    assert abs(labels[fold.valid].mean() - labels.mean()) < 0.06


def test_grouped_folds_are_balanced():
    random = np.random.default_rng(0)
    groups = random.integers(0, 100, 2000)
    labels = (random.random(2000) < 0.2 + 0.6 * (groups % 2)).astype(int)
    folds = make_folds(2000, 5, labels=labels, groups=groups)
    assert all(abs(len(fold.valid) - 400) < 40 for fold in folds)
    assert all(abs(labels[fold.valid].mean() - labels.mean()) < 0.05 for fold in folds)


def test_a_holdout_of_groups_that_are_classes_gives_something():
    names = np.repeat(["a", "b", "c"], 4)
    whole(make_holdout(12, 0.3, labels=names, groups=names), 12)


def test_grouped_holdout_keeps_each_class_learnable():
    groups = np.repeat(np.arange(40), 5)
    labels = np.where(groups < 2, "rare", "common")
    for seed in range(10):
        fold = make_holdout(200, 0.3, labels=labels, groups=groups, seed=seed)
        assert "rare" in labels[fold.train]


@given(codes, seeds)
def test_the_seed_decides(labels, seed):
    for first, second in zip(make_folds(len(labels), 3, labels=labels, seed=seed), make_folds(len(labels), 3, labels=labels, seed=seed), strict=True):
        np.testing.assert_array_equal(first.valid, second.valid)
    np.testing.assert_array_equal(
        make_holdout(len(labels), 0.3, labels=labels, seed=seed).valid, make_holdout(len(labels), 0.3, labels=labels, seed=seed).valid
    )


def test_other_seeds_give_other_rows():
    assert len({tuple(make_holdout(100, 0.2, seed=seed).valid) for seed in range(10)}) == 10
    assert len({tuple(make_folds(100, 5, seed=seed)[0].valid) for seed in range(10)}) == 10


def test_labels_of_any_type():
    sets = np.empty(6, dtype=object)
    sets[:] = [["a"], ["a", "rare"], ["a"], ["rare"], [], ["a"]]
    for labels in (np.array(["x", "y"] * 3, dtype=object), np.array([None, "y"] * 3, dtype=object), sets, np.array([True, False] * 3)):
        for fold in make_folds(6, 2, labels=labels):
            whole(fold, 6)
    folds = make_folds(6, 2, labels=sets)
    assert all(any("rare" in sets[row] for row in fold.valid) for fold in folds)


@pytest.mark.parametrize(("rows", "k"), [(1, 2), (0, 2)])
def test_too_few_rows(rows, k):
    with pytest.raises(DataError, match="cannot be split"):
        make_folds(rows, k)
    with pytest.raises(DataError, match="cannot be split"):
        make_holdout(rows, 0.5)


def test_wrong_use():
    with pytest.raises(UsageError, match="folds"):
        make_folds(10, 1)
    with pytest.raises(UsageError, match="share"):
        make_holdout(10, 1.0)
    with pytest.raises(UsageError, match="3 labels for 10 rows"):
        make_folds(10, 2, labels=np.arange(3))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(1, 12))
def test_bins_keep_the_order(values, bins):
    array = np.array(values)
    found = bin_target(array, bins)
    assert found.min() == 0
    assert found.max() == len(set(found.tolist())) - 1 < bins
    order = np.argsort(array, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    assert all(len(set(found[array == value].tolist())) == 1 for value in values)


def test_bins_have_as_many_rows():
    assert np.bincount(bin_target(np.random.default_rng(0).lognormal(size=1000))).tolist() == [100] * 10
