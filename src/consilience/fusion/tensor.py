"""Tensor fusion: the outer product of all modalities, each with a one beside it, so that every interaction has its own weight.

Source: Zadeh et al. (2017), TFN. The most explicit model of interaction; its size is a power of the number of modalities, so each is first reduced to
a few numbers. For two to four modalities; beyond that ``lowrank`` says the same with far fewer weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.errors import UsageError
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion

__all__ = ["TensorFusion"]

CARD = Card(
    summary="Outer product of all modalities, each reduced to a few numbers: every interaction has its own weight; for two to four modalities.",
    source="Zadeh et al. (2017), Tensor Fusion Network for Multimodal Sentiment Analysis",
    claims=("interaction",),
    cost="medium",
)

_MOST = 16
"""Numbers that a modality is reduced to where the product's size allows it."""


class TensorSettings(Settings):
    """Settings of ``tensor``."""

    numbers: int | None = Field(default=None, ge=1, le=1024, description="Numbers that each modality is reduced to; by itself 16, or as many as fit.")
    largest: int = Field(default=4096, ge=2, le=1_048_576, description="Most entries of the product, which are (numbers + 1) ** modalities.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of the product's entries dropped in training.")


class TensorFusion(Fusion):
    """``F = W vec([1; z_1] x [1; z_2] x ...)`` with ``z_m = tanh(R_m V_m)``; an absent modality is [1; 0], which leaves the others' product.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    Raises:
        UsageError: The product would have more entries than ``largest``.

    >>> from consilience.layers.tokens import Tokens
    >>> one = Tokens.single(torch.ones(2, 4), torch.tensor([True, False]))
    >>> TensorFusion(["text", "image"], 4, TensorSettings())({"image": one, "text": one}).vector.shape
    torch.Size([2, 4])
    """

    Settings = TensorSettings
    settings: TensorSettings

    def __init__(self, names: Sequence[str], width: int, settings: TensorSettings) -> None:
        super().__init__(names, width, settings)
        numbers = self._numbers(settings)
        self.reduce = nn.ModuleList(nn.Linear(width, numbers) for _ in self.names)
        self.drop = nn.Dropout(settings.dropout)
        self.out = nn.Linear((numbers + 1) ** len(self.names), width, bias=False)  # the product of all ones is the bias

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        product = vectors.new_ones(len(vectors), 1)
        for index, layer in enumerate(self.reduce):
            numbers = torch.where(present[:, index : index + 1], layer(vectors[:, index]).tanh(), 0.0)  # [B, R]
            factor = torch.cat([torch.ones_like(numbers[:, :1]), numbers], dim=1)
            product = (product.unsqueeze(2) * factor.unsqueeze(1)).flatten(1)  # [B, (R + 1) ** (index + 1)]
        return self.out(self.drop(product)), None

    def _numbers(self, settings: TensorSettings) -> int:
        """How many numbers stand for a modality."""
        count = len(self.names)
        fitting = max((numbers for numbers in range(1, _MOST + 1) if (numbers + 1) ** count <= settings.largest), default=0)
        wanted = fitting or 1 if settings.numbers is None else settings.numbers
        if (wanted + 1) ** count > settings.largest:
            raise UsageError(
                f"The fusion 'tensor' of {count} modalities with {wanted} numbers each has a product of {(wanted + 1) ** count:,} entries, "
                f"more than the {settings.largest:,} that are allowed.",
                hint="Give fewer 'numbers', raise 'largest', or take the fusion lowrank, which never makes the product.",
            )
        return wanted
