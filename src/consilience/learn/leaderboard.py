"""All candidates with their scores of rows they did not learn from, best first, and the one chosen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from consilience.learn.candidates import Candidate
from consilience.learn.learners._base import Curve, Fitted, Point
from consilience.metrics import Interval
from consilience.tasks import Task

__all__ = ["Entry", "Leaderboard"]


@dataclass
class Entry:
    """One candidate and how it did.

    Args:
        scores: ``[N, K]`` scores of rows it did not learn from, the mean over the rounds of folds; None if it was stopped. NaN in rows that
            were never held out.
        loss: Their mean loss; infinite if it was stopped.
        rounds: How often the rows were cut into folds for it.
        fit_seconds: What learning once from a fold's rows took, at most.
        weights: For an ensemble: member to weight.
        stopped: Why it was given up, or None.
        curve: How the loss went while it learned, in the first round.
        fitted: The model that was scored, where it is kept instead of learning again from all rows.
    """

    candidate: Candidate
    scores: np.ndarray | None = None
    point: Point = field(default_factory=dict)
    loss: float = float("inf")
    metrics: dict[str, Interval] = field(default_factory=dict)
    seconds: float = 0.0
    fit_seconds: float = 0.0
    rounds: int = 1
    weights: dict[str, float] = field(default_factory=dict)
    stopped: str | None = None
    curve: Curve | None = None
    fitted: Fitted | None = None

    @property
    def name(self) -> str:
        return self.candidate.name

    def losses(self, target: np.ndarray, scored: np.ndarray, task: Task) -> np.ndarray:
        """``[S]`` loss of each scored row."""
        assert self.scores is not None
        return task.row_losses(target[scored], self.scores[scored])


@dataclass
class Leaderboard:
    """All entries, best first, and the one chosen.

    Args:
        scored: ``[S]`` positions of the rows that scores are for (all of them with folds, the held-out part else).
    """

    entries: list[Entry]
    chosen: str
    scored: np.ndarray

    def __getitem__(self, name: str) -> Entry:
        return next(entry for entry in self.entries if entry.name == name)

    def best_of(self, modalities: Collection[str]) -> Entry | None:
        """The best entry that sees exactly these modalities."""
        return next((entry for entry in self.entries if entry.scores is not None and set(entry.candidate.modalities) == set(modalities)), None)

    def best_single(self) -> Entry | None:
        """The best entry that sees one modality."""
        return next((entry for entry in self.entries if entry.scores is not None and len(entry.candidate.modalities) == 1), None)
