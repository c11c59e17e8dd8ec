"""Penalised linear model on scaled blocks, one penalty per modality.

Source: Hoerl and Kennard (1970); reduced models for missing evidence: Saar-Tsechansky and Provost (2007).
The first choice below some thousand rows, and the yardstick above. Not for targets that only a combination of modalities tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.learn.learners._base import CrossFit, Fitted, Learner, OutOfTime, Path, Point, Situation, Split, choose
from consilience.learn.learners._blocks import Scaler
from consilience.learn.learners._lbfgs import Loss, Matrix, fit_linear, linear_scores
from consilience.learn.learners._patterns import Pattern, nearest, patterns_to_learn, rows_by_pattern, rows_with

__all__ = ["Linear"]

CARD = Card(
    summary="ridge or logistic regression on scaled blocks, one penalty per modality",
    source="Hoerl and Kennard (1970); Saar-Tsechansky and Provost (2007)",
    claims=("absence",),
)

_WORTH_IT = 1e-3
"""A change of a penalty that lowers the loss by less than this share is not made."""


class LinearSettings(Settings):
    """``penalties``: from strong to weak, in units of the mean loss. ``refine``: steps by which single modalities' penalties may differ."""

    penalties: tuple[float, ...] = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)
    refine: tuple[float, ...] = (10.0, 0.1)
    rounds: int = Field(default=2, ge=0)


class FittedLinear(Fitted):
    """Weights by pattern, on scaled blocks."""

    def __init__(self, scaler: Scaler, weights: dict[Pattern, np.ndarray], situation: Situation, centre: float, spread: float) -> None:
        self.scaler, self.weights, self.situation = scaler, weights, situation
        self.centre, self.spread = centre, spread

    def predict(self, examples: Examples) -> np.ndarray:
        outputs = self.situation.task.num_outputs
        scores = np.zeros((len(examples), outputs))
        blocks = self.scaler.transform(examples)
        for pattern, rows in rows_by_pattern(examples.present(), len(examples)).items():
            known = nearest(pattern, self.weights)
            names = self.scaler.names(known)
            weights, bias = _unflatten(self.weights[known], [self.scaler.width(name) for name in names], outputs)
            scores[rows] = linear_scores([blocks[name][rows] for name in names], weights, bias, len(rows)) * self.spread + self.centre
        return scores

    def state(self) -> State:
        patterns = list(self.weights)
        arrays = {f"weights{index}": self.weights[pattern] for index, pattern in enumerate(patterns)}
        config = {"patterns": [list(pattern) for pattern in patterns], "centre": self.centre, "spread": self.spread}
        return State.pack({"scaler": self.scaler.state(), "weights": State({}, arrays)}, config)

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedLinear:
        arrays = state.part("weights").arrays
        weights = {tuple(pattern): arrays[f"weights{index}"] for index, pattern in enumerate(state.config["patterns"])}
        return cls(Scaler.restore(state.part("scaler")), weights, situation, state.config["centre"], state.config["spread"])


class Linear(Learner):
    """One linear model per pattern of modalities that a row can have, each fitted on the rows that have at least that pattern.

    A row with all modalities is scored by the full model, a row without its picture by a model that never saw pictures: nothing is imputed.
    """

    Settings: ClassVar[type[Settings]] = LinearSettings
    fitted = FittedLinear
    settings: LinearSettings

    def path(self, split: Split, budget: Budget) -> Path:
        points: list[Point] = [{"penalty": penalty, "factors": {}} for penalty in self.settings.penalties]
        return self._score(_Prepared(split), points, budget)

    def cross_fit(self, splits: Sequence[Split], num_rows: int, budget: Budget, rival: np.ndarray | None = None) -> CrossFit:
        """First one penalty for all, then each modality its own, as long as the pooled loss falls and time is left."""
        task = self.situation.task
        ready = [_Prepared(split) for split in splits]

        def try_points(points: list[Point]) -> tuple[CrossFit, float]:
            paths = [self._score(prepared, points, budget) for prepared in ready]
            found = choose(paths, splits, task, num_rows)
            losses = [task.row_losses(split.valid_target, found.scores[split.rows]) for split in splits]
            return found, float(np.concatenate(losses).mean())

        began = budget.spent()
        best, loss = try_points([{"penalty": penalty, "factors": {}} for penalty in self.settings.penalties])
        one_path = budget.spent() - began
        modalities = splits[0].train.modalities
        for _ in range(self.settings.rounds if len(modalities) > 1 else 0):
            before = loss
            for modality in modalities:
                for step in self.settings.refine:
                    if budget.left() < one_path:
                        return best
                    factors = {**best.point["factors"], modality: best.point["factors"].get(modality, 1.0) * step}
                    tried, new = try_points([{**best.point, "factors": factors}])
                    if new < loss * (1 - _WORTH_IT):
                        best, loss = tried, new
                        break
            if loss > before * (1 - _WORTH_IT):
                break
        return best

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        scaler, present = Scaler.fit(train), train.present()
        blocks = scaler.transform(train)
        weights: dict[Pattern, np.ndarray] = {}
        for pattern in patterns_to_learn(train.modalities):
            rows = rows_with(present, pattern, len(train))
            if len(rows) and (not weights or budget.left() > 0):
                (weights[pattern],) = self._fit_path(scaler, blocks, pattern, rows, target, [point], tolerance=1e-8)
        return FittedLinear(scaler, weights, self.situation, *self._centre(target))

    def _score(self, prepared: _Prepared, points: list[Point], budget: Budget) -> Path:
        """Scores of the valid rows at each point; each pattern of presence among them is scored by its own model."""
        task, split, scaler = self.situation.task, prepared.split, prepared.scaler
        centre, spread = self._centre(split.target)
        scores = np.zeros((len(points), len(split.valid), task.num_outputs))
        for pattern, rows in rows_by_pattern(split.valid.present(), len(split.valid)).items():
            known = pattern if len(rows_with(prepared.present, pattern, len(split.train))) else ()
            learn_from = rows_with(prepared.present, known, len(split.train))
            names = scaler.names(known)
            held_out = [prepared.valid[name][rows] for name in names]
            losses: list[float] = []
            for index, flat in enumerate(self._fit_path(scaler, prepared.train, known, learn_from, split.target, points)):
                weights, bias = _unflatten(flat, [scaler.width(name) for name in names], task.num_outputs)
                scores[index, rows] = linear_scores(held_out, weights, bias, len(rows)) * spread + centre
                losses.append(float(task.row_losses(split.valid_target[rows], scores[index, rows]).mean()))
                if budget.left() <= 0 and index == 0 and len(points) > 1:
                    raise OutOfTime
                # Two points in a row that are clearly worse: weaker penalties will not help either.
                past = len(losses) > 3 and min(losses[-2:]) > min(losses) * 1.02
                if past or budget.left() <= 0:
                    scores[index + 1 :, rows] = scores[index, rows]
                    break
        return Path(points, scores)

    def _fit_path(
        self,
        scaler: Scaler,
        blocks: Mapping[str, Matrix],
        pattern: Pattern,
        rows: np.ndarray,
        target: np.ndarray,
        points: Sequence[Point],
        tolerance: float = 1e-6,
    ) -> Iterator[np.ndarray]:
        """Flat parameters at each point; every fit starts from the one before."""
        task, names, kept = self.situation.task, scaler.names(pattern), target[rows]
        matrices = [blocks[name] if len(rows) == len(target) else blocks[name][rows] for name in names]
        loss: Loss = "softmax"
        row_weights: np.ndarray | None = None
        if task.target.task == "regression":
            loss, (centre, spread) = "squared", self._centre(target)
            kept = ((kept - centre) / spread)[:, None]
        elif task.target.task == "multilabel":
            loss = "sigmoid"
        elif (class_weights := task.class_weights(target)) is not None:
            row_weights = class_weights[kept] / class_weights[kept].mean()
        flat: np.ndarray | None = None
        for point in points:
            penalties = [point["penalty"] * point["factors"].get(scaler.modality(name), 1.0) for name in names]
            flat = fit_linear(
                matrices, kept, penalties, loss=loss, num_outputs=task.num_outputs, row_weights=row_weights, start=flat, tolerance=tolerance
            )
            yield flat

    def _centre(self, target: np.ndarray) -> tuple[float, float]:
        """Numbers are learned around their mean, in units of their deviation."""
        if self.situation.task.target.task != "regression":
            return 0.0, 1.0
        return float(target.mean()), float(target.std()) or 1.0


class _Prepared:
    """A split with its blocks scaled once, for many penalties."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.scaler = Scaler.fit(split.train)
        self.train, self.valid = self.scaler.transform(split.train), self.scaler.transform(split.valid)
        self.present = split.train.present()


def _unflatten(flat: np.ndarray, widths: Sequence[int], outputs: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Flat parameters as weights ``[D_b, K]`` by block, and the bias ``[K]``."""
    total = sum(widths)
    weight = flat[: total * outputs].reshape(total, outputs)
    return np.split(weight, np.cumsum(widths)[:-1]) if widths else [], flat[total * outputs :]
