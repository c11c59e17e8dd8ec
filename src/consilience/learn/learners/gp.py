"""A Gaussian process with a kernel per encoder. Source: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning.

Strong where rows are few: likeness and slopes are learned for each piece of evidence by the marginal likelihood, without rows held out. Classes are
learned as numbers (their section 6.5, least-squares classification) and scaled to log-odds on held-out rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
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
from consilience.learn.learners._kernels import JITTER, Hyper, Inputs, Rows, kernel, learn, num_logs
from consilience.learn.learners._patterns import Pattern, nearest, patterns_to_learn, rows_by_pattern
from consilience.learn.spaces import constant_scores

__all__ = ["GaussianProcess"]

CARD = Card(
    summary="a Gaussian process with a kernel per encoder, for few rows",
    source="Rasmussen and Williams (2006)",
    claims=("absence", "few rows", "products"),
    cost="medium",
)

_NOISES = (1.0, 3.0, 10.0, 30.0)
"""Times the noise of the marginal likelihood: it takes rows for independent, and where they come in groups it believes too much."""

_GAINS = (1.0, 2.0, 4.0, 7.0, 12.0)
"""Log-odds for each unit of a class that was learned as 0 or 1."""

_TAUGHT, _TAUGHT_SHARE = 10, 0.02
"""Training rows without a modality, as a number and as a share, from which the process of all evidence knows how to do without it."""

_FEWER = 300
"""The most rows by which the kernels of rows that lack evidence are chosen: few rows are asked by them, and there are many such patterns."""

_PIECE = 500
"""Rows that are predicted at once: for each of their pairs with training rows some twenty numbers are held."""


class GaussianProcessSettings(Settings):
    """Settings of ``gp``: how much of each block, and of how many rows, is looked at."""

    components: int = Field(default=64, ge=2, description="Principal components per block.")
    rows: int = Field(default=2000, ge=50, description="Rows to learn from; of more, as many at random. Time grows with their cube.")
    pairs: bool = Field(default=False, description="What two blocks tell only together is looked for: products of their linear kernels.")
    choosing_rows: int = Field(default=300, ge=20, description="Rows by which the kernels are chosen; of more, as many at random.")
    kernels: dict[str, list[float]] = Field(default={}, description="Modalities to the logarithms of their kernels' parameters; others are chosen.")


@dataclass(frozen=True)
class Process:
    """What was learned for rows with one pattern of evidence.

    Args:
        logs: Logarithms of the kernels' parameters.
        rows: The training rows, with the groups of the pattern.
        pull: ``[N, K]`` how much each of them pulls.
    """

    logs: np.ndarray
    rows: Rows
    pull: np.ndarray


class FittedGaussianProcess(Fitted):
    """A process for all evidence, and one for each pattern that training rows did not teach it.

    Where some training rows lack their picture, the process of all evidence has learned what the rest tells without it. Where none does,
    a row without its picture is scored by a process that never saw pictures.

    Args:
        inputs: From examples to numbers.
        rows: The training rows.
        processes: By pattern, that of all evidence first.
        taught: Modalities that the first one was taught to do without.
        nothing: ``[K]`` scores where nothing is known.
    """

    def __init__(self, inputs: Inputs, rows: Rows, processes: Mapping[Pattern, Process], taught: frozenset[str], nothing: np.ndarray) -> None:
        self.inputs, self.rows, self.processes, self.taught, self.nothing = inputs, rows, dict(processes), taught, nothing

    def predict(self, examples: Examples) -> np.ndarray:
        rows = self.inputs.transform(examples)
        made = np.tile(self.nothing, (len(examples), 1))
        whole = next(iter(self.processes), ())
        for pattern, having in rows_by_pattern(examples.present(), len(examples)).items():
            known = whole if pattern and self.taught.issuperset({*whole} - {*pattern}) else nearest(pattern, [(), *self.processes])
            if not known:
                continue
            process, asked = self.processes[known], rows.only(self.inputs.places(known))
            for start in range(0, len(having), _PIECE):
                at = having[start : start + _PIECE]
                made[at] += kernel(Hyper.of(process.logs), asked.take(at), process.rows) @ process.pull
        return made

    def state(self) -> State:
        kept = {"rows": self.rows.values, "present": self.rows.present, "nothing": self.nothing}
        for place, process in enumerate(self.processes.values()):
            kept |= {f"logs{place}": process.logs, f"pull{place}": process.pull}
        return State.pack(
            {"inputs": self.inputs.state(), "kept": State({}, kept)},
            {"patterns": [*map(list, self.processes)], "taught": sorted(self.taught)},
        )

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedGaussianProcess:
        inputs, kept = Inputs.restore(state.part("inputs")), state.part("kept").arrays
        rows = Rows(kept["rows"], kept["present"], inputs.groups)
        number, outputs, processes = len(rows.values), situation.task.num_outputs, {}
        good = rows.values.shape == (number, len(inputs.mean)) and rows.present.shape == (number, len(inputs.groups))
        for place, pattern in enumerate(state.config["patterns"]):
            groups, logs, pull = inputs.places(pattern), kept[f"logs{place}"], kept[f"pull{place}"]
            good = good and bool(groups) and logs.shape == (num_logs(len(groups)),) and pull.shape == (number, outputs)
            processes[tuple(pattern)] = Process(logs, rows.only(groups), pull)
        if not good or kept["nothing"].shape != (outputs,):
            raise ValueError("the rows and the kernels do not belong together")
        return cls(inputs, rows, processes, frozenset(state.config["taught"]), kept["nothing"])


class GaussianProcess(Learner):
    """Its path: how much noise is added, and for classes how far from chance one goes."""

    Settings: ClassVar[type[Settings]] = GaussianProcessSettings
    fitted = FittedGaussianProcess
    on_products: ClassVar[dict[str, Any]] = {"pairs": True, "choosing_rows": 500}  # pairs have more to be chosen
    settings: GaussianProcessSettings

    def cross_fit(self, splits: Sequence[Split], num_rows: int, budget: Budget, rival: np.ndarray | None = None) -> CrossFit:
        """The kernels are chosen once, on the training rows of the first split: they are few numbers, and take most of the time."""
        with threadpool_limits(1, user_api="blas"):
            rows = self._rows(splits[0].train, splits[0].target, splits[0].memo)
            patterns = {pattern for split in splits for pattern, _ in rows.asked(split.valid)}
            kernels = dict(self.settings.kernels)
            for pattern in sorted(patterns, key=lambda pattern: (-len(pattern), pattern)):
                if budget.left() <= 0:
                    raise OutOfTime
                kernels["+".join(pattern)] = self._kernels(rows, pattern)
        settled = type(self)(self.settings.model_copy(update={"kernels": kernels}), self.situation)
        return Learner.cross_fit(settled, splits, num_rows, budget, rival)

    def path(self, split: Split, budget: Budget) -> Path:
        gains = (1.0,) if self.situation.task.target.task == "regression" else _GAINS
        settings = list(product(reversed(_NOISES), gains))
        kernels, scores = self._score(split, settings, budget)
        return Path([{"noise": noise, "gain": gain, "kernels": kernels} for noise, gain in settings], scores)

    def again(self, split: Split, point: Point, budget: Budget) -> np.ndarray:
        """Only the patterns that occur among the valid rows are learned."""
        return np.asarray(self._settled(point)._score(split, [(point["noise"], point["gain"])], budget)[1][0])

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        settled = self._settled(point)
        with threadpool_limits(1, user_api="blas"):
            rows = self._rows(train, target)
            processes: dict[Pattern, Process] = {}
            for pattern in patterns_to_learn(train.present(), len(train)):
                groups = rows.inputs.places(pattern)
                if groups and (pattern == rows.whole or not rows.knows(pattern)) and (not processes or budget.left() > 0):
                    logs = settled._kernels(rows, pattern)
                    pull = rows.process(pattern, logs, [point["noise"]])[point["noise"]] * point["gain"]
                    processes[pattern] = Process(np.array(logs), rows.seen.only(groups), pull)
        return FittedGaussianProcess(rows.inputs, rows.seen, processes, rows.taught, rows.nothing)

    def _settled(self, point: Point) -> GaussianProcess:
        """The same with the kernels of a point."""
        return type(self)(self.settings.model_copy(update={"kernels": point["kernels"]}), self.situation)

    def _score(self, split: Split, settings: Sequence[tuple[float, float]], budget: Budget) -> tuple[dict[str, list[float]], np.ndarray]:
        """The kernels of each pattern, and ``[P, N_valid, K]`` scores for P times a noise and a gain.

        Raises:
            OutOfTime: Not every pattern could be learned.
        """
        kernels: dict[str, list[float]] = {}
        with threadpool_limits(1, user_api="blas"):
            rows = self._rows(split.train, split.target, split.memo)
            valid = rows.inputs.transform(split.valid)
            scores = np.tile(rows.nothing, (len(settings), len(split.valid), 1))
            for pattern, having in rows.asked(split.valid):
                if budget.left() <= 0:
                    raise OutOfTime
                kernels["+".join(pattern)] = logs = self._kernels(rows, pattern)
                groups = rows.inputs.places(pattern)
                near = kernel(Hyper.of(np.array(logs)), valid.only(groups).take(having), rows.seen.only(groups))
                pulled = {noise: near @ pull for noise, pull in rows.process(pattern, logs, sorted({noise for noise, _ in settings})).items()}
                for place, (noise, gain) in enumerate(settings):
                    scores[place, having] += gain * pulled[noise]
        return kernels, scores

    def _kernels(self, rows: _Rows, pattern: Pattern) -> list[float]:
        """Logarithms of the kernels' parameters, by some of the rows unless they are known."""
        groups, known = rows.inputs.places(pattern), self.settings.kernels.get("+".join(pattern), [])
        if len(known) == num_logs(len(groups)):  # else a number is only a flag in these rows, and has no kernel
            return known
        having = np.flatnonzero(rows.seen.present[:, groups].any(axis=1))
        most = self.settings.choosing_rows if pattern == rows.whole else min(self.settings.choosing_rows, _FEWER)
        few = np.sort(generator(self.situation.seed, "gp choosing").permutation(having)[:most])
        scale = float(np.sqrt((rows.wanted[few] ** 2).mean())) if len(few) else 0.0
        return learn(rows.seen.only(groups).take(few), rows.wanted[few] / (scale or 1.0), rows.weights[few], self.settings.pairs)

    def _rows(self, train: Examples, target: np.ndarray, memo: dict[str, Any] | None = None) -> _Rows:
        task, seed = self.situation.task, self.situation.seed
        nothing = constant_scores(target, task)[0].astype(np.float64)
        if len(target) > self.settings.rows:
            some = np.sort(generator(seed, "gp rows").permutation(len(target))[: self.settings.rows])
            train, target, memo = train.take(some), target[some], None
        inputs = Inputs.fit(train, self.settings.components, seed, memo)
        weights = task.class_weights(target)
        row_weights = np.ones(len(target)) if weights is None or target.ndim > 1 else weights[target].astype(np.float64)
        wanted = np.eye(task.num_outputs)[target] if task.target.task in ("binary", "multiclass") else np.reshape(target, (len(target), -1))
        few = max(_TAUGHT, len(train) * _TAUGHT_SHARE)
        taught = frozenset(name for name, there in train.present().items() if (~there).sum() >= few)
        return _Rows(inputs, inputs.transform(train), wanted - wanted.mean(axis=0), row_weights, nothing, tuple(train.modalities), taught)


@dataclass(frozen=True)
class _Rows:
    """What there is to learn from.

    Args:
        seen: The rows as numbers.
        wanted: ``[N, K]`` encoded target with mean 0.
        weights: ``[N]`` how much each row counts.
        nothing: ``[K]`` scores where nothing is known.
        whole: All modalities.
        taught: Those that enough of the rows lack.
    """

    inputs: Inputs
    seen: Rows
    wanted: np.ndarray
    weights: np.ndarray
    nothing: np.ndarray
    whole: Pattern
    taught: frozenset[str]

    def knows(self, pattern: Pattern) -> bool:
        """Whether the process of all evidence was taught to do without the rest."""
        return self.taught.issuperset({*self.whole} - {*pattern})

    def asked(self, examples: Examples) -> list[tuple[Pattern, np.ndarray]]:
        """The patterns whose processes are asked, each with the positions of its rows, but for rows of which nothing is known."""
        found: dict[Pattern, list[np.ndarray]] = {}
        for pattern, having in rows_by_pattern(examples.present(), len(examples)).items():
            if pattern:
                found.setdefault(self.whole if self.knows(pattern) else pattern, []).append(having)
        return [(pattern, np.sort(np.concatenate(having))) for pattern, having in found.items()]

    def process(self, pattern: Pattern, logs: Sequence[float], noises: Sequence[float]) -> dict[float, np.ndarray]:
        """Times the noise to how much each row pulls ``[N, K]``. Rows that lack evidence of the pattern tell what they have of it."""
        hyper, rows = Hyper.of(np.array(logs)), self.seen.only(self.inputs.places(pattern))
        covariance = kernel(hyper, rows, rows)
        ridges = {noise: np.diag(hyper.noise * noise / self.weights + JITTER) for noise in noises}
        return {noise: linalg.solve(covariance + ridge, self.wanted, assume_a="pos", check_finite=False) for noise, ridge in ridges.items()}
