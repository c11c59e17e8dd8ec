"""Honest probabilities and intervals, learned on scores of rows that no candidate saw.

Source: Guo et al. (2017), temperature scaling; Laplace (1814), rule of succession; Vovk et al. (2005) and Lei et al. (2018), conformal intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from scipy.optimize import minimize_scalar

from consilience.core.errors import UsageError
from consilience.core.state import State
from consilience.learn.conformal import Conformal, check_promise
from consilience.learn.selective import Selective
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
        conformal: Held-out rows by which sets and intervals are made; None in a model that an older version fitted.
        selective: Held-out rows by which predictions are withheld; None likewise.
    """

    def __init__(
        self,
        task: Task,
        temperature: float = 1.0,
        doubt: float = 0.0,
        residuals: np.ndarray | None = None,
        spread: Spread | None = None,
        conformal: Conformal | None = None,
        selective: Selective | None = None,
    ) -> None:
        self.task = task
        self.temperature = temperature
        self.doubt = doubt
        self.residuals = np.zeros(0) if residuals is None else residuals
        self.spread = spread
        self.conformal = conformal
        self.selective = selective

    @classmethod
    def fit(cls, scores: np.ndarray, target: np.ndarray, task: Task, present: Mapping[str, np.ndarray] | None = None) -> Calibration:
        """From scores ``[N, K]`` of rows that were not learned from, and which modalities these have (modality to ``[N]`` bool).

        Without ``present`` nothing is kept for sets and for withholding predictions.
        """
        made = cls._fit(scores, target, task, present)
        if present is not None:
            made._keep(scores, target, present)
        return made

    @classmethod
    def _fit(cls, scores: np.ndarray, target: np.ndarray, task: Task, present: Mapping[str, np.ndarray] | None) -> Calibration:
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

    def _keep(self, scores: np.ndarray, target: np.ndarray, present: Mapping[str, np.ndarray]) -> None:
        task, calibrated = self.task, self.apply(scores)
        output = task.output(calibrated)
        if task.target.task == "regression":
            flat = scores.reshape(-1)
            residuals = np.abs(target - flat)
            self.conformal = Conformal.of_numbers(residuals if self.spread is None else residuals / self.spread.sizes(flat, present), task, present)
        else:
            self.conformal = Conformal.of_classes(output, target, task, present)
        confidence = self.confidence(calibrated, output, present)
        self.selective = Selective.of(confidence, self.losses(output, target), bounded=task.target.task != "regression")

    def losses(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """``[N]`` 1 where the prediction is wrong (for lists: in any class), else 0; for numbers the absolute error in the target's unit."""
        kind, truth = self.task.target.task, self.task.truth(target)
        if kind == "regression":
            return np.asarray(np.abs(truth - output))
        wrong = ((output >= 0.5) != truth).any(axis=1) if kind == "multilabel" else output.argmax(axis=1) != truth
        return np.asarray(wrong, dtype=np.float64)

    def confidence(self, scores: np.ndarray, output: np.ndarray, present: Mapping[str, np.ndarray]) -> np.ndarray:
        """``[N]`` how sure each row is: the probability of what is predicted; for numbers minus the width of the 90 % interval.

        Args:
            scores, output: Calibrated, and what the task makes of them.
        """
        if self.task.target.task == "regression":
            low, high = self.interval(scores, present, 0.9)
            return np.asarray(low - high)
        return np.asarray(self.task.decode(output)["probability"], dtype=np.float64)

    def sets(self, output: np.ndarray, present: Mapping[str, np.ndarray], level: float) -> np.ndarray:
        """``[N, K]`` bool: classes that cannot be ruled out; see ``Conformal.sets``.

        Raises:
            UsageError: The level cannot be promised, or an older version fitted the model.
        """
        check_promise(level)
        return _kept(self.conformal).sets(output, present, level)

    def interval(self, scores: np.ndarray, present: Mapping[str, np.ndarray], level: float) -> tuple[np.ndarray, np.ndarray]:
        """``[N]`` low and high of each row's number, in the target's own unit."""
        margins = self.margins(scores, present, level)[:, None]
        return self.task.output(scores - margins), self.task.output(scores + margins)

    def threshold(self, risk: float) -> float:
        """The confidence from which rows are answered so that the risk is kept; see ``Selective.threshold``.

        Raises:
            UsageError: No threshold keeps it, or an older version fitted the model.
        """
        return _kept(self.selective).threshold(risk)

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
        if self.conformal is not None:
            common = self.conformal.factors(present, len(scores), level)
        else:
            rank = int(np.ceil((len(self.residuals) + 1) * level)) - 1
            common = np.full(len(scores), self.residuals[min(rank, len(self.residuals) - 1)])
        return common if self.spread is None else np.asarray(common * self.spread.sizes(scores.reshape(-1), present))

    def state(self) -> State:
        config = {"temperature": self.temperature, "doubt": self.doubt, "residuals": self.residuals.tolist()}
        parts = {"spread": self.spread, "conformal": self.conformal, "selective": self.selective}
        return State({**config, **{name: None if part is None else part.state().config for name, part in parts.items()}})

    @classmethod
    def restore(cls, state: State, task: Task) -> Calibration:
        config = state.config
        spread = None if config["spread"] is None else Spread.restore(State(config["spread"]))
        conformal = None if config.get("conformal") is None else Conformal.restore(State(config["conformal"]), task)
        selective = None if config.get("selective") is None else Selective.restore(State(config["selective"]))
        residuals = np.asarray(config["residuals"], dtype=np.float64)
        return cls(task, config["temperature"], config["doubt"], residuals, spread, conformal, selective)


Kept = TypeVar("Kept")


def _kept(part: Kept | None) -> Kept:
    if part is None:
        raise UsageError("This model keeps no held-out rows: an older version fitted it.", hint="Fit it again with this version.")
    return part
