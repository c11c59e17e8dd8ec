"""What each column is taken for, why, how sure, and what looks wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from consilience.core.errors import ColumnError
from consilience.data.kinds import KINDS, Profile
from consilience.data.schema._described import Described, describe
from consilience.data.schema._duplicates import duplicate_findings
from consilience.data.schema._identifiers import identifier_reason
from consilience.data.schema._leaks import leak_findings
from consilience.data.schema._lookup import check_column
from consilience.data.schema._target import understand_target
from consilience.data.schema._types import ColumnSchema, Finding, Schema
from consilience.data.schema._valid import compare_tables
from consilience.data.table import Table

__all__ = ["infer_schema"]


def infer_schema(
    table: Table,
    target: str | None = None,
    *,
    kinds: Mapping[str, str] | None = None,
    ignore: Collection[str] = (),
    group: str | None = None,
    task: str | None = None,
    valid: Table | None = None,
) -> Schema:
    """What each column of a table is, and what is to be learned from it.

    Args:
        table: The rows to learn from.
        target: The column to predict; None leaves the schema without a target.
        kinds: Column to kind, where a person knows better.
        ignore: Columns to leave out.
        group: A column whose equal values mark rows that belong together; it is no feature.
        task: The task, where a person knows better: binary, multiclass, multilabel or regression.
        valid: A second table that will check the model; shows groups and drift.

    Raises:
        ColumnError: A column named here is not in the table, or has two parts.
        TargetError: The target cannot be learned.
        UnknownName: There is no such kind or task.

    >>> import polars as pl
    >>> table = Table(pl.DataFrame({"size": ["1 m", "2 m", "3.5 m"], "shape": ["round", "square", "round"]}))
    >>> schema = infer_schema(table, "shape")
    >>> schema.target.task, [(column.name, column.kind) for column in schema.features()]
    ('binary', [('size', 'number')])
    """
    kinds = dict(kinds or {})
    check_names(table, target, kinds, ignore, group)
    understood = None
    if target is not None:
        understood = understand_target(profile_of(table, target), task, kinds.get(target))
    findings: list[Finding] = list(understood.findings) if understood else []
    columns: list[ColumnSchema] = []
    features: list[Described] = []
    for name in table.columns:
        if understood is not None and name == target:
            columns.append(understood.column.schema("target"))
            continue
        column = describe(profile_of(table, name), kinds.get(name))
        if name == group:
            columns.append(column.schema("group", f"Rows that share its value stay together. {column.reason}", 1.0))
        elif name in ignore:
            columns.append(column.schema("ignored", "A person left it out.", 1.0))
        else:
            columns.append(decide(column, features, findings))
    if understood is not None:
        findings += leak_findings(features, understood.column, understood.target)
    findings += duplicate_findings(table.frame, [feature.name for feature in features])
    if valid is not None:
        names = [column.name for column in columns if column.role in ("feature", "ignored") and column.name not in ignore]
        findings += compare_tables(table, valid, names, understood.target if understood else None)
    return Schema(columns=tuple(columns), target=understood.target if understood else None, findings=tuple(findings), num_rows=len(table))


def check_names(table: Table, target: str | None, kinds: Mapping[str, str], ignore: Collection[str], group: str | None) -> None:
    """Every column named by a person is there, has one part only, and the kinds are known."""
    named = [(target, "target"), (group, "group column")]
    named += [(name, "column with a given kind") for name in kinds] + [(name, "column to ignore") for name in ignore]
    for name, what in named:
        if name is not None:
            check_column(name, table.columns, table.source, what)
    for kind in kinds.values():
        KINDS.check(kind)
    if target is not None and target in (group, *ignore):
        other = "the group column" if target == group else "left out"
        raise ColumnError(f"The target cannot also be {other}.", hint="Name two different columns.", table=table.source, column=target)
    if group is not None and group in ignore:
        raise ColumnError("The group column cannot also be left out.", hint="It is no feature anyway.", table=table.source, column=group)


def profile_of(table: Table, name: str) -> Profile:
    return Profile(name, table.frame[name], table.bases.get(name))


def decide(column: Described, features: list[Described], findings: list[Finding]) -> ColumnSchema:
    """The entry of a column that nobody gave a part: a feature, unless there is nothing to learn from it."""

    def note(topic: str, message: str) -> None:
        findings.append(Finding(topic=topic, column=column.name, message=message))

    rows = column.profile.num_rows
    unread = column.parsed.problems
    if unread:
        row, problem = min(unread.items())
        note("unreadable", f"{len(unread):,} of {rows:,} cells cannot be used and count as absent. Row {row}: {problem}")
    if not column.present:
        if not unread:
            note("missing", "Every cell is empty; it is left out.")
        reason = "No cell can be used." if unread else "Every cell is empty."
        return column.schema("ignored", reason, 1.0)
    if not column.understood:
        return column.schema("ignored", f"No kind understands cells of the type {column.profile.column.dtype}.", 1.0)
    if rows > 1 and column.distinct == 1 and not column.missing and not unread:
        note("constant", "Every row has the same value; it is left out.")
        return column.schema("ignored", "Every row has the same value.", 1.0)
    if not column.forced and (reason := identifier_reason(column)):
        note("identifier", f"{reason} It is left out.")
        return column.schema("ignored", reason, 0.9)
    features.append(column)
    return column.schema("feature")
