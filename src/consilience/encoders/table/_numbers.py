"""How a number is brought to a common scale: robust, monotone, finite for everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["NumberScale", "is_skewed"]

BOUND = 1e150
"""Larger numbers count as this: differences and quotients then stay finite."""

LIMIT = 10.0
"""No scaled number is further from 0."""


@dataclass(frozen=True)
class NumberScale:
    """A number's way to mean 0 and spread 1 over the training rows.

    Args:
        form: ``plain``: as it is. ``bent``: centred on the median in units of the interquartile range, then bent so that it never exceeds 3 of them
            (Holzmueller et al. 2024, RealMLP). ``tails``: the same, then asinh, a logarithm with a sign, where the tails are heavy.
            ``log``: logarithm of a number that is never negative.
        centre: The median; for ``log`` the smallest number that is told apart from 0.
        unit: The interquartile range.
        mean: Mean after that.
        gain: 1 / standard deviation after that; 0 for a number that never changed.
    """

    form: Literal["plain", "bent", "tails", "log"]
    centre: float = 0.0
    unit: float = 1.0
    mean: float = 0.0
    gain: float = 1.0

    @classmethod
    def fit(cls, values: np.ndarray, log: bool = False) -> NumberScale:
        """Learns from ``[N]`` finite numbers, N from 0.

        >>> NumberScale.fit(np.array([1.0, 2.0, 3.0, 4.0, 5.0])).apply(np.array([3.0, 1e300])).round(2).tolist()
        [0.0, 4.44]
        """
        if not len(values) or values.min() == values.max():
            return cls("bent", gain=0.0)
        values = np.clip(values, -BOUND, BOUND)
        first = cls("log", centre=0.5 * float(np.quantile(values[values > 0], 0.01))) if log else _shape(values)
        shaped = first.shape(values)
        spread = float(shaped.std())
        return cls(first.form, first.centre, first.unit, float(shaped.mean()), 1 / spread if spread > 1e-9 else 0.0)

    def shape(self, values: np.ndarray) -> np.ndarray:
        """Before mean and gain."""
        values = np.clip(values, -BOUND, BOUND)
        if self.form == "plain":
            return values
        if self.form == "log":
            return np.asarray(np.log(np.maximum(values, self.centre)))
        with np.errstate(over="ignore"):
            units = np.clip((values - self.centre) / self.unit, -1e6, 1e6)
        shaped: np.ndarray = np.arcsinh(units) if self.form == "tails" else units / np.sqrt(1 + (units / 3) ** 2)
        return shaped

    def apply(self, values: np.ndarray) -> np.ndarray:
        """``[N]`` finite numbers to ``[N]`` float64, never further from 0 than 10."""
        scaled: np.ndarray = np.clip((self.shape(values) - self.mean) * self.gain, -LIMIT, LIMIT)
        return scaled


def is_skewed(values: np.ndarray) -> bool:
    """True if a logarithm may suit them: never negative, and the upper side much longer than the lower one.

    >>> is_skewed(np.exp(np.linspace(0, 5, 50))), is_skewed(np.linspace(0, 5, 50))
    (True, False)
    """
    if not len(values) or values.min() < 0 or len(np.unique(values)) < 10:
        return False
    low, middle, high = np.quantile(np.clip(values, -BOUND, BOUND), [0.05, 0.5, 0.95])
    return bool(high - middle > 2 * (middle - low))


def _shape(values: np.ndarray) -> NumberScale:
    """Centre and unit, and whether the tails are heavy: for a normal distribution the middle 99 % are 3.8 interquartile ranges wide."""
    lowest, low, middle, high, highest = (float(value) for value in np.quantile(values, [0.005, 0.25, 0.5, 0.75, 0.995]))
    unit = high - low
    if unit <= 0:  # more than half of the rows are the same number: the others tell the unit
        distance = np.abs(values - middle)
        unit = float(np.median(distance[distance > 0]))
    return NumberScale("tails" if highest - lowest > 8 * unit else "bent", middle, unit)
