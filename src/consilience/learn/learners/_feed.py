"""Examples as the batches of tensors that a network takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from consilience.features._examples import Block, Examples

__all__ = ["Feed", "SlotSpec"]


class SlotSpec(NamedTuple):
    """One input of a network: ``width`` is that of kept features; None where the network trains the encoder."""

    name: str
    modality: str
    width: int | None


class Feed:
    """Cuts batches out of examples.

    Args:
        examples: N rows, every block dense.
        slots: The inputs that the network was built for, from ``specs``.
    """

    def __init__(self, examples: Examples, slots: Sequence[SlotSpec], device: str = "cpu") -> None:
        self.examples, self.slots, self.device = examples, slots, device
        self.blocks = {block.name: block for block in examples.blocks}
        self.prepared = {part.name: part for part in examples.prepared}

    @staticmethod
    def specs(examples: Examples) -> list[SlotSpec]:
        """The slots of examples, sorted by name so that the order of a table's columns makes no difference."""
        kept = [SlotSpec(block.name, block.modality, block.width) for block in examples.blocks]
        return sorted([*kept, *(SlotSpec(part.name, part.modality, None) for part in examples.prepared)], key=lambda slot: slot.name)

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, rows: np.ndarray) -> Mapping[str, Mapping[str, Tensor]]:
        """Slot name to tensors for these rows."""
        made: dict[str, dict[str, Tensor]] = {}
        for slot in self.slots:
            if slot.width is None:
                arrays = self.prepared[slot.name].arrays
                tensors = {name: torch.from_numpy(np.ascontiguousarray(array[rows])) for name, array in arrays.items()}
            else:
                tensors = _dense(self.blocks[slot.name], rows)
            made[slot.name] = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        return made


def _dense(block: Block, rows: np.ndarray) -> dict[str, Tensor]:
    values, mask = torch.from_numpy(np.asarray(block.values[rows], dtype=np.float32)), torch.from_numpy(block.mask[rows])
    return {"values": values, "mask": mask} if values.ndim == 3 else {"values": values.unsqueeze(1), "mask": mask.unsqueeze(1)}
