"""Averages of a model's weights: a moving one over steps, and one of a few good epochs.

Source: Polyak and Juditsky (1992), acceleration of stochastic approximation by averaging; Izmailov et al. (2018), averaging weights leads to wider
optima; Wortsman et al. (2022), model soups.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

__all__ = ["Average", "mean_weights"]


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


def mean_weights(states: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The mean of several states of one network; what only counts, such as the batches that a normalisation has seen, is the last one's.

    Statistics of a normalisation are averaged like weights and not measured again: the states are moving averages of one training, close together,
    and whoever takes the mean compares it on held-out rows first.

    Raises:
        ValueError: There is no state, or they are not of one network.

    >>> mean_weights([{"w": np.float32([1, 2]), "seen": np.array(3)}, {"w": np.float32([3, 2]), "seen": np.array(5)}])
    {'w': array([2., 2.], dtype=float32), 'seen': array(5)}
    """
    if not states or any(state.keys() != states[0].keys() for state in states):
        raise ValueError(f"Weights can be averaged over states of one network, not over {len(states)} with unlike names.")
    made: dict[str, np.ndarray] = {}
    for name, last in states[-1].items():
        if not np.issubdtype(last.dtype, np.floating):
            made[name] = last.copy()
            continue
        made[name] = np.mean([state[name].astype(np.float64) for state in states], axis=0).astype(last.dtype)
    return made
