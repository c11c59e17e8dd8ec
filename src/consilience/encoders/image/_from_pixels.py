"""Torch parts that the image encoders share: bytes to normalised numbers, feature maps to tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["Backbone", "FromPixels", "as_tokens", "fixed_seed"]


class FromPixels(nn.Module):
    """Normalises bytes inside the graph, so that what is kept and moved per picture stays small, then runs the backbone.

    Args:
        backbone: Normalised pixels ``[B, 3, S, S]`` float to values ``[B, T, D]``.
        mean: Per channel, 0 to 1.
        std: Per channel, 0 to 1.

    Shape:
        - pixels: ``[B, 3, S, S] uint8``.
        - output: ``[B, T, D]``.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, backbone: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        wide_mean, wide_std = torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64)
        self.register_buffer("scale", (1 / (255 * wide_std)).float().reshape(1, 3, 1, 1))
        self.register_buffer("shift", (wide_mean / wide_std).float().reshape(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels.to(self.scale.dtype).contiguous(memory_format=torch.channels_last)  # [B, 3, S, S]
        values: Tensor = self.backbone(x * self.scale - self.shift)  # [B, T, D]
        return values


class Backbone(nn.Module):
    """A network whose features become tokens.

    Args:
        model: The network.
        method: What of it gives features, from normalised pixels.
        pooled: True for the mean over all places.
    """

    def __init__(self, model: nn.Module, method: str = "forward", pooled: bool = True) -> None:
        super().__init__()
        self.model, self.method, self.pooled = model, method, pooled

    def forward(self, pixels: Tensor) -> Tensor:
        tokens = as_tokens(getattr(self.model, self.method)(pixels))  # [B, T, D]
        return tokens.mean(dim=1, keepdim=True) if self.pooled else tokens


def as_tokens(features: Tensor) -> Tensor:
    """Features of any usual shape as ``[B, T, D]``: a map ``[B, D, H, W]`` row by row, a vector ``[B, D]`` as one token.

    >>> as_tokens(torch.zeros(2, 5, 7, 7)).shape
    torch.Size([2, 49, 5])
    """
    if features.ndim == 4:
        return features.flatten(2).transpose(1, 2)
    return features.unsqueeze(1) if features.ndim == 2 else features


@contextmanager
def fixed_seed(seed: int = 0) -> Iterator[None]:
    """Draws inside the block are the same each time; the draws after it are as if it had not been."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
