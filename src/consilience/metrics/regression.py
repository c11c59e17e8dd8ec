"""Metrics of a number. Each takes ``target [N]``, ``prediction [N]`` in the target's own unit and, where wanted, ``weights [N]`` of the rows.

All raise UsageError for shapes that do not fit and numbers that are not finite; all are NaN without rows.
"""

from __future__ import annotations

import math

import numpy as np

from consilience.metrics._check import check_numbers
from consilience.metrics._smooth import Smooth
from consilience.metrics._types import Metric, Prepare, Resampled
from consilience.metrics._weighted import TINY, median, once, ratio, row_mean, undefined, variance_left

__all__ = ["REGRESSION", "REGRESSION_LOG", "mae", "mae_log", "median_ae", "r2", "r2_log", "rmse"]


def rmse(target: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Root of the mean squared error, in the target's unit; large errors weigh most.

    >>> rmse(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    1.0
    """
    return once(prepare_rmse, target, prediction, weights)


def mae(target: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean absolute error, in the target's unit.

    >>> mae(np.array([1.0, 2.0]), np.array([4.0, 6.0]))
    3.5
    """
    return once(prepare_mae, target, prediction, weights)


def r2(target: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Share of the target's variance that is explained: 1 is perfect, 0 is as good as the mean. NaN where all target values are equal.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    0.0
    """
    return once(prepare_r2, target, prediction, weights)


def median_ae(target: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Median absolute error, in the target's unit: half the rows are nearer than this.

    >>> median_ae(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 90.0]))
    0.5
    """
    return once(prepare_median, target, prediction, weights)


def mae_log(target: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean absolute error of the natural logarithm: 0.1 is about 10 % off. NaN where any target or prediction is 0 or less.

    >>> round(mae_log(np.array([100.0]), np.array([110.0])), 3)
    0.095
    """
    return once(prepare_mae_log, target, prediction, weights)


def r2_log(target: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    """R2 of the natural logarithm. NaN where any target or prediction is 0 or less, and where all target values are equal."""
    return once(prepare_r2_log, target, prediction, weights)


def prepare_rmse(target: np.ndarray, prediction: np.ndarray) -> Resampled:
    true, output = check_numbers(target, prediction)
    errors = np.abs(true - output)
    # Scaled by the largest error, so that the squares of huge errors stay finite.
    scale = max(float(errors.max()), np.finfo(np.float64).tiny)
    # A step of a derivative may lead a little below zero.
    return Smooth(((errors / scale) ** 2)[:, None], lambda means: scale * np.sqrt(np.maximum(means[:, 0], 0.0)), perfect=0.0)


def prepare_mae(target: np.ndarray, prediction: np.ndarray) -> Resampled:
    true, output = check_numbers(target, prediction)
    return row_mean(np.abs(true - output))


def prepare_r2(target: np.ndarray, prediction: np.ndarray) -> Resampled:
    true, output = check_numbers(target, prediction)
    left = variance_left(true, output)
    scale = max(float(true.std()), np.finfo(np.float64).tiny)
    # Infinite squares of huge errors leave the metric undefined here; it is then told without standard errors.
    with np.errstate(over="ignore"):
        centred, squares = (true - true.mean()) / scale, ((true - output) / scale) ** 2

    def explained(means: np.ndarray) -> np.ndarray:
        spread = means[:, 2] - means[:, 1] ** 2
        return 1 - ratio(means[:, 0], np.where(spread > TINY, spread, 0.0), np.nan)

    values = np.stack([squares, centred, centred**2], axis=1)
    return Smooth(values, explained, perfect=1.0, exact=lambda weights: 1 - left(weights))


def prepare_median(target: np.ndarray, prediction: np.ndarray) -> Resampled:
    true, output = check_numbers(target, prediction)
    return median(np.abs(true - output))


def prepare_mae_log(target: np.ndarray, prediction: np.ndarray) -> Resampled:
    return in_logs(prepare_mae, target, prediction)


def prepare_r2_log(target: np.ndarray, prediction: np.ndarray) -> Resampled:
    return in_logs(prepare_r2, target, prediction)


def in_logs(prepare: Prepare, target: np.ndarray, prediction: np.ndarray) -> Resampled:
    """The metric of both logarithms; undefined as a whole if one of them does not exist, since leaving such rows out would flatter the model."""
    true, output = check_numbers(target, prediction)
    if (true <= 0).any() or (output <= 0).any():
        return undefined
    return prepare(np.log(true), np.log(output))


REGRESSION: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("rmse", rmse, False, 0.0, math.inf, "Root of the mean squared error, in the target's unit.", prepare_rmse),
        Metric("mae", mae, False, 0.0, math.inf, "Mean absolute error, in the target's unit.", prepare_mae),
        Metric("r2", r2, True, -math.inf, 1.0, "Share of the target's variance that is explained.", prepare_r2),
        Metric("median_ae", median_ae, False, 0.0, math.inf, "Median absolute error, in the target's unit.", prepare_median),
    )
}

REGRESSION_LOG: dict[str, Metric] = {
    **REGRESSION,
    "mae_log": Metric("mae_log", mae_log, False, 0.0, math.inf, "Mean absolute error of the natural logarithm.", prepare_mae_log),
    "r2_log": Metric("r2_log", r2_log, True, -math.inf, 1.0, "R2 of the natural logarithm.", prepare_r2_log),
}
"""For a target that was learned in log space: the metrics of REGRESSION and two of the logarithms."""
