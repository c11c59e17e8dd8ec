"""One vector a row, from the model's own view of it."""

from __future__ import annotations

from typing import Annotated

import typer

from consilience.cli._long import with_long
from consilience.cli._options import Cache, Keep, Long, Model, Quiet, Strict, Tables
from consilience.cli._output import check_place, counted, work

__all__ = ["command"]

PANEL, ORDER = "Use a model", 60


def command(
    model: Model,
    tables: Tables,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="parquet, jsonl, csv ... by suffix; - is CSV on standard output.", show_default=False)
    ],
    keep: Keep = None,
    long: Long = None,
    strict: Strict = False,
    cache: Cache = None,
    quiet: Quiet = False,
) -> None:
    """Write one vector for each row.

    Same rows, same order; empty, with a note, for a row that had to be set aside.

    \b
    consilience embed model/ new.csv --out vectors.parquet --keep id
    """
    from consilience.data.table import check_suffix, write_table

    if check_suffix(out) != "-":
        check_place(out)
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        rows = with_long(tables, fitted, long)
        frame = fitted.embed_table(rows, keep=list(dict.fromkeys(keep or ())), strict=strict, progress=progress)
    write_table(frame, out)
    aside = frame["vector"].null_count()
    why = f"; without a vector, with the reason in the column note: {aside:,}." if aside else "."
    progress.say(f"Written to {out}: {counted(frame.height, 'row')}{why}")
