"""Scores and the space in which they may be averaged: probabilities as probabilities, numbers as numbers."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from consilience.tasks import Task

__all__ = ["constant_scores", "from_mean_space", "to_mean_space"]


def to_mean_space(scores: np.ndarray, task: Task) -> np.ndarray:
    """Probabilities are averaged as probabilities, numbers as numbers."""
    kind = task.target.task
    if kind == "regression":
        return scores
    if kind == "multilabel":
        return np.asarray(expit(scores))
    # The softmax of scipy takes several times as long for one row, and a row asks for many.
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def from_mean_space(mean: np.ndarray, task: Task) -> np.ndarray:
    """Back to scores."""
    kind = task.target.task
    if kind == "regression":
        return mean
    clipped = np.clip(mean, 1e-12, 1 - 1e-12)
    return np.asarray(logit(clipped) if kind == "multilabel" else np.log(clipped))


def constant_scores(target: np.ndarray, task: Task) -> np.ndarray:
    """``[N, K]``: the best prediction for rows of which nothing is known, the same for all of them.

    Args:
        target: ``[N]`` encoded target.
    """
    if task.target.task == "regression":
        return np.full((len(target), 1), target.mean())
    mean = target.mean(axis=0) if task.target.task == "multilabel" else np.bincount(target, minlength=task.num_outputs) / len(target)
    return np.tile(from_mean_space(mean[None, :], task), (len(target), 1))
