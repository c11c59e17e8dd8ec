"""The page of a model, for people or, as JSON, for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consilience.cli._long import with_long
from consilience.cli._options import Cache, Long, Model, Quiet
from consilience.cli._output import check_place, safe, work
from consilience.core.errors import UsageError

__all__ = ["command"]

PANEL, ORDER = "Use a model", 70


def command(
    model: Model,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="FILE.html: one page, no network needed. FILE.json: its numbers.", show_default=False)
    ],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="TABLE", help="Rows that the model has not learned from; repeat it for tables that are joined."),
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option("--train", metavar="TABLE", help="With --data: what the model learned from, to show rows that it has met; may be repeated."),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="With --data: also how it stands damaged evidence, and what it costs to run. Takes minutes.")
    ] = False,
    lang: Annotated[str, typer.Option("--lang", metavar="en|zh", help="Language of the page.")] = "en",
    long: Long = None,
    cache: Cache = None,
    quiet: Quiet = False,
) -> None:
    """Write one page about a model.

    The verdict, the leaderboard, where the model is good and where not, examples, the schema. The same as JSON where FILE ends in .json.

    \b
    consilience report model/ --data test.csv --out report.html
    consilience report model/ --data test.csv --train train.csv --out report.html
    consilience report model/ --data test.csv --trust --out report.html
    """
    if Path(out).suffix.lower() not in (".html", ".htm", ".json") or Path(out).is_dir():
        raise UsageError(f"{out!r} is no name of a page.", hint="Name a file that ends in .html, or in .json.")
    if trust and not data:
        raise UsageError("--trust needs rows with their answers.", hint="Name a table that the model has not learned from with --data.")
    if train and not data:
        raise UsageError("--train needs other rows to compare with.", hint="Name a table that the model has not learned from with --data.")
    check_place(out)
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        rows, learned = (with_long(tables or None, fitted, long) for tables in (data, train))
        written = fitted.report(out, data=rows, train=learned, language=lang, trust=trust, progress=progress)
    typer.echo(safe(f"The report is in {written}"))
