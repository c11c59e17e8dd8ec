"""The answers of rows that were scored, or why there are none to judge by."""

from __future__ import annotations

import numpy as np

from consilience.core.errors import UsageError
from consilience.pipeline.fitted import Pipeline, Scored, nothing_scored

__all__ = ["answers_of"]


def answers_of(pipeline: Pipeline, scored: Scored) -> np.ndarray:
    """``[N]`` or ``[N, L]``: the encoded target, of one row at least.

    Args:
        pipeline: The model.
        scored: Rows with their target, as ``pipeline.score(table, with_target=True)`` gives them.

    Raises:
        UsageError: The rows have no target.
        DataError: There are no rows, or all of them were set aside; says why.
    """
    dataset = scored.dataset
    if dataset.target is None:
        raise UsageError("Rows without a target cannot be judged.", hint="Give a table that has the target column.")
    if not len(dataset):
        raise nothing_scored([dataset], pipeline.task.target.name)
    return pipeline.task.encode(np.asarray(dataset.target))
