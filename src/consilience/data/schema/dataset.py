"""Rows that can be used: parsed cells, parsed target, and what was set aside with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from consilience.core.errors import CellError, ColumnError, TargetError, listed
from consilience.data.kinds import KINDS, Cells, Parsed
from consilience.data.schema._labels import check_labels
from consilience.data.schema._lookup import check_column
from consilience.data.schema._reading import absent_cells, group_codes, parse_column
from consilience.data.schema._types import Schema, TargetSchema
from consilience.data.table import Table

__all__ = ["Dataset", "Quarantined", "build_dataset"]


@dataclass(frozen=True)
class Quarantined:
    """A row that is set aside: ``row`` counts from 0 in the table; the reason is a whole sentence."""

    row: int
    column: str
    reason: str


@dataclass
class Dataset:
    """A table's usable rows.

    Args:
        cells: Feature column to its cells, all with the same N rows.
        rows: ``[N]`` which row of the table each one was, ascending.
        target: ``[N]`` or None where the table has no target column. Classes: object ``str``; multi-label: object ``list[str]``; regression: float64,
            untransformed.
        groups: ``[N]`` integer codes, or None.
        quarantine: Rows that are not among the N.
        notes: Row of the table to sentences on cells that count as absent (a file that is gone, "abc" in a number column).
        absent_columns: Feature columns the schema knows and the table lacks.
        num_table_rows: Rows of the table, N + quarantined.
    """

    cells: dict[str, Cells]
    rows: np.ndarray
    target: np.ndarray | None = None
    groups: np.ndarray | None = None
    quarantine: list[Quarantined] = field(default_factory=list)
    notes: dict[int, list[str]] = field(default_factory=dict)
    absent_columns: tuple[str, ...] = ()
    num_table_rows: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, keep: np.ndarray) -> Dataset:
        """The same data with these of its rows (positions 0 .. N-1); quarantine and notes stay whole."""
        keep = np.asarray(keep)
        return replace(
            self,
            cells={name: cells.take(keep) for name, cells in self.cells.items()},
            rows=self.rows[keep],
            target=None if self.target is None else self.target[keep],
            groups=None if self.groups is None else self.groups[keep],
            quarantine=list(self.quarantine),
            notes={row: list(said) for row, said in self.notes.items()},
        )

    def join(self, other: Dataset) -> Dataset:
        """The rows of both, under one schema; rows of the other table are counted on from this one."""
        shift, groups = self.num_table_rows, None
        if self.groups is not None and other.groups is not None:
            groups = np.concatenate([self.groups, np.where(other.groups < 0, other.groups - shift, other.groups)])
        return Dataset(
            cells={
                name: Cells(
                    name,
                    cells.kind,
                    np.concatenate([cells.values, other.cells[name].values]),
                    np.concatenate([cells.present, other.cells[name].present]),
                )
                for name, cells in self.cells.items()
            },
            rows=np.concatenate([self.rows, other.rows + shift]),
            target=None if self.target is None or other.target is None else np.concatenate([self.target, other.target]),
            groups=groups,
            quarantine=[*self.quarantine, *(replace(item, row=item.row + shift) for item in other.quarantine)],
            notes={**self.notes, **{row + shift: said for row, said in other.notes.items()}},
            absent_columns=tuple(name for name in self.absent_columns if name in other.absent_columns),
            num_table_rows=shift + other.num_table_rows,
        )

    def set_aside(self, bad: Mapping[int, tuple[str, str]]) -> Dataset:
        """Moves rows (position 0 .. N-1 -> column, reason) into quarantine."""
        keep = np.ones(len(self), dtype=bool)
        keep[list(bad)] = False
        left = self.take(np.flatnonzero(keep))
        moved = [Quarantined(int(self.rows[place]), column, reason) for place, (column, reason) in bad.items()]
        left.quarantine = sorted([*left.quarantine, *moved], key=lambda item: item.row)
        return left


def build_dataset(table: Table, schema: Schema, *, with_target: bool, strict: bool = False, first_row: int = 0) -> Dataset:
    """The table's usable rows under a schema that may have been learned on another table.

    A row whose target is missing, not understood or unknown to the schema goes into quarantine. A cell that cannot be understood is absent, with a
    note. Columns that the schema does not use are not looked at.

    Args:
        table: The rows.
        schema: What the columns are.
        with_target: True reads the target as well.
        strict: True raises for the first row with a problem instead.
        first_row: Where the rows begin in a longer table: errors count from its start.

    Raises:
        ColumnError: None of the schema's feature columns is in the table, or the target is asked for and absent.
        CellError: In strict mode, a cell cannot be understood or its file is gone.
        TargetError: In strict mode, a row has no usable target; without it, the schema has no target that could be read.
    """
    features = schema.features()
    absent = tuple(column.name for column in features if column.name not in table.columns)
    if len(absent) == len(features):
        raise nothing_known(table, schema)
    parsed: dict[str, Parsed] = {}
    cells: dict[str, Cells] = {}
    for column in features:
        if column.name in absent:
            cells[column.name] = absent_cells(column, len(table))
            continue
        kind = KINDS.get(column.kind)()
        found = parse_column(kind, table.frame[column.name], table.bases.get(column.name), column)
        parsed[column.name] = found
        cells[column.name] = Cells(column.name, kind, found.values, found.present)
    target, bad = read_target(table, schema) if with_target else (None, {})
    if strict:
        raise_first(table, schema, parsed, bad, first_row)
    notes: dict[int, list[str]] = {}
    for name, found in parsed.items():
        for row, problem in found.problems.items():
            notes.setdefault(row, []).append(f"Column {name!r}: {problem}")
    group = schema.group()
    groups = group_codes(table.frame[group]) if group is not None and group in table.columns else None
    whole = Dataset(cells, np.arange(len(table)), target, groups, [], dict(sorted(notes.items())), absent, len(table))
    label = schema.target.name if schema.target else ""
    return whole.set_aside({row: (label, reason) for row, reason in bad.items()}) if bad else whole


def nothing_known(table: Table, schema: Schema) -> ColumnError:
    """Why there is nothing to learn or to predict from, by both sides' names."""
    knows = [repr(column.name) for column in schema.features()]
    if not knows:
        left_out = [f"{column.name!r} ({column.reason.rstrip('.')})" for column in schema.columns if column.role == "ignored"]
        why = f" Left out: {listed(left_out, 10)}." if left_out else " It has no other column than the target." if schema.target else ""
        hint = "Add a column that tells something, or say what one of these is with --kind COLUMN=KIND."
        return ColumnError(f"No column is left to learn from.{why}", hint=hint, table=table.source)
    what = (
        f"The table has none of the columns that the model learned from: {listed(knows)}. It has: {listed(list(map(repr, table.columns))) or 'none'}."
    )
    return ColumnError(what, hint="Rename its columns, or give another table.", table=table.source)


def read_target(table: Table, schema: Schema) -> tuple[np.ndarray, dict[int, str]]:
    """``[N]`` target values, and row to reason for those that cannot be used."""
    meant: TargetSchema | None = schema.target
    if meant is None:
        raise TargetError("The schema has no target.", hint="Name one when the schema is made.", table=table.source)
    check_column(meant.name, table.columns, table.source, "target")
    column = next(column for column in schema.columns if column.role == "target")
    parsed = parse_column(KINDS.get(column.kind)(), table.frame[meant.name], table.bases.get(meant.name), column)
    return parsed.values, check_labels(parsed, meant)


def raise_first(table: Table, schema: Schema, parsed: Mapping[str, Parsed], bad: Mapping[int, str], first_row: int = 0) -> None:
    """Raises for the first row, and in it the first column, that has a problem."""
    problems = [(row, place, name, problem) for place, (name, found) in enumerate(parsed.items()) for row, problem in found.problems.items()]
    row, _, name, problem = min(problems, default=(len(table), 0, "", ""))
    if bad and min(bad) <= row:
        first = min(bad)
        raise TargetError(bad[first], table=table.source, column=schema.target.name if schema.target else None, row=first_row + first)
    if problems:
        media = KINDS.get(next(column.kind for column in schema.columns if column.name == name)).media
        file = str(table.frame[name][row]) if media else None
        raise CellError(problem, table=table.source, column=name, row=first_row + row, file=file)
