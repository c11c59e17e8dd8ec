"""Where a model is worse than elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from consilience.cli._long import with_long
from consilience.cli._options import Cache, Json, Long, Model, Quiet, Strict, Tables
from consilience.cli._output import console, counted, number, print_json, safe, work

__all__ = ["command"]

PANEL, ORDER = "Use a model", 48

_SHOWN, _FEW = 15, 8


def command(
    model: Model,
    tables: Tables,
    by: Annotated[list[str] | None, typer.Option("--by", metavar="COL", help="One more column to cut by; may be repeated.")] = None,
    train: Annotated[
        list[str] | None,
        typer.Option("--train", metavar="TABLE", help="What the model learned from, to find rows that it has met; may be repeated, as in fit."),
    ] = None,
    least: Annotated[int, typer.Option("--least", metavar="N", min=2, help="Rows that a slice has at least.")] = 10,
    long: Long = None,
    strict: Strict = False,
    cache: Cache = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Find the parts of a table where a model is worse than elsewhere.

    Categories, ranges of numbers, lengths of texts, dates, missing cells and pairs of these, the worst first, corrected for the number of looks.
    Below them labels that the evidence contradicts and, with --train, rows that the model has met before. Give rows that it has not learned from.

    \b
    consilience slices model/ test.csv
    consilience slices model/ test.csv --train train.csv
    consilience slices model/ test.csv --by region --least 30
    """
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        found = fitted.slices(
            with_long(tables, fitted, long),
            train=None if train is None else with_long(train, fitted, long),
            by=by or (),
            least=least,
            strict=strict,
            progress=progress,
        )
    if json:
        print_json(found)
        return
    _show_slices(found)
    _show_labels(found["labels"])
    if found["twins"] is not None:
        _show_twins(found["twins"])


def _show_slices(found: Mapping[str, Any]) -> None:
    from consilience.cli._model import plain_table

    out, metric = console(), found["metric"]
    right = ("rows", metric, "95 %", "worse by", "p")
    table = plain_table("slice", *right, right=right)
    for one in found["slices"][:_SHOWN]:
        _add(table, one)
    if found["slices"]:
        out.print(table)
        if len(found["slices"]) > _SHOWN:
            out.print(f"and {len(found['slices']) - _SHOWN:,} more slices; --json shows all")
        out.print()
    out.print(safe(found["conclusion"]))
    if found["looks"]:
        out.print("Worse than the rows outside; p is corrected for the number of slices, and * marks those of 0.05 and less.")
    if found["num_quarantined"]:
        out.print(f"{counted(found['num_quarantined'], 'row')} set aside: unreadable, or without an answer.")
    if found["pairs"]:
        out.print()
        table = plain_table("two slices together", *right, right=right)
        for one in found["pairs"][:_FEW]:
            _add(table, one)
        out.print(table)
        out.print(f"Worse than either of the two alone; {found['pair_looks']:,} pairs were looked at.")


def _add(table: Any, one: Mapping[str, Any]) -> None:
    value, gap = one["metric"], one["gap"]
    table.add_row(
        safe(one["name"]),
        f"{one['rows']:,}",
        number(value["value"]),
        f"{number(value['low'])} to {number(value['high'])}",
        number(gap["value"]),
        f"{_chance(one['adjusted'])}{' *' if one['worse'] else '  '}",
    )


def _show_labels(found: Mapping[str, Any]) -> None:
    from consilience.cli._model import plain_table

    out = console()
    out.print()
    if found["suspects"]:
        table = plain_table("row", "label", "likelier", "margin", "evidence against", right=("margin",))
        for one in found["suspects"][:_FEW]:
            every = "all: " if one["all_evidence"] else ""
            against = f"{every}{', '.join(one['against']) or 'only together'}"
            table.add_row(str(one["row"]), _label(one["given"]), _label(one["suggested"]), number(one["margin"]), safe(against))
        out.print(table)
    out.print(found["conclusion"])
    if found["suspects"]:
        out.print("Rows count from 0; the margin is by how much the other is likelier.")


def _show_twins(found: Mapping[str, Any]) -> None:
    from consilience.cli._model import plain_table

    out = console()
    out.print()
    if found["twins"]:
        table = plain_table("row", "training rows", "alike in", "target")
        for one in found["twins"][:_FEW]:
            where = "every cell" if one["identical"] else ", ".join(one["columns"]) or "all on the whole"
            table.add_row(str(one["row"]), ", ".join(map(str, one["training_rows"])), safe(where), "same" if one["same_target"] else "another")
        out.print(table)
    out.print(found["conclusion"])


def _label(value: Any) -> str:
    if isinstance(value, list):
        return safe(", ".join(value)) or "(none)"
    return safe(value) if isinstance(value, str) else number(value)


def _chance(value: float) -> str:
    """A corrected p-value, in three digits.

    >>> _chance(0.00001), _chance(0.034)
    ('<0.001', '0.034')
    """
    return "<0.001" if value < 0.001 else f"{value:.3f}"
