"""What the model is worth under each pattern of present modalities: everything there, one gone, one alone, nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from consilience.core.progress import Progress, Silent
from consilience.judge.answers import answers_of
from consilience.judge.worth._outputs import Outputs
from consilience.metrics.bootstrap import bootstrap, paired_bootstrap
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["patterns_of", "score_patterns"]

ALL_UP_TO = 4
"""Modalities up to which every pattern is scored unless said otherwise: 16 of them, as many as can be drawn."""

ROUNDS = 200
"""Resamples per pattern; enough for an interval that is drawn."""


def patterns_of(modalities: Sequence[str], *, all_up_to: int = ALL_UP_TO) -> list[tuple[str, ...]]:
    """The patterns that are scored, most evidence first: all 2^M up to so many modalities, else all, leave-one-outs, singles and none.

    >>> patterns_of(["text", "image"])
    [('image', 'text'), ('image',), ('text',), ()]
    """
    names = tuple(sorted(modalities))
    sizes = range(len(names), -1, -1) if len(names) <= all_up_to else (len(names), len(names) - 1, 1, 0)
    return [pattern for size in sizes for pattern in combinations(names, size)]


def score_patterns(
    pipeline: Pipeline, scored: Scored, *, all_up_to: int = ALL_UP_TO, outputs: Outputs | None = None, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """The same rows scored again with evidence taken away, most evidence first.

    Modalities that the model does not use are not among the patterns. A modality that is already absent in a row stays absent in every pattern.

    Args:
        pipeline: The model.
        scored: Rows with their target, as ``pipeline.score(table, with_target=True)`` gives them.
        all_up_to: Modalities up to which all 2^M patterns are scored.
        outputs: What the model says of these rows, where that is kept for further questions.
        progress: Counts patterns.

    Returns:
        One dict per pattern: ``modalities`` (those left, sorted), ``metrics`` (name to value, low, high), ``cost`` (by how much the headline metric
        is worse than with all modalities, on the same rows; positive = worse), ``rows`` (how many rows come with exactly this evidence).

    Raises:
        UsageError: The rows have no target.
        DataError: There are no rows.
    """
    encoded, groups = answers_of(pipeline, scored), scored.dataset.groups
    task, names = pipeline.task, pipeline.modalities
    truth, headline = task.truth(encoded), task.metrics[task.headline]
    present = scored.examples.present()
    nothing = np.zeros(len(scored.examples), dtype=bool)
    outputs = outputs or Outputs(pipeline, scored)
    patterns = patterns_of(names, all_up_to=all_up_to)
    found: list[dict[str, Any]] = []
    with (progress or Silent()).step("Score patterns", len(patterns), "patterns") as step:
        for pattern in patterns:
            if len(pattern) == len(names):  # the very numbers of ``evaluate``
                output, metrics = scored.output, task.evaluate(encoded, scored.output, seed=pipeline.recipe.seed, groups=groups)
            else:
                output = outputs(pattern)
                metrics = bootstrap(task.metrics, truth, output, rounds=ROUNDS, seed=pipeline.recipe.seed, groups=groups)
            cost = paired_bootstrap(headline, truth, scored.output, output, rounds=ROUNDS, seed=pipeline.recipe.seed, groups=groups)
            exactly = np.all([present.get(name, nothing) == (name in pattern) for name in names], axis=0)
            found.append(
                {
                    "modalities": list(pattern),
                    "metrics": {name: interval.as_dict() for name, interval in metrics.items()},
                    "cost": cost.as_dict(),
                    "rows": int(exactly.sum()),
                }
            )
            step.advance()
    return found
