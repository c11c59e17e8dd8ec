"""Product of experts: each modality gives a Gaussian over the fused vector, and the Gaussians are multiplied.

Source: Wu and Goodman (2018), the product-of-experts inference network of the multimodal variational autoencoder; Hinton (2002).
Of use where evidence is often absent or of mixed quality: a modality that is unsure in a row counts less in that row, one that is absent not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion

__all__ = ["Experts"]

CARD = Card(
    summary="A mean and a precision a channel from each modality, combined by inverse variance: where evidence is absent or of mixed quality.",
    source="Wu and Goodman (2018), Multimodal Generative Models for Scalable Weakly-Supervised Learning",
    claims=("weights", "interaction"),
)


class Experts(Fusion):
    """``F = sum of P_m mu_m / (1 + sum of P_m)``: the mean of the product of the modalities' Gaussians and of a standard normal prior.

    Only the mean is used; nothing is drawn at random. ``weights`` are the shares of the modalities' precisions, the prior left out, averaged over
    channels.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> from consilience.layers.tokens import Tokens
    >>> one = Tokens.single(torch.ones(1, 4), torch.tensor([True]))
    >>> none = Tokens.single(torch.ones(1, 4), torch.tensor([False]))
    >>> Experts(["image", "text"], 4, Settings())({"image": none, "text": one}).weights.tolist()
    [[0.0, 1.0]]
    """

    def __init__(self, names: Sequence[str], width: int, settings: Settings) -> None:
        super().__init__(names, width, settings)
        self.means = nn.ModuleList(nn.Linear(width, width) for _ in self.names)
        self.precisions = nn.ModuleList(nn.Linear(width, width) for _ in self.names)

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        means = torch.stack([layer(vectors[:, index]) for index, layer in enumerate(self.means)], dim=1)  # [B, M, D]
        raw = torch.stack([layer(vectors[:, index]) for index, layer in enumerate(self.precisions)], dim=1)
        # A floor: no present modality is without any say, so that shares are never 0 / 0.
        precisions = (functional.softplus(raw) + 1e-4) * present.unsqueeze(-1)
        total = precisions.sum(dim=1)  # [B, D]
        shares = (precisions / total.unsqueeze(1).clamp(min=1e-4)).mean(dim=-1)  # [B, M]
        return (precisions * means).sum(dim=1) / (1 + total), shares
