"""A transformers model with pooling on top, as one module that takes and gives plain tensors, so that a compiled runtime can take its graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["PooledBackbone"]


class PooledBackbone(nn.Module):
    """Token ids to token vectors to what is asked for.

    Args:
        backbone: A model that takes ``input_ids`` and ``attention_mask`` and gives ``last_hidden_state``.
        pool: ``"mean"`` over the pieces, ``"cls"`` (the first), ``"last"``, or ``"none"`` for the sequence.
        unit: Whether to scale each vector to length 1.

    Shape:
        - ids ``[B, T] int64``, mask ``[B, T] int64`` -> ``[B, 1, D]``; ``[B, T, D]`` for ``"none"``, zeros where the mask is 0.
    """

    def __init__(self, backbone: nn.Module, pool: str, unit: bool = False) -> None:
        super().__init__()
        self.backbone = backbone.eval().requires_grad_(False)
        self.pool = pool
        self.unit = unit

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        values = self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state  # [B, T, D]
        here = mask.unsqueeze(-1) != 0
        if self.pool == "cls":
            values = values[:, :1]
        elif self.pool == "last":
            last = (mask.sum(dim=1) - 1).clamp(min=0).reshape(-1, 1, 1).expand(-1, 1, values.shape[-1])
            values = values.gather(1, last)
        else:
            values = torch.where(here, values, torch.zeros_like(values))
            if self.pool == "mean":
                values = values.sum(dim=1, keepdim=True) / here.sum(dim=1, keepdim=True).clamp(min=1).to(values.dtype)
        return nn.functional.normalize(values, dim=-1) if self.unit else values
