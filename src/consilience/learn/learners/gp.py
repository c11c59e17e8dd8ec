"""A Gaussian process with a kernel per encoder. Source: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning.

Strong where rows are few: likeness and slopes are learned for each piece of evidence by the marginal likelihood, without rows held out. Classes are
learned as numbers (their section 6.5, least-squares classification) and scaled to log-odds on held-out rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from scipy import linalg
from threadpoolctl import threadpool_limits

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.seeds import generator
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.learn.learners._base import CrossFit, Fitted, Learner, OutOfTime, Path, Point, Situation, Split
from consilience.learn.learners._kernels import JITTER, Hyper, Inputs, Rows, kernel, learn
from consilience.learn.spaces import constant_scores

__all__ = ["GaussianProcess"]

CARD = Card(
    summary="a Gaussian process with a kernel per encoder, for few rows",
    source="Rasmussen and Williams (2006)",
    claims=("absence", "few rows"),
    cost="medium",
)

_NOISES = (1.0, 3.0, 10.0, 30.0)
"""Times the noise of the marginal likelihood: it takes rows for independent, and where they come in groups it believes too much."""

_GAINS = (1.0, 2.0, 4.0, 7.0, 12.0)
"""Log-odds for each unit of a class that was learned as 0 or 1."""

_PIECE = 500
"""Rows that are predicted at once: for each of their pairs with training rows some twenty numbers are held."""


class GaussianProcessSettings(Settings):
    """Settings of ``gp``: how much of each block, and of how many rows, is looked at."""

    components: int = Field(default=64, ge=2, description="Principal components per block.")
    rows: int = Field(default=2000, ge=50, description="Rows to learn from; of more, as many at random. Time grows with their cube.")
    choosing_rows: int = Field(default=400, ge=20, description="Rows by which the kernels are chosen; of more, as many at random.")
    kernels: tuple[float, ...] | None = Field(default=None, description="Logarithms of the kernels' parameters; None chooses them.")


class FittedGaussianProcess(Fitted):
    """The training rows, and how much each of them pulls.

    Args:
        inputs: From examples to numbers.
        logs: Logarithms of the kernels' parameters.
        rows: The training rows.
        pull: ``[N, K]``.
        nothing: ``[K]`` scores where nothing is known.
    """

    def __init__(self, inputs: Inputs, logs: np.ndarray, rows: Rows, pull: np.ndarray, nothing: np.ndarray) -> None:
        self.inputs, self.logs, self.hyper, self.rows, self.pull, self.nothing = inputs, logs, Hyper.of(logs), rows, pull, nothing

    def predict(self, examples: Examples) -> np.ndarray:
        rows = self.inputs.transform(examples)
        made = np.empty((len(examples), self.pull.shape[1]))
        for start in range(0, len(made), _PIECE):
            at = slice(start, start + _PIECE)
            made[at] = kernel(self.hyper, rows.take(at), self.rows) @ self.pull + self.nothing
        return made

    def state(self) -> State:
        kept = {"rows": self.rows.values, "present": self.rows.present, "pull": self.pull, "nothing": self.nothing}
        return State.pack({"inputs": self.inputs.state(), "hyper": State({}, {"logs": self.logs}), "kept": State({}, kept)})

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedGaussianProcess:
        inputs, logs, kept = Inputs.restore(state.part("inputs")), state.part("hyper").arrays["logs"], state.part("kept").arrays
        rows, blocks = len(kept["pull"]), len(inputs.groups)
        shapes = {"rows": (rows, len(inputs.mean)), "present": (rows, blocks), "pull": (rows, situation.task.num_outputs)}
        if any(kept[name].shape != shape for name, shape in shapes.items()) or logs.shape != (4 * blocks + 2,):
            raise ValueError("the rows and the kernels do not belong together")
        return cls(inputs, logs, Rows(kept["rows"], kept["present"], inputs.groups), kept["pull"], kept["nothing"])


class GaussianProcess(Learner):
    """Its path: how much noise is added, and for classes how far from chance one goes."""

    Settings: ClassVar[type[Settings]] = GaussianProcessSettings
    fitted = FittedGaussianProcess
    settings: GaussianProcessSettings

    def cross_fit(self, splits: Sequence[Split], num_rows: int, budget: Budget, rival: np.ndarray | None = None) -> CrossFit:
        """The kernels are chosen once, on the training rows of the first split: they are few numbers, and take most of the time."""
        if budget.left() <= 0:
            raise OutOfTime
        with threadpool_limits(1, user_api="blas"):
            kernels = self._kernels(self._rows(splits[0].train, splits[0].target, splits[0].memo))
        settled = type(self)(self.settings.model_copy(update={"kernels": kernels}), self.situation)
        return Learner.cross_fit(settled, splits, num_rows, budget, rival)

    def path(self, split: Split, budget: Budget) -> Path:
        if budget.left() <= 0:
            raise OutOfTime
        gains = (1.0,) if self.situation.task.target.task == "regression" else _GAINS
        with threadpool_limits(1, user_api="blas"):
            rows = self._rows(split.train, split.target, split.memo)
            kernels = self._kernels(rows, self.settings.kernels)
            points = [{"noise": noise, "gain": gain, "kernels": list(kernels)} for noise in reversed(_NOISES) for gain in gains]
            made = rows.fitted(kernels, points)
            near = kernel(made[0].hyper, rows.inputs.transform(split.valid), rows.seen)
            return Path(points, np.stack([near @ one.pull + one.nothing for one in made]))

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        with threadpool_limits(1, user_api="blas"):
            rows = self._rows(train, target)
            return rows.fitted(self._kernels(rows, point["kernels"]), [point])[0]

    def _kernels(self, rows: _Rows, known: Sequence[float] | None = None) -> Sequence[float]:
        """Logarithms of the kernels' parameters, by some of the rows unless they are known."""
        if known is not None and len(known) == 4 * len(rows.inputs.groups) + 2:  # a number that is a flag in other rows has no kernel there
            return known
        few = np.sort(generator(self.situation.seed, "gp choosing").permutation(len(rows.wanted))[: self.settings.choosing_rows])
        scale = float(np.sqrt((rows.wanted[few] ** 2).mean())) or 1.0
        return learn(rows.seen.take(few), rows.wanted[few] / scale, rows.weights[few])

    def _rows(self, train: Examples, target: np.ndarray, memo: dict[str, Any] | None = None) -> _Rows:
        task, seed = self.situation.task, self.situation.seed
        nothing = constant_scores(target, task)[0]
        if len(target) > self.settings.rows:
            some = np.sort(generator(seed, "gp rows").permutation(len(target))[: self.settings.rows])
            train, target, memo = train.take(some), target[some], None
        inputs = Inputs.fit(train, self.settings.components, seed, memo)
        weights = task.class_weights(target)
        row_weights = np.ones(len(target)) if weights is None or target.ndim > 1 else weights[target].astype(np.float64)
        wanted = np.eye(task.num_outputs)[target] if task.target.task in ("binary", "multiclass") else np.reshape(target, (len(target), -1))
        return _Rows(inputs, inputs.transform(train), wanted - wanted.mean(axis=0), row_weights, nothing)


@dataclass(frozen=True)
class _Rows:
    """What there is to learn from.

    Args:
        seen: The rows as numbers.
        wanted: ``[N, K]`` encoded target with mean 0.
        weights: ``[N]`` how much each row counts.
        nothing: ``[K]`` scores where nothing is known.
    """

    inputs: Inputs
    seen: Rows
    wanted: np.ndarray
    weights: np.ndarray
    nothing: np.ndarray

    def fitted(self, kernels: Sequence[float], points: Sequence[Point]) -> list[FittedGaussianProcess]:
        """One for each point, all with the same kernels."""
        logs = np.array(kernels)
        hyper = Hyper.of(logs)
        covariance = kernel(hyper, self.seen, self.seen)
        pulls = {}
        for noise in {point["noise"] for point in points}:
            ridge = np.diag(hyper.noise * noise / self.weights + JITTER)
            pulls[noise] = linalg.solve(covariance + ridge, self.wanted, assume_a="pos", check_finite=False)
        return [FittedGaussianProcess(self.inputs, logs, self.seen, pulls[point["noise"]] * point["gain"], self.nothing) for point in points]
