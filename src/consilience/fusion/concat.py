"""Concatenation: the vectors of all modalities side by side, then a small perceptron.

Source: Ngiam et al. (2011). The plain baseline; strong when most modalities are present in most rows, and it has no weights to show.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion
from consilience.layers.mlp import MLP

__all__ = ["Concat"]

CARD = Card(
    summary="All vectors side by side, with a flag for what is absent, then a perceptron: the plain baseline.",
    source="Ngiam et al. (2011), Multimodal Deep Learning",
    claims=("interaction",),
)


class ConcatSettings(Settings):
    """Settings of ``concat``."""

    hidden: int = Field(default=256, ge=1, description="Width of the hidden layer.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of hidden units dropped in training.")


class Concat(Fusion):
    """Vectors and presence flags, concatenated, through a perceptron; a learned vector stands for an absent modality.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> from consilience.layers.tokens import Tokens
    >>> fusion = Concat(["text", "image"], 4, ConcatSettings())
    >>> one = Tokens.single(torch.ones(2, 4), torch.tensor([True, False]))
    >>> fusion({"image": one, "text": one}).vector.shape
    torch.Size([2, 4])
    """

    Settings = ConcatSettings
    fills = True
    settings: ConcatSettings

    def __init__(self, names: Sequence[str], width: int, settings: ConcatSettings) -> None:
        super().__init__(names, width, settings)
        count = len(self.names)
        self.mlp = MLP(count * width + count, width, settings.hidden, settings.dropout)

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        flat = self.filled(vectors, present).flatten(1)  # [B, M * D]
        return self.mlp(torch.cat([flat, present.to(flat.dtype)], dim=1)), None
