"""One example from the command line: its cells in, one answer out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from consilience.cli._model import plain_table
from consilience.cli._output import console, number, safe
from consilience.cli._pairs import parse_pairs
from consilience.core.errors import UsageError
from consilience.data.table import Table

if TYPE_CHECKING:
    from consilience.core.progress import Progress
    from consilience.data.schema import Schema

__all__ = ["one_answer", "one_row", "show_one"]

_TOP = 10


def one_row(schema: Schema, pairs: Sequence[str], progress: Progress) -> Table:
    """A table of one row; relative paths in it start from the current folder, and an empty value is an empty cell.

    Raises:
        UsageError: The model does not know a column.
    """
    names = [column.name for column in schema.columns]
    used = [column.name for column in schema.features()]
    cells = parse_pairs("--cell", pairs, "VALUE", known=names)
    for name in cells:
        if name not in names:
            near = get_close_matches(name, used, n=3)
            guess = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
            raise UsageError(f"The model knows no column {name!r}.", hint=f"{guess}There are: {', '.join(map(repr, used))}.")
        if name not in used:
            progress.say(f"The model does not look at the column {name!r}.")
    if not set(cells) & set(used):
        raise UsageError("No cell of a column that the model uses is given.", hint=f"There are: {', '.join(map(repr, used))}.")
    absent = [name for name in used if name not in cells]
    if absent:
        progress.say(f"Not given, so the model does without: {', '.join(absent)}.")
    given = [pl.Series(name, [cells.get(name) or None], dtype=pl.String) for name in [*cells, *absent]]
    frame = pl.DataFrame(given)
    return Table(frame, dict.fromkeys(frame.columns, Path.cwd()), "the command line")


def one_answer(frame: pl.DataFrame, classes: Sequence[str], keep: Sequence[str]) -> dict[str, Any]:
    """The only row as values, as in a table of predictions, and for classes all ``probabilities``, the largest first."""
    answer = frame.drop(keep).row(0, named=True)
    if classes:
        found = {name: answer.pop(f"probability_{name}") for name in classes}
        answer["probabilities"] = dict(sorted(found.items(), key=lambda pair: -(pair[1] or 0.0)))
    return answer


def show_one(answer: Mapping[str, Any], schema: Schema) -> None:
    """The same for a person."""
    out = console()
    name = safe(schema.target.name) if schema.target else "prediction"
    if answer["prediction"] is None:
        out.print(f"{name}: no prediction")
    elif "low" in answer:
        out.print(f"{name}: {number(answer['prediction'])} (90 % interval {number(answer['low'])} to {number(answer['high'])})")
    else:
        said = answer["prediction"]
        text = ", ".join(map(safe, said)) or "none" if isinstance(said, list) else safe(said)
        out.print(f"{name}: {text} (probability {_share(answer['probability'])})")
        table = plain_table("class", "probability", right=("probability",))
        for label, value in list(answer["probabilities"].items())[:_TOP]:
            table.add_row(safe(label), _share(value))
        out.print()
        out.print(table)
        if len(answer["probabilities"]) > _TOP:
            out.print(f"and {len(answer['probabilities']) - _TOP:,} more classes; --json shows all")
    if answer["note"]:
        out.print(safe(answer["note"]))


def _share(probability: float | None) -> str:
    """A probability that is not 1 never looks like 1."""
    return ">0.999" if probability is not None and 0.9995 <= probability < 1 else number(probability)
