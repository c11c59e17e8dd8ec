"""Bootstrap resamples as weights: how often each row was drawn. Source: Efron (1979)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from consilience.core.errors import UsageError
from consilience.core.seeds import generator
from consilience.metrics._types import Interval, Metric, Resampled

__all__ = ["FEWEST_UNITS", "affordable", "between", "draws", "on_resamples", "units_of", "within"]

BLOCK = 2**19
"""Weights held at once (4 MB): small enough for a processor's cache, large enough for whole-array steps."""

WORK = 2 * 10**8
"""Rows x output columns x rounds that are worth a person's waiting, a few seconds per metric at most."""

FEWEST = 100
SLOW = 200

FEWEST_UNITS = 10
"""Rows or groups below which a standard error says nothing."""


def affordable(rounds: int, shape: tuple[int, ...], *, fast: bool = True) -> int:
    """``rounds``, or fewer where the output ``[N]`` or ``[N, K]`` is so large that they would take minutes; never under 100 for that reason.

    >>> affordable(1000, (10_000, 13)), affordable(1000, (100_000, 13))
    (1000, 153)
    """
    if rounds < 1:
        raise UsageError(f"A bootstrap of {rounds} rounds was asked for.", hint="Ask for 1 or more; 1000 is usual.")
    cells = max(1, int(np.prod(shape)))
    return min(rounds, max(FEWEST, WORK // cells), rounds if fast else SLOW)


def draws(num_rows: int, rounds: int, seed: int, groups: np.ndarray | None) -> Iterator[np.ndarray]:
    """Weights in blocks ``[r, N]`` float64 until ``rounds`` resamples are drawn; rows of one group are drawn together."""
    codes = units_of(num_rows, groups)
    units = num_rows if codes is None else int(codes.max()) + 1
    random = generator(seed, "bootstrap")
    at_once = max(8, BLOCK // num_rows)
    for begin in range(0, rounds, at_once):
        count = min(at_once, rounds - begin)
        drawn = random.integers(0, units, size=(count, units)) + np.arange(count)[:, None] * units
        times = np.bincount(drawn.ravel(), minlength=count * units).reshape(count, units).astype(np.float64)
        yield times if codes is None else np.take(times, codes, axis=1)


def units_of(num_rows: int, groups: np.ndarray | None) -> np.ndarray | None:
    """``[N]`` number of the group of each row, 0 to G - 1; None where rows are drawn by themselves.

    Raises:
        UsageError: There is not one group per row.
    """
    if groups is None:
        return None
    if len(groups) != num_rows:
        raise UsageError(f"There are {len(groups)} group entries for {num_rows} rows.", hint="Give one group per row.")
    names, codes = np.unique(groups, return_inverse=True)
    # One group can only be drawn as a whole, and a width of zero would claim a certainty that is not there.
    return None if len(names) in (1, num_rows) else codes


def on_resamples(metric: Metric, target: np.ndarray, output: np.ndarray) -> Resampled:
    """The metric under many weightings by whole numbers; rows are repeated where the metric knows no weights."""
    if metric.prepare is not None:
        return metric.prepare(target, output)

    def repeated(weights: np.ndarray) -> np.ndarray:
        picks = (np.repeat(np.arange(weights.shape[1]), times.astype(np.int64)) for times in weights)
        return np.array([metric.compute(target[pick], output[pick]) for pick in picks])

    return repeated


def between(value: float, resampled: np.ndarray, level: float) -> Interval:
    """The middle ``level`` of the resampled values, widened where need be so that it holds the value.

    Resamples without a value are left out. The value can lie outside the percentiles because resampling shifts some metrics: repeated rows
    make small bins look more extreme, so that the calibration error of resamples is larger than that of the rows themselves.
    """
    if not np.isfinite(value):
        return Interval(float("nan"), float("nan"), float("nan"))
    known = resampled[np.isfinite(resampled)]
    if not len(known):
        return Interval(float(value), float(value), float(value))
    low, high = within(known, level)
    return Interval(float(value), float(min(low, value)), float(max(high, value)))


def within(resampled: np.ndarray, level: float) -> tuple[float, float]:
    """The ends of the middle ``level``. Of R values the k-th stands for k / (R + 1), so that few resamples do not make it short."""
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], method="weibull")
    return float(low), float(high)
