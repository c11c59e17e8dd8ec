"""Is a row like those that were learned from? Its distance to them in feature space, encoder by encoder.

Source: Lee et al. (2018), Mahalanobis distance of features; Tipping and Bishop (1999), the covariance as principal components and an even rest;
chances by cross-validation: Vovk (2015). What encoders do not see, such as words that a bag of words never met, cannot look unfamiliar.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from consilience.core.seeds import generator
from consilience.core.state import State
from consilience.features._examples import Block, Examples
from consilience.learn.learners._base import Split

__all__ = ["FLAGGED", "Familiarity", "Unfamiliar"]

FLAGGED = 0.01
"""Share of held-out rows that look as unfamiliar as a row that is flagged."""

_COMPONENTS = 64
_WIDEST = 1024
"""Features beyond which they are folded into so many by sums with random signs: the folder stays small."""

_LEARN, _CHECK = 1000, 1000
"""Rows for the components, and held-out rows that say what is usual."""

_FEWEST = 100
"""Held-out rows without which nobody knows what one in a hundred looks like."""

_SHRINK = 0.1
"""Share of the mean variance in each feature's and each component's: what never varied must not cry at the first change."""


@dataclass(frozen=True)
class Unfamiliar:
    """How unlike the training rows each row is.

    Args:
        chance: ``[N]`` share of held-out training rows that are at least as far from the others; small = unlike all.
        by_modality: Modality to the smallest chance of its features alone; 1 where it is absent.
    """

    chance: np.ndarray
    by_modality: dict[str, np.ndarray]

    @property
    def flagged(self) -> np.ndarray:
        """``[N]`` bool."""
        return self.chance < FLAGGED

    def notes(self) -> list[str]:
        """``[N]`` a sentence for each flagged row, and nothing for others."""
        made = [""] * len(self.chance)
        for row in np.flatnonzero(self.flagged).tolist():
            chances = {name: float(chance[row]) for name, chance in self.by_modality.items()}
            least = min(chances.values())
            odd = sorted(name for name, chance in chances.items() if chance == least or chance < FLAGGED / len(chances))
            made[row] = f"Unlike the rows that were learned from: {', '.join(odd)}."
        return made


class Familiarity:
    """What is usual, by block of features.

    Args:
        spaces: Block to the space in which distances are measured.
        usual: Block to ``[R]`` sorted distances of held-out rows.
        least: ``[R]`` sorted: the smallest chance over the blocks of each held-out row.
    """

    def __init__(self, spaces: dict[str, _Space], usual: dict[str, np.ndarray], least: np.ndarray) -> None:
        self.spaces, self.usual, self.least = spaces, usual, least

    @classmethod
    def fit(cls, splits: Sequence[Split], whole: Examples, slots: Collection[str], seed: int = 0) -> Familiarity | None:
        """Spaces of all rows, and distances of each fold's held-out rows in the space of its others; None where there are too few rows.

        Args:
            splits: The folds.
            whole: All rows that the model learned from.
            slots: Names of the blocks that are there at prediction. Modalities whose encoders learn with the network have none, and are not watched.
        """
        spaces = {block.name: made for block in _watched(whole, slots) if (made := _Space.fit(block, seed)) is not None}
        found: dict[str, list[np.ndarray]] = {name: [] for name in spaces}
        for number, split in enumerate(splits):
            rows = np.sort(generator(seed, "familiar", number).permutation(len(split.valid))[: -(-_CHECK // len(splits))])
            train, valid = _by_name(split.train), _by_name(split.valid.take(rows))
            for name in spaces:
                own = _Space.fit(train[name], seed)
                found[name].append(np.full(len(rows), np.nan) if own is None else own.distances(valid[name]))
        far = {name: np.concatenate(distances) for name, distances in found.items()}
        kept = {name: np.sort(one[np.isfinite(one)]) for name, one in far.items()}
        kept = {name: one for name, one in kept.items() if len(one) >= _FEWEST // 2}
        if not kept or sum(len(split.valid) for split in splits) < _FEWEST:
            return None
        usual = cls({name: spaces[name] for name in kept}, kept, np.zeros(0))
        usual.least = np.sort(np.min([usual._chances(name, far[name]) for name in kept], axis=0))
        return usual

    @property
    def modalities(self) -> list[str]:
        """Those that are watched."""
        return sorted({space.modality for space in self.spaces.values()})

    def of(self, examples: Examples) -> Unfamiliar:
        """How unlike the training rows these are. A block that is not there says nothing."""
        blocks, least = _by_name(examples), np.ones(len(examples))
        chances = {name: np.ones(len(examples)) for name in self.modalities}
        for name, space in self.spaces.items():
            if name in blocks:
                chance = self._chances(name, space.distances(blocks[name]))
                chances[space.modality] = np.minimum(chances[space.modality], chance)
                least = np.minimum(least, chance)
        # The smallest of several chances is small more often than each of them: it is held against its own like.
        rows = len(self.least)
        share = np.minimum((np.searchsorted(self.least, least, side="right") + 1) / (rows + 1), 1.0)
        return Unfamiliar(np.where(least < self.least[0], least / self.least[0] / (rows + 1), share), chances)

    def _chances(self, name: str, far: np.ndarray) -> np.ndarray:
        return _chance(far, self.usual[name])

    def state(self) -> State:
        parts = {str(index): space.state() for index, space in enumerate(self.spaces.values())}
        usual = {str(index): self.usual[name] for index, name in enumerate(self.spaces)}
        return State.pack({**parts, "usual": State({}, {**usual, "least": self.least})}, {"blocks": list(self.spaces)})

    @classmethod
    def restore(cls, state: State) -> Familiarity:
        """Raises ValueError where a part is missing or does not fit."""
        names, usual = state.config["blocks"], state.part("usual").arrays
        spaces = {name: _Space.restore(state.part(str(index))) for index, name in enumerate(names)}
        known = {name: usual[str(index)] for index, name in enumerate(names)}
        least = usual["least"]
        if not names or not all(one.ndim == 1 and len(one) and np.isfinite(one).all() for one in (*known.values(), least)) or not (least > 0).all():
            raise ValueError("what is usual is not known of every block of features")
        return cls(spaces, known, least)


class _Space:
    """The distribution of a block's features: principal components with their variances, and an even rest.

    Args:
        modality: Of the block.
        mean, scale: ``[D]`` by which features are standardised.
        components: ``[D, Q]`` orthonormal.
        variances: ``[Q + 1]`` along each component, and along each direction of the rest.
    """

    def __init__(self, modality: str, mean: np.ndarray, scale: np.ndarray, components: np.ndarray, variances: np.ndarray) -> None:
        self.modality, self.mean, self.scale, self.components, self.variances = modality, mean, scale, components, variances

    @classmethod
    def fit(cls, block: Block, seed: int) -> _Space | None:
        """None where the block is present in too few rows."""
        rows = np.flatnonzero(block.present)
        if len(rows) < _FEWEST // 4:
            return None
        values = _matrix(block.take(np.sort(generator(seed, "familiar rows").permutation(rows)[:_LEARN])))
        mean, variance = values.mean(axis=0), values.var(axis=0)
        scale = np.sqrt((1 - _SHRINK) * variance + _SHRINK * variance.mean() + 1e-12)
        centred, width = (values - mean) / scale, values.shape[1]
        wanted = min(_COMPONENTS, len(values) // 4, width)
        with threadpool_limits(1, user_api="blas"):  # threads that wait for each other take a hundred times as long on a busy machine
            found = PCA(wanted, svd_solver="randomized" if 4 * wanted < min(values.shape) else "full", iterated_power=3, random_state=0).fit(centred)
        along, total = found.explained_variance_, float((centred**2).sum()) / (len(values) - 1)
        rest = max(total - float(along.sum()), 0.0) / max(1, width - wanted)
        variances = (1 - _SHRINK) * np.append(along, rest) + _SHRINK * total / width + 1e-9
        components = found.components_.T.astype(np.float16)
        return cls(block.modality, mean.astype(np.float32), scale.astype(np.float32), components, variances)

    @cached_property
    def _directions(self) -> np.ndarray:
        """The components as they are reckoned with: for one row, to make them anew would take longer than all else."""
        return self.components.astype(np.float64)

    def distances(self, block: Block) -> np.ndarray:
        """``[N]`` Mahalanobis distance; NaN where the block is absent. Raises ValueError for features of another width."""
        made = np.full(len(block.mask), np.nan)
        rows = np.flatnonzero(block.present)
        if not len(rows):
            return made
        values = _matrix(block if len(rows) == len(made) else block.take(rows))
        if values.shape[1] != len(self.mean):
            raise ValueError(f"features of width {values.shape[1]} where {len(self.mean)} were learned")
        centred = (values - self.mean) / self.scale
        places = centred @ self._directions
        rest = np.maximum((centred**2).sum(axis=1) - (places**2).sum(axis=1), 0.0)
        made[rows] = np.sqrt((places**2 / self.variances[:-1]).sum(axis=1) + rest / self.variances[-1])
        return made

    def state(self) -> State:
        arrays = {"mean": self.mean, "scale": self.scale, "components": self.components, "variances": self.variances}
        return State({"modality": self.modality}, arrays)

    @classmethod
    def restore(cls, state: State) -> _Space:
        mean, scale, components, variances = (state.arrays[name] for name in ("mean", "scale", "components", "variances"))
        shapes = scale.shape == mean.shape == components.shape[:1] and variances.shape == (components.shape[1] + 1,)
        if not shapes or not (scale > 0).all() or not (variances > 0).all():
            raise ValueError("a feature space does not fit itself")
        return cls(state.config["modality"], mean, scale, components, variances)


def _chance(far: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """``[N]`` share of the usual distances that are as far; beyond the farthest it falls off exponentially. 1 where there is no distance."""
    rows = len(usual)
    chance = (rows - np.searchsorted(usual, far, side="left") + 1) / (rows + 1)
    top = usual[int(0.9 * rows) :]
    reach = max(float((top - top[0]).mean()), 1e-9)
    beyond = np.exp(-np.minimum(np.maximum(far - usual[-1], 0) / reach, 600.0)) / (rows + 1)
    return np.where(np.isnan(far), 1.0, np.where(far > usual[-1], beyond, np.minimum(chance, 1.0)))


def _watched(examples: Examples, slots: Collection[str]) -> list[Block]:
    """Blocks to be watched; counts of words only where their modality has nothing better, for what they do not know they do not show."""
    blocks = [block for block in examples.blocks if block.name in slots]
    dense = {block.modality for block in blocks if not sparse.issparse(block.values)}
    return [block for block in blocks if not sparse.issparse(block.values) or block.modality not in dense]


def _by_name(examples: Examples) -> dict[str, Block]:
    return {block.name: block for block in examples.blocks}


def _matrix(block: Block) -> np.ndarray:
    """``[N, D]`` the features, folded where they are wide."""
    return _narrow(block.pooled())


def _narrow(values: np.ndarray | sparse.csr_matrix) -> np.ndarray:
    """Dense and at most so wide: columns are added up in groups, with signs (Weinberger et al. 2009). Both follow from the column's number alone."""
    if values.shape[1] <= _WIDEST:
        return np.asarray(values if isinstance(values, np.ndarray) else values.toarray(), dtype=np.float64)
    made: Any = values @ _fold(values.shape[1])
    return np.asarray(made if isinstance(made, np.ndarray) else made.toarray(), dtype=np.float64)


@lru_cache(maxsize=16)
def _fold(width: int) -> sparse.csr_matrix:
    """``[width, _WIDEST]``: for one row, to make it anew would take longer than to use it."""
    mixed = np.arange(width, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # wraps around
    place, sign = (mixed >> np.uint64(40)) % np.uint64(_WIDEST), np.where((mixed >> np.uint64(39)) & np.uint64(1), 1.0, -1.0)
    return sparse.csr_matrix((sign, (np.arange(width), place.astype(np.int64))), shape=(width, _WIDEST))
