"""Kept features on a common scale, where their columns are measurements rather than an embedding.

Source: LeCun et al. (1998), efficient backprop, section 4.3.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from consilience.features._examples import Block, Examples
from consilience.layers.tokens import Tokens
from consilience.model import CachedFeatures, Network

__all__ = ["StandardFeatures", "measure"]

FAR = 1.5
"""Deviations from zero at which the middle one of a block's columns has its mean, for the block to be put on a common scale.

A normalisation over such a row sees little but these means. Embeddings lie nearer to zero (0.2 to 1.0 of those measured), and the sizes of their
columns tell something; gradients, convolutions and statistics lie farther from it (1.7 to 8).
"""

FARTHEST = 5.0
"""Deviations at which a value is cut: a column that is zero in nearly all rows has a small one."""


class StandardFeatures(CachedFeatures):
    """Features as they are until ``learn`` has been called for ones that want a scale; then each column around its mean in units of its deviation.

    Args:
        width: D.
    """

    mean: Tensor
    factor: Tensor
    limit: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("factor", torch.ones(width))
        self.register_buffer("limit", torch.tensor(torch.finfo(torch.float32).max))  # not infinite: buffers are averaged like weights

    def learn(self, block: Block) -> None:
        """Means and deviations of the tokens of training rows that are present."""
        values = np.asarray(block.values, dtype=np.float64)[block.mask]
        if len(values) < 2:
            return
        mean, deviation = values.mean(axis=0), values.std(axis=0)
        varies = deviation > 1e-6 * max(1e-6, float(deviation.max()))
        if not varies.any() or float(np.median(np.abs(mean[varies]) / deviation[varies])) < FAR:
            return
        self.mean.copy_(torch.from_numpy(mean))
        self.factor.copy_(torch.from_numpy(np.where(varies, 1 / np.where(varies, deviation, 1), 0)))
        self.limit.fill_(FARTHEST)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        tokens = super().forward(batch)
        return Tokens(torch.clamp((tokens.values - self.mean) * self.factor, -self.limit, self.limit), tokens.mask)


def measure(network: Network, train: Examples) -> None:
    """Gives each slot of kept features the scale of these rows."""
    blocks = {block.name: block for block in train.blocks}
    for name, encoder in zip(network.names, network.encoders, strict=True):
        if isinstance(encoder, StandardFeatures):
            encoder.learn(blocks[name])
