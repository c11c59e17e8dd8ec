"""Inputs of metrics are checked once, here: shapes, ranges, finite numbers."""

from __future__ import annotations

import numpy as np

from consilience.core.errors import UsageError

__all__ = ["check_classes", "check_labels", "check_numbers", "check_weights"]


def check_classes(target: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers ``[N]`` as integers and probabilities ``[N, K]`` as float64.

    Raises:
        UsageError: Shapes differ, a probability is no probability, or a class number has no column.
    """
    given = np.asarray(target)
    output = check_probabilities(probabilities)
    check_shape(given.shape, output.shape[:1], "The target of a classification metric")
    if given.dtype == bool:
        given = given.astype(np.int64)
    if not np.issubdtype(given.dtype, np.integer):
        raise UsageError(f"The target of a classification metric holds {given.dtype}, not class numbers.", hint="Give integers from 0 to K - 1.")
    wrong = np.flatnonzero((given < 0) | (given >= output.shape[1]))
    if len(wrong):
        raise UsageError(
            f"Row {wrong[0]} has class number {given[wrong[0]]}, but there are {output.shape[1]} columns of probabilities.",
            hint="Leave out rows whose class the model does not know before scoring.",
        )
    return given.astype(np.int64), output


def check_labels(target: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels ``[N, L]`` as bool and probabilities ``[N, L]`` as float64.

    Raises:
        UsageError: Shapes differ, a probability is no probability, or a label is neither true nor false.
    """
    given = np.asarray(target)
    output = check_probabilities(probabilities)
    check_shape(given.shape, output.shape, "The target of a multi-label metric")
    if given.dtype != bool and not np.isin(given, (0, 1)).all():
        raise UsageError("The target of a multi-label metric holds values other than true and false.", hint="Give one bool per row and label.")
    return given.astype(bool), output


def check_numbers(target: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Target and prediction ``[N]`` as float64.

    Raises:
        UsageError: Shapes differ or a number is not finite.
    """
    given, output = np.asarray(target, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if output.ndim != 1:
        raise UsageError(f"Predicted numbers have shape {output.shape}.", hint="Give one number per row: shape [N].")
    check_shape(given.shape, output.shape, "The target of a regression metric")
    check_finite(given, "The target")
    check_finite(output, "The prediction")
    return given, output


def check_weights(weights: np.ndarray | None, num_rows: int) -> np.ndarray:
    """Row weights as ``[1, N]`` float64; ones where None is given.

    Raises:
        UsageError: Not one weight per row, or a weight below 0 or not finite.
    """
    if weights is None:
        return np.ones((1, num_rows))
    given = np.asarray(weights, dtype=np.float64)
    check_shape(given.shape, (num_rows,), "The array of row weights")
    check_finite(given, "The array of row weights")
    if (given < 0).any():
        raise UsageError(f"Row {np.flatnonzero(given < 0)[0]} has a weight below 0.", hint="Give weights of 0 or more.")
    return given[None, :]


def check_probabilities(probabilities: np.ndarray) -> np.ndarray:
    output = np.asarray(probabilities, dtype=np.float64)
    if output.ndim != 2 or output.shape[1] == 0:
        raise UsageError(f"Probabilities have shape {output.shape}.", hint="Give one column per class or label: shape [N, K].")
    check_finite(output, "The array of probabilities")
    # Float32 softmax and sigmoid may miss the bounds by a rounding error.
    wrong = np.flatnonzero(((output < -1e-5) | (output > 1 + 1e-5)).any(axis=1))
    if len(wrong):
        raise UsageError(f"Row {wrong[0]} holds probabilities outside 0 to 1.", hint="Give probabilities, not logits.")
    return output.clip(0.0, 1.0)


def check_shape(found: tuple[int, ...], wanted: tuple[int, ...], what: str) -> None:
    if found != wanted:
        raise UsageError(f"{what} has shape {found}, but the output asks for {wanted}.", hint="Give the same rows in the same order to both.")


def check_finite(values: np.ndarray, what: str) -> None:
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise UsageError(f"{what} is not finite, first in row {row}.", hint="Set such rows aside before scoring, or look at who gave them.")
