"""Weighted sum whose weights follow from how much the modalities agree: F = w V + (1 - w) W.

Source: the dot-product and cosine weighting of introductory texts on multimodal models, with the scaled dot product of Vaswani et al. (2017).
Of use where agreement or contradiction between modalities is itself evidence; with one modality it is that modality.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion
from consilience.layers.pooling import masked_softmax

__all__ = ["Similarity"]

CARD = Card(
    summary="Weights from the dot product or cosine between modalities, F = w V + (1 - w) W: where agreement is evidence.",
    source="Weighted fusion by similarity; scaled dot product of Vaswani et al. (2017)",
    claims=("weights", "interaction"),
)


class SimilaritySettings(Settings):
    """Settings of ``similarity``."""

    measure: Literal["dot", "cosine"] = Field(default="cosine", description="dot: dot product by root of width; cosine: of the angle.")


class Similarity(Fusion):
    """``F = sum of w_m V_m``; a modality's score is linear in its similarity to the others present.

    With two modalities V and W this is ``F = w V + (1 - w) W`` with ``w = sigmoid(a * similarity(V, W) + b)``; ``a`` starts at 1, ``b`` at 0.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> from consilience.layers.tokens import Tokens
    >>> both = torch.tensor([True])
    >>> image, text = Tokens.single(torch.tensor([[3.0, 0.0]]), both), Tokens.single(torch.tensor([[0.0, 1.0]]), both)
    >>> Similarity(["image", "text"], 2, SimilaritySettings())({"image": image, "text": text}).vector.tolist()
    [[1.5, 0.5]]
    """

    Settings = SimilaritySettings
    settings: SimilaritySettings
    slopes: nn.Parameter | None
    scores: nn.Parameter | None
    others: Tensor

    def __init__(self, names: Sequence[str], width: int, settings: SimilaritySettings) -> None:
        super().__init__(names, width, settings)
        count = len(self.names)
        # Similarity is symmetric: with equal slopes it would cancel between two modalities, so the pair starts with slopes that differ by 1.
        start = torch.triu(torch.full((count, count), 1.5), 1) + torch.tril(torch.full((count, count), 0.5), -1)
        self.slopes = nn.Parameter(start) if count > 1 else None
        self.scores = nn.Parameter(torch.zeros(count)) if count > 1 else None
        self.register_buffer("others", ~torch.eye(count, dtype=torch.bool), persistent=False)

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        scores = torch.zeros_like(vectors[..., 0])  # [B, M]
        if self.slopes is not None and self.scores is not None:
            pairs = self.others & present.unsqueeze(1) & present.unsqueeze(2)  # [B, M, M]
            agreement = torch.where(pairs, self.slopes * self.similarities(vectors), 0.0).sum(dim=2)
            scores = self.scores + agreement / pairs.sum(dim=2).clamp(min=1)
        weights = masked_softmax(scores, present)
        return (weights.unsqueeze(-1) * vectors).sum(dim=1), weights

    def similarities(self, vectors: Tensor) -> Tensor:
        """``[B, M, M]``: each modality with each."""
        if self.settings.measure == "dot":
            return vectors @ vectors.transpose(1, 2) / math.sqrt(self.width)
        # The small constant keeps the gradient of an all-zero vector bounded.
        units = vectors * torch.rsqrt(vectors.square().sum(dim=-1, keepdim=True) + 1e-8)
        return units @ units.transpose(1, 2)
