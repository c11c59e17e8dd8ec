"""The splits of one search, side by side: what a point gives on some of them, and on all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from consilience.learn.learners._base import CrossFit, Path, Point, Split, choose
from consilience.learn.learners._views import PreparedSplit
from consilience.tasks import Task

__all__ = ["Folds"]


@dataclass(frozen=True)
class Folds:
    """All splits, ready to be learned from, and what is asked of some of them.

    Args:
        score: From a split and a point to the scores of its valid rows.
    """

    splits: Sequence[Split]
    ready: Sequence[PreparedSplit]
    task: Task
    num_rows: int
    score: Callable[[PreparedSplit, Point], Path]
    threads: Executor

    def paths(self, point: Point, some: slice) -> list[Path]:
        return list(self.threads.map(lambda one: self.score(one, point), self.ready[some]))

    def joined(self, paths: Sequence[Path]) -> CrossFit:
        """What the first of the splits, or all, give together."""
        return choose(paths, self.splits[: len(paths)], self.task, self.num_rows)

    def loss(self, found: CrossFit, some: slice = slice(None)) -> float:
        """Mean over the rows of these splits."""
        losses = [self.task.row_losses(split.valid_target, found.scores[split.rows]) for split in self.splits[some]]
        return float(np.concatenate(losses).mean())
