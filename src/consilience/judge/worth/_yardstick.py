"""How good an output is, on the rows and on resamples of them: the same resamples for all that is compared."""

from __future__ import annotations

import numpy as np

from consilience.judge.answers import answers_of
from consilience.metrics import Interval
from consilience.metrics._resample import affordable, between, draws, on_resamples
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["Yardstick"]

ROUNDS = 400


class Yardstick:
    """The headline metric, and the proper score that candidates are chosen by; both such that more is better.

    Args:
        pipeline: The model.
        scored: Rows with their target.
        rounds: Resamples of the rows, or of whole groups where these are known; fewer where there are very many cells.

    Raises:
        UsageError: The rows have no target.
        DataError: There are no rows.
    """

    def __init__(self, pipeline: Pipeline, scored: Scored, *, rounds: int = ROUNDS) -> None:
        task, seed = pipeline.task, pipeline.recipe.seed
        self.headline = task.headline
        # A number that is learned as its logarithm is chosen by the squared error of that, which is what this share counts.
        proper = "r2_log" if task.target.log and "r2_log" in task.metrics else task.choose_by
        self.metrics = {name: task.metrics[name] for name in dict.fromkeys([task.headline, proper])}
        self.truth = task.truth(answers_of(pipeline, scored))
        rounds = affordable(rounds, scored.output.shape, fast=all(metric.prepare is not None for metric in self.metrics.values()))
        self.weights = np.concatenate(list(draws(len(self.truth), rounds, seed, scored.dataset.groups)))

    def of(self, output: np.ndarray) -> np.ndarray:
        """``[metrics, 1 + rounds]``: each metric times its sign, on the rows themselves first, then on each resample."""
        found = []
        for metric in self.metrics.values():
            resampled = on_resamples(metric, self.truth, output)(self.weights)
            found.append(metric.sign * np.concatenate([[metric.compute(self.truth, output)], resampled]))
        return np.array(found)

    def intervals(self, values: np.ndarray) -> dict[str, Interval]:
        """Metric to value and 95 % interval, from what ``of`` gives or from differences of such."""
        return {name: between(float(row[0]), row[1:], 0.95) for name, row in zip(self.metrics, values, strict=True)}
