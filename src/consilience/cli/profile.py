"""What a model costs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from consilience.cli._long import with_long
from consilience.cli._options import Cache, Json, Long, Model, Quiet, Tables
from consilience.cli._output import console, number, print_json, safe, work

__all__ = ["command"]

PANEL, ORDER = "Use a model", 49


def command(
    model: Model,
    tables: Tables,
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", min=0.1, help="Roughly, for each measurement.")] = 10.0,
    starts: Annotated[int, typer.Option("--starts", metavar="N", min=0, max=100, help="New processes that give a first answer; 0 for none.")] = 3,
    long: Long = None,
    cache: Cache = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Measure what a model costs: size, memory, latency, throughput.

    Rows are answered as if nobody had seen them: no feature comes from the cache. A cold answer is the first one of a new process.

    \b
    consilience profile model/ test.csv
    consilience profile model/ test.csv --seconds 30 --starts 5 --json
    """
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        found = fitted.profile(with_long(tables, fitted, long), folder=model, seconds=seconds, starts=starts, progress=progress)
    if json:
        print_json(found)
        return
    _show(found)


def _show(found: dict[str, Any]) -> None:
    from consilience.cli._model import plain_table

    out = console()
    table = plain_table("part", "what", "parameters", right=("parameters",))
    for one in found["encoders"]:
        table.add_row(safe(one["slot"]), f"{one['sort']} encoder", f"{one['parameters']:,}")
    for one in found["members"]:
        table.add_row(safe(one["name"]), "learner", f"{one['parameters']:,}")
    table.add_row("all", "", f"{found['parameters']:,}")
    out.print(table)
    out.print()
    table = plain_table("latency", "p50", "p95", "p99", "measured", right=("p50", "p95", "p99", "measured"))
    rows = [("one row, warm", found["warm"])] + ([("first row of a new process", found["cold"])] if found["cold"] else [])
    for name, one in rows:
        table.add_row(name, *(_time(one[key]) for key in ("p50", "p95", "p99")), f"{one['count']:,}")
    out.print(table)
    if len(found["starts"]) > 1:
        out.print(f"The very first process, with an empty cache, needed {_time(found['starts'][0]['seconds'])}.")
    out.print()
    table = plain_table("rows at once", "rows/s", right=("rows at once", "rows/s"))
    for one in found["throughput"]:
        table.add_row(str(one["batch"]), number(one["rows_per_second"]))
    out.print(table)
    out.print()
    table = plain_table("stage of one row", "time", "share", right=("time", "share"))
    for one in found["stages"]:
        table.add_row(one["name"], _time(one["seconds"]), f"{100 * one['share']:.0f} %")
    out.print(table)
    out.print()
    memory = "" if found["peak_memory_mb"] is None else f"; {found['peak_memory_mb']:,.0f} MB of memory at most, for {found['batch']} rows at once"
    out.print(f"{found['disk_bytes'] / 1e6:,.1f} MB on disk{memory}.")
    out.print(safe(found["conclusion"]))


def _time(seconds: float) -> str:
    """Seconds as a person reads them.

    >>> _time(0.01234), _time(3.21)
    ('12.3 ms', '3.2 s')
    """
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
