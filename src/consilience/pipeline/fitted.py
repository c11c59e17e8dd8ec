"""The fitted whole: a table in, predictions with their notes out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import ColumnError
from consilience.core.progress import Progress, Silent
from consilience.data.schema import Dataset, Schema, build_dataset
from consilience.data.table import Table
from consilience.features._examples import Examples
from consilience.features.plan import Features
from consilience.features.store import FeatureStore
from consilience.learn.calibration import Calibration
from consilience.learn.learners.ensemble import FittedEnsemble
from consilience.pipeline.recipe import Recipe
from consilience.tasks import Task

__all__ = ["Pipeline", "Scored"]


@dataclass
class Scored:
    """Rows of a table with what the model says of them.

    Args:
        dataset: The rows that could be scored.
        examples: Their features.
        scores: ``[N, K]`` calibrated.
        output: Probabilities ``[N, K]`` or numbers ``[N]``.
    """

    dataset: Dataset
    examples: Examples
    scores: np.ndarray
    output: np.ndarray


@dataclass
class Pipeline:
    """All that was learned, and how.

    Args:
        facts: What is known of the fit, as JSON values: leaderboard, chosen, fusion_gain, seconds, encoders ...
    """

    recipe: Recipe
    schema: Schema
    task: Task
    features: Features
    model: FittedEnsemble
    calibration: Calibration
    facts: dict[str, Any] = field(default_factory=dict)
    store: FeatureStore | None = None

    @property
    def modalities(self) -> list[str]:
        """The modalities that the chosen model uses."""
        return sorted({name for _, names in self.model.members.values() for name in names})

    def read(self, table: Table, *, with_target: bool, strict: bool = False, progress: Progress | None = None) -> tuple[Dataset, Examples]:
        """The table's usable rows and their features; rows with cells that cannot be decoded are set aside."""
        progress = progress or Silent()
        dataset = build_dataset(table, self.schema, with_target=with_target, strict=strict)
        for column in dataset.absent_columns:
            progress.say(f"The column {column!r} is not in {table.source}; the model does without it.")
        extraction = self.features.extract(dataset, self.store, progress)
        if extraction.failures:
            bad = extraction.failures
            keep = np.array([row for row in range(len(dataset)) if row not in bad], dtype=np.int64)
            if strict:
                first = min(bad)
                raise ColumnError(bad[first][1], column=bad[first][0], row=int(dataset.rows[first]), hint="Without --strict such rows are set aside.")
            dataset, extraction = dataset.set_aside(bad), extraction.take(keep)
        return dataset, self.features.examples(dataset, extraction)

    def score(self, table: Table, *, with_target: bool = False, strict: bool = False, progress: Progress | None = None) -> Scored:
        """Calibrated scores of the table's usable rows."""
        dataset, examples = self.read(table, with_target=with_target, strict=strict, progress=progress)
        scores = self.calibration.apply(self.model.predict(examples))
        return Scored(dataset, examples, scores, self.task.output(scores))

    def predict(
        self, table: Table, *, proba: bool = False, keep: tuple[str, ...] = (), strict: bool = False, progress: Progress | None = None
    ) -> pl.DataFrame:
        """One row of output for each row of the table, in its order.

        Columns: those of ``keep``, ``prediction``, ``probability`` (classes) or ``low`` and ``high`` (numbers, 90 %), with ``proba`` one
        ``probability_<class>`` each, and ``note``. A row that had to be set aside has an empty prediction and the reason in ``note``.

        Raises:
            ColumnError: A column of ``keep`` is not in the table.
        """
        ours = ["prediction", "probability", "low", "high", "note", *(f"probability_{name}" for name in self.task.target.classes)]
        _check_keep(keep, table, ours)
        scored = self.score(table, strict=strict, progress=progress)
        columns = self.task.decode(scored.output)
        if self.task.target.task == "regression":
            margin = self.calibration.margin()
            columns["low"] = self.task.output(scored.scores - margin).tolist()
            columns["high"] = self.task.output(scored.scores + margin).tolist()
        elif proba:
            columns.update({f"probability_{name}": scored.output[:, index].tolist() for index, name in enumerate(self.task.target.classes)})
        columns["note"] = [" ".join(scored.dataset.notes.get(int(row), ())) for row in scored.dataset.rows]
        made = pl.DataFrame(columns, schema_overrides=self._types(columns), strict=False)
        made = made.with_columns(pl.Series("_row", scored.dataset.rows, dtype=pl.Int64))
        reasons: dict[int, list[str]] = {}
        for set_aside in scored.dataset.quarantine:
            reasons.setdefault(set_aside.row, []).append(set_aside.reason)
        aside = pl.DataFrame(
            {"_row": list(reasons), "note": [" ".join(texts) for texts in reasons.values()]}, schema={"_row": pl.Int64, "note": pl.String}
        )
        whole = pl.concat([made, aside], how="diagonal").sort("_row").drop("_row")
        return pl.concat([table.frame.select(keep), whole], how="horizontal") if keep else whole

    def evaluate(self, table: Table, *, strict: bool = False, progress: Progress | None = None) -> dict[str, Any]:
        """Every metric with its interval, and each class by itself, as JSON values.

        Raises:
            ColumnError: The table lacks the target.
        """
        began = time.monotonic()
        scored = self.score(table, with_target=True, strict=strict, progress=progress)
        return self.report_metrics(scored, time.monotonic() - began)

    def report_metrics(self, scored: Scored, seconds: float) -> dict[str, Any]:
        """The JSON of ``evaluate`` for rows that were scored."""
        dataset = scored.dataset
        if dataset.target is None or not len(dataset):
            raise ColumnError("No row of the table can be scored.", column=self.task.target.name, hint="See the reasons with consilience inspect.")
        encoded = self.task.encode(dataset.target)
        return {
            "metrics": {name: interval.as_dict() for name, interval in self.task.evaluate(encoded, scored.output, seed=self.recipe.seed).items()},
            "by_class": self.task.by_class(encoded, scored.output),
            "num_rows": dataset.num_table_rows,
            "num_quarantined": len({row.row for row in dataset.quarantine}),
            "absent_columns": list(dataset.absent_columns),
            "seconds": round(seconds, 3),
        }

    def embed(self, table: Table, *, keep: tuple[str, ...] = (), strict: bool = False, progress: Progress | None = None) -> pl.DataFrame:
        """One vector a row in the column ``vector``, and ``note``; empty for a row that had to be set aside."""
        _check_keep(keep, table, ["vector", "note"])
        dataset, examples = self.read(table, with_target=False, strict=strict, progress=progress)
        vectors = self.model.embed(examples)
        column: list[list[float] | None] = [None] * dataset.num_table_rows
        notes = [""] * dataset.num_table_rows
        for row, vector in zip(dataset.rows, vectors, strict=True):
            column[int(row)] = vector.astype(np.float32).tolist()
        for set_aside in dataset.quarantine:
            notes[set_aside.row] = f"{notes[set_aside.row]} {set_aside.reason}".strip()
        made = pl.DataFrame({"vector": column, "note": notes}, schema={"vector": pl.List(pl.Float32), "note": pl.String})
        return pl.concat([table.frame.select(keep), made], how="horizontal") if keep else made

    def _types(self, columns: dict[str, list[Any]]) -> dict[str, Any]:
        """Column types that do not depend on whether a row could be scored."""
        prediction = {"regression": pl.Float64(), "multilabel": pl.List(pl.String)}.get(self.task.target.task, pl.String())
        return {name: pl.Float64() for name in columns} | {"prediction": prediction, "note": pl.String()}


def _check_keep(keep: tuple[str, ...], table: Table, ours: list[str]) -> None:
    """Raises ColumnError for a column that is not there, or that has the name of one of ours."""
    for name in keep:
        if name not in table.columns:
            raise ColumnError(
                "It is to be kept, but is not in the table.", column=name, table=table.source, hint=f"There are: {', '.join(table.columns)}."
            )
        if name in ours:
            raise ColumnError("It is to be kept, but the output has a column of that name.", column=name, table=table.source, hint="Rename it first.")
