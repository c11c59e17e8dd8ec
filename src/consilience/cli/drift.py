"""Whether another table is like the one before, and what it will cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilience.cli._long import with_long
from consilience.cli._options import RUN, Cache, Json, Long, Quiet
from consilience.cli._output import console, counted, number, print_json, safe, work

if TYPE_CHECKING:
    from rich.console import Console

    from consilience.api import Model

__all__ = ["command"]

PANEL, ORDER = "Use a model", 47

_COLUMNS, _FEW = 20, 30
_MEANT = {
    "confidence": ", how sure it is on average",
    "threshold": ", as sure as right rows of the first",
    "difference": ", the first's less the sureness lost",
    "width": ", in the target's unit",
}
"""What each estimate is, in a few words."""
_DOUBT = 0.01
"""p-value below which a modality is said to differ, over the number of modalities."""


def command(
    first: Annotated[str, typer.Argument(metavar="FIRST", help="Rows as they used to be, such as the test table.", show_default=False)],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="Rows as they are now, with or without answers.", show_default=False)],
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Folder that fit wrote.", show_default=False)],
    long: Long = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Draws folds and resamples.", rich_help_panel=RUN)] = 0,
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
    _cost(screen, found)
    _known_by_heart(screen, fitted, found["expected"], found["rows"][0])
    rows = " and ".join(counted(count, "row") for count in found["rows"])
    screen.print()
    screen.print(f"{rows} were compared in {found['seconds']:.0f} s.")


def _columns(screen: Console, found: dict[str, Any]) -> None:
    from consilience.cli._model import plain_table

    for one in found["uncompared"]:
        screen.print(_uncompared(one, found))
    if not found["columns"]:
        other = "other " if found["uncompared"] else ""
        screen.print(f"No {other}column differs beyond chance by a tenth of the rows.")
        return
    table = plain_table("column", "what", "first", "second", "rows that differ", right=("first", "second", "rows that differ"))
    for one in found["columns"][:_COLUMNS]:
        what = one["of"] if one["of"] != "category" else f"share of {safe(one['name'])!r}" if one["name"] is not None else "share of other values"
        before, after = (_day(one[key]) if one["of"] == "date" else number(one[key]) for key in ("there", "here"))
        table.add_row(
            safe(one["column"]),
            what if what not in ("number", "date", "length") else f"median {what}{', characters' * (what == 'length')}",
            before,
            after,
            _share(one["distance"]),
        )
    if len(found["columns"]) > _COLUMNS:
        table.caption = f"and {len(found['columns']) - _COLUMNS:,} more columns; --json shows all"
    screen.print(table)


def _uncompared(one: dict[str, Any], found: dict[str, Any]) -> str:
    """One sentence."""
    sides = [side for side in ("first", "second") if one[side]]
    where = "both tables" if len(sides) == 2 else f"the {sides[0]} table"
    name = repr(safe(one["column"]))
    if one["why"] == "absent":
        return f"The column {name} was not compared: {where} {'lack' if len(sides) == 2 else 'lacks'} it."
    if one["why"] == "empty":
        return f"The cells of the column {name} were not compared: none is filled in {where}."
    counts = zip(("first", "second"), found["answered"], found["rows"], strict=True)
    known = " and ".join(f"{count:,} of {counted(rows, 'row')} of the {side}" for side, count, rows in counts if one[side])
    return f"The target {name} was not compared: the answer is known in {known} table."


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
    if any(test["auc"]["high"] is not None and test["auc"]["high"] < 0.5 for test in tests):
        screen.print("An AUC clearly below 0.5 comes of rows that are in both tables.")


def _cost(screen: Console, found: dict[str, Any]) -> None:
    expected = found["expected"]
    metric = expected["metric"].replace("_", " ")
    before = f" (on the first table: {_value(expected['first'])})" if expected["first"] else ""
    screen.print()
    screen.print(f"What to expect on the second table, {metric}{before}:")
    for name, estimate in expected["estimates"].items():
        screen.print(f"  by {name}: {_value(estimate)}{_MEANT[name]}")
    headline = expected["headline"]
    if expected["measured_first"] is None:
        screen.print(f"The first table has {_answers(found, 0)}; with them more could be said.")
    if expected["measured"] is not None:
        first = f", {_value(expected['measured_first'])} on the first" if expected["measured_first"] else ""
        screen.print(f"Measured {headline}: {_value(expected['measured'])} on the second{first}.")
        if found["answered"][1] < found["rows"][1]:
            screen.print(f"That is on the {counted(found['answered'][1], 'row')} of the second table whose answer is known.")
    else:
        screen.print(f"The second table has {_answers(found, 1)}, so its {headline} cannot be measured.")


def _answers(found: dict[str, Any], which: int) -> str:
    """Why there is nothing to measure on."""
    known, rows = found["answered"][which], found["rows"][which]
    return f"answers in {known:,} of {counted(rows, 'row')} only, fewer than half" if known else "no answers that the model knows"


def _known_by_heart(screen: Console, fitted: Model, expected: dict[str, Any], rows: int) -> None:
    """Rows that were learned from make the model look better than it is, and estimates from them are of no use."""
    name, found = expected["headline"], expected["measured_first"]
    facts = fitted.facts
    held = next((entry["metrics"].get(name) for entry in facts["leaderboard"] if entry["name"] == facts["chosen"]), None)
    if found is None or held is None or rows < _FEW or any(ends[end] is None for ends in (found, held) for end in ("low", "high")):
        return
    greater = fitted.pipeline.task.metrics[name].greater_is_better
    if found["low"] > held["high"] if greater else found["high"] < held["low"]:
        screen.print(
            f"On the first table it is clearly better than on held-out rows when it was fitted, {name} {_value(held)}: it has probably learned from "
            "these rows, and what is expected from them misleads. Give a first table that it has not learned from."
        )


def _value(metric: dict[str, float | None]) -> str:
    return f"{number(metric['value'])} [{number(metric['low'])}, {number(metric['high'])}]"


def _share(value: float) -> str:
    return f"{value:.0%}"


def _day(seconds: float) -> str:
    from datetime import datetime, timedelta

    return (datetime(1970, 1, 1) + timedelta(seconds=seconds)).date().isoformat()
