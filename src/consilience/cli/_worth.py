"""What a person reads of what evidence is worth."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.cli._model import plain_table
from consilience.cli._output import console, counted, number, safe

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["show_row", "show_worth"]

_PATTERNS, _COLUMNS = 16, 30
_FEW_ROWS = 30
"""Rows below which resampling says little."""


def show_worth(found: Mapping[str, Any], model: str) -> None:
    """Patterns, shares, interaction, columns; then what can be dropped."""
    out, metric, proper = console(), found["metric"], found["proper"]
    out.print(_patterns(found["patterns"], metric))
    out.print()
    out.print(_shares(found["shapley"]["metrics"]))
    ends = "; ".join(f"{name} {number(part['none'])} and {number(part['all'])}" for name, part in found["shapley"]["metrics"].items())
    out.print(f"Shares sum to the difference between knowing nothing and knowing all: {ends}.")
    if found["interaction"] is not None:
        out.print()
        out.print(safe(found["interaction"]["verdict"]))
    out.print()
    if found["alone"]:
        out.print(_alone(found["alone"], metric))
    out.print(f"When it was fitted: {safe(found['fusion_gain']['verdict'])}")
    out.print()
    out.print(_columns(found["columns"], list(dict.fromkeys([metric, proper]))))
    out.print()
    if found["spare"] is not None:
        _show_spare(found["spare"], metric, model)
    of = "" if found["rows"] == found["num_rows"] else f" of {found['num_rows']:,}, drawn at random"
    aside = f"; {counted(found['num_quarantined'], 'row')} set aside: unreadable, or without an answer" if found["num_quarantined"] else ""
    out.print(
        f"Measured on {counted(found['rows'], 'row')}{of}{aside}. A gain or cost above 0 means that the evidence helps; [ ] is a 95 % interval."
    )
    if found["rows"] < _FEW_ROWS:
        out.print(f"Intervals of fewer than {_FEW_ROWS} rows are too narrow; take more before you drop anything.")


def show_row(found: Mapping[str, Any]) -> None:
    """How each modality moves one prediction."""
    out = console()
    what = "the prediction" if found["of"] is None else f"the probability of {safe(found['of'])!r}"
    table = plain_table("modality", "moves it by", "", right=("moves it by",))
    for name, part in sorted(found["modalities"].items(), key=lambda entry: -abs(entry[1]["value"])):
        table.add_row(safe(name), _signed(part["value"]), "" if part["present"] else "absent in this row")
    prediction = found["prediction"]
    said = number(prediction) if isinstance(prediction, float) else ", ".join(prediction) if isinstance(prediction, list) else prediction
    out.print(f"Row {found['row']:,}: {safe(said) or 'none of the classes'}.")
    out.print()
    out.print(table)
    out.print()
    out.print(f"{what[0].upper()}{what[1:]} is {number(found['nothing'])} where nothing is known, and {number(found['value'])} for this row.")


def _patterns(patterns: list[Mapping[str, Any]], metric: str) -> Table:
    """All of them, or where there are many those with all, all but one, one, and none."""
    table = plain_table("present", metric, "95 % interval", "cost", "rows", right=(metric, "95 % interval", "cost", "rows"))
    every = len(patterns[0]["modalities"])
    few = len(patterns) <= _PATTERNS
    for pattern in patterns:
        names, value = pattern["modalities"], pattern["metrics"][metric]
        if few or len(names) in (every, every - 1, 1, 0):
            cost = "" if len(names) == every else _interval(pattern["cost"])
            interval = f"{number(value['low'])} to {number(value['high'])}"
            table.add_row(safe(" + ".join(names) or "nothing"), number(value["value"]), interval, cost, f"{pattern['rows']:,}")
    if not few:
        table.caption = f"{len(patterns):,} patterns were scored; --json shows all"
    return table


def _shares(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    table = plain_table("modality", *(f"share of {name}" for name in metrics), right=tuple(f"share of {name}" for name in metrics))
    for name in next(iter(metrics.values()))["modalities"]:
        table.add_row(safe(name), *(_interval(part["modalities"][name]) for part in metrics.values()))
    return table


def _alone(alone: list[Mapping[str, Any]], metric: str) -> Table:
    """Candidates that were trained on one modality, beside the chosen one."""
    table = plain_table("trained alone", metric, "fused is better by", right=(metric, "fused is better by"))
    for one in alone:
        table.add_row(safe(one["candidate"]), number(one["score"]), _interval(one["gain"]))
    return table


def _columns(columns: list[Mapping[str, Any]], metrics: list[str]) -> Table:
    titles = [f"cost in {name}" for name in metrics]
    table = plain_table("column", "modality", *titles, "present", right=(*titles, "present"))
    for column in columns[:_COLUMNS]:
        costs = [_interval(column["cost"][name]) if column["used"] else "not used" for name in metrics]
        table.add_row(safe(column["column"]), safe(column["modality"]), *costs, f"{100 * column['present']:.0f} %")
    if len(columns) > _COLUMNS:
        table.caption = f"and {len(columns) - _COLUMNS:,} cheaper columns; --json shows all"
    return table


def _show_spare(spare: Mapping[str, Any], metric: str, model: str) -> None:
    out = console()
    if not spare["dropped"]:
        out.print("No column can be dropped without measurable loss.")
        return
    names = ", ".join(safe(name) for name in spare["dropped"])
    out.print(f"Can be dropped: {names}. Together that costs {_interval(spare['cost'][metric])} in {metric}.", soft_wrap=True)
    if spare["seconds"] is not None:
        before, after = (1000 * spare["seconds"][part] for part in ("before", "after"))
        out.print(f"Encoding a row then takes {number(after)} ms instead of {number(before)} ms; not needed: {safe(', '.join(spare['encoders']))}.")
    recipe = shlex.quote(str(Path(model) / "recipe.yaml"))
    if spare["named"]:
        out.print(f"Take out of {safe(recipe)} first: {safe(', '.join(spare['named']))}.")
    out.print(f"consilience fit TRAIN --recipe {safe(recipe)} {safe(spare['options'])} --out cheaper/", soft_wrap=True)
    out.print()


def _interval(found: Mapping[str, float | None]) -> str:
    """``+0.021 [0.004, 0.039]``."""
    return "-" if found["value"] is None else f"{_signed(found['value'])} [{_figure(found['low'])}, {_figure(found['high'])}]"


def _signed(value: float) -> str:
    text = _figure(value)
    return f"+{text}" if value > 0 and text != "0.000" else text


def _figure(value: float | None) -> str:
    """A difference that takes little room, be it next to nothing or in thousands.

    >>> _figure(0.0213), _figure(-0.00016), _figure(0.0), _figure(-117123.4)
    ('0.021', '0.000', '0', '-117k')
    """
    if value is not None and 10_000 <= abs(value) < 1e9:
        return f"{value / 1000:,.0f}k"
    return "0.000" if value is not None and 0 < abs(value) < 0.0005 else number(value)
