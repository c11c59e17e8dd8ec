"""Weighted mean of candidates, chosen greedily. Source: Caruana et al. (2004), ensemble selection from libraries of models.

Rarely worse than its best member on rows that no member saw; may be a single candidate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.learn.learners._base import Combiner, Fitted, Situation
from consilience.learn.spaces import from_mean_space, to_mean_space
from consilience.tasks import Task

__all__ = ["Ensemble"]

CARD = Card(
    summary="weighted mean of the other candidates, chosen greedily on held-out rows", source="Caruana et al. (2004)", claims=("absence", "combines")
)

_WORTH_IT = 2e-3


class EnsembleSettings(Settings):
    """``rounds``: how many times a candidate may be added; weights are multiples of 1 / rounds. ``best``: how many candidates take part."""

    rounds: int = Field(default=25, ge=1)
    best: int = Field(default=12, ge=1)


class FittedEnsemble(Fitted):
    """Members by name with their weights; each sees only the modalities it was fitted for."""

    def __init__(self, members: Mapping[str, tuple[Fitted, tuple[str, ...]]], weights: Mapping[str, float], situation: Situation) -> None:
        self.members, self.weights, self.situation = members, weights, situation

    def predict(self, examples: Examples) -> np.ndarray:
        scores = {name: fitted.predict(examples.only(modalities, fitted.whole)) for name, (fitted, modalities) in self.members.items()}
        return mix(scores, self.weights, self.situation.task)

    def embed(self, examples: Examples) -> np.ndarray:
        """The members' vectors side by side."""
        return np.concatenate([fitted.embed(examples.only(modalities, fitted.whole)) for fitted, modalities in self.members.values()], axis=1)

    def state(self) -> State:
        """The weights; members are kept by whoever fitted them."""
        return State({"weights": dict(self.weights)})

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedEnsemble:
        return cls({}, state.config["weights"], situation)


class Ensemble(Combiner):
    """Greedy selection with replacement."""

    Settings: ClassVar[type[Settings]] = EnsembleSettings
    fitted = FittedEnsemble
    settings: EnsembleSettings

    def combine(self, candidates: Mapping[str, np.ndarray], target: np.ndarray) -> dict[str, float]:
        """Candidate name to weight (they sum to 1), from scores ``[N, K]`` of rows that no candidate saw.

        Begins with the best candidate; each round adds the one that lowers the mean loss most, and ends when none does so noticeably.
        """
        task = self.situation.task
        single = {name: float(task.row_losses(target, scores).mean()) for name, scores in candidates.items()}
        names = sorted(single, key=lambda name: (single[name], name))[: self.settings.best]
        spaces = {name: to_mean_space(candidates[name], task) for name in names}
        counts = {names[0]: 1}
        total, least = spaces[names[0]].copy(), single[names[0]]
        for round_ in range(2, self.settings.rounds + 1):
            tried = {name: float(task.row_losses(target, from_mean_space((total + space) / round_, task)).mean()) for name, space in spaces.items()}
            best = min(tried, key=lambda name: (tried[name], name))
            if tried[best] > least * (1 - _WORTH_IT / round_):
                break
            counts[best] = counts.get(best, 0) + 1
            total += spaces[best]
            least = tried[best]
        return {name: count / sum(counts.values()) for name, count in counts.items()}


def mix(scores: Mapping[str, np.ndarray], weights: Mapping[str, float], task: Task) -> np.ndarray:
    """``[N, K]`` scores of the weighted mean."""
    return from_mean_space(np.sum([weights[name] * to_mean_space(scores[name], task) for name in weights], axis=0), task)
