"""A moving average of a model's weights. Source: Polyak and Juditsky (1992), acceleration of stochastic approximation by averaging."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

__all__ = ["Average"]


class Average:
    """The average of a model's weights and buffers. Torch's own walks through all modules at every step, which costs as much as a small one.

    Args:
        model: Whose weights change.
        decay: Share of the old average that stays at each step.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        pairs = list(zip(self.model.state_dict(keep_vars=True).values(), model.state_dict(keep_vars=True).values(), strict=True))
        self.kept = [(mean, source) for mean, source in pairs if mean.is_floating_point()]
        self.counted = [(mean, source) for mean, source in pairs if not mean.is_floating_point()]
        self.blend = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        self.begun = False

    def update(self) -> None:
        """Once after each step; the first one is taken as it is."""
        with torch.no_grad():
            means, sources = [mean for mean, _ in self.kept], [source.detach() for _, source in self.kept]
            if self.begun:
                self.blend(means, sources, 0)
            else:
                for mean, source in self.kept:
                    mean.copy_(source)
                self.begun = True
            for mean, source in self.counted:
                mean.copy_(source)
