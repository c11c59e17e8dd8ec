"""Mixture of modality experts: a gate that sees all modalities says in each row how much each modality's expert counts.

Source: Jacobs et al. (1991), adaptive mixtures of local experts; the loss that keeps experts in use: Shazeer et al. (2017).
Of use where rows differ in what tells them, and a strong modality would otherwise leave the others unlearned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion
from consilience.layers.mlp import MLP
from consilience.layers.pooling import masked_softmax

__all__ = ["MixtureOfExperts"]

CARD = Card(
    summary="A gate mixes one expert a modality, row by row, and a balancing loss keeps all of them in use: where rows differ in what tells them.",
    source="Jacobs et al. (1991), Adaptive Mixtures of Local Experts; Shazeer et al. (2017)",
    claims=("weights", "interaction"),
)


class MixtureSettings(Settings):
    """Settings of ``moe``."""

    hidden: int = Field(default=64, ge=1, le=4096, description="Width of the hidden layer of each expert and of the gate.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of hidden units dropped in training.")
    balance: float = Field(default=0.01, ge=0.0, le=10.0, description="Weight of the loss that keeps all experts in use; 0 turns it off.")


class MixtureOfExperts(Fusion):
    """``F = sum of g_m E_m(V_m)``; the gate g sees all vectors and what is present, and sums to 1 over what is present.

    In training the gate also learns from the squared coefficient of variation of the experts' use, each measured against an even share of the rows
    that have its modality, so that a modality which is rare is not taken for one that is neglected. ``weights`` is the gate.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    >>> from consilience.layers.tokens import Tokens
    >>> one = Tokens.single(torch.ones(1, 4), torch.tensor([True]))
    >>> none = Tokens.single(torch.ones(1, 4), torch.tensor([False]))
    >>> MixtureOfExperts(["image", "text"], 4, MixtureSettings())({"image": none, "text": one}).weights.tolist()
    [[0.0, 1.0]]
    """

    Settings = MixtureSettings
    settings: MixtureSettings
    gate: MLP | None

    def __init__(self, names: Sequence[str], width: int, settings: MixtureSettings) -> None:
        super().__init__(names, width, settings)
        count = len(self.names)
        self.experts = nn.ModuleList(MLP(width, width, settings.hidden, settings.dropout) for _ in self.names)
        # A single expert needs no gate: its share is 1.
        self.gate = MLP(count * width + count, count, settings.hidden, settings.dropout) if count > 1 else None

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        said = torch.stack([expert(vectors[:, index]) for index, expert in enumerate(self.experts)], dim=1)  # [B, M, D]
        scores = torch.zeros_like(vectors[..., 0])
        if self.gate is not None:
            scores = self.gate(torch.cat([vectors.flatten(1), present.to(vectors.dtype)], dim=1))
        gates = masked_softmax(scores, present)  # [B, M]
        mixed = gates
        if self.training and self.settings.balance and self.gate is not None:
            mixed = _Attach.apply(gates, self.settings.balance * imbalance(gates, present))  # type: ignore[no-untyped-call]
        return (mixed.unsqueeze(-1) * said).sum(dim=1), gates


def imbalance(gates: Tensor, present: Tensor) -> Tensor:
    """Squared coefficient of variation of the experts' use in a batch: 0 where each is used as an even share would use it.

    Shape:
        - gates: ``[B, M]``, sums to 1 over what is present.
        - present: ``[B, M]`` bool.
        - output: a number.

    >>> both = torch.ones(2, 2, dtype=torch.bool)
    >>> imbalance(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), both).item(), imbalance(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), both).item()
    (0.0, 1.0)
    """
    even = present / present.sum(dim=1, keepdim=True).clamp(min=1)
    share = even.sum(dim=0)
    met = share > 0
    use = gates.sum(dim=0) / share.clamp(min=torch.finfo(gates.dtype).tiny)
    use = torch.where(met, use, 1.0)
    mean = use.sum() / len(use)
    return (use - mean).square().sum() / met.sum().clamp(min=1) / mean.square().clamp(min=1e-6)


class _Attach(torch.autograd.Function):
    """Values as they are, whose way back also carries the gradient of a second loss: a fusion has no other place to put one."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, loss: Tensor) -> Tensor:
        ctx.save_for_backward(loss)
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        (loss,) = ctx.saved_tensors
        return gradients[0], torch.ones_like(loss)
