"""Why the model says what it says of one row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from consilience.cli._long import with_long
from consilience.cli._options import RUN, Cache, Json, Long, Model, Quiet, Tables
from consilience.cli._output import check_place, console, number, print_json, safe, work
from consilience.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from consilience.judge.explain import Explanation, Piece

__all__ = ["command"]

PANEL, ORDER = "Use a model", 75

_SHOWN = 8
"""Pieces of a cell that are printed."""


def command(
    model: Model,
    tables: Tables,
    row: Annotated[int, typer.Option("--row", metavar="N", help="Which row; rows count from 0.", show_default=False)],
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="FILE.html: one page with pictures, no network needed.")] = None,
    of: Annotated[str | None, typer.Option("--class", metavar="NAME", help="The class to explain; else the most probable one.")] = None,
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="TABLE", help="Where alike rows are looked for, such as the training table; else the other rows here."),
    ] = None,
    nearest: Annotated[int, typer.Option("--nearest", metavar="N", min=0, help="How many alike rows; 0 for none.")] = 6,
    evaluations: Annotated[int, typer.Option("--masks", metavar="N", min=2, help="How often a modality is masked: more is slower and surer.")] = 320,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="auto|occlusion|gradients",
            help="How pictures and texts are looked into: occlusion masks pieces, for every model, and is auto's choice; gradients: where a network "
            "learned the encoder.",
        ),
    ] = "auto",
    lang: Annotated[str, typer.Option("--lang", metavar="en|zh", help="Language of the page.")] = "en",
    long: Long = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Draws what is masked.", rich_help_panel=RUN)] = 0,
    cache: Cache = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Explain one prediction.

    Which modality it rests on, which words, pixels, seconds, nodes and columns, and which rows are alike.

    \b
    consilience explain model/ test.csv --row 3 --out why.html
    consilience explain model/ test.csv --row 3 --like train.csv --json
    consilience explain model/ test.csv --row 3 --method gradients
    """
    if out is not None:
        if Path(out).suffix.lower() not in (".html", ".htm") or Path(out).is_dir():
            raise UsageError(f"{out!r} is no name of a page.", hint="Name a file that ends in .html; --json prints the numbers.")
        check_place(out)
    from consilience.cli._model import open_model

    if out is not None:
        from consilience.report._words import words_for

        words_for(lang)  # a language that there is not is said before the work
    with work(quiet) as progress:
        fitted = open_model(model, cache)
        data = with_long(tables, fitted, long)
        asked = {"nearest": nearest, "evaluations": evaluations, "method": method, "seed": seed}
        found = fitted.explain(data, row, of=of, like=like, progress=progress, **asked)
        if out is not None:
            from consilience.report import write_explanation

            write_explanation(fitted.pipeline, found, out, language=lang)
    if json:
        print_json(found.as_dict())
        return
    _print(console(), found)
    if out is not None:
        typer.echo(safe(f"The explanation is in {out}"))


def _print(out: Console, found: Explanation) -> None:
    """The prediction, the modalities, and the strongest pieces of each cell."""
    from consilience.cli._model import plain_table

    sure = "" if found.probability is None else f", {100 * found.probability:.1f} %"
    truth = "" if found.truth is None else f"; in the table: {_said(found.truth)}"
    out.print(f"Row {found.row:,}: {safe(found.target)} = {_said(found.prediction)}{sure}{truth}")
    if isinstance(found.prediction, list | tuple) and found.of is not None:
        out.print(f"Explained is the class {safe(found.of)}, {100 * found.shown:.1f} % by itself.")
    unit = {"log-odds": f"log-odds of {safe(found.of)}", "number": "the number", "logarithm": "the number's logarithm"}[found.scale]
    out.print(f"Weights are in {unit}; plus speaks for it, minus against it.")
    out.print()
    table = plain_table("modality", "weight", "without it", "alone", right=("weight", "without it", "alone"))
    for one in found.modalities:
        shown = (number(one.without), number(one.alone)) if found.of is None else (f"{100 * one.without:.1f} %", f"{100 * one.alone:.1f} %")
        table.add_row(one.name, *(("missing", "", "") if one.missing else (_signed(one.weight), *shown)))
    out.print(table)
    for cell in found.cells:
        out.print()
        if cell.missing or not cell.pieces:
            out.print(f"{safe(cell.column)}: {'missing' if cell.missing else safe(cell.note)}")
            continue
        masked = cell.method == "occlusion"
        sure = "give or take" if masked else f"by {cell.method}"
        table = plain_table(f"{safe(cell.column)}: {cell.unit}", "weight", sure, right=("weight", sure))
        for piece in cell.pieces[:_SHOWN]:
            weight = f"{100 * piece.weight:.1f} %" if cell.method == "grad-cam" else _signed(piece.weight)
            table.add_row(_place(piece), weight, ("exact" if cell.exact else number(2 * piece.error)) if masked else "")
        if len(cell.pieces) > _SHOWN:
            table.caption = f"and {len(cell.pieces) - _SHOWN:,} weaker; --json shows all"
        out.print(table)
        if masked and not cell.exact and not any(piece.clear for piece in cell.pieces):
            out.print("None of these is beyond what the draw of masks explains; a larger --masks may tell.")
        if cell.absent:
            out.print(f"missing: {safe(', '.join(cell.absent))}")
    if found.nearest and found.like is not None:
        out.print()
        out.print(f"The most alike of {found.like['rows']:,} rows of {safe(found.like['source'])}, by distance (1 is the median of any two):")
        for near in found.nearest:
            label = "" if near.label is None else f", {safe(found.target)} = {_said(near.label)}"
            out.print(f"  row {near.row:,}: {near.distance:.2f}{label}")
    for note in found.notes:
        out.print(safe(note))


def _place(piece: Piece) -> str:
    """What a piece is called, with a column's value and a patch's place."""
    where, name = piece.where, safe(piece.name)
    if "value" in where:
        told = f"{where['value']:g}" if isinstance(where["value"], float) else where["value"]
        return f"{name} = {safe(', '.join(told) if isinstance(told, list) else told).removesuffix('T00:00:00')}"
    if "top" not in where:
        return name
    sides = [round(100 * where[side]) for side in ("left", "right", "top", "bottom")]
    return f"{name} ({sides[0]}-{sides[1]} % across, {sides[2]}-{sides[3]} % down)"


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) < 100 else f"{value:+,.0f}"


def _said(value: object) -> str:
    if isinstance(value, list | tuple):
        return safe(", ".join(map(str, value)) or "nothing")
    return number(value) if isinstance(value, float) else safe(value)
