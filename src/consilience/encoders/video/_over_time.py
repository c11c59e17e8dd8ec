"""The network of ``temporal``: features of frames, read over time, and a weight for each moment."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from consilience.layers.attention import AttentionBlock
from consilience.layers.pooling import masked_softmax
from consilience.layers.tokens import Tokens

__all__ = ["OverTime"]


class OverTime(nn.Module):
    """Takes ``features [B, T, F]``, ``times [B, T, 2]`` and ``mask [B, T]``, gives one token, or one for each frame.

    Args:
        inside: F.
        width: Numbers per token.
        over: ``mean``: frames one by one; ``lstm``: read from both ends; ``transformer``: each frame looks at the others.
        layers: Layers of the transformer.
        dropout: Share of the features that are dropped in training.
        pooled: True for one token: the frames, weighted by attention.
    """

    def __init__(self, inside: int, width: int, over: str, layers: int, dropout: float, pooled: bool) -> None:
        super().__init__()
        self.width, self.over, self.pooled = width, over, pooled
        self.norm = nn.LayerNorm(inside)
        self.enter = nn.Linear(inside, width)
        self.clock = nn.Linear(4, width)
        self.drop = nn.Dropout(dropout)
        if over == "lstm":
            self.lstm = nn.LSTM(width, width // 2, batch_first=True, bidirectional=True)
        elif over == "transformer":
            heads = next(number for number in (4, 2, 1) if width % number == 0)
            self.blocks = nn.ModuleList([AttentionBlock(width, heads, dropout) for _ in range(layers)])
        self.leave = nn.LayerNorm(width)
        if pooled:
            # Two linear layers without a bias at the end: a constant would cancel in the softmax.
            self.score = nn.Sequential(nn.Linear(width, max(1, width // 2)), nn.Tanh(), nn.Linear(max(1, width // 2), 1, bias=False))
            self.project = nn.Linear(width, width)
        self._weights: Tensor | None = None

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        mask = batch["mask"]  # [B, T]
        given = torch.where(mask.unsqueeze(-1), batch["features"].to(self.enter.weight.dtype), 0.0)
        times = torch.where(mask.unsqueeze(-1), batch["times"].to(self.enter.weight.dtype), 0.0)
        waves = torch.cat([times, (times[..., :1] * torch.pi).cos(), (times[..., :1] * torch.pi).sin()], dim=-1)
        x = self.enter(self.drop(self.norm(given))) + self.clock(waves)  # [B, T, width]
        if self.over == "lstm":
            x = x + self.read(x, mask)
        elif self.over == "transformer":
            for block in self.blocks:
                x = block(x, mask)
        x = self.leave(x)
        if not self.pooled:
            return Tokens(x, mask)
        weights = masked_softmax(self.score(x).squeeze(-1), mask, dim=1)  # [B, T]
        self._weights = weights.detach()
        return Tokens.single(self.project((weights.unsqueeze(-1) * x).sum(dim=1)), mask.any(dim=1))

    def read(self, x: Tensor, mask: Tensor) -> Tensor:
        """``[B, T, width]`` from both ends; every film has all its frames, so that none is ever read over a gap."""
        if not len(x):
            return x
        seen: Tensor = self.lstm(torch.where(mask.unsqueeze(-1), x, 0.0))[0]
        return seen

    def attention(self) -> Tensor | None:
        """``[B, T]``: how much each moment of the last batch counted, summing to 1; zeros for an absent film. None before the first batch, and
        where each frame is a token of its own."""
        return self._weights
