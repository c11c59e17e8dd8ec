"""What each modality says for one row's prediction. Source: Shapley (1953); for predictions: Lundberg and Lee (2017)."""

from __future__ import annotations

from typing import Any

import numpy as np

from consilience.core.errors import DataError, UsageError
from consilience.core.progress import Progress
from consilience.data.table import Table
from consilience.judge.shapley import shapley
from consilience.judge.worth._outputs import Outputs
from consilience.judge.worth.shares import EXACT_UP_TO, ORDERS
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["row_worth", "share_out_row"]


def row_worth(pipeline: Pipeline, table: Table, row: int, *, progress: Progress | None = None) -> dict[str, Any]:
    """``share_out_row`` for one row of a table; the others are not looked at.

    Args:
        row: Counts from 0, without the header.

    Raises:
        UsageError: The table has no such row.
        DataError: The row cannot be read.
    """
    if not 0 <= row < len(table):
        held = f"It has rows 0 to {len(table) - 1:,}." if len(table) else "It has no rows."
        raise UsageError(f"{table.source} has no row {row}. {held}", hint="Rows count from 0, without the header.")
    dataset, examples = pipeline.read(table.take(np.array([row])), with_target=False, progress=progress, needed=True, first_row=row)
    if not len(dataset):
        first = dataset.quarantine[0]
        raise DataError(first.reason, table=table.source, column=first.column, row=row, hint="Only a row that can be read gets a prediction.")
    return {"row": row, **share_out_row(pipeline, pipeline.scored(dataset, examples))}


def share_out_row(pipeline: Pipeline, scored: Scored) -> dict[str, Any]:
    """How far each modality moves the prediction of the first row from what the model says of a row of which nothing is known.

    Returns:
        ``prediction``, ``of`` (the class whose probability is shared out; None for a number), ``value`` and ``nothing`` (with all the row's
        evidence, and with none), ``modalities`` (name to ``value`` and ``present``; values sum to ``value - nothing``) and ``by_class`` (each
        class's probability shared out alike; empty for a number).
    """
    scored = scored.take(np.array([0]))
    task, outputs = pipeline.task, Outputs(pipeline, scored)
    parts = shapley(outputs.names, lambda names: outputs(names)[0], limit=EXACT_UP_TO, rounds=ORDERS, seed=pipeline.recipe.seed)
    whole, nothing = np.atleast_1d(outputs(outputs.names)[0]), np.atleast_1d(outputs(())[0])
    classes = task.target.classes
    place = int(whole.argmax()) if classes else 0
    present = scored.examples.present()
    shares = {name: np.atleast_1d(part) for name, part in parts.items()}
    return {
        "prediction": task.decode(scored.output)["prediction"][0],
        "of": classes[place] if classes else None,
        "value": float(whole[place]),
        "nothing": float(nothing[place]),
        "exact": len(outputs.names) <= EXACT_UP_TO,
        "modalities": {name: {"value": float(part[place]), "present": bool(present[name][0])} for name, part in shares.items()},
        "by_class": {label: {name: float(part[index]) for name, part in shares.items()} for index, label in enumerate(classes)},
    }
