"""Where a token stands in its sequence, as sines and cosines."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["SinusoidalPositions", "sinusoids"]


def sinusoids(length: int, width: int) -> Tensor:
    """``[length, width]``: sines in the even channels, cosines in the odd ones, wavelengths from 2 pi to 10,000 times 2 pi.

    Source: Vaswani et al. (2017).

    >>> sinusoids(2, 4)[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10000.0) / width))
    angles = torch.arange(length, dtype=torch.float32).unsqueeze(1) * rates  # [length, ceil(width / 2)]
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]


class SinusoidalPositions(nn.Module):
    """Adds the position to each token; sequences of any length, nothing to learn.

    Shape:
        - input and output: ``[B, T, D]``.

    >>> SinusoidalPositions(4)(torch.zeros(1, 2, 4))[0, 0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    table: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("table", sinusoids(128, width), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        length = values.shape[1]
        table = self.table[:length] if length <= len(self.table) else sinusoids(length, self.width)
        return values + table.to(values)
