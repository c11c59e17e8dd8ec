"""What a second table shows: columns whose values keep to one side, columns and classes that only one side has."""

from __future__ import annotations

import polars as pl

from consilience.data.kinds._cells import as_text
from consilience.data.schema._types import Finding, TargetSchema
from consilience.data.table import Table

__all__ = ["compare_tables"]

MIN_VALUES = 3
MIN_ROWS = 20


def compare_tables(table: Table, valid: Table, names: list[str], target: TargetSchema | None) -> list[Finding]:
    """Findings from the two tables side by side.

    Args:
        table: The table that is learned from.
        valid: The one that checks.
        names: Columns of ``table`` that may be features.
        target: What is learned; named in the drift findings only.
    """
    findings: list[Finding] = []
    for name in names:
        if name not in valid.columns:
            message = f"{valid.source} lacks the column; every row there counts as if its cell were empty."
            findings.append(Finding(topic="drift", column=name, message=message))
        elif message := group_message(table.frame[name], valid.frame[name], name):
            findings.append(Finding(topic="group", column=name, message=message))
    if target is not None and target.task in ("binary", "multiclass") and target.name in valid.columns:
        other = set(as_text(valid.frame[target.name]).drop_nulls().unique())
        gone = [label for label in target.classes if label not in other]
        if gone and len(valid) >= 10 * len(target.classes):
            some = ", ".join(gone[:5]) + (" ..." if len(gone) > 5 else "")
            message = f"{len(gone):,} of {len(target.classes):,} classes never occur in {valid.source}: {some}."
            findings.append(Finding(topic="drift", column=target.name, message=message))
    return findings


def group_message(ours: pl.Series, theirs: pl.Series, name: str) -> str:
    """A sentence if the column's values repeat here and never occur there, which chance does not do."""
    if any(side.dtype.is_nested() or side.dtype in (pl.Binary, pl.Object, pl.Boolean) for side in (ours, theirs)):
        return ""
    if ours.dtype == theirs.dtype and ours.dtype.is_numeric():
        here, there = ours.drop_nulls(), theirs.drop_nulls()
    else:
        here, there = as_text(ours).drop_nulls(), as_text(theirs).drop_nulls()
    values = there.unique()
    if len(there) < MIN_ROWS or len(values) < MIN_VALUES or not len(here):
        return ""
    counts = here.value_counts(name="rows__")
    mean = len(here) / counts.height
    if mean < 2 or values.is_in(counts[counts.columns[0]].to_list()).any():
        return ""
    # A row drawn at random would find a row with its own value on this side with this probability.
    again = int(counts.filter(pl.col("rows__") > 1)["rows__"].sum()) / len(here)
    if (1 - again) ** len(values) > 1e-3:
        return ""
    named = repr(name) if " " in name else name
    return (
        f"Its {counts.height:,} values repeat ({mean:.1f} rows each) and none of the {len(values):,} values of the other table is among them: "
        f"rows that share one belong together. Try --group {named} so that folds keep them whole."
    )
