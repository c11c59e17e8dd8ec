"""Multiplicative fusion: low-rank bilinear pooling of every pair of modalities by products of their channels.

Source: Kim et al. (2017), MLB, for two modalities; here the sum over all pairs, computed as in factorisation machines (Rendle, 2010).
Of use where the target depends on how two modalities go together, such as a question and a picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion

__all__ = ["Multiplicative"]

CARD = Card(
    summary="Channels of each pair of modalities multiplied (low-rank bilinear), beside a plain sum: where it matters how two go together.",
    source="Kim et al. (2017), Hadamard Product for Low-rank Bilinear Pooling",
    claims=("interaction",),
)


class MultiplicativeSettings(Settings):
    """Settings of ``multiplicative``."""

    rank: int = Field(default=64, ge=1, le=4096, description="Channels that are multiplied: the rank of the bilinear form.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of products dropped in training.")


class Multiplicative(Fusion):
    """``F = LayerNorm(P (sum over pairs of tanh(U_i V_i) * tanh(U_j V_j)) + sum of L_m V_m)``; an absent modality is in no pair.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> from consilience.layers.tokens import Tokens
    >>> one = Tokens.single(torch.ones(2, 4), torch.tensor([True, False]))
    >>> Multiplicative(["text", "image"], 4, MultiplicativeSettings())({"image": one, "text": one}).vector.shape
    torch.Size([2, 4])
    """

    Settings = MultiplicativeSettings
    settings: MultiplicativeSettings

    def __init__(self, names: Sequence[str], width: int, settings: MultiplicativeSettings) -> None:
        super().__init__(names, width, settings)
        several = len(self.names) > 1  # a single modality makes no pair
        self.alone = nn.ModuleList(nn.Linear(width, width) for _ in self.names)
        self.factors = nn.ModuleList(nn.Linear(width, settings.rank) for _ in self.names) if several else None
        self.out = nn.Linear(settings.rank, width, bias=False) if several else None
        self.drop = nn.Dropout(settings.dropout)
        self.norm = nn.LayerNorm(width)

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        there = present.unsqueeze(-1)
        alone = torch.stack([layer(vectors[:, index]) for index, layer in enumerate(self.alone)], dim=1)  # [B, M, D]
        total = torch.where(there, alone, 0.0).sum(dim=1)
        if self.factors is not None and self.out is not None:
            factors = torch.stack([layer(vectors[:, index]) for index, layer in enumerate(self.factors)], dim=1).tanh()  # [B, M, R]
            factors = torch.where(there, factors, 0.0)
            # (a + b + c)^2 - a^2 - b^2 - c^2 is twice the sum over pairs.
            pairs = (factors.sum(dim=1).square() - factors.square().sum(dim=1)) / 2
            total = total + self.out(self.drop(pairs))
        return self.norm(total), None
