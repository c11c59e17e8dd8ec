"""What damaged and missing evidence costs a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilience.cli._long import with_long
from consilience.cli._options import RUN, Cache, Json, Long, Model, Quiet, Tables
from consilience.cli._output import check_place, console, counted, number, print_json, safe, work
from consilience.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["command"]

PANEL, ORDER = "Use a model", 46


def command(
    model: Model,
    tables: Tables,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", metavar="MODALITY", help="Damage this alone: image, text, table ...; may be repeated.")
    ] = None,
    family: Annotated[
        list[str] | None,
        typer.Option("--family", metavar="NAME|all", help="This damage instead of one family of each sort; may be repeated."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Score all rows instead of a sample of 150.")] = False,
    out: Annotated[str | None, typer.Option("--out", metavar="FILE.html", help="Also write a page that shows an example of each damage.")] = None,
    long: Long = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Draws the sample and the damage.", rich_help_panel=RUN)] = 0,
    cache: Cache = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Measure what damaged and missing evidence costs a model.

    Each kind of evidence is damaged in five severities: noise, blur, weather and rotation for pictures, slips of typing and reading for texts, wrong
    units and swapped rows for tables, and so on; and it is left out of ever more rows. The area says how much skill is left: 1 is all, 0 is none.

    \b
    consilience robustness model/ test.csv
    consilience robustness model/ test.csv --out sheet.html
    consilience robustness model/ test.csv --kind image --family all --full
    """
    if out is not None:
        if Path(out).suffix.lower() not in (".html", ".htm") or Path(out).is_dir():
            raise UsageError(f"{out!r} is no name of a page.", hint="Name a file that ends in .html.")
        check_place(out)
    from consilience.cli._model import open_model

    with work(quiet) as progress:
        fitted = open_model(model, cache)
        found = fitted.robustness(
            with_long(tables, fitted, long), modalities=kind or (), families=family or (), full=full, sheet=out, seed=seed, progress=progress
        )
    if json:
        print_json(found)
        return
    screen = console()
    name = found["headline"]
    clean, chance = found["clean"][name], found["chance"][name]
    told = f"{counted(found['rows'], 'row')} of {found['num_rows']:,}"
    screen.print(f"{name} of {told}: {_value(clean)} as they are, {number(chance['value'])} if the model is told nothing.")
    if found["note"]:
        screen.print(safe(found["note"]))
    for modality, part in found["modalities"].items():
        _show(screen, modality, part, name)
    screen.print()
    screen.print("area: share of the skill that is left over severities 1 to 5, 1 is all and 0 none; ece: calibration error, 0 is best.")
    screen.print(f"It took {found['seconds']:.0f} s." + (f" Examples are in {safe(out)}." if out else ""))


def _show(screen: Console, modality: str, part: dict[str, Any], name: str) -> None:
    """One modality: its families, and what they are held against."""
    from consilience.cli._model import plain_table

    judged = any("ece" in curve["points"][-1]["metrics"] for curve in part["families"].values())
    titles = (*(str(severity) for severity in range(1, 6)), "area", *(("ece at 5",) if judged else ()))
    table = plain_table(f"{modality}: {name}", *titles, right=titles)
    burdens = []
    for family, curve in part["families"].items():
        points = curve["points"]
        errors = points[-1]["metrics"].get("ece", {"value": None})
        shown = [number(point["metrics"][name]["value"]) for point in points]
        table.add_row(safe(family), *shown, number(curve["area"]["value"]), *((number(errors["value"]),) if judged else ()))
        if curve["worse_than_without"] is not None:
            burdens.append(f"{family} from severity {curve['worse_than_without']}")
    screen.print()
    screen.print(table)
    said = f"Without {modality}, {name} is {number(part['without'][name]['value'])}"
    if part["best_single"] is not None:
        said += f"; with the best of the others alone ({part['best_single']['modality']}) {number(part['best_single']['metrics'][name]['value'])}"
    screen.print(f"{said}.")
    if burdens:
        screen.print(f"Clearly worse than without {modality}: {', '.join(burdens)}.")
    for family, reason in part["skipped"].items():
        screen.print(f"{family} is left out. {reason}")


def _value(metric: dict[str, float | None]) -> str:
    return f"{number(metric['value'])} [{number(metric['low'])}, {number(metric['high'])}]"
