"""Torch parts over the frames of a film: an image network on each, and statistics over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["PerFrame"]


class PerFrame(nn.Module):
    """Features of each frame, then one token per film or one per frame.

    Args:
        network: Pixels of one frame ``[B, 3, S, S]`` to ``[B, P, D]``, or None where the features are given.
        pooled: True for mean, spread and mean change over time; False for a token per frame with its time.

    Shape:
        - given: ``[B, T, 3, S, S] uint8``, or features ``[B, T, D]``.
        - times: ``[B, T, 2]``.
        - output: ``[B, 1, 3 * D]``, or ``[B, T, D + 2]``.
    """

    def __init__(self, network: nn.Module | None, pooled: bool) -> None:
        super().__init__()
        self.network, self.pooled = network, pooled

    def forward(self, given: Tensor, times: Tensor) -> Tensor:
        features = given.float() if self.network is None else self.look(self.network, given)  # [B, T, D]
        if not self.pooled:
            return torch.cat([features, times.to(features.dtype)], dim=-1)
        mean = features.mean(dim=1, keepdim=True)
        spread = ((features - mean) ** 2).mean(dim=1, keepdim=True).clamp(min=0).sqrt()
        change = (features[:, 1:] - features[:, :-1]).abs().mean(dim=1, keepdim=True)
        return torch.cat([mean, spread, change], dim=-1)

    def look(self, network: nn.Module, pixels: Tensor) -> Tensor:
        """``[B, T, D]``: the mean over a frame's places."""
        seen: Tensor = network(pixels.flatten(0, 1)).float().mean(dim=1)
        return seen.reshape(pixels.shape[0], pixels.shape[1], seen.shape[-1])
