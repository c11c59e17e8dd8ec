"""Axes: where ticks stand, and places in per cent, so that a plot fits any width while its words keep their size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Axis", "Tick", "linear_axis", "log_axis"]


@dataclass(frozen=True)
class Tick:
    """``at``: 0 to 100 along the axis."""

    at: float
    value: float

    @property
    def anchor(self) -> str:
        """How its text is aligned, so that none is cut at the ends."""
        return "start" if self.at < 4 else "end" if self.at > 96 else "middle"


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, linear or logarithmic."""

    low: float
    high: float
    ticks: tuple[Tick, ...]
    log: bool = False

    def at(self, value: float) -> float:
        """0 to 100, cut at the ends."""
        low, high, value = (math.log(max(x, 1e-300)) for x in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)


def linear_axis(low: float, high: float, count: int = 4, *, least: float = -math.inf, most: float = math.inf) -> Axis:
    """About ``count`` ticks at round numbers; the axis begins and ends at one, within the bounds.

    >>> [tick.value for tick in linear_axis(0.12, 0.87).ticks]
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high - low > 1e-9 * max(abs(low), abs(high)):  # as good as one value
        low, high = low - (abs(low) * 0.1 or 0.5), high + (abs(high) * 0.1 or 0.5)
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    values = [float(f"{index * step:.12g}") for index in range(start, end + 1)]
    inside = [value for value in values if least - 1e-12 <= value <= most + 1e-12]
    return _axis(inside if len(inside) > 1 else values, log=False)


def log_axis(low: float, high: float, count: int = 6) -> Axis:
    """Ticks at 1, 2 and 5 times powers of ten; fewer where there would be many.

    >>> [tick.value for tick in log_axis(30, 900).ticks]
    [20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        every = [float(f"{factor * 10.0**power:.12g}") for power in powers for factor in factors]
        first = max(index for index, value in enumerate(every) if value <= low)
        last = min(index for index, value in enumerate(every) if value >= high)
        values = every[first : max(last, first + 1) + 1]
        if len(values) <= count:
            return _axis(values, log=True)
    kept = sorted({0, len(values) - 1, *np.linspace(0, len(values) - 1, count).round().astype(int).tolist()})
    return _axis([values[index] for index in kept], log=True)


def _axis(values: Sequence[float], *, log: bool) -> Axis:
    bare = Axis(values[0], values[-1], (), log)
    return Axis(values[0], values[-1], tuple(Tick(bare.at(value), value) for value in values), log)
