"""What each modality and column is worth."""

from __future__ import annotations

from typing import Annotated

import typer

from consilience.cli._long import with_long
from consilience.cli._options import Cache, Json, Long, Model, Quiet, Strict, Tables
from consilience.cli._output import print_json, work
from consilience.core.errors import UsageError

__all__ = ["command"]

PANEL, ORDER = "Use a model", 45


def command(
    model: Model,
    tables: Tables,
    row: Annotated[int | None, typer.Option("--row", metavar="N", help="Only this row's prediction; rows count from 0.", show_default=False)] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Look for columns that the model can do without.")] = False,
    long: Long = None,
    strict: Strict = False,
    cache: Cache = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Measure what each modality and column is worth.

    The score under every pattern of evidence, each modality's fair share of it, how much of it is interaction, and what each column's absence
    costs, on rows that the model has not learned from.

    \b
    consilience worth model/ test.csv
    consilience worth model/ test.csv --prune
    consilience worth model/ new.csv --row 3
    """
    if prune and row is not None:
        raise UsageError("--prune looks at all rows, --row at one.", hint="Give one of the two.")
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        found = fitted.worth(with_long(tables, fitted, long), row=row, prune=prune, strict=strict, progress=progress)
    if json:
        print_json(found)
        return
    from consilience.cli._worth import show_row, show_worth

    if row is not None:
        show_row(found)
    else:
        show_worth(found, model)
