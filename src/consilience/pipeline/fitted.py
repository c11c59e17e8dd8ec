"""The fitted whole: a table in, predictions with their notes out."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import CellError, ColumnError, DataError, TargetError, listed
from consilience.core.progress import Progress, Silent
from consilience.data.schema import Dataset, Quarantined, Schema, build_dataset
from consilience.data.table import Table
from consilience.data.table.again import again
from consilience.encoders import FrozenEncoder
from consilience.features._examples import Examples
from consilience.features.plan import Features
from consilience.features.store import FeatureStore
from consilience.learn.calibration import Calibration
from consilience.learn.familiar import Familiarity
from consilience.learn.learners.ensemble import FittedEnsemble
from consilience.pipeline._answers import Wanted, answer_columns, column_types
from consilience.pipeline._pieces import Together, piece_size, pieces
from consilience.pipeline.recipe import Recipe
from consilience.tasks import Task

__all__ = ["Pipeline", "Scored", "nothing_scored"]

_SAID = 200
"""Rows that were set aside whose reasons ``evaluate`` gives."""


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

    def take(self, rows: np.ndarray) -> Scored:
        """These rows (their positions), in this order."""
        return Scored(self.dataset.take(rows), self.examples.take(rows), self.scores[rows], self.output[rows])


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
    familiarity: Familiarity | None = None

    @property
    def modalities(self) -> list[str]:
        """The modalities that the chosen model uses."""
        return sorted({name for _, names in self.model.members.values() for name in names})

    def read(
        self,
        table: Table,
        *,
        with_target: bool,
        strict: bool = False,
        progress: Progress | None = None,
        needed: bool = False,
        first_row: int = 0,
    ) -> tuple[Dataset, Examples]:
        """The table's usable rows and their features; rows with cells that cannot be decoded are set aside.

        Args:
            needed: True makes the features of the model's own modalities alone; media of the others are still looked at.
            first_row: Where the rows begin in a longer table: errors count from its start.
        """
        progress, table = progress or Silent(), again(table, self.recipe.also)
        dataset = build_dataset(table, self.schema, with_target=with_target, strict=strict, first_row=first_row)
        for column in dataset.absent_columns:
            progress.say(f"The column {column!r} is not in {table.source}; the model does without it.")
        features = self.needed_features() if needed else self.features
        extraction = features.extract(dataset, self.store, progress)
        if needed:
            _check_media(dataset, {column for slot in features.slots for column in slot.columns}, extraction.failures)
        if extraction.failures:
            bad = extraction.failures
            keep = np.array([row for row in range(len(dataset)) if row not in bad], dtype=np.int64)
            if strict:
                first = min(bad)
                row = first_row + int(dataset.rows[first])
                raise ColumnError(bad[first][1], column=bad[first][0], row=row, hint="Without --strict such rows are set aside.")
            dataset, extraction = dataset.set_aside(bad), extraction.take(keep)
        return dataset, features.examples(dataset, extraction)

    def score(self, table: Table, *, with_target: bool = False, strict: bool = False, progress: Progress | None = None) -> Scored:
        """Calibrated scores of the table's usable rows, with the features of all modalities, in one piece."""
        dataset, examples = self.read(table, with_target=with_target, strict=strict, progress=progress)
        return self.scored(dataset, examples)

    def predict(
        self,
        table: Table,
        *,
        proba: bool = False,
        sets: float | None = None,
        abstain: float | None = None,
        unfamiliar: bool = False,
        keep: tuple[str, ...] = (),
        strict: bool = False,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        """One row of output for each row of the table, in its order.

        Columns: those of ``keep``, ``prediction``, ``probability`` (classes) or ``low`` and ``high`` (numbers, 90 %), with ``proba`` one
        ``probability_<class>`` each, and ``note``. A row that had to be set aside has an empty prediction and the reason in ``note``; a row unlike
        those that were learned from is told of there. A long table goes through in pieces of fixed size; next to one piece, products of float32
        may differ in their last bits.

        Args:
            sets: A level from 0.5 to 0.99. Classes get a column ``set``, which holds the true class with that chance; for numbers ``low`` and
                ``high`` are of that level.
            abstain: A risk: the share of answers that may be wrong; for numbers the mean absolute error. Rows that are not sure enough for it, and
                rows unlike those that were learned from, have no prediction, True in the column ``abstained``, and the reason in ``note``.
            unfamiliar: True adds a column of that name: 0 = like the training rows, above 0.99 = unlike them.

        Raises:
            ColumnError: A column of ``keep`` is not in the table.
            UsageError: What is asked for cannot be promised.
        """
        wanted = Wanted(proba, sets, abstain, unfamiliar).checked(self.calibration, self.familiarity)
        _check_keep(keep, table, wanted.columns(self.task))
        parts = [self._frame(self.scored(*part), wanted) for part in self._parts(table, "Predict", strict=strict, progress=progress)]
        return _beside(table, keep, parts)

    def _frame(self, scored: Scored, wanted: Wanted) -> pl.DataFrame:
        """What ``predict`` gives for one piece of a table."""
        notes = [list(scored.dataset.notes.get(int(row), ())) for row in scored.dataset.rows]
        columns = answer_columns(self.calibration, self.familiarity, scored.scores, scored.output, scored.examples, notes, wanted)
        made = pl.DataFrame([pl.Series(name, columns[name], dtype=sort, strict=False) for name, sort in column_types(self.task, columns).items()])
        return _with_rows_aside(made, scored.dataset)

    def evaluate(self, table: Table, *, strict: bool = False, progress: Progress | None = None) -> dict[str, Any]:
        """Every metric with its interval, and each class by itself, as JSON values.

        Raises:
            ColumnError: The table lacks the target.
        """
        began = time.monotonic()
        datasets: list[Dataset] = []
        outputs: list[np.ndarray] = []
        for dataset, examples in self._parts(table, "Evaluate", with_target=True, strict=strict, progress=progress):
            outputs.append(self.scored(dataset, examples).output)
            datasets.append(replace(dataset, cells={}, notes={}))  # those of all pieces need not stay
        return self._report(datasets, np.concatenate(outputs), time.monotonic() - began)

    def report_metrics(self, scored: Scored, seconds: float) -> dict[str, Any]:
        """The JSON of ``evaluate`` for rows that were scored."""
        return self._report([scored.dataset], scored.output, seconds)

    def _report(self, datasets: Sequence[Dataset], output: np.ndarray, seconds: float) -> dict[str, Any]:
        """The same for the pieces of a table; ``output`` holds all their rows."""
        targets = [dataset.target for dataset in datasets if dataset.target is not None and len(dataset)]
        if not targets:
            raise nothing_scored(datasets, self.task.target.name)
        encoded = self.task.encode(np.concatenate(targets))
        metrics = self.task.evaluate(encoded, output, seed=self.recipe.seed, groups=_groups(datasets))
        return {
            "metrics": {name: interval.as_dict() for name, interval in metrics.items()},
            "by_class": self.task.by_class(encoded, output),
            "num_rows": sum(dataset.num_table_rows for dataset in datasets),
            "num_quarantined": sum(len({row.row for row in dataset.quarantine}) for dataset in datasets),
            "quarantine": [{"row": row, "column": item.column, "reason": item.reason} for row, item in _aside(datasets)][:_SAID],
            "absent_columns": list(datasets[0].absent_columns),
            "seconds": round(seconds, 3),
        }

    def embed(self, table: Table, *, keep: tuple[str, ...] = (), strict: bool = False, progress: Progress | None = None) -> pl.DataFrame:
        """One vector a row in the column ``vector``, and ``note``; empty for a row that had to be set aside."""
        _check_keep(keep, table, ["vector", "note"])
        parts = []
        for dataset, examples in self._parts(table, "Embed", strict=strict, progress=progress):
            vectors = self.model.embed(examples).astype(np.float32)
            vector = pl.Series("vector", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1])).cast(pl.List(pl.Float32))
            made = pl.DataFrame([vector, pl.Series("note", [""] * len(vectors), dtype=pl.String)])
            parts.append(_with_rows_aside(made, dataset))
        return _beside(table, keep, parts)

    def _parts(
        self, table: Table, label: str, *, with_target: bool = False, strict: bool = False, progress: Progress | None = None
    ) -> Iterator[tuple[Dataset, Examples]]:
        """``read`` for one piece of the table after the other, with the features that the model needs."""
        progress, size = progress or Silent(), piece_size(self.schema, len(table))
        if len(table) <= size:  # each encoder may show its own progress
            yield self.read(table, with_target=with_target, strict=strict, progress=progress, needed=True)
            return
        with progress.step(label, len(table)) as outer:
            together = Together(outer, progress, sum(isinstance(encoder, FrozenEncoder) for encoder in self.needed_features().encoders.values()))
            for first, part in pieces(table, size):
                with together.piece(len(part)):
                    yield self.read(part, with_target=with_target, strict=strict, progress=together, needed=True, first_row=first)

    def scored(self, dataset: Dataset, examples: Examples) -> Scored:
        """What the model says of rows whose features are there."""
        scores = self.calibration.apply(self.model.predict(examples))
        return Scored(dataset, examples, scores, self.task.output(scores))

    def without(self, scored: Scored, modalities: Collection[str]) -> Scored:
        """What the model says of the same rows when these modalities are absent in all of them."""
        return self.scored(scored.dataset, scored.examples.without(modalities))

    def needed_features(self) -> Features:
        """The encoders of the modalities that the chosen model uses, and none that all its members see something else instead of."""
        learned = {slot.modality for slot in self.features.slots if slot.raw}
        used = {(name, fitted.whole and name in learned) for fitted, names in self.model.members.values() for name in names}
        slots = [slot for slot in self.features.slots if (slot.modality, slot.raw) in used]
        return self.features.of(slots)


def _check_keep(keep: tuple[str, ...], table: Table, ours: list[str]) -> None:
    """Raises ColumnError for a column that is not there, or that has the name of one of ours."""
    for name in keep:
        if name not in table.columns:
            raise ColumnError(
                "It is to be kept, but is not in the table.", column=name, table=table.source, hint=f"There are: {listed(table.columns)}."
            )
        if name in ours:
            raise ColumnError("It is to be kept, but the output has a column of that name.", column=name, table=table.source, hint="Rename it first.")


def _check_media(dataset: Dataset, read: Collection[str], failures: dict[int, tuple[str, str]]) -> None:
    """Adds rows whose cell cannot be decoded, in media columns that no encoder has ``read``: a broken file is told of, needed or not."""
    for name, cells in dataset.cells.items():
        if not cells.kind.media or name in read:
            continue
        for row in np.flatnonzero(cells.present).tolist():
            try:
                cells.read(row)
            except CellError as error:
                failures[row] = (name, error.reason)


def nothing_scored(datasets: Sequence[Dataset], target: str) -> DataError:
    """Why no metric can be had of these rows."""
    aside = _aside(datasets)
    if not aside:
        return TargetError("The table has no rows, so there is nothing to score.", column=target, hint="Give a table with rows.")
    row, first = aside[0]
    what = f"No row of the table can be scored: all {len({row for row, _ in aside}):,} were set aside. {first.reason}"
    return DataError(what, column=first.column, row=row, hint="Look whether the table belongs to this model.")


def _aside(datasets: Sequence[Dataset]) -> list[tuple[int, Quarantined]]:
    """Rows of the whole table that were set aside, in the pieces' order."""
    found, shift = [], 0
    for dataset in datasets:
        found += [(shift + item.row, item) for item in dataset.quarantine]
        shift += dataset.num_table_rows
    return found


def _groups(datasets: Sequence[Dataset]) -> np.ndarray | None:
    """``[N]`` group of each row of the pieces of one table; None where the group column is not there, or there never was one."""
    found, shift = [], 0
    for dataset in datasets:
        if dataset.groups is None:
            return None
        # A row without a group is one by itself, by a number that counts from the piece's first row.
        found.append(np.where(dataset.groups < 0, dataset.groups - shift, dataset.groups))
        shift += dataset.num_table_rows
    return np.concatenate(found)


def _with_rows_aside(made: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """``made`` has a row for each usable row; the others come in at their places, empty but for the reasons in ``note``."""
    if not dataset.quarantine:
        return made
    reasons: dict[int, list[str]] = {}
    for set_aside in dataset.quarantine:
        reasons.setdefault(set_aside.row, []).append(f"Column {set_aside.column!r}: {set_aside.reason}")
    aside = pl.DataFrame(
        {"_row": list(reasons), "note": [" ".join(texts) for texts in reasons.values()]}, schema={"_row": pl.Int64, "note": pl.String}
    )
    made = made.with_columns(pl.Series("_row", dataset.rows, dtype=pl.Int64))
    return pl.concat([made, aside], how="diagonal").sort("_row").drop("_row")


def _beside(table: Table, keep: tuple[str, ...], parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The pieces one below the other, to the right of the columns that are kept."""
    whole = pl.concat(parts) if len(parts) > 1 else parts[0]
    return pl.concat([table.frame.select(keep), whole], how="horizontal") if keep else whole
