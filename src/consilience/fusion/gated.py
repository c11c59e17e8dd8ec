"""Gated multimodal unit: every channel of the vector is taken from the modalities by a learned gate.

Source: Arevalo et al. (2017), for two modalities; here a softmax gate over those present, which is the same sigmoid when there are two.
Of use where one modality should decide in some rows and another in others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion
from consilience.layers.pooling import masked_softmax

__all__ = ["Gated"]

CARD = Card(
    summary="A gate decides for each channel which modality it is taken from: where another modality decides in every row.",
    source="Arevalo et al. (2017), Gated Multimodal Units for Information Fusion",
    claims=("weights", "interaction"),
)


class Gated(Fusion):
    """``F = sum of z_m * tanh(W_m V_m)`` with a gate ``z [M, D]`` that sees all modalities and sums to 1 over those present.

    ``weights`` is the gate's mean over channels.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> from consilience.layers.tokens import Tokens
    >>> one = Tokens.single(torch.ones(1, 4), torch.tensor([True]))
    >>> none = Tokens.single(torch.ones(1, 4), torch.tensor([False]))
    >>> Gated(["image", "text"], 4, Settings())({"image": none, "text": one}).weights.tolist()
    [[0.0, 1.0]]
    """

    gate: nn.Linear | None

    def __init__(self, names: Sequence[str], width: int, settings: Settings) -> None:
        super().__init__(names, width, settings)
        count = len(self.names)
        self.values = nn.ModuleList(nn.Linear(width, width) for _ in self.names)
        # A single modality needs no gate: its share is 1.
        self.gate = nn.Linear(count * width + count, count * width) if count > 1 else None

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        values = torch.stack([layer(vectors[:, index]) for index, layer in enumerate(self.values)], dim=1).tanh()  # [B, M, D]
        scores = torch.zeros_like(values)
        if self.gate is not None:
            # Flags tell an absent modality from a vector of zeros; a learned absent vector before a linear gate could say no more.
            flat = torch.cat([vectors.flatten(1), present.to(vectors.dtype)], dim=1)
            scores = self.gate(flat).unflatten(1, (len(self.names), self.width))
        gates = masked_softmax(scores, present.unsqueeze(-1), dim=1)  # [B, M, D]
        return (gates * values).sum(dim=1), gates.mean(dim=-1)
