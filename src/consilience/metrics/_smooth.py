"""Metrics that are smooth functions of means over rows, so that their standard errors are known. Source: Efron (1982), delta method.

Shapes: N rows, P means, R weightings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from consilience.metrics._types import Resampled

__all__ = ["Smooth", "difference"]

STEP = 1e-5
"""Of a row value's usual size, for derivatives."""


@dataclass(frozen=True, eq=False)
class Smooth:
    """A metric under many weightings of the rows (``Resampled``) that can also say what it is made of.

    Args:
        values: ``[N, P]`` what is averaged over the rows.
        of: Means ``[R, P]`` to the metric ``[R]``; NaN where it is undefined. None: P is 1 and the metric is the mean.
        perfect: The metric of a model without any error, where the distance from it is what has to be told on a logarithmic scale; None for a mean.
        share: True for the share of rows that are right, or wrong.
        exact: The metric from weights, where ``of`` of the means is not good enough beyond resamples; None: ``of``.
    """

    values: np.ndarray
    of: Callable[[np.ndarray], np.ndarray] | None = None
    perfect: float | None = None
    share: bool = False
    exact: Resampled | None = None

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Weights ``[R, N]`` to the metric ``[R]``."""
        if self.exact is not None:
            return self.exact(weights)
        total = weights.sum(axis=1)
        return self.at(np.stack([np.einsum("rn,n->r", weights, column) / total for column in self.values.T], axis=1))

    def at(self, means: np.ndarray) -> np.ndarray:
        """Means ``[R, P]`` to the metric ``[R]``."""
        return means[:, 0] if self.of is None else self.of(means)

    def slopes(self, means: np.ndarray, size: np.ndarray) -> np.ndarray:
        """``[R, P]`` derivatives of the metric; ``size [P]`` is what a step is small against."""
        if self.of is None:
            return np.ones_like(means)
        found = np.empty_like(means)
        for place in range(means.shape[1]):
            step = np.zeros(means.shape[1])
            step[place] = STEP * size[place]
            found[:, place] = (self.of(means + step) - self.of(means - step)) / (2 * step[place])
        return found


def difference(one: Smooth, other: Smooth) -> Smooth:
    """One metric less the other, on the same rows."""
    cut = one.values.shape[1]
    if one.of is None and other.of is None:
        return Smooth(one.values - other.values)
    return Smooth(np.hstack([one.values, other.values]), lambda means: one.at(means[:, :cut]) - other.at(means[:, cut:]))
