"""Few columns of many: principal components by block, for learners that are slow or weak on raw embeddings.

Source: Pearson (1901), from the smaller of the two Gram matrices; beyond some thousand rows and columns at random, Halko et al. (2011).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits

from consilience.core.state import State
from consilience.features._examples import Block, Examples

__all__ = ["Reducer"]


_SHARED = 64
"""Components that are made at least, for whoever asks for fewer."""

_EXACT = 2500
"""Rows or columns up to which the components are computed exactly, from a Gram matrix."""


class Reducer:
    """Each block that is wider than ``width`` becomes its first ``width`` principal components; narrow blocks stay as they are.

    Args:
        parts: Block name to (modality, mean ``[D]``, directions ``[D, R]`` or None for a narrow block).
    """

    def __init__(self, parts: dict[str, tuple[str, np.ndarray, np.ndarray | None]]) -> None:
        self.parts = parts

    @classmethod
    def fit(cls, examples: Examples, width: int, seed: int, memo: dict[str, Any] | None = None, *, sparse_only: bool = False) -> Reducer:
        """Directions learned from the rows that are present; ``memo`` keeps them for other candidates on the same rows."""
        memo = {} if memo is None else memo
        parts = {}
        for block in examples.blocks:
            if sparse_only and not sparse.issparse(block.values):
                continue
            # Components are nested: those of one learner are the first ones of another's.
            key = f"reduce:{block.name}:{seed}"
            if block.width > width and (key not in memo or memo[key][0] < width):
                memo[key] = (max(width, _SHARED), *_directions(block, max(width, _SHARED), seed))
            _, mean, directions = memo[key] if block.width > width else (0, np.zeros(block.width, np.float32), None)
            parts[block.name] = (block.modality, mean, None if directions is None else directions[:, :width])
        return cls(parts)

    @property
    def width(self) -> int:
        return sum(len(mean) if directions is None else directions.shape[1] for _, mean, directions in self.parts.values())

    @cached_property
    def _means(self) -> dict[str, np.ndarray]:
        """Where the mean of each block lies along its directions: for one row, to find it anew would take longer than the row."""
        return {name: mean @ directions for name, (_, mean, directions) in self.parts.items() if directions is not None}

    @property
    def modalities(self) -> list[str]:
        return sorted({modality for modality, _, _ in self.parts.values()})

    def columns(self) -> list[str]:
        """The modality of each output column."""
        return [
            modality for modality, mean, directions in self.parts.values() for _ in range(len(mean) if directions is None else directions.shape[1])
        ]

    def transform(self, examples: Examples) -> np.ndarray:
        """``[N, width] float32``; NaN in the columns of a block that a row lacks."""
        by_name = {block.name: block for block in examples.blocks}
        made = [self._one(by_name[name]) for name in self.parts]
        return np.concatenate(made, axis=1) if made else np.zeros((len(examples), 0), np.float32)

    def densify(self, examples: Examples) -> Examples:
        """The same examples with each sparse block as its dense principal components."""
        blocks = []
        for block in examples.blocks:
            if sparse.issparse(block.values):
                block = replace(block, values=np.nan_to_num(self._one(block)))
            blocks.append(block)
        return replace(examples, blocks=tuple(blocks))

    def state(self) -> State:
        arrays = {}
        for index, (_, mean, directions) in enumerate(self.parts.values()):
            arrays[f"mean{index}"] = mean
            if directions is not None:
                arrays[f"directions{index}"] = directions
        return State({"blocks": [[name, modality] for name, (modality, _, _) in self.parts.items()]}, arrays)

    @classmethod
    def restore(cls, state: State) -> Reducer:
        arrays = state.arrays
        return cls({name: (modality, arrays[f"mean{i}"], arrays.get(f"directions{i}")) for i, (name, modality) in enumerate(state.config["blocks"])})

    def _one(self, block: Block) -> np.ndarray:
        values, directions = block.pooled(), self.parts[block.name][2]
        if directions is None:
            made = values.toarray() if isinstance(values, sparse.csr_matrix) else np.array(values, dtype=np.float32)
        else:
            made = np.asarray(values @ directions - self._means[block.name], dtype=np.float32)
        made[~block.present] = np.nan
        return made


def _directions(block: Block, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``[D]`` and the first ``width`` right singular vectors ``[D, width]``, scaled so that the first component has deviation 1."""
    values, present = block.pooled(), block.present
    seen = values if present.all() and not sparse.issparse(values) else values[present]
    wanted = min(width, block.width, max(1, seen.shape[0] - 1))
    if seen.shape[0] < 2:
        return np.zeros(block.width, np.float32), np.zeros((block.width, 1), np.float32)
    # A sparse block is not centred: that would fill it.
    mean = np.zeros(block.width, np.float32) if sparse.issparse(seen) else seen.mean(axis=0)
    # Threads gain little here, and wait for each other where a core is busy.
    with threadpool_limits(1, user_api="blas"):
        sizes, right = _largest(seen if sparse.issparse(seen) else seen - mean, wanted, seed)
    first = sizes[0] / np.sqrt(seen.shape[0])
    return mean.astype(np.float32), (right / (first if first > 0 else 1.0)).astype(np.float32)


def _largest(matrix: Any, wanted: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest singular values, and their right singular vectors ``[D, wanted]``."""
    from sklearn.utils.extmath import randomized_svd

    rows, columns = matrix.shape
    if min(rows, columns) > _EXACT:
        _, sizes, right = randomized_svd(matrix, wanted, n_iter=3, random_state=seed)
        return sizes, right.T
    gram = matrix @ matrix.T if rows <= columns else matrix.T @ matrix
    gram = np.asarray(gram.toarray() if sparse.issparse(gram) else gram, dtype=np.float64)
    squares, vectors = linalg.eigh(gram, subset_by_index=(len(gram) - wanted, len(gram) - 1), check_finite=False)
    sizes, vectors = np.sqrt(np.maximum(squares[::-1], 0)), vectors[:, ::-1]
    if rows > columns:
        return sizes, vectors
    usable = sizes > 1e-6 * max(float(sizes[0]), 1e-12)
    return sizes, np.where(usable, np.asarray(matrix.T @ vectors) / np.where(usable, sizes, 1.0), 0.0)
