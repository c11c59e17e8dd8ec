"""Late fusion: each modality says what it has to say by itself, and the evidence is added with learned weights.

Source: Snoek et al. (2005), early versus late fusion; the sum rule of Kittler et al. (1998). The yardstick of fusing: by construction it cannot use
anything that only a combination of modalities tells, so whoever beats it has found interaction.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion
from consilience.layers.mlp import MLP

__all__ = ["Late"]

CARD = Card(
    summary="A weighted sum of what each modality says alone, under a linear head: no interaction by construction, for few rows and as a yardstick.",
    source="Snoek et al. (2005), Early versus late fusion in semantic video analysis; Kittler et al. (1998)",
    claims=("weights",),
)


class LateSettings(Settings):
    """Settings of ``late``."""

    hidden: int = Field(default=64, ge=1, le=4096, description="Width of the hidden layer of each modality's own perceptron.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of hidden units dropped in training.")


class Late(Fusion):
    """``F = sum of w_m tanh(f_m(V_m))`` over the modalities present; each ``f_m`` is a perceptron of its own, each ``w_m`` a positive number.

    Evidence is between -1 and 1, so that the weights alone say how much a modality may count; it is added, not averaged: what a modality says weighs
    the same whether it stands alone or not. The head after it is linear, so a class's score is a sum of one term a modality.
    ``weights`` are the ``w_m`` as shares of those present.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> from consilience.layers.tokens import Tokens
    >>> one = Tokens.single(torch.ones(2, 4), torch.tensor([True, False]))
    >>> Late(["text", "image"], 4, LateSettings())({"image": one, "text": one}).weights.tolist()
    [[0.5, 0.5], [0.0, 0.0]]
    """

    Settings = LateSettings
    additive = True
    settings: LateSettings

    def __init__(self, names: Sequence[str], width: int, settings: LateSettings) -> None:
        super().__init__(names, width, settings)
        self.evidence = nn.ModuleList(MLP(width, width, settings.hidden, settings.dropout) for _ in self.names)
        self.strengths = nn.Parameter(torch.full((len(self.names),), 0.5413))  # softplus of it is 1

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        said = torch.stack([layer(vectors[:, index]) for index, layer in enumerate(self.evidence)], dim=1).tanh()  # [B, M, D]
        weights = functional.softplus(self.strengths).to(said.dtype) * present  # [B, M]
        shares = weights / weights.sum(dim=1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
        return (weights.unsqueeze(-1) * said).sum(dim=1), shares
