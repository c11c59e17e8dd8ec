"""Honest probabilities and intervals, learned on scores of rows that no candidate saw.

Source: Guo et al. (2017), temperature scaling; Laplace (1814), rule of succession; Vovk et al. (2005) and Lei et al. (2018), conformal intervals.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import minimize_scalar

from consilience.core.state import State
from consilience.learn.spaces import from_mean_space, to_mean_space
from consilience.learn.spread import Spread
from consilience.tasks import Task

__all__ = ["Calibration"]


class Calibration:
    """A temperature and a doubt for classes, quantiles of residuals for numbers; survives the refit as it is.

    Args:
        task: What is learned.
        temperature: Scores are divided by it.
        doubt: Share of every probability that is spread evenly: a thousand rows without a mistake do not promise less than one in a thousand.
        residuals: ``[R]`` sorted absolute residuals in encoded space, in units of ``spread`` if there is one; empty for classes.
        spread: What to expect of each row, where that pays.
    """

    def __init__(
        self, task: Task, temperature: float = 1.0, doubt: float = 0.0, residuals: np.ndarray | None = None, spread: Spread | None = None
    ) -> None:
        self.task = task
        self.temperature = temperature
        self.doubt = doubt
        self.residuals = np.zeros(0) if residuals is None else residuals
        self.spread = spread

    @classmethod
    def fit(cls, scores: np.ndarray, target: np.ndarray, task: Task, present: Mapping[str, np.ndarray] | None = None) -> Calibration:
        """From scores ``[N, K]`` of rows that were not learned from, and which modalities these have (modality to ``[N]`` bool)."""
        if task.target.task == "regression":
            scores = scores.reshape(-1)
            residuals = np.abs(target - scores)
            spread = None if present is None else Spread.fit(scores, residuals, present)
            residuals = np.sort(residuals if spread is None or present is None else residuals / spread.sizes(scores, present))
            # 2,000 order statistics say all that an interval needs.
            return cls(task, residuals=residuals if len(residuals) <= 2000 else np.quantile(residuals, np.linspace(0, 1, 2000)), spread=spread)
        doubt = 1 / (len(target) + 2)

        def loss(log: float) -> float:
            return float(task.row_losses(target, cls(task, float(np.exp(log)), doubt).apply(scores)).mean())

        found = minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded")
        return cls(task, float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0, doubt)

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated scores."""
        if self.task.target.task == "regression":
            return scores
        spread = 0.5 if self.task.target.task == "multilabel" else 1 / self.task.num_outputs
        return from_mean_space((1 - self.doubt) * to_mean_space(scores / self.temperature, self.task) + self.doubt * spread, self.task)

    def margins(self, scores: np.ndarray, present: Mapping[str, np.ndarray], level: float = 0.9) -> np.ndarray:
        """``[N]`` half the width of each row's prediction interval, in encoded space.

        The conformal quantile of the residuals, the largest where there are too few, times what is to be expected of the row.
        """
        if not len(self.residuals):
            return np.full(len(scores), np.nan)
        rank = int(np.ceil((len(self.residuals) + 1) * level)) - 1
        common = float(self.residuals[min(rank, len(self.residuals) - 1)])
        return np.full(len(scores), common) if self.spread is None else common * self.spread.sizes(scores.reshape(-1), present)

    def state(self) -> State:
        config = {"temperature": self.temperature, "doubt": self.doubt, "residuals": self.residuals.tolist()}
        return State({**config, "spread": None if self.spread is None else self.spread.state().config})

    @classmethod
    def restore(cls, state: State, task: Task) -> Calibration:
        config = state.config
        spread = None if config["spread"] is None else Spread.restore(State(config["spread"]))
        return cls(task, config["temperature"], config["doubt"], np.asarray(config["residuals"], dtype=np.float64), spread)
