"""Low-rank multimodal fusion: the outer product of all modalities, with weights so factored that the product is never made.

Source: Liu et al. (2018), LMF. Interactions of all orders, as in ``tensor``, at a cost that grows with the number of modalities and not to its power.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion

__all__ = ["LowRank"]

CARD = Card(
    summary="Interactions of all orders by products of low-rank factors: the tensor's reach at a cost linear in the modalities.",
    source="Liu et al. (2018), Efficient Low-rank Multimodal Fusion with Modality-Specific Factors",
    claims=("interaction",),
)


class LowRankSettings(Settings):
    """Settings of ``lowrank``."""

    rank: int = Field(default=4, ge=1, le=256, description="Terms of the factored weights.")


class LowRank(Fusion):
    """``F = LayerNorm(sum over r of a_r * product over m of (W_m,r V_m + b_m,r))``; an absent modality's factor is 1.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> from consilience.layers.tokens import Tokens
    >>> one = Tokens.single(torch.ones(2, 4), torch.tensor([True, False]))
    >>> LowRank(["text", "image"], 4, LowRankSettings())({"image": one, "text": one}).vector.shape
    torch.Size([2, 4])
    """

    Settings = LowRankSettings
    settings: LowRankSettings

    def __init__(self, names: Sequence[str], width: int, settings: LowRankSettings) -> None:
        super().__init__(names, width, settings)
        count, rank = len(self.names), settings.rank
        # Factors begin around 1 with a deviation near 1 / 2: a product of eight of them neither vanishes nor explodes.
        self.weight = nn.Parameter(torch.randn(count, rank, width, width) * (0.5 * width**-0.5))
        self.bias = nn.Parameter(torch.ones(count, rank, width))
        self.mixture = nn.Parameter(torch.randn(rank, width) * rank**-0.5)
        self.norm = nn.LayerNorm(width)

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        factors = torch.einsum("bmd,mrde->bmre", vectors, self.weight.to(vectors.dtype)) + self.bias
        factors = torch.where(present[:, :, None, None], factors, 1.0)
        product = factors[:, 0]
        for index in range(1, len(self.names)):  # one by one: the gradient of a product over a dimension is slow where a factor is zero
            product = product * factors[:, index]
        return self.norm((self.mixture * product).sum(dim=1)), None
