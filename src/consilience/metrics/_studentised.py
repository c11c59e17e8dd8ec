"""Intervals from resamples that are each measured by their own standard error: the bootstrap-t. Source: Efron (1982); Hall (1988); Wilson (1927).

Percentiles of the resamples fall short where rows have heavy tails: a sample that lacks the largest errors has both a value and a spread that are too
small. Dividing by the standard error of each resample finds out how much that matters.

What is no plain mean (RMSE, R2) is told as the logarithm of its distance from perfect, and by the smaller of two standard errors: the resample's own,
and that of its rows at the slopes of all rows. The first alone is too short above, the second below.

Shapes: N rows, U units that are drawn (rows or groups), P means, R resamples.
"""

from __future__ import annotations

import numpy as np

from consilience.metrics._binomial import effective_rows, wilson
from consilience.metrics._resample import FEWEST_UNITS, units_of, within
from consilience.metrics._smooth import Smooth
from consilience.metrics._types import Interval

__all__ = ["Studentised"]

FLOOR = 0.5
"""Part of the sample's standard error that a resample's counts as at least: one without the few rows that differ has none."""

FARTHEST = 4.0
"""Standard errors that a resample counts as off at most: one without any error is infinitely far in logarithms."""

NOTHING = 1e-9
"""Standard errors of a smaller part of what is averaged are rounding errors of zero."""


class Studentised:
    """One metric, whose resamples come in blocks.

    Args:
        smooth: The metric.
        groups: ``[N]`` or None, as for ``draws``.
    """

    def __init__(self, smooth: Smooth, groups: np.ndarray | None) -> None:
        self.smooth, self.rows = smooth, len(smooth.values)
        self.codes = codes = units_of(self.rows, groups)
        self.middle = smooth.values.mean(axis=0)
        centred = smooth.values - self.middle
        parts = np.column_stack([centred, np.ones(self.rows)])
        self.first: np.ndarray | None = None
        if codes is not None:
            self.first = np.unique(codes, return_index=True)[1]
            summed = np.zeros((len(self.first), parts.shape[1]))
            np.add.at(summed, codes, parts)
            parts = summed
        self.width, self.units = parts.shape[1], len(parts)
        self.pairs = np.triu_indices(self.width)
        with np.errstate(over="ignore", invalid="ignore"):  # squares of huge numbers; what they leave undefined is not usable
            self.columns = np.ascontiguousarray(np.column_stack([parts, parts[:, self.pairs[0]] * parts[:, self.pairs[1]]]))
            self.size = np.sqrt((centred**2).mean(axis=0)) + np.finfo(float).tiny
            self.slopes = smooth.slopes(self.middle[None], self.size)
        values, errors, _ = self._sums(np.ones((1, self.units)))
        self.value, self.error = float(values[0]), float(errors[0])
        self.turns: list[np.ndarray] = []

    @property
    def usable(self) -> bool:
        """False where the standard error says nothing: very few units, no spread at all, numbers that are not finite."""
        enough = self.units >= FEWEST_UNITS or self.smooth.share
        with np.errstate(invalid="ignore", over="ignore"):
            least = NOTHING * float(np.abs(self.slopes[0]) @ (self.size + np.abs(self.middle)))
        spread = self.error > least or self.smooth.share
        return bool(enough and spread and np.isfinite([self.value, self.error]).all() and self.distance(self.value) != 0)

    def add(self, weights: np.ndarray) -> None:
        """A block of resamples ``[R, N]`` as ``draws`` gives them."""
        if self.smooth.share:
            return  # told from the standard error alone
        values, own, linear = self._sums(weights if self.first is None else np.take(weights, self.first, axis=1))
        error, start = self.error, self.value
        if self.smooth.perfect is None:
            off, least = values - start, np.minimum(own, linear)
        else:
            # The slope of the logarithm is the reciprocal of the distance, of each resample's own or of the sample's.
            now, then = np.abs(values - self.smooth.perfect), abs(start - self.smooth.perfect)
            with np.errstate(divide="ignore", invalid="ignore"):
                off, least = np.log(now / then), np.minimum(own / now, linear / then)
            error = error / then
        known = np.isfinite(values)
        off, least = off[known], np.fmax(least[known], FLOOR * error)
        self.turns.append((off / least).clip(-FARTHEST, FARTHEST))

    def distance(self, value: float) -> float:
        """How far from perfect; 1 where that is not asked for."""
        return 1.0 if self.smooth.perfect is None else abs(value - self.smooth.perfect)

    def interval(self, value: float, level: float, low: float, high: float) -> Interval:
        """Around the value, within the bounds of the metric."""
        if self.smooth.share:
            if self.codes is None:
                return wilson(value, self.rows, level)
            rows, groups = effective_rows(self.smooth.values[:, 0], self.codes)
            return wilson(value, rows, level, groups=groups)
        turns = np.concatenate(self.turns)
        # The interval holds the value, which is all there is where every resample is undefined.
        lower, upper = within(turns, level) if len(turns) else (0.0, 0.0)
        lower, upper = min(lower, 0.0), max(upper, 0.0)
        if self.smooth.perfect is None:
            ends = value - self.error * upper, value - self.error * lower
        else:
            sign = np.sign(value - self.smooth.perfect)
            scale = self.error / self.distance(self.value)
            near, far = (self.smooth.perfect + sign * self.distance(value) * np.exp(-scale * turn) for turn in (upper, lower))
            ends = min(near, far), max(near, far)
        return Interval(float(value), float(max(min(ends[0], value), low)), float(min(max(ends[1], value), high)))

    def _sums(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights of the units ``[R, U]`` to the metric, its standard error, and that at the sample's slopes, each ``[R]``."""
        squares = np.empty((len(times), self.width, self.width))
        # What overflows is not used, and a resample without errors has no slope.
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            sums = np.einsum("ru,uc->rc", times, self.columns)
            count = sums[:, self.width - 1]
            means = sums[:, : self.width - 1] / count[:, None]
            squares[:, self.pairs[0], self.pairs[1]] = squares[:, self.pairs[1], self.pairs[0]] = sums[:, self.width :]
            values, slopes = self.smooth.at(self.middle + means), self.smooth.slopes(self.middle + means, self.size)
            errors = [self._error(one, means, count, squares) for one in (slopes, np.broadcast_to(self.slopes, means.shape))]
        return values, errors[0], errors[1]

    def _error(self, slopes: np.ndarray, means: np.ndarray, count: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """A unit moves the metric by its distance from the mean times the slope, over the number of rows."""
        moves = np.column_stack([slopes, -np.einsum("rp,rp->r", slopes, means)])
        spread = np.einsum("rp,rpq,rq->r", moves, squares, moves)
        return np.asarray(np.sqrt(np.maximum(spread, 0.0)) / count)
