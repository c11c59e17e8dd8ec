"""Logarithmic opinion pool: one linear model per encoder, each learned by itself, weighted and added up.

Source: Genest and Zidek (1986), combining probability distributions; Kittler et al. (1998), the product rule; Heskes (1998), its weights.
Where several encoders see the same thing and one of them knows the training rows too well: models that learned apart err apart. On spoken digits of
voices that were never heard, two encoders in one linear model were right in 88 of 100, pooled in 90.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, softmax

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.learn.learners._base import CrossFit, Fitted, Learner, OutOfTime, Path, Point, Situation, Split
from consilience.learn.spaces import constant_scores
from consilience.tasks import Task

__all__ = ["Pool"]

CARD = Card(
    summary="one linear model per encoder, weighted and added up on the scale of log-odds",
    source="Genest and Zidek (1986); Kittler et al. (1998); Heskes (1998)",
    claims=("absence", "several encoders"),
    cost="medium",
)

_SHRINK = 1e-3
"""Penalty on squared weights, so that two encoders that say the same share theirs."""


class FittedPool(Fitted):
    """Linear models by encoder, their weights, and what is said where nothing is known."""

    def __init__(self, parts: Mapping[str, Fitted], weights: Mapping[str, float], nothing: np.ndarray, situation: Situation) -> None:
        self.parts, self.weights, self.nothing, self.situation = dict(parts), dict(weights), nothing, situation

    def predict(self, examples: Examples) -> np.ndarray:
        scores = {name: fitted.predict(_alone(examples, name)) for name, fitted in self.parts.items()}
        return _added(_evidence(scores, examples, self.nothing), self.weights, np.tile(self.nothing, (len(examples), 1)))

    def state(self) -> State:
        names = list(self.parts)
        config = {"names": names, "weights": [self.weights[name] for name in names]}
        parts = {f"part{index}": self.parts[name].state() for index, name in enumerate(names)}
        return State.pack({**parts, "nothing": State({}, {"scores": self.nothing})}, config)

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedPool:
        names = state.config["names"]
        parts = {name: _linear().fitted.restore(state.part(f"part{index}"), situation) for index, name in enumerate(names)}
        weights = dict(zip(names, state.config["weights"], strict=True))
        return cls(parts, weights, state.part("nothing").arrays["scores"], situation)


class Pool(Learner):
    """``nothing + sum of w_e (s_e - nothing)``: scores of each encoder's model against those of knowing nothing, with weights ``w_e`` of at least 0.

    Weights are learned on rows that the models did not learn from. An encoder whose cell is absent in a row adds nothing there.
    """

    Settings: ClassVar[type[Settings]] = Settings
    fitted = FittedPool

    def path(self, split: Split, budget: Budget) -> Path:
        found = self.cross_fit([split], int(split.rows.max(initial=-1)) + 1, budget)
        return Path([found.point], found.scores[split.rows][None])

    def cross_fit(self, splits: Sequence[Split], num_rows: int, budget: Budget, rival: np.ndarray | None = None) -> CrossFit:
        task, names = self.situation.task, [block.name for block in splits[0].train.blocks]
        rows = np.concatenate([split.rows for split in splits])
        target = np.concatenate([split.valid_target for split in splits])
        nothing = {index: constant_scores(split.target, task)[0] for index, split in enumerate(splits)}
        points: dict[str, Point] = {}
        evidence: dict[str, np.ndarray] = {}
        for place, name in enumerate(names):
            if points and budget.left() <= 0:
                raise OutOfTime
            alone = [replace(split, train=_alone(split.train, name), valid=_alone(split.valid, name)) for split in splits]
            found = self._linear().cross_fit(alone, num_rows, budget.share(1 / (len(names) - place)))
            points[name] = found.point
            parts = [_evidence({name: found.scores[split.rows]}, split.valid, nothing[index])[name] for index, split in enumerate(splits)]
            evidence[name] = np.concatenate(parts)
        base = np.concatenate([np.tile(nothing[index], (len(split.rows), 1)) for index, split in enumerate(splits)])
        weights = pool_weights(evidence, base, target, task)
        scores = np.full((num_rows, task.num_outputs), np.nan)
        scores[rows] = _added(evidence, weights, base)
        return CrossFit(scores, {"parts": points, "weights": weights})

    def again(self, split: Split, point: Point, budget: Budget) -> np.ndarray:
        nothing = constant_scores(split.target, self.situation.task)[0]
        scores = {}
        for name, part in point["parts"].items():
            if not point["weights"][name]:
                continue
            alone = replace(split, train=_alone(split.train, name), valid=_alone(split.valid, name))
            scores[name] = self._linear().again(alone, part, budget)
        return _added(_evidence(scores, split.valid, nothing), point["weights"], np.tile(nothing, (len(split.valid), 1)))

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        there = {block.name for block in train.blocks}
        used = {name: part for name, part in point["parts"].items() if name in there and point["weights"][name] > 0}
        parts = {name: self._linear().fit(_alone(train, name), target, part, budget) for name, part in used.items()}
        return FittedPool(parts, point["weights"], constant_scores(target, self.situation.task)[0], self.situation)

    def _linear(self) -> Learner:
        cls = _linear()
        made: Learner = cls(cls.Settings(), self.situation)
        return made


def pool_weights(evidence: Mapping[str, np.ndarray], base: np.ndarray, target: np.ndarray, task: Task) -> dict[str, float]:
    """Weights of at least 0 with the least mean loss; all of them 0 only where nothing tells anything.

    Args:
        evidence: Encoder to ``[N, K]`` scores against those of knowing nothing, of rows that its model did not learn from.
        base: ``[N, K]`` scores of knowing nothing.
        target: ``[N]`` or ``[N, K]`` encoded.
    """
    names, stacked = list(evidence), np.stack(list(evidence.values()))  # [E, N, K]
    kind = task.target.task
    if kind == "regression":
        wanted, scale = np.reshape(target, (-1, 1)).astype(float), float(np.var(target)) or 1.0
    else:
        wanted, scale = (np.eye(task.num_outputs)[target] if kind != "multilabel" else np.asarray(target, dtype=float)), 1.0

    def loss_of(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = base + np.tensordot(weights, stacked, axes=1)
        if kind == "regression":
            off = scores - wanted
            loss, slope = 0.5 * float((off**2).mean()) / scale, off / (len(off) * scale)
        elif kind == "multilabel":
            loss = float(np.logaddexp(0, scores).mean() - (wanted * scores).mean())
            slope = (expit(scores) - wanted) / scores.size
        else:
            top = scores - scores.max(axis=1, keepdims=True)
            loss = float((np.log(np.exp(top).sum(axis=1)) - (wanted * top).sum(axis=1)).mean())
            slope = (softmax(scores, axis=1) - wanted) / len(scores)
        slopes = np.array([(part * slope).sum() for part in stacked])
        return loss + _SHRINK * float((weights**2).sum()), slopes + 2 * _SHRINK * weights

    start = np.full(len(names), 1 / len(names))
    found = minimize(loss_of, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(names))
    return {name: round(float(weight), 6) for name, weight in zip(names, found.x, strict=True)}


def _evidence(scores: Mapping[str, np.ndarray], examples: Examples, nothing: np.ndarray) -> dict[str, np.ndarray]:
    """Scores against those of knowing nothing; zeros in rows where the encoder's cell is absent."""
    present = {block.name: block.present for block in examples.blocks}
    return {name: np.where(present[name][:, None], found - nothing, 0.0) for name, found in scores.items()}


def _added(evidence: Mapping[str, np.ndarray], weights: Mapping[str, float], base: np.ndarray) -> np.ndarray:
    return sum((weights[name] * part for name, part in evidence.items()), base)


def _alone(examples: Examples, name: str) -> Examples:
    """What one encoder made of the rows."""
    return Examples(tuple(block for block in examples.blocks if block.name == name), len(examples))


def _linear() -> Any:
    from consilience.learn.learners import LEARNERS

    return LEARNERS.get("linear")
