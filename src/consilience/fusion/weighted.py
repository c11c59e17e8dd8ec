"""Weighted sum with learned weights: F = sum of w_m V_m.

Source: Atrey et al. (2010), survey of multimodal fusion, linear weighted fusion. Few parameters, so it suits few rows; a modality's weight is
the same in every row unless ``by_evidence`` lets it depend on what the row holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion
from consilience.layers.mlp import MLP
from consilience.layers.pooling import masked_softmax
from consilience.layers.tokens import Tokens

__all__ = ["Weighted"]

CARD = Card(
    summary="Sum with learned softmax weights over what is present; few parameters, for few rows.",
    source="Atrey et al. (2010), Multimodal fusion for multimedia analysis: a survey",
    claims=("weights",),
)


class WeightedSettings(Settings):
    """Settings of ``weighted``."""

    by_evidence: bool = Field(default=False, description="Let weights also depend on each row's vectors and on how many tokens they come from.")
    hidden: int = Field(default=16, ge=1, description="Width of the gate's hidden layer; only used with by_evidence.")


class Weighted(Fusion):
    """``F = sum of w_m V_m``; the weights are a softmax over the modalities that are present.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> one = Tokens.single(torch.ones(2, 4), torch.tensor([True, False]))
    >>> Weighted(["text", "image"], 4, WeightedSettings())({"image": one, "text": one}).weights.tolist()
    [[0.5, 0.5], [0.0, 0.0]]
    """

    Settings = WeightedSettings
    settings: WeightedSettings
    scores: nn.Parameter | None
    gate: MLP | None

    def __init__(self, names: Sequence[str], width: int, settings: WeightedSettings) -> None:
        super().__init__(names, width, settings)
        self.additive = not settings.by_evidence
        several = len(self.names) > 1  # the weight of a single modality is 1, whatever is learned
        self.scores = nn.Parameter(torch.zeros(len(self.names))) if several else None
        self.gate = MLP(width + 1, 1, settings.hidden, out_bias=False) if several and settings.by_evidence else None

    def mix(self, parts: Sequence[Tokens], vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        amounts = torch.stack([part.mask.sum(dim=1) for part in parts], dim=1)  # [B, M]
        return self.weigh(vectors, present, amounts)

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.weigh(vectors, present, present.long())

    def weigh(self, vectors: Tensor, present: Tensor, amounts: Tensor) -> tuple[Tensor, Tensor]:
        """The weighted sum ``[B, D]`` and its weights ``[B, M]``; ``amounts [B, M]`` are the numbers of tokens behind each vector."""
        scores = torch.zeros_like(vectors[..., 0]) if self.scores is None else self.scores.to(vectors.dtype).expand(vectors.shape[:2])
        if self.gate is not None:
            evidence = torch.cat([vectors, amounts.to(vectors.dtype).log1p().unsqueeze(-1)], dim=-1)  # [B, M, D + 1]
            scores = scores + self.gate(evidence).squeeze(-1)
        weights = masked_softmax(scores, present)
        return (weights.unsqueeze(-1) * vectors).sum(dim=1), weights
