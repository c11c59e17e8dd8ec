"""What each column's absence costs: the same rows scored with it gone, and everything else as it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.core.progress import Progress, Silent
from consilience.judge.altered import rescore
from consilience.judge.worth._yardstick import Yardstick
from consilience.metrics import Interval
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["ColumnCost", "cost_columns", "output_without", "used_columns"]


@dataclass(frozen=True)
class ColumnCost:
    """A column, and what its absence costs.

    Args:
        modality: What it belongs to.
        used: False for a column that the chosen model does not look at; its absence costs nothing.
        present: Share of the rows that have it.
        cost: Metric to how much worse it is without the column, on the same rows; positive means worse, for scores and losses alike.
    """

    column: str
    modality: str
    used: bool
    present: float
    cost: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        cost = {name: found.as_dict() for name, found in self.cost.items()}
        return {"column": self.column, "modality": self.modality, "used": self.used, "present": self.present, "cost": cost}


def used_columns(pipeline: Pipeline) -> list[str]:
    """Columns that the chosen model looks at."""
    return list(dict.fromkeys(column for slot in pipeline.needed_features().slots for column in slot.columns))


def output_without(pipeline: Pipeline, scored: Scored, gone: Collection[str]) -> np.ndarray:
    """What the model says of the rows when these columns are absent in all of them."""
    there = [column for column in gone if scored.dataset.cells[column].present.any()]
    return rescore(pipeline, scored, {column: scored.dataset.cells[column].absent() for column in there}).output if there else scored.output


def cost_columns(pipeline: Pipeline, scored: Scored, yard: Yardstick | None = None, *, progress: Progress | None = None) -> list[ColumnCost]:
    """Every feature column of the schema, the dearest first by the proper score, those that are not used last.

    Two columns that say the same can both come out cheap, since each stands in for the other; ``find_spare`` drops them together.

    Args:
        pipeline: The model.
        scored: Rows with their target.
        yard: What to measure by; made where it is not given.
        progress: Counts columns.
    """
    yard = yard or Yardstick(pipeline, scored)
    modality_of = {column: slot.modality for slot in pipeline.features.slots for column in slot.columns}
    used, columns = set(used_columns(pipeline)), [column.name for column in pipeline.schema.features()]
    full, found = yard.of(scored.output), []
    with (progress or Silent()).step("Take columns away", len(columns), "columns") as step:
        for name in columns:
            less = yard.of(output_without(pipeline, scored, [name])) if name in used else full
            present = float(scored.dataset.cells[name].present.mean())
            found.append(ColumnCost(name, modality_of.get(name, ""), name in used, present, yard.intervals(full - less)))
            step.advance()
    return _dearest_first(found, list(yard.metrics)[-1])


def _dearest_first(found: Sequence[ColumnCost], metric: str) -> list[ColumnCost]:
    return sorted(found, key=lambda one: (not one.used, -np.nan_to_num(one.cost[metric].value), one.column))
