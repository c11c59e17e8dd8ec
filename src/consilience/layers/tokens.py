"""The one tensor convention: values ``[B, T, D]`` float, mask ``[B, T]`` bool, True = present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Tokens"]


@dataclass
class Tokens:
    """What is known of a batch of rows, as a sequence of vectors.

    A row without evidence has no True in its mask. Whatever stands under False has no influence on anything.

    Shape:
        - values: ``[B, T, D]`` float.
        - mask: ``[B, T]`` bool, True = present.

    >>> tokens = Tokens.single(torch.ones(2, 3), torch.tensor([True, False]))
    >>> tokens.pooled().tolist()
    [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    """

    values: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.mask.shape != self.values.shape[:2] or self.mask.dtype != torch.bool:
            raise ValueError(
                f"Tokens need values [B, T, D] and a bool mask [B, T], not {tuple(self.values.shape)} and {tuple(self.mask.shape)} {self.mask.dtype}."
            )

    @classmethod
    def single(cls, vectors: Tensor, present: Tensor) -> Tokens:
        """One token a row: vectors ``[B, D]``, present ``[B]`` bool."""
        return cls(vectors.unsqueeze(1), present.unsqueeze(1))

    @classmethod
    def join(cls, parts: Sequence[Tokens]) -> Tokens:
        """The tokens of all parts one after another; all of one width."""
        return cls(torch.cat([part.values for part in parts], dim=1), torch.cat([part.mask for part in parts], dim=1))

    @property
    def present(self) -> Tensor:
        """``[B]`` bool: rows with at least one token."""
        return self.mask.any(dim=1)

    def clean(self) -> Tensor:
        """``[B, T, D]`` with zeros (not NaN times zero) wherever the mask is False."""
        return torch.where(self.mask.unsqueeze(-1), self.values, torch.zeros((), dtype=self.values.dtype, device=self.values.device))

    def pooled(self) -> Tensor:
        """``[B, D]``: mean over the tokens that are present; zeros for a row without any."""
        total = self.clean().sum(dim=1)
        return total / self.mask.sum(dim=1, keepdim=True).clamp(min=1).to(total.dtype)

    def keep(self, rows: Tensor) -> Tokens:
        """The same tokens with every token absent where ``rows [B]`` is False."""
        return Tokens(self.values, self.mask & rows.unsqueeze(1))
