"""Cross-attention as a layer: some tokens read others. Source: Vaswani et al. (2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from consilience.layers.attention import Attention

__all__ = ["CrossBlock"]


class CrossBlock(nn.Module):
    """Queries read a context, then a small perceptron; each with its own LayerNorm before and a shortcut around.

    Where a row's context is empty, attention adds nothing and the queries go on by themselves.

    Shape:
        - queries: ``[B, Q, D]``; finite.
        - context: ``[B, T, D]``, of any length; what stands under False has no influence, NaN included.
        - mask: ``[B, T]`` bool.
        - output: ``[B, Q, D]``.

    Args:
        width: D, a multiple of ``heads``.
        heads: Heads of the attention.
        dropout: Share of attention weights and of hidden units that are dropped in training.
        growth: Width of the perceptron's hidden layer, in multiples of D.

    >>> block = CrossBlock(8, heads=2)
    >>> block(torch.ones(1, 2, 8), torch.full((1, 5, 8), float("nan")), torch.zeros(1, 5, dtype=torch.bool)).isfinite().all().item()
    True
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, growth: float = 2.0) -> None:
        super().__init__()
        hidden = max(1, round(width * growth))
        self.norm = nn.LayerNorm(width)
        self.norm_context = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.norm_hidden = nn.LayerNorm(width)
        self.hidden = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width))
        self.drop = nn.Dropout(dropout)

    def forward(self, queries: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        context = self.norm_context(torch.where(mask.unsqueeze(-1), context, 0.0))
        # A token of zeros to look away to: how much a lone token counts is then for the queries to say, and is learned.
        context = torch.cat([context, torch.zeros_like(queries[:, :1])], dim=1)
        mask = torch.cat([mask, mask.any(dim=1, keepdim=True)], dim=1)
        values = queries + self.drop(self.attention(self.norm(queries), context, mask))
        out: Tensor = values + self.drop(self.hidden(self.norm_hidden(values)))
        return out
