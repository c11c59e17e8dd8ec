"""The sums that metrics are made of, under many weightings of the rows at once.

Shapes: N rows, R weightings, K classes. Weights ``[R, N]`` float64, 0 or more, each weighting with a sum above 0. A weight of 2 counts as the row
standing there twice, a weight of 0 as the row not being there, so that a bootstrap resample is a weighting by whole numbers and nothing is sorted
again. Sums use einsum, not BLAS, whose last digits depend on its number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from consilience.metrics._check import check_weights
from consilience.metrics._smooth import Smooth
from consilience.metrics._types import Prepare, Resampled

__all__ = [
    "average_precision",
    "class_sums",
    "mean_known",
    "mean_where",
    "median",
    "once",
    "rank_auc",
    "ratio",
    "row_mean",
    "undefined",
    "variance_left",
]

TINY = 1e-12
"""A share of all weight below this is a rounding error of zero."""


def once(prepare: Prepare, target: np.ndarray, output: np.ndarray, weights: np.ndarray | None) -> float:
    """One metric under one weighting ``[N]``; NaN where there is no row with weight."""
    rows = check_weights(weights, len(output))
    return float(prepare(target, output)(rows)[0]) if rows.sum() > 0 else float("nan")


def undefined(weights: np.ndarray) -> np.ndarray:
    """A metric that no weighting can define."""
    return np.full(len(weights), np.nan)


def ratio(part: np.ndarray, whole: np.ndarray, empty: float = 0.0) -> np.ndarray:
    """``part / whole``, and ``empty`` where the whole is not above 0."""
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), empty)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def mean_where(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mean of ``values [R, K]`` over the classes that are counted; NaN where none is."""
    return ratio(np.where(counted, values, 0.0).sum(axis=1), counted.sum(axis=1), np.nan)


def mean_known(parts: Sequence[Resampled]) -> Resampled:
    """Mean of several metrics, without those that a weighting leaves undefined; NaN where it leaves all so."""

    def mean(weights: np.ndarray) -> np.ndarray:
        total, known = np.zeros(len(weights)), np.zeros(len(weights))
        for part in parts:
            values = part(weights)
            known += np.isfinite(values)
            total += np.nan_to_num(values, nan=0.0)
        return ratio(total, known, np.nan)

    return mean


def row_mean(values: np.ndarray, *, share: bool = False) -> Smooth:
    """Weighted mean of ``values [N]``; ``share`` is True where each of them is 0 or 1."""
    return Smooth(values[:, None], share=share)


def class_sums(codes: np.ndarray, num_classes: int, rows: np.ndarray | None = None, values: np.ndarray | None = None) -> Resampled:
    """Weight of each class: weights ``[R, N] -> [R, K]``.

    Args:
        codes: ``[N]`` the class of each row, 0 to K - 1.
        num_classes: K.
        rows: Only these rows count; None for all.
        values: ``[N]`` what a row adds per unit of weight; None for 1.
    """
    kept = np.arange(len(codes)) if rows is None else rows
    order = kept[np.argsort(codes[kept], kind="stable")]
    present, starts = np.unique(codes[order], return_index=True)
    factor = None if values is None else values[order]

    def sums(weights: np.ndarray) -> np.ndarray:
        out = np.zeros((len(weights), num_classes))
        if len(order):
            sorted_weights = np.take(weights, order, axis=1)
            out[:, present] = np.add.reduceat(sorted_weights if factor is None else sorted_weights * factor, starts, axis=1)
        return out

    return sums


def rank_auc(positive: np.ndarray, scores: np.ndarray) -> Resampled:
    """Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half; NaN unless there are both."""
    order = np.argsort(scores, kind="stable")
    begin, end = tie_bounds(scores[order])
    where = np.flatnonzero(positive[order])
    rows, begin, end = order[where], begin[where], end[where]

    def area(weights: np.ndarray) -> np.ndarray:
        below = running(np.take(weights, order, axis=1))
        own = np.take(weights, rows, axis=1)
        total, up = below[:, -1], own.sum(axis=1)
        # Mid-ranks count positives and negatives below; pairs of positives add exactly half the square of their weight, whatever their order.
        mid = (np.take(below, begin, axis=1) + np.take(below, end, axis=1)) / 2
        pairs = np.einsum("rn,rn->r", own, mid) - up**2 / 2
        down = np.where(total - up > TINY * total, total - up, 0.0)
        return ratio(pairs, up * down, np.nan).clip(0.0, 1.0)

    return area


def average_precision(positive: np.ndarray, scores: np.ndarray) -> Resampled:
    """Precision at each positive row, averaged; rows that tie share the precision at the end of the tie. NaN without a positive."""
    order = np.argsort(-scores, kind="stable")
    _, end = tie_bounds(scores[order])
    hits = positive[order]
    where = np.flatnonzero(hits)
    rows, end = order[where], end[where]
    hits_end = np.cumsum(hits)[end - 1]

    def area(weights: np.ndarray) -> np.ndarray:
        own = np.take(weights, rows, axis=1)
        found = np.take(running(own), hits_end, axis=1)
        seen = np.take(running(np.take(weights, order, axis=1)), end, axis=1)
        return ratio(np.einsum("rn,rn->r", own, ratio(found, seen)), own.sum(axis=1), np.nan).clip(0.0, 1.0)

    return area


def median(values: np.ndarray) -> Resampled:
    """Weighted median of ``values [N]``; where half the weight ends exactly at a row, the mean of it and the next."""
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    last = len(values) - 1

    def middle(weights: np.ndarray) -> np.ndarray:
        upto = np.cumsum(np.take(weights, order, axis=1), axis=1)
        half = upto[:, -1:] / 2
        lower, upper = (upto < half).sum(axis=1), (upto <= half).sum(axis=1)
        return np.asarray(ascending[np.minimum(lower, last)] + ascending[np.minimum(upper, last)]) / 2

    return middle


def variance_left(target: np.ndarray, prediction: np.ndarray) -> Resampled:
    """Share of the target's variance that the prediction leaves over (1 - R2); NaN where all target values are equal."""
    order = np.argsort(target, kind="stable")
    # Squares of huge errors may be infinite; the share is then infinite too, or undefined.
    with np.errstate(over="ignore"):
        squares = (target - prediction) ** 2

    def share(weights: np.ndarray) -> np.ndarray:
        # A constant target has a variance of zero only up to rounding, so that the least and the greatest value with weight are compared instead.
        there = np.take(weights, order, axis=1) > 0
        least = target[order[there.argmax(axis=1)]]
        greatest = target[order[len(target) - 1 - there[:, ::-1].argmax(axis=1)]]
        mean = weighted_sum(weights, target) / weights.sum(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            spread = np.einsum("rn,rn->r", weights, (target - mean[:, None]) ** 2)
            return ratio(weighted_sum(weights, squares), np.where(greatest > least, spread, 0.0), np.nan)

    return share


def weighted_sum(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("rn,n->r", weights, values))


def running(weights: np.ndarray) -> np.ndarray:
    """Running sums along the rows with a leading zero: ``[R, N] -> [R, N + 1]``."""
    out = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=out[:, 1:])
    return out


def tie_bounds(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each place in sorted values: where its run of equal values begins, and where the next run begins."""
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(ordered)])
    return np.repeat(starts, lengths), np.repeat(starts + lengths, lengths)
