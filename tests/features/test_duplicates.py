"""Rows that are nearly the same are found, chains are broken, and common values are no duplicates."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from consilience.features._examples import Block
from consilience.features.duplicates import near_duplicates


def block(values: np.ndarray, name: str = "picture", present: np.ndarray | None = None) -> Block:
    return Block(name, "image", values.astype(np.float32), np.ones(len(values), bool) if present is None else present)


def distinct(rows: int, seed: int = 0, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width))


def test_twins_are_found_and_nobody_else() -> None:
    values = distinct(300)
    values[150:170] = values[:20] + 0.02 * distinct(20, seed=1)
    groups = near_duplicates([block(values)])
    assert groups is not None
    for row in range(20):
        assert groups[row] == groups[150 + row]
    assert len(np.unique(groups)) == 280


def test_rows_that_are_alike_in_all_columns_are_found() -> None:
    first, second = distinct(200), distinct(200, seed=1)
    first[100], second[100] = first[0] + 0.4 * distinct(1, seed=2)[0], second[0] + 0.4 * distinct(1, seed=3)[0]  # a cosine near 0.93
    first[101] = first[1] + 0.4 * distinct(1, seed=4)[0]  # alike in one of two columns only
    groups = near_duplicates([block(first), block(second, "words")])
    assert groups is not None
    assert groups[100] == groups[0]
    assert groups[101] != groups[1]


def test_a_value_that_many_rows_share_is_no_duplicate() -> None:
    values = distinct(300)
    values[:100] = values[0]
    assert near_duplicates([block(values)]) is None


def test_absent_cells_are_not_alike() -> None:
    present = np.arange(100) >= 8
    values = distinct(100)
    values[:8] = np.nan
    assert near_duplicates([block(values, present=present)]) is None


def test_no_group_swallows_the_table() -> None:
    # Each row is like the next one, all along the table.
    steps = np.cumsum(0.12 * distinct(400, width=32), axis=0) + 3 * distinct(1, width=32)
    groups = near_duplicates([block(steps - steps.mean(axis=0))])
    assert groups is not None
    assert np.bincount(groups).max() <= 20


def test_nothing_to_compare_gives_no_groups() -> None:
    assert near_duplicates([]) is None
    assert near_duplicates([Block("words", "text", sparse.csr_matrix(np.eye(50, dtype=np.float32)), np.ones(50, bool))]) is None
    assert near_duplicates([block(distinct(100))]) is None


def test_many_rows_in_pieces_give_the_same_as_in_one(monkeypatch: object) -> None:
    import consilience.features.duplicates as module

    values = distinct(500, width=256)
    values[300:340] = values[:40] + 0.01 * distinct(40, seed=1, width=256)
    whole = near_duplicates([block(values)])
    monkeypatch.setattr(module, "_AT_ONCE", 64)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(near_duplicates([block(values)]), whole)
