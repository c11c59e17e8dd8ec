"""Whether another table is like the one before, and what it will cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilience.cli._long import with_long
from consilience.cli._options import RUN, Cache, Json, Long, Quiet
from consilience.cli._output import console, counted, number, print_json, safe, work

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["command"]

PANEL, ORDER = "Use a model", 47

_COLUMNS = 20
_DOUBT = 0.01
"""p-value below which a modality is said to differ, over the number of modalities."""


def command(
    first: Annotated[str, typer.Argument(metavar="FIRST", help="Rows as they used to be, such as the test table.", show_default=False)],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="Rows as they are now, with or without answers.", show_default=False)],
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Folder that fit wrote.", show_default=False)],
    seed: Annotated[int, typer.Option("--seed", help="Draws folds and resamples.", rich_help_panel=RUN)] = 0,
    long: Long = None,
    cache: Cache = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Compare two tables, and say what the difference will cost a model.

    Which columns moved; whether each kind of evidence tells the rows of one from those of the other; and the score to be expected on the second,
    estimated from how sure the model is. Where a table has the answers, the score is measured too.

    \b
    consilience drift test.csv this-week.csv --model model/
    """
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        one, two = (with_long([table], fitted, long) for table in (first, second))
        found = fitted.drift(one, two, seed=seed, progress=progress)
    if json:
        print_json(found)
        return
    screen = console()
    _columns(screen, found)
    _modalities(screen, found["modalities"])
    _cost(screen, found["expected"])
    rows = " and ".join(counted(count, "row") for count in found["rows"])
    screen.print()
    screen.print(f"{rows} were compared in {found['seconds']:.0f} s.")


def _columns(screen: Console, found: dict[str, Any]) -> None:
    from consilience.cli._model import plain_table

    for name in found["absent"]:
        screen.print(f"The column {safe(name)!r} is in one of the tables only.")
    if not found["columns"]:
        screen.print("No column differs beyond chance by a tenth of the rows.")
        return
    table = plain_table("column", "what", "first", "second", "rows that differ", right=("first", "second", "rows that differ"))
    for one in found["columns"][:_COLUMNS]:
        what = one["of"] if one["of"] != "category" else f"share of {safe(one['name'])!r}" if one["name"] is not None else "share of other values"
        before, after = (_day(one[key]) if one["of"] == "date" else number(one[key]) for key in ("there", "here"))
        table.add_row(
            safe(one["column"]), what if what not in ("number", "date", "length") else f"median {what}", before, after, _share(one["distance"])
        )
    if len(found["columns"]) > _COLUMNS:
        table.caption = f"and {len(found['columns']) - _COLUMNS:,} more columns; --json shows all"
    screen.print(table)


def _modalities(screen: Console, tests: list[dict[str, Any]]) -> None:
    from consilience.cli._model import plain_table

    table = plain_table("modality", "AUC", "95 % interval", "p-value", "rows", "told apart?", right=("AUC", "95 % interval", "p-value", "rows"))
    for test in tests:
        rows = " / ".join(f"{count:,}" for count in test["rows"])
        if test["note"]:
            table.add_row(test["modality"], "-", "-", "-", rows, safe(test["note"]))
            continue
        auc = test["auc"]
        differs = "yes" if test["p_value"] < _DOUBT / len(tests) else "no"
        table.add_row(
            test["modality"], number(auc["value"]), f"{number(auc['low'])} to {number(auc['high'])}", number(test["p_value"]), rows, differs
        )
    screen.print()
    screen.print(table)


def _cost(screen: Console, expected: dict[str, Any]) -> None:
    metric = expected["metric"].replace("_", " ")
    before = f" (on the first table: {_value(expected['first'])})" if expected["first"] else ""
    screen.print()
    screen.print(f"What to expect on the second table, {metric}{before}:")
    for name, estimate in expected["estimates"].items():
        screen.print(f"  by {name}: {_value(estimate)}")
    headline = expected["headline"]
    if expected["measured"] is not None:
        first = f", {_value(expected['measured_first'])} on the first" if expected["measured_first"] else ""
        screen.print(f"Measured {headline}: {_value(expected['measured'])} on the second{first}.")
    else:
        screen.print(f"The second table has no answers, so its {headline} cannot be measured.")


def _value(metric: dict[str, float | None]) -> str:
    return f"{number(metric['value'])} [{number(metric['low'])}, {number(metric['high'])}]"


def _share(value: float) -> str:
    return f"{value:.0%}"


def _day(seconds: float) -> str:
    from datetime import datetime, timedelta

    return (datetime(1970, 1, 1) + timedelta(seconds=seconds)).date().isoformat()
