"""Arguments and options that several commands share, so that they are spelled and explained alike."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Cache", "Group", "Ignore", "Join", "Json", "Keep", "Kinds", "Long", "Model", "Quiet", "Strict", "Tables"]

COLUMNS, RUN = "Columns", "Run"

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Folder that fit wrote.", show_default=False)]
Tables = Annotated[
    list[str], typer.Argument(metavar="TABLES", help="csv, tsv, jsonl, parquet, arrow or xlsx; several need a --join.", show_default=False)
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel=RUN)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings.", rich_help_panel=RUN)]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first unreadable cell instead of setting its row aside.", rich_help_panel=RUN)]
Cache = Annotated[
    str | None, typer.Option("--cache", metavar="DIR", help="Folder of the feature store; CONSILIENCE_CACHE is the same.", rich_help_panel=RUN)
]

Keep = Annotated[list[str] | None, typer.Option("--keep", metavar="COL", help="Column of the table to copy into the output; may be repeated.")]
Ignore = Annotated[list[str] | None, typer.Option("--ignore", metavar="COL", help="Column to leave out; may be repeated.", rich_help_panel=COLUMNS)]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="COL=KIND", help="What a column is, where you know better; may be repeated.", rich_help_panel=COLUMNS),
]
Group = Annotated[
    str | None,
    typer.Option("--group", metavar="COL", help="Rows that share its value stay on one side of every split.", rich_help_panel=COLUMNS),
]
Long = Annotated[
    list[str] | None,
    typer.Option(
        "--long",
        metavar="FILE:KEY[:TIME]",
        help="A table of many rows for each row here, by a key column: a series, events; NODES+EDGES:KEY: graphs. May be repeated.",
        rich_help_panel=COLUMNS,
    ),
]
Join = Annotated[
    str | None,
    typer.Option("--join", metavar="COL|order", help="How several tables become one: by a key column, or row by row.", rich_help_panel=COLUMNS),
]
