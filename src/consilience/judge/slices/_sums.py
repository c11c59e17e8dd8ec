"""A metric as a ratio of two sums over rows, and what chance would make of it: permutations, resamples.

Source: Fisher (1935), permutation test; Phipson and Smyth (2010), p-values that are never zero; Kline and Santos (2012), signs of whole groups;
Efron (1979), bootstrap; Wilson (1927) and Newcombe (1998), intervals of shares and of their differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom

from consilience.core.errors import UsageError
from consilience.core.seeds import generator
from consilience.metrics import Interval, Metric
from consilience.metrics._binomial import effective_rows, newcombe, wilson
from consilience.metrics._resample import between, draws, units_of
from consilience.metrics.multilabel import THRESHOLD
from consilience.tasks import Task

__all__ = ["Sums", "sums_of"]

ROUNDS, FEWEST = 9999, 4999
"""Permutations: the least p-value is one in ten thousand; half as good for very long tables."""

WORK = 2 * 10**8
"""Rows x permutations that are worth the wait."""

RESAMPLES = 1000
_BLOCK = 2**22

_CELLS = 2**23
"""Rows x slices that are held at once, three times over: 200 MB."""


@dataclass(frozen=True)
class Sums:
    """A metric that is ``part.sum() / whole.sum()`` over any rows.

    Args:
        metric: The metric.
        part: ``[N]`` numerator of each row.
        whole: ``[N]`` denominator of each row.
    """

    metric: Metric
    part: np.ndarray
    whole: np.ndarray

    def __len__(self) -> int:
        return len(self.part)

    @property
    def counts(self) -> bool:
        """True where every row is right or wrong, so that chance can be told exactly."""
        return bool(np.isin(self.part, (0, 1)).all() and (self.whole == 1).all())

    @property
    def _rounds(self) -> int:
        return int(np.clip(WORK // max(1, len(self)), FEWEST, ROUNDS))

    def take(self, rows: np.ndarray) -> Sums:
        """The same metric over these rows."""
        return Sums(self.metric, self.part[rows], self.whole[rows])

    def value(self) -> float:
        """The metric of all rows."""
        return float(_ratio(self.part.sum(), self.whole.sum()))

    def chances(self, parts: Sequence[np.ndarray], seed: int, groups: np.ndarray | None = None) -> np.ndarray:
        """``[P]`` p-values of rows chosen by lot being as bad as each part or worse, or the part being no worse than the rest.

        Args:
            parts: Row masks ``[N]``.
            groups: ``[N]`` whose rows go together; None where rows stand for themselves.
        """
        codes = units_of(len(self), groups)
        if codes is not None:
            at_once = max(1, _CELLS // max(1, len(self)))
            return np.concatenate([self._chances_of_groups(parts[first : first + at_once], seed, codes) for first in range(0, len(parts), at_once)])
        sizes = np.array([int(part.sum()) for part in parts], dtype=np.int64)
        sign, size = self.metric.sign, len(self)
        seen = np.array([_ratio(self.part[part].sum(), self.whole[part].sum()) for part in parts])
        if self.counts:
            hits = np.array([int(self.part[part].sum()) for part in parts])
            total = int(self.part.sum())
            # Few hits are bad for a score, many for a loss.
            if sign > 0:
                return np.asarray(hypergeom.cdf(hits, size, total, sizes), dtype=float)
            return np.asarray(hypergeom.sf(hits - 1, size, total, sizes), dtype=float)
        distinct, place = np.unique(sizes, return_inverse=True)
        as_bad = np.zeros(len(parts))
        rounds = self._rounds
        random, at_once = generator(seed, "slices"), max(1, _BLOCK // max(1, size))
        for start in range(0, rounds, at_once):
            count = min(at_once, rounds - start)
            order = random.permuted(np.tile(np.arange(size), (count, 1)), axis=1)
            # The first k rows of a permutation are k rows by lot: one permutation serves parts of every size.
            drawn = _ratio(self.part[order].cumsum(axis=1)[:, distinct - 1], self.whole[order].cumsum(axis=1)[:, distinct - 1])
            # What is undefined counts as bad, which only makes p-values larger.
            as_bad += (~(sign * drawn[:, place] > sign * seen + 1e-12)).sum(axis=0)
        return np.asarray((1 + as_bad) / (1 + rounds))

    def _chances_of_groups(self, parts: Sequence[np.ndarray], seed: int, codes: np.ndarray) -> np.ndarray:
        """How often groups whose surprises change sign by lot make a part as bad: what a group's rows have in common is no evidence then."""
        surprise = self.metric.sign * (self.part.sum() / max(self.whole.sum(), 1e-12) * self.whole - self.part)  # how bad a row is beside the mean
        masks = np.stack(parts, axis=1).astype(float)
        share = self.whole @ masks / max(self.whole.sum(), 1e-12)
        pulls = np.zeros((int(codes.max()) + 1, len(parts)))
        np.add.at(pulls, codes, (masks - share) * surprise[:, None])  # [G, P]: their sum is 0 where the part is as bad as the rest
        random, rounds, as_bad, seen = generator(seed, "slices"), self._rounds, np.zeros(len(parts)), pulls.sum(axis=0)
        at_once = max(1, _BLOCK // len(pulls))
        for start in range(0, rounds, at_once):
            signs = random.choice([-1.0, 1.0], (min(at_once, rounds - start), len(pulls)))
            as_bad += (signs @ pulls >= seen - 1e-12).sum(axis=0)
        return np.asarray((1 + as_bad) / (1 + rounds))

    def least_chances(self, parts: Sequence[np.ndarray], groups: np.ndarray | None = None) -> np.ndarray:
        """``[P]`` the p-value that each part would have if it were as bad as can be: what its rows can tell at the most."""
        codes = units_of(len(self), groups)
        if codes is not None:  # the groups that have rows in the part all change sign, or none of them does
            return np.array([max(0.5 ** len(np.unique(codes[part])), 1 / (1 + self._rounds)) for part in parts])
        if not self.counts:
            return np.full(len(parts), 1 / (1 + self._rounds))
        sizes, size, total = np.array([int(part.sum()) for part in parts], dtype=np.int64), len(self), int(self.part.sum())
        if self.metric.sign > 0:
            return np.asarray(hypergeom.cdf(np.maximum(0, sizes - (size - total)), size, total, sizes), dtype=float)
        return np.asarray(hypergeom.sf(np.minimum(sizes, total) - 1, size, total, sizes), dtype=float)

    def intervals(self, parts: Sequence[np.ndarray], seed: int, groups: np.ndarray | None = None) -> list[tuple[Interval, Interval]]:
        """Each part's metric, and by how much it is worse than that of the other rows; positive is worse.

        Shares have analytic intervals, which few rows do not make too short; what else there is has resamples.

        Args:
            groups: ``[N]`` count and are drawn whole; None where rows stand for themselves.
        """
        codes = units_of(len(self), groups)
        if self.counts:
            return [self._shares(part, codes) for part in parts]
        at_once = max(1, _CELLS // max(1, len(self)))
        blocks = (parts[first : first + at_once] for first in range(0, len(parts), at_once))
        return [found for block in blocks for found in self._resampled(block, seed, groups)]

    def _shares(self, part: np.ndarray, codes: np.ndarray | None) -> tuple[Interval, Interval]:
        found = []
        for rows in (part, ~part):
            hits = self.part[rows]
            known = (float(len(hits)), None) if codes is None else effective_rows(hits, codes[rows])
            found.append(wilson(float(hits.mean()), known[0], groups=known[1]) if len(hits) else Interval(*[float("nan")] * 3))
        here, rest = found
        return here, newcombe(rest, here) if self.metric.sign > 0 else newcombe(here, rest)

    def _resampled(self, parts: Sequence[np.ndarray], seed: int, groups: np.ndarray | None) -> list[tuple[Interval, Interval]]:
        masks = np.stack(parts, axis=1).astype(float)
        inside = self.part[:, None] * masks, self.whole[:, None] * masks
        values: list[np.ndarray] = []
        gaps: list[np.ndarray] = []
        rounds = int(np.clip(WORK // max(1, len(self)), 100, RESAMPLES))
        ones = np.ones((1, len(self)))
        for weights in (ones, *draws(len(self), rounds, seed, groups)):
            here = weights @ inside[0], weights @ inside[1]
            rest = (weights @ self.part)[:, None] - here[0], (weights @ self.whole)[:, None] - here[1]
            values.append(_ratio(*here))
            gaps.append(self.metric.sign * (_ratio(*rest) - values[-1]))
        drawn = np.concatenate(values[1:]), np.concatenate(gaps[1:])
        found = []
        for place in range(len(parts)):
            value, gap = float(values[0][0, place]), float(gaps[0][0, place])
            found.append((between(value, drawn[0][:, place], 0.95), between(gap, drawn[1][:, place], 0.95)))
        return found


def sums_of(task: Task, encoded: np.ndarray, output: np.ndarray) -> Sums:
    """The task's headline metric as two sums.

    Raises:
        UsageError: It is no such metric.
    """
    metric, truth, ones = task.metrics[task.headline], task.truth(encoded), np.ones(len(encoded))
    if metric.name == "accuracy":
        return Sums(metric, (output.argmax(axis=1) == truth).astype(float), ones)
    if metric.name == "mae":
        return Sums(metric, np.abs(truth - output), ones)
    if metric.name == "mae_log":
        return Sums(metric, np.abs(np.log(truth) - np.log(output)), ones)
    if metric.name == "micro_f1":
        true, said = np.asarray(truth) > 0, output >= THRESHOLD
        return Sums(metric, 2.0 * (true & said).sum(axis=1), true.sum(axis=1) + said.sum(axis=1).astype(float))
    raise UsageError(f"Slices of the metric {metric.name!r} cannot be compared.", hint="There are slices for classes, sets of labels and numbers.")


def _ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """NaN where there is nothing below the line."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.asarray(np.divide(part, whole, out=np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan), where=whole > 0))
