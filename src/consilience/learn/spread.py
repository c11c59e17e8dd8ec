"""How far a number may be off in this row and not in that one: the expected size of a residual.

Source: Lei et al. (2018), locally weighted conformal intervals; Winkler (1972), the score by which it has to pay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from consilience.core.state import State

__all__ = ["Spread"]

_RIDGE = 3.0
"""Rows that the belief in one size for all is worth."""

_FARTHEST = 3.0
"""Deviations of a prediction beyond which the size of residuals is not carried on."""

_PARTS = 5
_LEAST_ROWS = 60


@dataclass(frozen=True)
class Spread:
    """The size of a residual as a function of the prediction and of what is present in the row.

    Args:
        names: Modalities whose absence counts.
        centre, deviation: Of the predictions.
        weights: ``[3 + M]`` of 1, the prediction, its square, and the absences; of the logarithm of the size.
    """

    names: tuple[str, ...]
    centre: float
    deviation: float
    weights: np.ndarray

    @classmethod
    def fit(cls, scores: np.ndarray, residuals: np.ndarray, present: Mapping[str, np.ndarray], level: float = 0.9) -> Spread | None:
        """Learned from scores ``[N]`` and absolute residuals ``[N]`` of rows that were not learned from; None where it does not pay.

        It pays if intervals of this level that follow it are better by more than a standard error of the Winkler score than those of one width, on
        rows that did not shape it.
        """
        if len(scores) < _LEAST_ROWS or not residuals.any() or not scores.std() > 0:
            return None
        part = np.random.default_rng(0).permutation(len(scores)) % _PARTS
        gain = np.zeros(len(scores))
        for number in range(_PARTS):
            learn, check = part != number, part == number
            made = cls._fit(scores[learn], residuals[learn], {name: there[learn] for name, there in present.items()})
            sizes = made.sizes(scores, present)
            own = sizes[check] * _quantile(residuals[learn] / sizes[learn], level)
            same = np.full(check.sum(), _quantile(residuals[learn], level))
            gain[check] = _winkler(same, residuals[check], level) - _winkler(own, residuals[check], level)
        return cls._fit(scores, residuals, present) if gain.mean() > gain.std() / np.sqrt(len(gain)) else None

    @classmethod
    def _fit(cls, scores: np.ndarray, residuals: np.ndarray, present: Mapping[str, np.ndarray]) -> Spread:
        names = tuple(sorted(name for name, there in present.items() if 0 < there.sum() < len(there)))
        blank = cls(names, float(scores.mean()), float(scores.std()) or 1.0, np.zeros(3 + len(names)))
        design = blank._design(scores, present)
        sizes = np.log(residuals + 0.05 * np.median(residuals) + 1e-12)
        penalty = _RIDGE * np.diag([0.0] + [1.0] * (design.shape[1] - 1))
        weights = np.linalg.solve(design.T @ design + penalty, design.T @ sizes)
        return cls(names, blank.centre, blank.deviation, weights)

    def sizes(self, scores: np.ndarray, present: Mapping[str, np.ndarray]) -> np.ndarray:
        """``[N]`` expected size of the residual, above 0."""
        return np.asarray(np.exp(self._design(scores, present) @ self.weights))

    def _design(self, scores: np.ndarray, present: Mapping[str, np.ndarray]) -> np.ndarray:
        along = np.clip((scores - self.centre) / self.deviation, -_FARTHEST, _FARTHEST)
        # What the table lacks as a whole is absent in every row.
        absent = [~present[name] if name in present else np.ones(len(scores), bool) for name in self.names]
        return np.stack([np.ones(len(scores)), along, along**2, *absent], axis=1).astype(np.float64)

    def state(self) -> State:
        return State({"names": list(self.names), "centre": self.centre, "deviation": self.deviation, "weights": self.weights.tolist()})

    @classmethod
    def restore(cls, state: State) -> Spread:
        config = state.config
        return cls(tuple(config["names"]), config["centre"], config["deviation"], np.asarray(config["weights"], dtype=np.float64))


def _quantile(values: np.ndarray, level: float) -> float:
    rank = int(np.ceil((len(values) + 1) * level)) - 1
    return float(np.sort(values)[min(rank, len(values) - 1)])


def _winkler(margins: np.ndarray, residuals: np.ndarray, level: float) -> np.ndarray:
    """Width of an interval, and a fine for what lies outside."""
    return np.asarray(2 * margins + 2 / (1 - level) * np.maximum(0, residuals - margins))
