"""Examples as the batches of tensors that a network takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from consilience.features._examples import Block, Examples

__all__ = ["Feed", "SlotSpec"]


class SlotSpec(NamedTuple):
    """One input of a network: ``sort`` is dense, sparse or trained; ``width`` is that of its features (0 for trained)."""

    name: str
    modality: str
    sort: str
    width: int


class Feed:
    """Cuts batches out of examples.

    Args:
        examples: N rows.
        slots: The inputs that the network was built for, from ``specs``.
    """

    def __init__(self, examples: Examples, slots: Sequence[SlotSpec], device: str = "cpu") -> None:
        self.examples, self.slots, self.device = examples, slots, device
        self.blocks = {block.name: block for block in examples.blocks}
        self.prepared = {part.name: part for part in examples.prepared}

    @staticmethod
    def specs(examples: Examples) -> list[SlotSpec]:
        """The slots of examples, sorted by name so that the order of a table's columns makes no difference."""
        blocks = [
            SlotSpec(block.name, block.modality, "sparse" if sparse.issparse(block.values) else "dense", block.width) for block in examples.blocks
        ]
        return sorted([*blocks, *(SlotSpec(part.name, part.modality, "trained", 0) for part in examples.prepared)])

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, rows: np.ndarray) -> Mapping[str, Mapping[str, Tensor]]:
        """Slot name to tensors for these rows."""
        made: dict[str, dict[str, Tensor]] = {}
        for slot in self.slots:
            if slot.sort == "trained":
                arrays = self.prepared[slot.name].arrays
                tensors = {name: torch.from_numpy(np.ascontiguousarray(array[rows])) for name, array in arrays.items()}
            else:
                block = self.blocks[slot.name]
                tensors = _sparse(block, rows) if slot.sort == "sparse" else _dense(block, rows)
            made[slot.name] = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        return made


def _dense(block: Block, rows: np.ndarray) -> dict[str, Tensor]:
    values, mask = torch.from_numpy(np.asarray(block.values[rows], dtype=np.float32)), torch.from_numpy(block.mask[rows])
    return {"values": values, "mask": mask} if values.ndim == 3 else {"values": values.unsqueeze(1), "mask": mask.unsqueeze(1)}


def _sparse(block: Block, rows: np.ndarray) -> dict[str, Tensor]:
    # Entries of rows that are absent are left out: what stands there would reach the matrix's gradient as zero times NaN.
    matrix = sparse.csr_matrix(block.take(rows).pooled())
    return {
        "columns": torch.from_numpy(matrix.indices.astype(np.int64)),
        "values": torch.from_numpy(matrix.data.astype(np.float32)),
        "starts": torch.from_numpy(matrix.indptr[:-1].astype(np.int64)),
        "mask": torch.from_numpy(block.mask[rows]).unsqueeze(1),
    }
