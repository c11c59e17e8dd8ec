"""Honest probabilities and intervals, learned on scores of rows that no candidate saw.

Source: Guo et al. (2017), temperature scaling; Vovk et al. (2005) and Lei et al. (2018), conformal intervals.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from consilience.core.state import State
from consilience.tasks import Task

__all__ = ["Calibration"]


class Calibration:
    """A temperature for classes, quantiles of residuals for numbers; survives the refit as it is.

    Args:
        temperature: Scores are divided by it.
        residuals: ``[R]`` sorted absolute residuals in encoded space; empty for classes.
    """

    def __init__(self, temperature: float = 1.0, residuals: np.ndarray | None = None) -> None:
        self.temperature = temperature
        self.residuals = np.zeros(0) if residuals is None else residuals

    @classmethod
    def fit(cls, scores: np.ndarray, target: np.ndarray, task: Task) -> Calibration:
        """From scores ``[N, K]`` of rows that were not learned from."""
        if task.target.task == "regression":
            residuals = np.sort(np.abs(target - scores.reshape(-1)))
            # 2,000 order statistics say all that an interval needs.
            return cls(1.0, residuals if len(residuals) <= 2000 else np.quantile(residuals, np.linspace(0, 1, 2000)))
        found = minimize_scalar(lambda log: task.row_losses(target, scores / np.exp(log)).mean(), bounds=(-2.0, 2.0), method="bounded")
        return cls(float(np.exp(found.x)) if found.fun < task.row_losses(target, scores).mean() else 1.0)

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated scores."""
        return scores / self.temperature

    def margin(self, level: float = 0.9) -> float:
        """Half the width of a prediction interval in encoded space: the conformal quantile of the residuals, infinite where there are too few."""
        if not len(self.residuals):
            return float("nan")
        rank = int(np.ceil((len(self.residuals) + 1) * level)) - 1
        return float(self.residuals[rank]) if rank < len(self.residuals) else float(self.residuals[-1])

    def state(self) -> State:
        return State({"temperature": self.temperature, "residuals": self.residuals.tolist()})

    @classmethod
    def restore(cls, state: State) -> Calibration:
        return cls(state.config["temperature"], np.asarray(state.config["residuals"], dtype=np.float64))
