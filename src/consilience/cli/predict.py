"""What a model says of new rows, or of one example."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilience.cli._long import with_long
from consilience.cli._options import Cache, Json, Keep, Long, Model, Quiet, Strict
from consilience.cli._output import check_place, counted, print_json, work
from consilience.cli._sure import count_withheld, say_withheld, show_sure
from consilience.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["command"]

PANEL, ORDER = "Use a model", 50


def command(
    model: Model,
    tables: Annotated[list[str] | None, typer.Argument(metavar="TABLES", help="The rows; several are joined as in fit.", show_default=False)] = None,
    cell: Annotated[
        list[str] | None, typer.Option("--cell", metavar="COL=VALUE", help="A cell of one example, instead of a table; may be repeated.")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE|-", help="csv, parquet, jsonl ... by suffix; without it, CSV on standard output.")
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="One column probability_CLASS for each class.")] = False,
    sets: Annotated[
        float | None, typer.Option("--sets", metavar="LEVEL", help="Column set: the true class is in it with this chance, 0.5 to 0.99.")
    ] = None,
    abstain: Annotated[
        float | None,
        typer.Option("--abstain", metavar="RISK", help="Leave unsure rows empty, so that at most this share of the answers is wrong."),
    ] = None,
    unfamiliar: Annotated[bool, typer.Option("--unfamiliar", help="Column unfamiliar: 0 = like the training rows, above 0.99 = unlike.")] = False,
    keep: Keep = None,
    long: Long = None,
    strict: Strict = False,
    cache: Cache = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Predict the rows of a table, or one example.

    Same rows, same order; a row that had to be set aside has an empty prediction and the reason in the column note.
    For numbers, --sets is the level of the columns low and high, and RISK is the mean absolute error. With lists of labels, each label that a row
    has is in its set with this chance, and a list counts as wrong if any of its labels is.

    \b
    consilience predict model/ new.csv --out preds.parquet --proba --keep id
    consilience predict model/ new.csv --out preds.csv --sets 0.9 --abstain 0.05
    consilience predict model/ --cell icon=a.png --cell summary="draws maps"
    """
    if cell and tables:
        raise UsageError("Both --cell and a table are given.", hint="Give a table, or the cells of one example.")
    if not cell and not tables:
        raise UsageError("There is nothing to predict.", hint="Give a table, or one example with --cell COLUMN=VALUE.")
    if json and out == "-":
        raise UsageError("--json and --out - both want standard output.", hint="Leave out one of them, or name a file.")
    from consilience.data.table import check_suffix, write_table

    if out is not None and check_suffix(out) != "-":
        check_place(out)
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        began = time.monotonic()
        if cell:
            from consilience.cli._one import one_row

            rows: Any = one_row(fitted.schema, cell, progress)
        else:
            rows = with_long(tables, fitted, long)
        kept = list(dict.fromkeys(keep or ()))
        whole = fitted.predict_table(
            rows, proba=bool(cell) or proba, sets=sets, abstain=abstain, unfamiliar=unfamiliar, keep=kept, strict=strict, progress=progress
        )
        frame = whole if proba or not cell else whole.drop(f"probability_{name}" for name in fitted.classes)
        seconds = round(time.monotonic() - began, 3)
        if out is not None and out != "-":
            write_table(frame, out)
            progress.say(_written(frame, out))
        if abstain is not None and not cell:
            progress.say(say_withheld(frame, abstain))
    if cell and out is None:
        from consilience.cli._one import one_answer, show_one

        answer = one_answer(whole, fitted.classes, kept)
        if json:
            print_json({**answer, **frame.row(0, named=True)})
        else:
            show_one(answer, fitted.schema)
            show_sure(answer, sets)
    elif json:
        withheld = count_withheld(frame)
        counts = {"num_rows": frame.height, "num_quarantined": _aside(frame), **withheld, "seconds": seconds}
        print_json({"predictions": frame.to_dicts(), **counts} if out is None else {"out": out, **counts})
    elif out is None or out == "-":
        write_table(frame, "-")


def _written(frame: pl.DataFrame, out: str) -> str:
    aside = _aside(frame)
    why = f"; without a prediction, with the reason in the column note: {aside:,}." if aside else "."
    return f"Written to {out}: {counted(frame.height, 'row')}{why}"


def _aside(frame: pl.DataFrame) -> int:
    """Rows without a prediction, but for those from which the model abstained."""
    return int(frame["prediction"].null_count()) - count_withheld(frame).get("num_abstained", 0)
