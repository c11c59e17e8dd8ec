"""Rows that are nearly the same, found from features: they have to stay on one side of every split. Source: Barz and Denzler (2020), near-duplicates.

A picture taken twice, a receipt scanned twice: where one of them learns and the other checks, held-out scores promise too much.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from consilience.core.seeds import generator
from consilience.features._examples import Block

__all__ = ["near_duplicates"]

_ONE, _ALL = 0.97, 0.88
"""Cosine from which two cells of one column are nearly the same, and mean cosine over all columns from which two rows are."""

_COMMON = 0.01
"""Share of the rows that may be like a row: a cell that is like more of them is a common value, such as a stock phrase, not a duplicate."""

_LEAST_COMMON = 10
_LARGEST = 0.05
"""Share of the rows that a group may have; pairs are joined from the most alike, so that chains break where they are weakest."""

_MOST_ROWS = 20_000
_REDUCED = 192
_AT_ONCE = 2048


def near_duplicates(blocks: Sequence[Block], seed: int = 0) -> np.ndarray | None:
    """``[N]`` group of each row; None where no two rows are alike, or there are too many rows to compare all pairs.

    Cosines are taken between dense features from which the column's mean is taken away. In a short column (a word, a name) equal cells are common,
    so that most of a column's cells having a twin means that it is a category, and it is left out; not so for a column of media.

    Args:
        blocks: Dense features ``[N, D]`` or ``[N, T, D]``; sparse ones are left out.
    """
    some = [block for block in blocks if not sparse.issparse(block.values)]
    num_rows = len(some[0].mask) if some else 0
    if num_rows < 3 or num_rows > _MOST_ROWS:
        return None
    dense = [_directions(block, seed) for block in some]
    pairs = [_alike([one], _ONE, num_rows) for one in dense]
    if len(dense) > 1:
        pairs.append(_alike(dense, _ALL, num_rows))
    first, second, cosine = (np.concatenate(part) for part in zip(*pairs, strict=True))
    if not len(first):
        return None
    return _join(first, second, cosine, num_rows)


def _directions(block: Block, seed: int) -> np.ndarray:
    """``[N, D']`` unit vectors; zeros where absent. Wide ones are projected at random, which keeps cosines (Johnson and Lindenstrauss 1984)."""
    values = np.array(block.pooled(), dtype=np.float32)
    present = block.present
    values[present] -= values[present].mean(axis=0) if present.any() else 0
    values[~present] = 0
    if values.shape[1] > _REDUCED and len(values) > 2 * _REDUCED:
        random = generator(seed, "near duplicates", block.name)
        values = values @ (random.standard_normal((values.shape[1], _REDUCED)) / np.sqrt(_REDUCED)).astype(np.float32)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9))


def _alike(parts: Sequence[np.ndarray], least: float, num_rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of rows whose mean cosine is at least so much, and that cosine; no pairs of rows that are like too many."""
    most = max(_LEAST_COMMON, int(_COMMON * num_rows))
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    counts = np.zeros(num_rows, dtype=np.int64)
    for start in range(0, num_rows, _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        cosine = np.mean([part[rows] @ part.T for part in parts], axis=0)
        here, there = np.nonzero(cosine >= least)
        apart = here + start != there
        here, there = here[apart], there[apart]
        counts += np.bincount(here + start, minlength=num_rows)
        kept = here + start < there
        # Rows that are like a great many others would fill the memory with pairs that are thrown away below.
        kept &= counts[here + start] <= most
        found.append((here[kept] + start, there[kept], cosine[here[kept], there[kept]]))
    first, second, cosines = (np.concatenate(part) for part in zip(*found, strict=True))
    rare = (counts[first] <= most) & (counts[second] <= most)
    return first[rare], second[rare], cosines[rare]


def _join(first: np.ndarray, second: np.ndarray, cosine: np.ndarray, num_rows: int) -> np.ndarray:
    """Groups of rows that are connected by pairs, the most alike first, none larger than allowed."""
    largest = max(2, int(_LARGEST * num_rows))
    parent, size = np.arange(num_rows), np.ones(num_rows, dtype=np.int64)

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    for at in np.argsort(-cosine, kind="stable"):
        one, other = root(int(first[at])), root(int(second[at]))
        if one != other and size[one] + size[other] <= largest:
            parent[max(one, other)] = min(one, other)
            size[min(one, other)] += size[max(one, other)]
    return np.array([root(row) for row in range(num_rows)], dtype=np.int64)
