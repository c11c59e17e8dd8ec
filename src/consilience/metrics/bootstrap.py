"""How far a metric may be off: bootstrap over rows or groups, for one model and for two.

Source: Efron and Tibshirani (1993); Hall (1988), bootstrap-t; Wilson (1927).

Each resample draws as many rows as there are, with repetition. The interval says how much the metric would move with other test rows of the same
sort; it knows nothing of other training rows. Metrics that are means over rows, or smooth functions of means (log-loss, Brier score, MAE, RMSE, R2),
are measured in standard errors of each resample (bootstrap-t); accuracy has Wilson's interval, which needs no resamples; the others (F1, AUC, ECE,
medians) have percentiles. With fewer than about 20 rows or groups it is too narrow, and for a metric at its bound it has no width, but for accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from consilience.core.errors import UsageError
from consilience.metrics._resample import affordable, between, draws, on_resamples
from consilience.metrics._smooth import Smooth, difference
from consilience.metrics._studentised import Studentised
from consilience.metrics._types import Interval, Metric, Resampled
from consilience.metrics._weighted import row_mean

__all__ = ["bootstrap", "paired_bootstrap", "paired_difference"]


def bootstrap(
    metrics: Mapping[str, Metric],
    target: np.ndarray,
    output: np.ndarray,
    *,
    rounds: int = 1000,
    seed: int = 0,
    groups: np.ndarray | None = None,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Each metric with its interval; all metrics see the same resamples.

    Where N rows x K output columns x ``rounds`` exceeds 200 million, fewer rounds are run (never under 100 for that reason): 10,000 rows of 13
    classes still get 1000, 100,000 rows get 153; so many rows make the interval narrow anyway. Metrics without ``prepare`` get at most 200.
    Resamples that leave a metric undefined (AUC of one class) are left out for that metric. The interval always holds the value: it is widened to
    it where the percentiles miss it, as they do for metrics that resampling shifts, such as ``ece``.

    Args:
        metrics: Name to metric.
        target: ``[N]`` or ``[N, L]``, as the metrics want it.
        output: ``[N, K]`` probabilities or ``[N]`` predictions.
        rounds: How many resamples.
        seed: The same seed gives the same intervals.
        groups: ``[N]`` whole groups are drawn instead of rows, so that related rows do not count as independent. With a single group, rows are drawn.
        level: Share of the resampled values inside the interval.

    Returns:
        Name to interval. All parts are NaN where the metric is undefined on the rows themselves, or there are no rows.

    Raises:
        UsageError: Inputs do not fit each other, ``rounds`` is below 1, or ``level`` is not between 0 and 1.

    >>> from consilience.metrics import CLASSIFICATION
    >>> found = bootstrap(CLASSIFICATION, np.array([0, 1, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]]))
    >>> found["accuracy"].value, found["accuracy"].low < 0.75 < found["accuracy"].high
    (0.75, True)
    """
    check_level(level)
    num_rows, shape = len(output), np.shape(output)
    check_rows(len(target), num_rows)
    if num_rows == 0:
        return {name: Interval(float("nan"), float("nan"), float("nan")) for name in metrics}
    wanted = {name: affordable(rounds, shape, fast=metric.prepare is not None) for name, metric in metrics.items()}
    told = {name: _Told(on_resamples(metric, target, output), metric.compute(target, output), groups) for name, metric in metrics.items()}
    done = 0
    for weights in draws(num_rows, max(wanted.values(), default=0), seed, groups):
        for name, one in told.items():
            if done < wanted[name]:
                one.add(weights[: wanted[name] - done])
        done += len(weights)
    return {name: one.interval(level, metrics[name].low, metrics[name].high) for name, one in told.items()}


def paired_bootstrap(
    metric: Metric,
    target: np.ndarray,
    output_a: np.ndarray,
    output_b: np.ndarray,
    *,
    rounds: int = 1000,
    seed: int = 0,
    groups: np.ndarray | None = None,
    level: float = 0.95,
) -> Interval:
    """By how much a is better than b: the difference of the metric on the same rows and the same resamples.

    Positive means that a is better, for scores and losses alike. Pairing takes out what makes rows hard for both, so that this
    interval is narrower than those of a and b suggest. Arguments as in ``bootstrap``.

    Raises:
        UsageError: As ``bootstrap``, and where a and b have different numbers of rows.

    >>> from consilience.metrics import REGRESSION
    >>> paired_bootstrap(REGRESSION["mae"], np.zeros(3), np.array([1.0, 1.0, 1.0]), np.array([3.0, 3.0, 3.0]))
    Interval(value=2.0, low=2.0, high=2.0)
    """
    check_level(level)
    check_rows(len(target), len(output_a))
    check_rows(len(output_a), len(output_b))
    if len(target) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    rounds = min(affordable(rounds, np.shape(output), fast=metric.prepare is not None) for output in (output_a, output_b))
    first, second = on_resamples(metric, target, output_a), on_resamples(metric, target, output_b)
    value = metric.compute(target, output_a) - metric.compute(target, output_b)

    def less(weights: np.ndarray) -> np.ndarray:
        return first(weights) - second(weights)

    smooth = difference(first, second) if isinstance(first, Smooth) and isinstance(second, Smooth) else None
    told = _Told(smooth or less, value, groups)
    for weights in draws(len(target), rounds, seed, groups):
        told.add(weights)
    found = told.interval(level)
    return found if metric.sign > 0 else Interval(0.0 - found.value, 0.0 - found.high, 0.0 - found.low)


def paired_difference(
    losses_a: np.ndarray,
    losses_b: np.ndarray,
    *,
    rounds: int = 1000,
    seed: int = 0,
    groups: np.ndarray | None = None,
    level: float = 0.95,
) -> Interval:
    """By how much a has less loss than b, on average over the rows; positive means that a is better.

    Args:
        losses_a: ``[N]`` loss of each row under a.
        losses_b: ``[N]`` loss of the same rows under b.
        rounds, seed, groups, level: As in ``bootstrap``.

    Raises:
        UsageError: As ``bootstrap``, and where a loss is not finite.

    >>> paired_difference(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    Interval(value=1.0, low=1.0, high=1.0)
    """
    check_level(level)
    check_rows(len(losses_a), len(losses_b))
    gain = np.asarray(losses_b, dtype=np.float64) - np.asarray(losses_a, dtype=np.float64)
    if gain.ndim != 1 or not np.isfinite(gain).all():
        raise UsageError("Each row needs one finite loss under both models, and some have none.", hint="Set rows without a loss aside for both.")
    if len(gain) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    mean = row_mean(gain)
    told = _Told(mean, float(mean(np.ones((1, len(gain))))[0]), groups)
    for weights in draws(len(gain), affordable(rounds, gain.shape), seed, groups):
        told.add(weights)
    return told.interval(level)


class _Told:
    """A number of the rows with its resamples: by standard errors where these are known, else by percentiles."""

    def __init__(self, scorer: Resampled, value: float, groups: np.ndarray | None) -> None:
        self.scorer, self.value = scorer, float(value)
        self.found: list[np.ndarray] = []
        self.studentised: Studentised | None = None
        if isinstance(scorer, Smooth) and np.isfinite(value) and np.isfinite(scorer.values).all():
            studentised = Studentised(scorer, groups)
            self.studentised = studentised if studentised.usable else None

    def add(self, weights: np.ndarray) -> None:
        """A block of resamples."""
        if self.studentised is not None:
            self.studentised.add(weights)
        else:
            self.found.append(self.scorer(weights))

    def interval(self, level: float, low: float = -np.inf, high: float = np.inf) -> Interval:
        """Within the bounds."""
        if self.studentised is not None:
            return self.studentised.interval(self.value, level, low, high)
        return between(self.value, np.concatenate(self.found), level)


def check_level(level: float) -> None:
    if not 0 < level < 1:
        raise UsageError(f"An interval of level {level} was asked for.", hint="Give a share between 0 and 1, such as 0.95.")


def check_rows(one: int, other: int) -> None:
    if one != other:
        raise UsageError(f"{one} rows cannot be scored against {other}.", hint="Give the same rows in the same order to both.")
