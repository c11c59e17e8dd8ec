"""The score to be expected on rows whose answers are not known, from the model's own confidence.

Sources: Garg et al. (2022), average thresholded confidence; Guillory et al. (2021), difference of confidences; Hendrycks and Gimpel (2017).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from consilience.core.seeds import derive
from consilience.metrics import Interval
from consilience.metrics._resample import between, draws
from consilience.metrics.bootstrap import bootstrap, paired_difference
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["Expected", "expect"]

ROUNDS = 500


@dataclass(frozen=True)
class Expected:
    """What the second table will cost.

    Args:
        metric: What is estimated: accuracy; share of right labels (several labels); width of the 90 % interval (numbers).
        estimates: By the name of the method, each with its interval: ``confidence`` (mean calibrated confidence), and where the first table has
            its answers ``threshold`` (Garg et al.) and ``difference`` (Guillory et al.). For numbers ``width``, in the target's unit.
        first: The same, measured (for numbers: the width) on the first table; None without answers.
        headline: The task's headline metric.
        measured_first, measured: It on the first and the second table, where these have answers.
    """

    metric: str
    estimates: dict[str, Interval]
    first: Interval | None
    headline: str
    measured_first: Interval | None
    measured: Interval | None

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""

        def said(interval: Interval | None) -> dict[str, float | None] | None:
            return None if interval is None else interval.as_dict()

        return {
            "metric": self.metric,
            "estimates": {name: interval.as_dict() for name, interval in self.estimates.items()},
            "first": said(self.first),
            "headline": self.headline,
            "measured_first": said(self.measured_first),
            "measured": said(self.measured),
        }


def expect(pipeline: Pipeline, first: Scored, second: Scored, *, seed: int = 0) -> Expected:
    """What the model will do on the second table, in units of what it does on the first.

    Rows of the first that the model has learned from make it look surer than it is. All of it supposes that the meaning of the evidence is
    the old one: where the same picture has another answer now, no confidence tells.
    """
    task = pipeline.task
    measured = [_measured(pipeline, scored, seed) for scored in (first, second)]
    if task.target.task == "regression":
        widths = [_widths(pipeline, scored) for scored in (first, second)]
        estimates = {"width": _mean(widths[1], seed, second.dataset.groups)}
        return Expected("interval_width", estimates, _mean(widths[0], seed, first.dataset.groups), task.headline, *measured)
    sure, right = [_confidence(pipeline, scored.output) for scored in (first, second)], _right(pipeline, first)
    name = "accuracy" if task.target.task != "multilabel" else "share_of_right_labels"
    estimates = {"confidence": _mean(sure[1], seed, second.dataset.groups, most=1.0)}
    if right is not None:
        # Both tables are drawn again in each round, for both are samples.
        estimates["threshold"] = _between(lambda one, two: _thresholded(sure[0][one], right[one], sure[1][two]), first, second, seed)
        estimates["difference"] = _between(
            lambda one, two: float(np.clip(right[one].mean() - sure[0][one].mean() + sure[1][two].mean(), 0, 1)), first, second, seed
        )
    if right is None or name == task.headline:
        return Expected(name, estimates, measured[0], task.headline, *measured)
    return Expected(name, estimates, _mean(right, seed, first.dataset.groups, most=1.0), task.headline, *measured)


def _confidence(pipeline: Pipeline, output: np.ndarray) -> np.ndarray:
    """``[N]``: the probability of the most probable class; with several labels, the mean over them of the more probable side."""
    if pipeline.task.target.task == "multilabel":
        return np.asarray(np.maximum(output, 1 - output).mean(axis=1))
    return np.asarray(output.max(axis=1))


def _right(pipeline: Pipeline, scored: Scored) -> np.ndarray | None:
    """``[N]``: 1 where the answer is right, or the share of labels that are."""
    if scored.dataset.target is None or not len(scored.dataset):
        return None
    encoded, output = pipeline.task.encode(scored.dataset.target), scored.output
    if pipeline.task.target.task == "multilabel":
        return np.asarray(((output >= 0.5) == (encoded >= 0.5)).mean(axis=1))
    return np.asarray(output.argmax(axis=1) == encoded, dtype=np.float64)


def _thresholded(sure: np.ndarray, right: np.ndarray, later: np.ndarray) -> float:
    """The share of later rows above the confidence that as many of the first rows exceed as are right."""
    level = float(np.quantile(sure, 1 - right.mean(), method="higher"))
    # The rows at the level itself count as the first ones do: confidences repeat.
    above, at = float((sure > level).mean()), float((sure == level).mean())
    part = (right.mean() - above) / at if at else 0.0
    return float((later > level).mean() + np.clip(part, 0, 1) * (later == level).mean())


def _widths(pipeline: Pipeline, scored: Scored) -> np.ndarray:
    """``[N]`` widths of the 90 % intervals, in the target's unit."""
    margins = pipeline.calibration.margins(scored.scores, scored.examples.present())[:, None]
    scores = scored.scores.reshape(len(margins), -1)
    return np.asarray(pipeline.task.output(scores + margins) - pipeline.task.output(scores - margins))


def _measured(pipeline: Pipeline, scored: Scored, seed: int) -> Interval | None:
    task = pipeline.task
    if scored.dataset.target is None or not len(scored.dataset):
        return None
    truth = task.truth(task.encode(scored.dataset.target))
    metrics, groups = {task.headline: task.metrics[task.headline]}, scored.dataset.groups
    return bootstrap(metrics, truth, scored.output, rounds=ROUNDS, seed=seed, groups=groups)[task.headline]


def _mean(values: np.ndarray, seed: int, groups: np.ndarray | None, *, most: float = np.inf) -> Interval:
    """Of values from 0 to ``most``."""
    found = paired_difference(np.zeros(len(values)), values, rounds=ROUNDS, seed=seed, groups=groups)
    return replace(found, low=max(found.low, 0.0), high=max(found.value, min(found.high, most)))


def _between(score: Callable[[np.ndarray, np.ndarray], float], first: Scored, second: Scored, seed: int) -> Interval:
    """A number of the rows of two samples with the middle 95 % of its bootstrap values."""
    value = score(np.arange(len(first.dataset)), np.arange(len(second.dataset)))
    rounds = zip(_resamples(first, derive(seed, "first")), _resamples(second, derive(seed, "second")), strict=True)
    return between(value, np.array([score(one, two) for one, two in rounds]), 0.95)


def _resamples(scored: Scored, seed: int) -> Iterator[np.ndarray]:
    """Rows drawn with repetition, or whole groups where these are known."""
    rows = np.arange(len(scored.dataset))
    for weights in draws(len(rows), ROUNDS, seed, scored.dataset.groups):
        for times in weights:
            yield np.repeat(rows, times.astype(np.int64))
