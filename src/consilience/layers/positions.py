"""Where a token stands in its sequence, as sines and cosines."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["sinusoids"]


def sinusoids(length: int, width: int) -> Tensor:
    """``[length, width]``: sines in the even channels, cosines in the odd ones, wavelengths from 2 pi to 10,000 times 2 pi.

    Source: Vaswani et al. (2017).

    >>> sinusoids(2, 4)[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10000.0) / width))
    angles = torch.arange(length, dtype=torch.float32).unsqueeze(1) * rates  # [length, ceil(width / 2)]
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]
