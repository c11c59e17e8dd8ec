"""Columns that repeat another column cell by cell."""

from __future__ import annotations

import polars as pl

from consilience.data.schema._types import Finding

__all__ = ["duplicate_findings"]


def duplicate_findings(frame: pl.DataFrame, names: list[str]) -> list[Finding]:
    """A finding for each of these columns that holds exactly what an earlier one of them holds."""
    seen: dict[tuple[str, int, int], list[str]] = {}
    findings: list[Finding] = []
    for name in names:
        column = frame[name]
        if column.dtype.is_nested() or column.dtype == pl.Object or column.null_count() == len(column):
            continue
        mark = (str(column.dtype), column.null_count(), hash(tuple(column[:64].hash())))
        twin = next((other for other in seen.get(mark, []) if column.equals(frame[other], check_names=False, null_equal=True)), None)
        if twin is not None:
            message = f"It holds the same cells as the column {twin!r}. One of them is enough."
            findings.append(Finding(topic="duplicate", column=name, message=message))
        else:
            seen.setdefault(mark, []).append(name)
    return findings
