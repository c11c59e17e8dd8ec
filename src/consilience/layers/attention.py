"""Multi-head attention that knows what is absent. Source: Vaswani et al. (2017)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from consilience.core.errors import UsageError
from consilience.layers.pooling import masked_softmax

__all__ = ["Attention", "AttentionBlock"]


class Attention(nn.Module):
    """Multi-head attention of queries over a context; zeros (not NaN) come back where the context is empty.

    Shape:
        - queries: ``[B, Q, D]``.
        - context: ``[B, T, D]``; what stands under False must be finite and has no influence.
        - mask: ``[B, T]`` bool.
        - output: ``[B, Q, D]``.

    Args:
        width: D, a multiple of ``heads``.
        heads: How many patterns of attention there are side by side.
        dropout: Share of attention weights that are dropped in training.

    Raises:
        UsageError: The heads do not divide the width.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise UsageError(f"Attention of width {width} cannot have {heads} heads.", hint="Choose a number of heads that divides the width.")
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width, bias=False)  # a bias on keys would cancel in the softmax
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        query, key, value = self.project(queries, context)
        some = mask.any(dim=1)  # [B]
        # A row without any True attends to everything and is set to zero below: no softmax over nothing.
        allowed = (mask | ~some.unsqueeze(1))[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed, dropout_p=self.dropout if self.training else 0.0)
        return self.merge(mixed, some)

    def weighted(self, queries: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The same, with the weights ``[B, Q, T]``, averaged over heads; slower."""
        query, key, value = self.project(queries, context)
        shares = masked_softmax(query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]), mask[:, None, None, :])  # [B, H, Q, T]
        mixed = functional.dropout(shares, self.dropout, self.training) @ value
        return self.merge(mixed, mask.any(dim=1)), shares.mean(dim=1)

    def project(self, queries: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries ``[B, H, Q, D/H]``, keys and values ``[B, H, T, D/H]``."""
        key, value = self.key_value(context).chunk(2, dim=-1)
        return self.split(self.query(queries)), self.split(key), self.split(value)

    def split(self, values: Tensor) -> Tensor:
        """``[B, T, D]`` to ``[B, H, T, D/H]``."""
        return values.reshape(*values.shape[:2], self.heads, values.shape[-1] // self.heads).transpose(1, 2)

    def merge(self, mixed: Tensor, some: Tensor) -> Tensor:
        """``[B, H, Q, D/H]`` to ``[B, Q, D]``; zeros in rows that had no context."""
        return torch.where(some[:, None, None], self.out(mixed.transpose(1, 2).flatten(2)), 0.0)


class AttentionBlock(nn.Module):
    """One layer of a transformer: attention, then a small perceptron; each with its own LayerNorm before and a shortcut around.

    Shape:
        - values: ``[B, T, D]``; what stands under False has no influence, NaN included.
        - mask: ``[B, T]`` bool.
        - output: ``[B, T, D]``, zeros under False.

    Args:
        width: D, a multiple of ``heads``.
        heads: Heads of the attention.
        dropout: Share of attention weights and of hidden units that are dropped in training.
        growth: Width of the perceptron's hidden layer, in multiples of D.

    >>> block = AttentionBlock(8, heads=2)
    >>> block(torch.full((1, 3, 8), float("nan")), torch.zeros(1, 3, dtype=torch.bool))[0].sum().item()
    0.0
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, growth: float = 2.0) -> None:
        super().__init__()
        hidden = max(1, round(width * growth))
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.norm_hidden = nn.LayerNorm(width)
        self.hidden = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width))
        self.drop = nn.Dropout(dropout)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        values = torch.where(mask.unsqueeze(-1), values, 0.0)
        normed = self.norm(values)
        return self.finish(values, self.attention(normed, normed, mask), mask)

    def read(self, values: Tensor, mask: Tensor, first: int) -> tuple[Tensor, Tensor]:
        """The first n tokens alone ``[B, n, D]``, and how much each looks at all tokens ``[B, n, T]``, averaged over heads."""
        values = torch.where(mask.unsqueeze(-1), values, 0.0)
        normed = self.norm(values)
        seen, weights = self.attention.weighted(normed[:, :first], normed, mask)
        return self.finish(values[:, :first], seen, mask[:, :first]), weights

    def finish(self, values: Tensor, seen: Tensor, mask: Tensor) -> Tensor:
        """Adds what attention saw, then the perceptron's part."""
        values = values + self.drop(seen)
        values = values + self.drop(self.hidden(self.norm_hidden(values)))
        return torch.where(mask.unsqueeze(-1), values, 0.0)
