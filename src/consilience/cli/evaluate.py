"""How good a model is on a table that it has not learned from."""

from __future__ import annotations

from consilience.cli._long import with_long
from consilience.cli._options import Cache, Json, Long, Model, Quiet, Strict, Tables
from consilience.cli._output import console, print_json, safe, work

__all__ = ["command"]

PANEL, ORDER = "Use a model", 40

_ASIDE = 5


def command(
    model: Model, tables: Tables, long: Long = None, strict: Strict = False, cache: Cache = None, quiet: Quiet = False, json: Json = False
) -> None:
    """Measure a model on rows that it has not learned from.

    Every metric has a 95 % interval; each class is shown by itself.

    \b
    consilience evaluate model/ test.csv
    consilience evaluate model/ test.csv --json
    """
    from consilience.cli._model import class_table, metric_table, open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        found = fitted.evaluate(with_long(tables, fitted, long), strict=strict, progress=progress)
    if json:
        print_json(found)
        return
    out = console()
    out.print(metric_table(found["metrics"]))
    if found["by_class"]:
        out.print()
        out.print(class_table(found["by_class"]))
    out.print()
    scored = found["num_rows"] - found["num_quarantined"]
    aside = f"; set aside: {found['num_quarantined']:,}" if found["num_quarantined"] else ""
    out.print(f"{scored:,} of {found['num_rows']:,} rows were scored in {found['seconds']:.1f} s{aside}.")
    for row in found["quarantine"][:_ASIDE]:
        out.print(f"  row {row['row']}, column {safe(row['column'])!r}: {safe(row['reason'])}")
    if found["num_quarantined"] > _ASIDE:
        out.print(f"  and {found['num_quarantined'] - _ASIDE:,} more; --json shows their reasons")
