"""Blocks as scaled matrices: standardised, absent rows zero, mean squared row norm one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from consilience.core.state import State
from consilience.features._examples import Block, Examples

__all__ = ["Scaler"]

_FARTHEST = 10.0
"""Standard deviations at which a column is cut."""

_COLUMNS = 128
"""Columns that are measured at once."""


@dataclass
class _Scale:
    modality: str
    mean: np.ndarray  # [D], zeros for a sparse block: centring would fill it
    factor: np.ndarray  # [D], or [1] for a sparse block
    width: int


class Scaler:
    """Puts every block on one footing.

    Dense columns are centred and divided by their deviation over the rows that are present, then by the root of the block's width;
    a sparse block is divided by the root of its mean squared row norm. Either way a row of a block has a squared norm near 1,
    so that one penalty means the same for a picture's 1,280 columns as for a table's 10.
    """

    def __init__(self, scales: dict[str, _Scale]) -> None:
        self.scales = scales

    @classmethod
    def fit(cls, examples: Examples) -> Scaler:
        return cls({block.name: _measure(block) for block in examples.blocks})

    def transform(self, examples: Examples) -> dict[str, np.ndarray | sparse.csr_matrix]:
        """Block name to ``[N, D] float32`` (or CSR); zeros where absent."""
        return {block.name: self.apply(block) for block in examples.blocks if block.name in self.scales}

    def apply(self, block: Block) -> np.ndarray | sparse.csr_matrix:
        scale = self.scales[block.name]
        values = block.pooled()
        if sparse.issparse(values):
            return sparse.csr_matrix(values * scale.factor[0], dtype=np.float32)
        scaled = values - scale.mean
        scaled *= scale.factor
        # A value far beyond what was seen must not outvote all other evidence.
        limit = _FARTHEST / np.sqrt(block.width)
        np.clip(scaled, -limit, limit, out=scaled)
        scaled[~block.present] = 0
        return scaled.astype(np.float32, copy=False)

    def names(self, modalities: Collection[str]) -> list[str]:
        """Names of the blocks of these modalities, in the order in which they were fitted."""
        return [name for name, scale in self.scales.items() if scale.modality in modalities]

    def modality(self, name: str) -> str:
        return self.scales[name].modality

    def width(self, name: str) -> int:
        """D of a block."""
        return self.scales[name].width

    def state(self) -> State:
        arrays: dict[str, np.ndarray] = {}
        for index, scale in enumerate(self.scales.values()):
            arrays[f"mean{index}"], arrays[f"factor{index}"] = scale.mean, scale.factor
        return State({"blocks": [[name, scale.modality, scale.width] for name, scale in self.scales.items()]}, arrays)

    @classmethod
    def restore(cls, state: State) -> Scaler:
        blocks = state.config["blocks"]
        return cls(
            {name: _Scale(modality, state.arrays[f"mean{i}"], state.arrays[f"factor{i}"], width) for i, (name, modality, width) in enumerate(blocks)}
        )


def _measure(block: Block) -> _Scale:
    values, present = block.pooled(), block.present
    if isinstance(values, sparse.csr_matrix):
        norm = np.sqrt(values.multiply(values).sum() / max(1, present.sum()))
        return _Scale(block.modality, np.zeros(1, np.float32), np.array([1 / norm if norm > 0 else 0.0], np.float32), block.width)
    if not present.any():
        return _Scale(block.modality, np.zeros(block.width, np.float32), np.zeros(block.width, np.float32), block.width)
    mean, deviation, largest = (np.zeros(block.width) for _ in range(3))
    rows = slice(None) if present.all() else present
    for first in range(0, block.width, _COLUMNS):  # float64 of all columns at once would be twice the block and more
        part = slice(first, first + _COLUMNS)
        seen = np.asarray(values)[:, part][rows].astype(np.float64)
        mean[part], deviation[part], largest[part] = seen.mean(axis=0), seen.std(axis=0), np.abs(seen).max(axis=0)
    # A column that hardly varies would be blown up by its own noise.
    usable = deviation > 1e-6 * np.maximum(1.0, largest)
    factor = np.where(usable, 1 / np.where(usable, deviation, 1), 0) / np.sqrt(block.width)
    return _Scale(block.modality, mean.astype(np.float32), factor.astype(np.float32), block.width)
