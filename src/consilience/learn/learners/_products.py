"""Products between modalities, as blocks of their own: what a linear model needs to see how two modalities go together.

Source: factorised second-order interactions, Rendle (2010), here on a few whitened principal components of each modality.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from consilience.core.state import State
from consilience.features._examples import Block, Examples
from consilience.learn.learners._patterns import Pattern
from consilience.learn.learners._reduce import Reducer

__all__ = ["Products"]

_BETWEEN = " × "

_MOST = 2048
"""Products of all pairs together: about as many columns as a picture's embedding has."""

_FARTHEST = 3.0
"""Deviations at which a component is cut: the product of two outliers would outvote all else."""


class Products:
    """Every product of a component of one modality and one of another; absent where either modality is.

    Args:
        reducer: To a few components of each block.
        mean, factor: ``[R]`` mean of each component over the rows that have it, and one by its deviation; 0 for one that never varies.
    """

    def __init__(self, reducer: Reducer, mean: np.ndarray, factor: np.ndarray) -> None:
        self.reducer, self.mean, self.factor = reducer, mean, factor
        owners = np.array(reducer.columns())
        self.columns = {name: np.flatnonzero(owners == name) for name in reducer.modalities}
        self.pairs = {f"{first}{_BETWEEN}{second}": (first, second) for first, second in combinations(reducer.modalities, 2)}

    @classmethod
    def fit(cls, train: Examples, components: int, seed: int, memo: dict[str, Any] | None = None) -> Products:
        """Learned from training rows.

        Args:
            components: The most that a modality is reduced to; fewer where rows are few or pairs are many, and shared by a modality's blocks.
            memo: Shares the principal components with other candidates on the same rows.
        """
        parts = Reducer.fit(train, _affordable(train, components), seed, memo).parts
        # Directions in one piece, as they are when they are read from a file: a product with a slice differs in the last bit.
        whole = {name: (own, mean, None if found is None else np.ascontiguousarray(found)) for name, (own, mean, found) in parts.items()}
        reducer = Reducer(whole)
        features = reducer.transform(train).astype(np.float64)
        seen = ~np.isnan(features)
        counts = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen, features, 0).sum(axis=0) / counts
        deviation = np.sqrt((np.where(seen, features - mean, 0) ** 2).sum(axis=0) / counts)
        varies = deviation > 1e-6
        return cls(reducer, mean.astype(np.float32), np.where(varies, 1 / np.where(varies, deviation, 1), 0).astype(np.float32))

    def extend(self, examples: Examples) -> Examples:
        """The same examples with one more block, of a modality of its own, for each pair of modalities."""
        return replace(examples, blocks=(*examples.blocks, *self.blocks(examples)))

    def blocks(self, examples: Examples) -> list[Block]:
        """One block ``[N, R_first * R_second]`` a pair, zeros where absent."""
        features = np.nan_to_num((self.reducer.transform(examples) - self.mean) * self.factor).clip(-_FARTHEST, _FARTHEST)
        present, made = examples.present(), []
        for name, (first, second) in self.pairs.items():
            there = present[first] & present[second]
            left, right = self.columns[first], self.columns[second]
            values = (features[:, left, None] * features[:, None, right]).reshape(len(features), len(left) * len(right))
            made.append(Block(f"{name}:products", name, np.where(there[:, None], values, np.float32(0)), there))
        return made

    def close(self, pattern: Pattern) -> Pattern:
        """The pattern of modalities with the pairs that it holds: the patterns that rows of extended examples can have."""
        return tuple(sorted({*pattern, *(name for name, pair in self.pairs.items() if set(pair) <= set(pattern))}))

    def state(self) -> State:
        return State.pack({"reducer": self.reducer.state(), "scale": State({}, {"mean": self.mean, "factor": self.factor})})

    @classmethod
    def restore(cls, state: State) -> Products:
        scale = state.part("scale").arrays
        return cls(Reducer.restore(state.part("reducer")), scale["mean"], scale["factor"])


def _affordable(train: Examples, components: int) -> int:
    """Components of each block, so that all products together are no more than ``_MOST``, and those of a pair half as many as there are rows."""
    count = len(train.modalities)
    pairs = max(1, count * (count - 1) // 2)
    own = min(components, int((_MOST / pairs) ** 0.5), int((len(train) / 2) ** 0.5))
    shared = max(sum(block.modality == name for block in train.blocks) for name in train.modalities)
    return max(2, own // shared)
