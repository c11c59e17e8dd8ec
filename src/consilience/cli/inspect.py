"""What each column of a table is taken for, and what looks wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilience.cli._long import with_long
from consilience.cli._options import COLUMNS, Group, Ignore, Join, Json, Kinds, Long, Quiet, Tables
from consilience.cli._output import console, counted, print_json, safe, work
from consilience.cli._pairs import parse_pairs

if TYPE_CHECKING:
    from rich.table import Table as Shown

    from consilience.data.schema import ColumnSchema, Schema

__all__ = ["command"]

PANEL, ORDER = "Look", 10

_UNREADABLE = 5


def command(
    tables: Tables,
    target: Annotated[str | None, typer.Option("--target", metavar="COL", help="Column that is to be learned.", rich_help_panel=COLUMNS)] = None,
    kind: Kinds = None,
    ignore: Ignore = None,
    group: Group = None,
    valid: Annotated[
        list[str] | None,
        typer.Option("--valid", metavar="FILE", help="A second table: shows groups and drift; repeat it for tables that are joined."),
    ] = None,
    join: Join = None,
    long: Long = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Show what each column is taken for, and what looks wrong.

    Says why, how sure and what else it might be; finds missing cells, unreadable files, likely leaks, ids and groups.

    \b
    consilience inspect train.csv
    consilience inspect train.csv --target label --kind zip=category
    """
    kinds = parse_pairs("--kind", kind or (), "KIND", last=True)
    with work(quiet) as progress:
        from consilience.cli._media import unreadable_cells
        from consilience.data.schema import infer_schema
        from consilience.data.table import Table, read_tables

        table, more = with_long(tables, join, long), with_long(valid or None, join, long)
        table = table if isinstance(table, Table) else read_tables(tables, join)
        more = more if isinstance(more, Table) else read_tables(valid, join) if valid else None
        schema = infer_schema(table, target, kinds=kinds, ignore=ignore or (), group=group, valid=more)
        unreadable = [bad for each in (table, more) if each is not None for bad in unreadable_cells(each, schema, ignore or (), progress)]
    if json:
        print_json({**schema.model_dump(mode="json"), "unreadable": unreadable})
        return
    _show(schema, unreadable)


def _show(schema: Schema, unreadable: list[dict[str, Any]]) -> None:
    from consilience.data.kinds import KINDS

    out = console()
    out.print(f"{counted(schema.num_rows, 'row')}, {counted(len(schema.columns), 'column')}")
    out.print()
    out.print(_columns(schema))
    if schema.target is not None:
        meant = schema.target
        out.print()
        out.print(f"Task: {meant.task} ({meant.confidence:.0%} sure). {safe(meant.reason)}")
        if meant.classes:
            some = ", ".join(safe(name) for name in meant.classes[:20])
            out.print(f"Classes: {some}{f' and {len(meant.classes) - 20:,} more' if len(meant.classes) > 20 else ''}")
        if meant.log:
            out.print("The number is learned as its logarithm: it is positive and skewed.")
    if schema.findings:
        out.print()
        for finding in schema.findings:
            out.print(f"{safe(finding.topic)}: {safe(finding.column)}: {safe(finding.message)}")
    out.print()
    by_column: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for bad in unreadable:
        by_column.setdefault((bad["table"], bad["column"]), []).append(bad)
    for (table, column), bads in by_column.items():
        out.print(f"Unreadable: {counted(len(bads), 'cell')} of the column {safe(column)!r} in {safe(table)}")
        for bad in bads[:_UNREADABLE]:
            out.print(f"  row {bad['row']}: {safe(bad['reason'])}{_file(bad)}")
        if len(bads) > _UNREADABLE:
            out.print(f"  and {len(bads) - _UNREADABLE:,} more; --json shows all")
    if not unreadable and any(KINDS.get(column.kind).media for column in schema.columns):
        out.print("Every file can be read.")


def _file(bad: dict[str, Any]) -> str:
    """The file's name, unless the reason says it."""
    return f" ({safe(bad['file'])})" if bad["file"] and bad["file"] not in bad["reason"] else ""


def _columns(schema: Schema) -> Shown:
    from consilience.cli._model import plain_table

    table = plain_table("column", "kind", "role", "sure", "missing", "why, and what else it might be", right=("sure", "missing"))
    table.columns[0].max_width = 18
    table.columns[1].no_wrap = table.columns[2].no_wrap = True
    for column in schema.columns:
        style = {"ignored": "dim", "target": "bold"}.get(column.role)
        table.add_row(
            safe(column.name), column.kind, column.role, f"{column.confidence:.0%}", _missing(column, schema.num_rows), _why(column), style=style
        )
    return table


def _missing(column: ColumnSchema, rows: int) -> str:
    return f"{column.missing / rows:.0%}" if rows and column.missing >= 0.005 * rows else str(column.missing or "")


def _why(column: ColumnSchema) -> str:
    others = ", ".join(f"{other.kind} {other.score:.0%}" for other in column.alternatives[:2])
    return safe(column.reason) + (f" Else: {others}." if others else "")
