"""Two tables under one model."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from consilience.core.errors import DataError
from consilience.core.progress import Progress, Silent
from consilience.data.schema import Dataset, Schema, build_dataset
from consilience.data.table import Table
from consilience.data.table.again import again
from consilience.judge.drift._columns import Drift, Uncompared, find_drift, find_uncompared
from consilience.judge.drift._expected import Expected, expect
from consilience.judge.drift._two_sample import TwoSample, two_sample
from consilience.pipeline.fitted import Pipeline, Scored
from consilience.pipeline.portrait import portray

__all__ = ["Shift", "compare_tables"]


@dataclass(frozen=True)
class Shift:
    """All that differs.

    Args:
        rows: Usable rows of the first and of the second table.
        columns: Columns that differ, the farthest first.
        absent: Columns that one of the tables lacks, and the other does not.
        modalities: Whether the rows can be told apart by each modality, the best told first.
        expected: What the second table will cost.
        uncompared: Columns of which nobody can say whether they differ, and why.
        answered: Rows of the first and of the second table whose answer the model knows. Below half of the rows it counts as unknown in all.
    """

    rows: tuple[int, int]
    columns: tuple[Drift, ...]
    absent: tuple[str, ...]
    modalities: tuple[TwoSample, ...]
    expected: Expected
    seconds: float
    uncompared: tuple[Uncompared, ...] = ()
    answered: tuple[int, int] = (0, 0)

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "rows": list(self.rows),
            "columns": [one.as_dict() for one in self.columns],
            "absent": list(self.absent),
            "uncompared": [one.as_dict() for one in self.uncompared],
            "answered": list(self.answered),
            "modalities": [one.as_dict() for one in self.modalities],
            "expected": self.expected.as_dict(),
            "seconds": round(self.seconds, 1),
        }


def compare_tables(pipeline: Pipeline, first: Table, second: Table, *, seed: int = 0, progress: Progress | None = None) -> Shift:
    """Which columns of the second table differ from the first, whether each modality tells them apart, and what the model will lose.

    Neither table needs the target; where one has it, what the model does there is measured too.

    Args:
        pipeline: The model.
        first: Rows as they used to be, such as a test table; rows that the model has learned from make it look surer than it is.
        second: Rows as they are now.

    Raises:
        DataError: A table has no usable row.
    """
    began, progress = time.monotonic(), progress or Silent()
    scored = [_scored(pipeline, table, progress) for table in (first, second)]
    one, two = (part.dataset for part in scored)
    schema = pipeline.schema
    portraits = portray(_whole(one), schema)
    columns, uncompared = find_drift(portraits, _whole(two), schema), find_uncompared(portraits, two, schema)
    answered = _known(one), _known(two)
    if schema.target is not None and (answered[0] < len(one) or answered[1] < len(two)):
        uncompared.append(Uncompared(schema.target.name, "unanswered", answered[0] < len(one), answered[1] < len(two)))
    absent = tuple(sorted(set(one.absent_columns) ^ set(two.absent_columns)))
    tests = []
    with progress.step("Tell apart", len(pipeline.modalities), "modalities") as step:
        for name in pipeline.modalities:
            tests.append(two_sample(scored[0].examples, scored[1].examples, name, seed=seed))
            step.advance()
    tests.sort(key=lambda test: -np.nan_to_num(test.auc.value, nan=0.0))
    expected = expect(pipeline, *(_answered(part) for part in scored), seed=seed)
    seconds = time.monotonic() - began
    return Shift((len(one), len(two)), tuple(columns), absent, tuple(tests), expected, seconds, tuple(uncompared), answered)


def _scored(pipeline: Pipeline, table: Table, progress: Progress) -> Scored:
    """The usable rows, whether or not their answer is known; the target holds None where it is not."""
    scored = pipeline.score(table, progress=progress)
    if not len(scored.dataset):
        raise DataError(f"No row of {table.source} can be used.", table=table.source, hint="Look whether the table belongs to this model.")
    target = pipeline.schema.target
    if target is None or target.name not in table.columns:
        return scored
    return replace(scored, dataset=_with_target(scored.dataset, again(table, pipeline.recipe.also), pipeline.schema))


def _with_target(dataset: Dataset, table: Table, schema: Schema) -> Dataset:
    known = build_dataset(table, schema, with_target=True)
    if known.target is None or not len(known):
        return dataset
    answers = dict(zip(known.rows.tolist(), known.target.tolist(), strict=True))
    target = np.empty(len(dataset), dtype=object)
    target[:] = [answers.get(row) for row in dataset.rows.tolist()]
    return replace(dataset, target=target)


def _known(dataset: Dataset) -> int:
    """Rows whose answer is known."""
    return 0 if dataset.target is None else sum(value is not None for value in dataset.target.tolist())


def _answered(scored: Scored) -> Scored:
    """The rows whose answer is known; all of them, without a target, where none is or most are not."""
    target = scored.dataset.target
    if target is None:
        return scored
    there = np.array([value is not None for value in target])
    if there.mean() < 0.5:
        return replace(scored, dataset=replace(scored.dataset, target=None))
    return replace(scored.take(np.flatnonzero(there)), dataset=_whole(scored.dataset.take(np.flatnonzero(there))))


def _whole(dataset: Dataset) -> Dataset:
    """The target as the schema has it where every row has one, else without it."""
    target = dataset.target
    if target is None or any(value is None for value in target):
        return replace(dataset, target=None)
    numbers = all(isinstance(value, float) for value in target)
    return replace(dataset, target=target.astype(np.float64) if numbers else target)
