"""What a learner sees of a table: blocks of features, and which rows have them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from consilience.encoders._base import TrainedEncoder

__all__ = ["Block", "Examples", "Prepared"]

_ROWS = 4096
"""Rows of a sequence that are averaged at once."""


@dataclass(frozen=True)
class Block:
    """The features that one encoder made of one column (or of the modality ``table``).

    Args:
        name: ``column:encoder``, unique within the examples.
        modality: The modality it belongs to.
        values: ``[N, D]`` or ``[N, T, D]`` float, or CSR ``[N, D]``. What stands in a row that is absent has no meaning.
        mask: ``[N]`` (or ``[N, T]`` for sequences) bool, True = present.
    """

    name: str
    modality: str
    values: np.ndarray | sparse.csr_matrix
    mask: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """``[N]`` bool."""
        return self.mask if self.mask.ndim == 1 else np.asarray(self.mask.any(axis=1))

    @property
    def width(self) -> int:
        """D."""
        return int(self.values.shape[-1])

    def pooled(self) -> np.ndarray | sparse.csr_matrix:
        """``[N, D]`` float: the mean over a sequence's tokens; zeros where absent. Not to be written to: it may be the block's own memory."""
        if sparse.issparse(self.values):
            if self.mask.all():
                return self.values
            return sparse.diags(self.present.astype(np.float32)) @ self.values
        values = np.asarray(self.values)
        if values.ndim == 2:
            values = values.astype(np.float32, copy=False)
            return values if self.mask.all() else np.where(self.mask[:, None], values, np.float32(0))
        made = np.zeros((len(values), values.shape[2]))
        for first in range(0, len(values), _ROWS):  # a sequence is many times larger than its mean
            rows = slice(first, first + _ROWS)
            total = np.where(self.mask[rows, :, None], values[rows].astype(np.float32, copy=False), np.float32(0)).sum(axis=1)
            made[rows] = total / np.maximum(self.mask[rows].sum(axis=1, keepdims=True), 1)
        return made

    def take(self, rows: np.ndarray) -> Block:
        return replace(self, values=self.values[rows], mask=self.mask[rows])


@dataclass(frozen=True)
class Prepared:
    """What an encoder that learns with the network is fed.

    Args:
        name: ``column:encoder``.
        modality: The modality it belongs to.
        arrays: What ``TrainedEncoder.prepare`` gave: arrays of N rows, ``"mask"`` (``[N, T]`` bool) among them.
        encoder: The encoder, its vocabulary learned; ``build()`` makes its module.
    """

    name: str
    modality: str
    arrays: Mapping[str, np.ndarray]
    encoder: TrainedEncoder

    @property
    def present(self) -> np.ndarray:
        """``[N]`` bool."""
        return np.asarray(self.arrays["mask"].any(axis=1))

    def take(self, rows: np.ndarray) -> Prepared:
        return replace(self, arrays={name: array[rows] for name, array in self.arrays.items()})


@dataclass(frozen=True)
class Examples:
    """N rows as learners see them.

    Args:
        blocks: Features of frozen and fitted encoders.
        num_rows: N.
        prepared: Input of encoders that the network trains.
        raw: Input of encoders that are there only for models learned end to end; nobody else sees it, see ``only``.
    """

    blocks: tuple[Block, ...]
    num_rows: int
    prepared: tuple[Prepared, ...] = ()
    raw: tuple[Prepared, ...] = ()

    def __len__(self) -> int:
        return self.num_rows

    @property
    def modalities(self) -> list[str]:
        """Sorted names of the modalities that have features here."""
        return sorted({block.modality for block in self.blocks} | {part.modality for part in (*self.prepared, *self.raw)})

    def present(self) -> dict[str, np.ndarray]:
        """Modality to ``[N]`` bool: rows in which any of its features is present."""
        found = {name: np.zeros(self.num_rows, dtype=bool) for name in self.modalities}
        for block in self.blocks:
            found[block.modality] |= block.present
        for part in (*self.prepared, *self.raw):
            found[part.modality] |= part.present
        return found

    def rows_within(self, num_bytes: int) -> int:
        """How many rows such as these take about so much memory, 1 at least: who repeats rows in their thousands asks first."""
        arrays = [block.values for block in self.blocks] + [array for part in (*self.prepared, *self.raw) for array in part.arrays.values()]
        taken = sum(array.data.nbytes if sparse.issparse(array) else np.asarray(array).nbytes for array in arrays)
        return max(1, num_bytes * max(1, self.num_rows) // max(1, taken))

    def take(self, rows: np.ndarray) -> Examples:
        """These rows, in this order."""
        parts = (tuple(part.take(rows) for part in parts) for parts in (self.prepared, self.raw))
        return Examples(tuple(block.take(rows) for block in self.blocks), len(rows), *parts)

    def only(self, modalities: Collection[str], whole: bool = False) -> Examples:
        """The same rows with these modalities; the others do not exist.

        Args:
            whole: For a model that is learned end to end: where a modality has raw input, that stands in the place of its features.
        """
        raw = tuple(part for part in self.raw if whole and part.modality in modalities)
        others = set(modalities) - {part.modality for part in raw}
        blocks = tuple(block for block in self.blocks if block.modality in others)
        return Examples(blocks, self.num_rows, (*(part for part in self.prepared if part.modality in others), *raw))

    def without(self, modalities: Collection[str]) -> Examples:
        """The same rows with these modalities absent in every row: they exist, but nothing is known of them."""
        blocks = tuple(replace(block, mask=np.zeros_like(block.mask)) if block.modality in modalities else block for block in self.blocks)

        def hidden(part: Prepared) -> Prepared:
            return replace(part, arrays={**part.arrays, "mask": np.zeros_like(part.arrays["mask"])}) if part.modality in modalities else part

        return Examples(blocks, self.num_rows, tuple(map(hidden, self.prepared)), tuple(map(hidden, self.raw)))
