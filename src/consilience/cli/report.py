"""The HTML page of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consilience.cli._options import Cache, Model, Quiet
from consilience.cli._output import check_place, safe, work
from consilience.core.errors import UsageError

__all__ = ["command"]

PANEL, ORDER = "Use a model", 70


def command(
    model: Model,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="The page; one file, no network needed.", show_default=False)],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="TABLE", help="Rows that the model has not learned from; repeat it for tables that are joined."),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", metavar="en|zh", help="Language of the page.")] = "en",
    cache: Cache = None,
    quiet: Quiet = False,
) -> None:
    """Write one HTML page about a model.

    The verdict, the leaderboard, where the model is good and where not, examples, the schema.

    \b
    consilience report model/ --data test.csv --out report.html
    """
    if Path(out).suffix.lower() not in (".html", ".htm") or Path(out).is_dir():
        raise UsageError(f"{out!r} is no name of a page.", hint="Name a file that ends in .html.")
    check_place(out)
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        written = open_model(model, cache).report(out, data=data or None, language=lang, progress=progress)
    typer.echo(safe(f"The report is in {written}"))
