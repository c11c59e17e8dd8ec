"""A softmax that knows what is absent."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["masked_softmax"]


def masked_softmax(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Softmax over the entries that are present: 0 for the others, and all 0 (not NaN) where none is.

    Shape:
        - scores: any shape; what stands under False has no influence.
        - mask: bool, of a shape that broadcasts to it.
        - output: shape of ``scores``.

    >>> masked_softmax(torch.tensor([[1.0, 9.0], [1.0, 9.0]]), torch.tensor([[True, False], [False, False]])).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    lowest = torch.finfo(scores.dtype).min  # finite: a row of -inf would give NaN
    weights = torch.softmax(torch.where(mask, scores, lowest), dim=dim)
    return torch.where(mask, weights, 0.0)
