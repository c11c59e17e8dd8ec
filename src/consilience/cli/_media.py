"""Which files of a table's media columns cannot be read: found by reading them all."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Kind

if TYPE_CHECKING:
    from consilience.core.progress import Progress
    from consilience.data.schema import Schema
    from consilience.data.table import Table

__all__ = ["unreadable_cells"]


def unreadable_cells(table: Table, schema: Schema, ignore: Collection[str], progress: Progress) -> list[dict[str, Any]]:
    """Media cells that are not empty and still cannot be decoded, by column and row: ``table``, ``column``, ``row``, ``file``, ``reason``.

    Columns that a person left out are not looked at; the same file is read once.
    """
    found: list[dict[str, Any]] = []
    for column in schema.columns:
        if column.name in ignore or column.name not in table.columns or not KINDS.get(column.kind).media:
            continue
        kind = KINDS.get(column.kind)()
        cells, base = table.frame[column.name], table.bases.get(column.name)
        parsed = kind.parse(cells, base)
        reasons = dict(parsed.problems)
        known: dict[Any, str | None] = {}
        rows = parsed.present.nonzero()[0].tolist()
        with progress.step(f"Read {column.name}", len(rows), "files") as step:
            for row in rows:
                value = parsed.values[row]
                if value not in known:
                    known[value] = _reason(kind, value)
                reason = known[value]
                if reason is not None:
                    reasons[row] = reason
                step.advance()
        for row, reason in sorted(reasons.items()):
            cell = cells[row]
            file = str(parsed.values[row]) if isinstance(parsed.values[row], Path) else cell if isinstance(cell, str) else None
            found.append({"table": table.source, "column": column.name, "row": row, "file": file, "reason": reason})
    return found


def _reason(kind: Kind, value: Any) -> str | None:
    try:
        kind.read(value)
    except CellError as error:
        return error.reason
    return None
