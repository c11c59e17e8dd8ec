"""Penalised linear models on blocks, dense and sparse at once. Source: Liu and Nocedal (1989), L-BFGS, by SciPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit, log_softmax

from consilience.core.budget import Budget

__all__ = ["Matrix", "fit_linear", "linear_scores"]

Matrix: TypeAlias = np.ndarray | csr_matrix
Loss: TypeAlias = Literal["softmax", "sigmoid", "squared"]


def linear_scores(blocks: Sequence[Matrix], weights: Sequence[np.ndarray], bias: np.ndarray, num_rows: int) -> np.ndarray:
    """``[N, K]``: the sum over blocks of ``X @ W``, plus the bias."""
    scores = np.tile(np.asarray(bias, dtype=np.float64), (num_rows, 1))
    for block, weight in zip(blocks, weights, strict=True):
        scores += block @ weight
    return scores


def fit_linear(
    blocks: Sequence[Matrix],
    target: np.ndarray,
    penalties: Sequence[float],
    *,
    loss: Loss,
    num_outputs: int,
    row_weights: np.ndarray | None = None,
    start: np.ndarray | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 300,
    budget: Budget | None = None,
) -> np.ndarray:
    """Minimises mean loss + sum over blocks of penalty / 2 * |W|^2; the bias is free. Ends where it is when the budget does.

    Shape:
        - blocks: each ``[N, D_b]``, dense float32 or CSR.
        - target: ``[N]`` class codes (softmax), ``[N, K]`` 0/1 (sigmoid), ``[N, K]`` numbers (squared).
        - row_weights: ``[N]`` with mean 1, or None.
        - tolerance: share of the objective by which a step must lower it.
        - output: flat parameters ``[sum(D_b) * K + K]``; ``unflatten`` cuts them. Also what ``start`` takes.
    """
    num_rows, widths = len(target), [block.shape[1] for block in blocks]
    total = sum(widths)
    penalty = np.repeat(np.asarray(penalties, dtype=np.float64), widths)[:, None]  # [D, 1]
    # All dense blocks side by side: one large product is faster than several small ones.
    dense_at = [i for i, block in enumerate(blocks) if not sparse.issparse(block)]
    dense = np.concatenate([blocks[i] for i in dense_at], axis=1) if dense_at else np.zeros((num_rows, 0), np.float32)
    starts = np.concatenate([[0], np.cumsum(widths)]).astype(int)
    dense_columns = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in dense_at]) if dense_at else np.zeros(0, int)
    sparse_parts = [(blocks[i], csr_matrix(blocks[i].T), slice(starts[i], starts[i + 1])) for i in range(len(blocks)) if i not in dense_at]
    share = (np.ones(num_rows) if row_weights is None else row_weights)[:, None] / num_rows

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = flat[: total * num_outputs].reshape(total, num_outputs), flat[total * num_outputs :]
        scores = (dense @ weight[dense_columns].astype(np.float32)).astype(np.float64) + bias
        for part, _, columns in sparse_parts:
            scores += part @ weight[columns]
        value, slope = _loss_and_slope(loss, scores, target, share)
        gradient = penalty * weight
        gradient[dense_columns] += (slope.astype(np.float32).T @ dense).T  # in this order a fifth less time
        for _, transposed, columns in sparse_parts:
            gradient[columns] += transposed @ slope
        value += 0.5 * float((penalty * weight * weight).sum())
        return value, np.concatenate([gradient.ravel(), slope.sum(axis=0)])

    def watch(intermediate_result: object) -> None:
        if budget is not None and budget.left() <= 0:
            raise StopIteration

    first = np.zeros((total + 1) * num_outputs) if start is None else start
    options = {"maxiter": max_iterations, "ftol": tolerance, "gtol": 1e-7, "maxcor": 20}
    found = minimize(objective, first, jac=True, method="L-BFGS-B", callback=watch, options=options)
    return np.asarray(found.x)


def _loss_and_slope(loss: Loss, scores: np.ndarray, target: np.ndarray, share: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean loss and its derivative by the scores ``[N, K]``."""
    if loss == "softmax":
        logs = log_softmax(scores, axis=1)
        rows = np.arange(len(target))
        slope = np.exp(logs)
        slope[rows, target] -= 1
        return float(-(logs[rows, target] * share[:, 0]).sum()), slope * share
    if loss == "sigmoid":
        losses = np.logaddexp(0, scores) - target * scores
        return float((losses * share).sum()), (expit(scores) - target) * share
    error = scores - target
    return float(0.5 * (error * error * share).sum()), error * share
