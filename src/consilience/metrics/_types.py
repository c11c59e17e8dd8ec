"""What a metric is, and what an interval is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["Compute", "Interval", "Metric", "Prepare", "Resampled"]

Resampled = Callable[[np.ndarray], np.ndarray]
"""Row weights ``[R, N]`` float64 -> the metric under each of the R weightings, ``[R]``; NaN where it is undefined."""

Prepare = Callable[[np.ndarray, np.ndarray], Resampled]
"""(target, output) -> Resampled: what does not depend on the weights, such as sorting, is done once."""


class Compute(Protocol):
    """(target, output) -> the metric."""

    def __call__(self, target: np.ndarray, output: np.ndarray, /) -> float: ...


@dataclass(frozen=True)
class Metric:
    """A metric with its direction and bounds.

    Args:
        name: As in every report and JSON answer.
        compute: ``(target, output) -> float``; NaN where the metric is undefined.
        greater_is_better: True for a score, False for a loss.
        low: The least value there can be; ``-inf`` without a bound.
        high: The greatest value there can be; ``inf`` without a bound.
        summary: One line for a person.
        prepare: The same metric for many weightings of the rows at once, for fast intervals. None: rows are repeated instead (slow, fewer rounds).
    """

    name: str
    compute: Compute
    greater_is_better: bool
    low: float
    high: float
    summary: str
    prepare: Prepare | None = None

    @property
    def sign(self) -> float:
        """1 for a score, -1 for a loss: ``sign * value`` is always better when it is greater."""
        return 1.0 if self.greater_is_better else -1.0


@dataclass(frozen=True)
class Interval:
    """A value and how far it may be off; ``low <= value <= high``, or all three NaN where the metric is undefined.

    >>> Interval(0.9, 0.85, 0.94).as_dict()
    {'value': 0.9, 'low': 0.85, 'high': 0.94}
    >>> Interval(float("nan"), float("nan"), float("nan")).as_dict()
    {'value': None, 'low': None, 'high': None}
    """

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float | None]:
        """Ready for JSON: plain floats, and None for what is not finite, since JSON has no NaN."""
        return {name: float(part) if math.isfinite(part) else None for name, part in (("value", self.value), ("low", self.low), ("high", self.high))}
